# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``credentials``: the Secrets that Git can't hold, and the forge's leave for the keys among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import (
    AUTH,
    FORGE,
    FORGES,
    KEYS,
    NAME,
    REPOSITORY,
    SECRETS,
    Specification,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import secret
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._io import credentials, flux
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **AUTH,
    **NAME,
    **REPOSITORY,
    **FORGE,
    **FORGES,
    **SECRETS,
    **KEYS,
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Make the Secrets of one cluster true; see the module's documentation for parameters and result."""
    pull, repository, where = parameters["pull"], parameters["repository"], parameters["name"]
    known_hosts = parameters["known_hosts"] or repository["known_hosts"] or ""
    forges = [*([parameters["forge"]] if parameters["forge"] else []), *parameters["forges"]]
    raise_if(secret.problems(pull, repository, parameters["secrets"], where))
    with Cluster(parameters["auth"], where) as cluster:
        owners = flux.owners(cluster) if parameters["source_keys"] else {}
        raise_if(secret.key_problems(parameters["source_keys"], known_hosts, owners, where))
        made = [
            *([credentials.pull(cluster, pull, repository, parameters["forge"])] if pull else []),
            *(credentials.source(cluster, one, known_hosts, forges) for one in parameters["source_keys"]),
            *(credentials.given(cluster, secret.from_params(one)) for one in parameters["secrets"]),
        ]
        if not check_mode:
            done: set[str] = set()
            made = [credentials.write(cluster, one, done, say) for one in made]
    described = [one.described(check_mode=check_mode) for one in made]
    failures = [one.failure for one in made if one.failure]
    return {
        **({"failed": True, "msg": f"{where}: " + "; ".join(failures)} if failures else {}),
        "failures": failures,
        "changed": any(one.changed for one in made),
        "diff": _unique([shown for one in made for shown in one.diff(check_mode=check_mode)]),
        "source_keys": [one for one in described if "tenant" in one],
        "public_key": described[0]["public_key"] if pull else "",
        "registered": described[0]["registered"] if pull else "",
    }


def _unique(shown: list[dict[str, str]]) -> list[dict[str, str]]:
    """Secrets that share a new namespace show it once."""
    return list({(one["before_header"], one["after"]): one for one in shown}.values())
