# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``infrastructure``: the components of all clusters of a run in the fleet repository, by one commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import (
    ALLOW,
    FORGE,
    MEMBERS,
    REPOSITORY,
    SECRETS,
    SOPS,
    VERIFY,
    WAVE,
    Specification,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import component_checks, component_secrets
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_clusters import Place
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_layers import Layers
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import Declared, given
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.infrastructure import (
    InfrastructurePlan,
    Wishes,
    plan_infrastructure,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member, Sync
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import HAND_EDITS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.preflight import checked_members
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.sops import Sops
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.waves import Turn
from ansible_collections.fluxops.fleet.plugins.module_utils._io import manifests, templates
from ansible_collections.fluxops.fleet.plugins.module_utils._io.chart_checks import ChartChecks
from ansible_collections.fluxops.fleet.plugins.module_utils._io.publishing import by_sync, publish_all
from ansible_collections.fluxops.fleet.plugins.module_utils._io.verifying import Verifier
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **REPOSITORY,
    **ALLOW,
    **FORGE,
    **MEMBERS,
    **SOPS,
    **VERIFY,
    **WAVE,
    "layers": {"type": "raw", "default": ["controllers", "configs"]},
    "inventory": {"type": "list", "elements": "dict", "default": []},
    "unreachable": {"type": "str", "choices": ["skip", "fail"], "default": "skip"},
    "hand_edits": {"type": "str", "choices": list(HAND_EDITS), "default": "hold"},
    "templates": {"type": "path"},
    "secrets": SECRETS["secrets"],
    "check_charts": {"type": "bool", "default": True},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Publish what the given clusters need; see the module's documentation for parameters and result."""
    everyone = checked_members(parameters["clusters"], parameters["unreachable"], parameters["problems"])
    groups = by_sync(everyone)
    asked = {sync: wishes(group, parameters) for sync, group in groups.items()}
    raise_if(problem for one in asked.values() for problem in problems(one, parameters))
    told = component_secrets.warnings(fields.present for one in asked.values() for fields in one.declared.values())

    verifier, checks = Verifier(parameters, say), ChartChecks(parameters)

    def thought(sync: Sync, members: list[Member]) -> Callable[[Snapshot], InfrastructurePlan]:
        plan = partial(plan_infrastructure, replace(asked[sync], members=members))
        return verifier.checking(members, checks.checking(plan))

    turn = Turn(parameters)
    turns = {sync: turn.of(group, partial(thought, sync)) for sync, group in groups.items()}
    thoughts = {sync: (mine, think) for sync, (mine, think) in turns.items() if mine}
    result = publish_all(parameters, "infrastructure", thoughts, check_mode=check_mode, say=say)
    for cluster, outcome in result["clusters"].items():
        for component, words in outcome["removed"].items():
            say(f"{cluster}: {component}: what goes: {words}")
    return {
        **verifier.tell(result, check_mode=check_mode),
        "pending": turn.pending,
        "warnings": [*told, *checks.warnings],
    }


def wishes(members: list[Member], parameters: Mapping[str, Any]) -> Wishes:
    """What some clusters of a run are to have; ``parameters``: as of this noun."""
    layers = {one["host"]: given(one["components"], one["host"]) for one in parameters["clusters"]}
    places = _inventory(parameters)
    declared = {
        one.host: Declared.from_layers(
            [manifests.resolved(layer) for layer in layers[one.host]],
            places.get(one.host) or Place(one.name, one.environment),
        )
        for one in members
    }
    decryption = Sops.from_params(parameters["sops"]).decryption
    renderer = Renderer(templates.read("infrastructure", parameters["templates"]), decryption=decryption)
    removals = {one["host"]: one.get("removals") or {} for one in parameters["clusters"]}
    options = parameters["hand_edits"], parameters["allow"], removals
    return Wishes(members, declared, Layers.of(parameters["layers"]), renderer, *options)


def _inventory(parameters: Mapping[str, Any]) -> dict[str, Place]:
    return {one["host"]: Place.from_params(one) for one in parameters["inventory"]}


def problems(wished: Wishes, parameters: Mapping[str, Any]) -> list[Problem]:
    """All that is wrong with these wishes before the repository is asked."""
    environments = {member.host: member.environment for member in wished.members}
    sops, wanted = Sops.from_params(parameters["sops"]), {host: one.wanted for host, one in wished.declared.items()}
    return component_checks.problems(
        wished.declared, environments, wished.layers, _inventory(parameters)
    ) or component_checks.together(component_secrets.problems(wanted, environments, sops))
