# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``suspension``: one cluster, or one tenant on it, left alone by Flux; and resumed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import AUTH, NAME, Specification
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import pause, state
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import NotReady, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name
from ansible_collections.fluxops.fleet.plugins.module_utils._io import flux_listing, objects
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **AUTH,
    **NAME,
    "state": {"type": "str", "choices": ["suspended", "resumed"], "required": True},
    "tenant": {"type": "str", "default": ""},
    "reason": {"type": "str", "default": ""},
    "by": {"type": "str", "default": ""},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Suspend or resume; see the module's documentation for parameters and result."""
    where, tenant, wanted = parameters["name"], parameters["tenant"], parameters["state"]
    raise_if(pause.problems(where, wanted, parameters["reason"]))
    scope = pause.TENANT if tenant else pause.CLUSTER
    now = datetime.now(UTC).isoformat(timespec="seconds")
    new = pause.Mark(scope, parameters["reason"].strip(), parameters["by"], now)
    with Cluster(parameters["auth"], where) as cluster:
        found = flux_listing.everything(cluster)
        targets = pause.targets(found, flux_listing.owners(cluster) if tenant else {}, tenant)
        if not targets:
            missing = f"tenant {tenant} is not on this cluster" if tenant else "Flux is not installed"
            raise NotReady(f"{where}: {missing}: there is nothing that could be {wanted}")
        patches = [pause.suspend(one, new) if wanted == "suspended" else pause.resume(one, scope) for one in targets]
        changes = [(one, patch) for one, patch in zip(targets, patches, strict=True) if patch]
        if changes and not check_mode:
            say(f"{where}: {len(changes)} objects of Flux are {wanted}")
            for one, patch in changes:
                objects.set_fields(cluster, one, patch)
    after = [pause.patched(one, patch) for one, patch in zip(targets, patches, strict=True)]
    return {
        "changed": bool(changes),
        "objects": [name(one) for one, _patch in changes],
        "suspensions": pause.suspensions(after),
        "revision": state.of(found).revision,
        "diff": pause.diff(where, targets, after),
    }
