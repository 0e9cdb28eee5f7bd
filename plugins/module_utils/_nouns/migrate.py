# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``migrate``: Flux's objects of one cluster, stored in the versions of today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import AUTH, NAME, Specification
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import upgrade
from ansible_collections.fluxops.fleet.plugins.module_utils._io import definitions
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {**AUTH, **NAME}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Rewrite what may be stored in an old version; see the module's documentation for parameters and result."""
    name = parameters["name"]
    with Cluster(parameters["auth"], name) as cluster:
        outdated = upgrade.outdated(definitions.read(cluster))
        for one in outdated:
            if not check_mode:
                say(f"{name}: storing {one['objects']} object(s) of {one['name']} as {one['storage']}")
                definitions.migrate(cluster, one)
    diff = [_diff(name, one) for one in outdated]
    return {"changed": bool(outdated), "migrated": {one["name"]: one["objects"] for one in outdated}, "diff": diff}


def _diff(cluster: str, definition: Mapping[str, Any]) -> dict[str, str]:
    header = f"stored versions in {cluster}: {definition['name']}, {definition['objects']} object(s)"
    before = "".join(f"{version}\n" for version in definition["stored"])
    return {"before_header": header, "after_header": header, "before": before, "after": f"{definition['storage']}\n"}
