# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``handover``: what tenants have on one cluster changes hands, from other people's files to ours, and stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import AUTH, NAME, TIMEOUT, Specification
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import NotReady
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster, wait
from ansible_collections.fluxops.fleet.plugins.module_utils._io.handover import Handover
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **AUTH,
    **NAME,
    **TIMEOUT,
    "step": {"type": "str", "choices": ["keep", "release"], "required": True},
    "moving": {"type": "list", "elements": "dict", "default": []},
    "given": {"type": "list", "elements": "str", "default": []},
    "tenants": {"type": "list", "elements": "str", "default": []},
    "before": {"type": "list", "elements": "dict", "default": []},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Keep, or let go of what has changed hands; see the module's documentation for parameters and result."""
    with Cluster(parameters["auth"], parameters["name"]) as cluster:
        handover = Handover(cluster, say)
        return (_keep if parameters["step"] == "keep" else _release)(handover, parameters, check_mode=check_mode)


def _keep(handover: Handover, parameters: Mapping[str, Any], *, check_mode: bool) -> Result:
    where, refused = parameters["name"], {}
    for row in parameters["moving"]:
        reasons = handover.reasons(row, parameters["given"])
        if reasons:
            refused[row["tenant"]] = f"{where}: {'; '.join(reasons)}"
    rows = [row for row in parameters["moving"] if row["tenant"] not in refused]
    wanted = [name(one) for row in rows for one, _patch in handover.to_keep(row)]
    before = [one for row in rows for one in handover.there(row)]
    for row in rows if not check_mode else ():
        handover.keep(row)
    return {"changed": bool(wanted), "refused": refused, "before": before, "diff": _diff(where, "kept", wanted)}


def _release(handover: Handover, parameters: Mapping[str, Any], *, check_mode: bool) -> Result:
    where, tenants = parameters["name"], parameters["tenants"]
    found = [name(one) for tenant in tenants for one, _tenant in handover.kept(tenant)]
    result: Result = {"changed": bool(found), "diff": _diff(where, "let go of", found)}
    if check_mode:
        return result
    left = wait(lambda: handover.left(tenants), lambda one: not one, parameters["timeout"])
    wrong = [*left, *handover.anew(parameters["before"])]
    if wrong:
        raise NotReady(f"{where}: not handed over after {parameters['timeout']} s: {'; '.join(wrong)}")
    return result


def _diff(where: str, what: str, names: list[str]) -> list[dict[str, str]]:
    title = f"{where}: {what}"
    lines = "".join(f"{one}\n" for one in names)
    return [{"before_header": title, "after_header": title, "before": "", "after": lines}] if names else []
