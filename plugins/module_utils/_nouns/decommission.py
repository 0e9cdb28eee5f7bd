# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``decommission``: Flux leaves one cluster, with what it applied kept or pruned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import (
    ALLOW,
    AUTH,
    NAME,
    TIMEOUT,
    Specification,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import uninstall
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.uninstall import KEEP, PRUNE, Remains
from ansible_collections.fluxops.fleet.plugins.module_utils._io import flux
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster, wait
from ansible_collections.fluxops.fleet.plugins.module_utils._io.uninstall import Uninstall
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **AUTH,
    **NAME,
    **ALLOW,
    **TIMEOUT,
    "workloads": {"type": "str", "choices": [KEEP, PRUNE], "default": KEEP},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Take Flux off one cluster; see the module's documentation for parameters and result."""
    where, workloads, timeout = parameters["name"], parameters["workloads"], parameters["timeout"]
    with Cluster(parameters["auth"], where) as cluster:
        departure = Uninstall(cluster, workloads, say)
        found = departure.look()
        raise_if(found.problems(where, workloads, parameters["allow"]))
        result = _result(where, found, workloads)
        if check_mode:
            return {**result, "revision": flux.observe(cluster).revision}
        late = wait(departure.advance, lambda late: not late, timeout)
        if late:
            said = "; ".join(late[:10])
            return {**result, "failed": True, "msg": f"{where}: not gone after {timeout} s: {said}"}
        after = departure.look()
        left = departure.existing(found.made) if workloads == PRUNE else []
    lost = uninstall.lost(found.own, after.own) if workloads == KEEP else []
    result |= {"revision": "gone", "left": left, "lost": lost}
    result["workloads_after"] = uninstall.counted(after.own)
    say(f"{where}: workloads before {result['workloads_before']}, after {result['workloads_after']}")
    said = f"{where}: Flux is gone, and so are workloads that should have stayed: {', '.join(lost)}"
    return {**result, "failed": True, "msg": said} if lost else result


def _result(where: str, found: Remains, workloads: str) -> Result:
    names, before = found.names(workloads), uninstall.counted(found.own)
    releases = uninstall.unmanaged(found.syncs) if workloads == KEEP else []
    hint = "Helm's records of them lie in flux-system and go with it: the workloads stay, helm no longer knows them"
    return {
        "changed": bool(names),
        "removed": names,
        "left": [],
        "lost": [],
        "workloads_before": before,
        "workloads_after": before,
        "warnings": [f"{where}: {', '.join(releases)}: {hint}"] if releases else [],
        "diff": uninstall.diff(where, names),
    }
