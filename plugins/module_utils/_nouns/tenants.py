# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``tenants``: the files of tenants in the fleet repository, onboarded or taken away, by one commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import (
    ALLOW,
    FORGES,
    KEEP,
    MEMBERS,
    REPOSITORY,
    REQUESTS,
    SOPS,
    WAVE,
    Specification,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import (
    handover,
    lockdown,
    onboarding,
    onboarding_notes,
    preflight,
    waves,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import HAND_EDITS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.projects import ProjectsPlan, Scope
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rules import Rules
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.sops import Sops
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenant import Tenant
from ansible_collections.fluxops.fleet.plugins.module_utils._io import requests, templates
from ansible_collections.fluxops.fleet.plugins.module_utils._io.leaving import Departures
from ansible_collections.fluxops.fleet.plugins.module_utils._io.publishing import by_sync, named, publish_all
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **REPOSITORY,
    **ALLOW,
    **FORGES,
    **MEMBERS,
    **REQUESTS,
    **SOPS,
    **WAVE,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "inventory": {"type": "list", "elements": "dict", "default": []},
    "names": {"type": "list", "elements": "str", "default": []},
    "prune": {"type": "bool", "default": False},
    "prune_limit": {"type": "int", "default": 5},
    **KEEP,
    "moved": {"type": "bool", "default": False},
    "waiting": {"type": "dict", "default": {}},
    "unreachable": {"type": "str", "choices": ["skip", "fail"], "default": "skip"},
    "hand_edits": {"type": "str", "choices": list(HAND_EDITS), "default": "hold"},
    "templates": {"type": "path"},
    "takes": {"type": "bool", "default": False},
    "refused": {"type": "dict", "default": {}},
}

Think = Callable[[Scope, Snapshot], ProjectsPlan]


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Publish what tenants need, or take it away; see the module's documentation for parameters and result."""
    members = preflight.checked_members(parameters["clusters"], parameters["unreachable"], parameters["problems"])
    raise_if(preflight.same_names({one["host"]: one["name"] for one in parameters["inventory"]}))
    rules = Rules.from_params(parameters)
    asking = requests.load(parameters["requests"], parameters["tenants"], rules)
    leave = Departures(parameters, asking, check_mode=check_mode)
    result = _about(parameters, asking, members)
    plan = leave.think if parameters["state"] == "absent" else _onboarding(parameters, asking, rules, leave)
    turn = waves.Turn(parameters)
    turns = {
        sync: turn.of(group, lambda mine: partial(plan, _scope(mine, parameters)))
        for sync, group in by_sync(members).items()
    }
    thoughts = {sync: (mine, think) for sync, (mine, think) in turns.items() if mine}
    verb = named("offboard", leave.names) if leave.names else named("onboard", [one.name for one in asking])
    result |= publish_all(parameters, verb, thoughts, check_mode=check_mode, say=say)
    result["diff"] += leave.withdrawal.diff
    result |= {"by_hand": leave.withdrawal.by_hand, "changed": result["changed"] or bool(leave.withdrawal.removed)}
    result["withdrawn"] = [{"url": url, "title": title} for url, title in leave.withdrawal.removed]
    result |= {"names": leave.names, "unlisted": leave.unlisted}
    result["pending"] = turn.pending
    for line in onboarding_notes.notes(result):
        say(line)
    return result


def _about(parameters: Mapping[str, Any], asking: Sequence[Tenant], members: Sequence[Member]) -> dict[str, Any]:
    """The result as far as the requests alone tell it; refuses a run that is for nobody."""
    if not asking and parameters["state"] == "present":
        raise_if([Problem("run", "fleet_requests", "", "give requests or fleet_tenants: there is no tenant")])
    return {
        "waiting": parameters["waiting"],
        "leaving": sorted({one.name for one in asking if one.leaving}),
        "unlocked": lockdown.unlocked(parameters["clusters"]),
        "not_in_this_run": onboarding_notes.beyond(asking, {one.environment for one in members}),
    }


def _scope(members: Sequence[Member], parameters: Mapping[str, Any]) -> Scope:
    inventory: dict[str, set[str]] = {}
    for one in parameters["inventory"]:
        inventory.setdefault(one["environment"], set()).add(one["name"])
    known = {environment: frozenset(names) for environment, names in inventory.items()}
    return Scope(members, known, parameters["hand_edits"], parameters["allow"])


def _onboarding(parameters: Mapping[str, Any], asking: Sequence[Tenant], rules: Rules, leave: Departures) -> Think:
    asked = [one for one in parameters["clusters"] if one["reachable"]]
    found = {one["name"]: one.get("namespaces") or {} for one in asked}
    claimed = {one["name"]: one.get("volumes") or [] for one in asked}
    sops = Sops.from_params(parameters["sops"])
    decryption = {name: sops.tenant_decryption(name) for name in sops.tenants}
    renderer = Renderer(templates.read("onboard", parameters["templates"]), decryption=decryption)
    staying, moved = [one for one in asking if not one.leaving], parameters["moved"]
    takes = partial(handover.plan_handover, refused=parameters["refused"])
    plan = takes if parameters["takes"] else onboarding.plan_onboarding

    def think(scope: Scope, snapshot: Snapshot) -> ProjectsPlan:
        leave.look(scope, snapshot)
        wishes = onboarding.Onboarding(scope, staying, renderer, rules, found, claimed, sops, moved)
        change = plan(wishes, snapshot)
        leave.withdraw_moved(change, scope, moved=moved)
        return change

    return think
