# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``offboard``: tenants taken off one cluster, in the order that loses nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import (
    ALLOW,
    AUTH,
    KEEP,
    NAME,
    TIMEOUT,
    Specification,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import offboarding
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import NotReady, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.keeping import Keep
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.offboarding import REMOVE_TENANT
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name
from ansible_collections.fluxops.fleet.plugins.module_utils._io import flux, keeping
from ansible_collections.fluxops.fleet.plugins.module_utils._io.clock import now
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster, wait
from ansible_collections.fluxops.fleet.plugins.module_utils._io.offboarding import Departure, attempt
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **AUTH,
    **NAME,
    **ALLOW,
    **TIMEOUT,
    "tenants": {"type": "list", "elements": "str", "required": True},
    **KEEP,
    "unfinished": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"tenant": {"type": "str", "required": True}, **ALLOW, **KEEP},
    },
    "step": {"type": "str", "choices": ["workloads", "namespaces"], "required": True},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Take tenants off one cluster; see the module's documentation for parameters and result."""
    where, step, timeout = parameters["name"], parameters["step"], parameters["timeout"]
    first = step == "workloads"
    raise_if(offboarding.name_problems([*parameters["tenants"], *(one["tenant"] for one in parameters["unfinished"])]))
    with Cluster(parameters["auth"], where) as cluster:
        departures = _departures(cluster, parameters, say)
        found = [(one, one.look()) for one in departures]
        raise_if(problem for one, remains in found for problem in one.problems(remains))
        removed = {one.tenant: (one.takes if first else one.clears)(remains) for one, remains in found}
        result: Result = {
            "changed": any(removed.values()),
            "started": now(),
            "ended": "",
            "removed": removed,
            "diff": [_diff(f"{step} of tenant {one} in {where}", names) for one, names in removed.items() if names],
        }
        if check_mode:
            return {**result, "left": {}, "revision": flux.observe(cluster).revision}
        early = [name(own) for _one, remains in found for own in remains.own]
        if early and not first:
            raise NotReady(f"{where}: {', '.join(early)} must go first: run the step workloads")
        late = wait(lambda: _advance(departures, step), lambda late: not late, timeout)
        result["revision"] = flux.observe(cluster).revision
        left = {one.tenant: one.left(remains) for one, remains in found} if first and not late else {}
        result |= {"left": {tenant: names for tenant, names in left.items() if names}, "ended": now()}
    if not late:
        return result
    said = "; ".join(f"tenant {tenant}: {reason}" for tenant, reasons in late.items() for reason in reasons)
    return {**result, "failed": True, "msg": f"{where}: not gone after {timeout} s: {said}"}


def _departures(cluster: Cluster, parameters: Mapping[str, Any], say: Say) -> list[Departure]:
    """Those who leave by this run, as it says, and those who left while the cluster was away, as was said then."""
    names, allow = parameters["tenants"], parameters["allow"]
    kind = keeping.kind(Keep.from_params(parameters))
    before = [one for one in parameters["unfinished"] if one["tenant"] not in names]
    return [
        *(kind(cluster, tenant, say, allow) for tenant in names),
        *(
            keeping.kind(Keep.from_params(one))(cluster, one["tenant"], say, [REMOVE_TENANT, *allow, *one["allow"]])
            for one in before
        ),
    ]


def _advance(departures: list[Departure], step: str) -> dict[str, list[str]]:
    """Tenant → what it has left to go; nothing for those that are done."""
    steps = {one.tenant: one.workloads if step == "workloads" else one.namespaces for one in departures}
    late = {tenant: attempt(do) for tenant, do in steps.items()}
    return {tenant: reasons for tenant, reasons in late.items() if reasons}


def _diff(header: str, names: list[str]) -> dict[str, str]:
    return {
        "before_header": header,
        "after_header": header,
        "before": "".join(f"{one}\n" for one in names),
        "after": "",
    }
