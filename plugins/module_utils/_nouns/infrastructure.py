# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``infrastructure``: the components of all clusters of a run in the fleet repository, by one commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import (
    ALLOW,
    FORGE,
    MEMBERS,
    REPOSITORY,
    SOPS,
    WAVE,
    Specification,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import component_checks
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import Declared
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.infrastructure import (
    InfrastructurePlan,
    Wishes,
    plan_infrastructure,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import HAND_EDITS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.preflight import checked_members
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.sops import Sops
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.waves import Turn
from ansible_collections.fluxops.fleet.plugins.module_utils._io import manifests, templates
from ansible_collections.fluxops.fleet.plugins.module_utils._io.publishing import by_sync, publish_all
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **REPOSITORY,
    **ALLOW,
    **FORGE,
    **MEMBERS,
    **SOPS,
    **WAVE,
    "layers": {"type": "list", "elements": "str", "default": ["controllers", "configs"]},
    "unreachable": {"type": "str", "choices": ["skip", "fail"], "default": "skip"},
    "hand_edits": {"type": "str", "choices": list(HAND_EDITS), "default": "hold"},
    "templates": {"type": "path"},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Publish what the given clusters need; see the module's documentation for parameters and result."""
    everyone = checked_members(parameters["clusters"], parameters["unreachable"], parameters["problems"])
    groups = by_sync(everyone)
    raise_if(problem for group in groups.values() for problem in _problems(_wishes(group, parameters)))

    def thought(members: list[Member]) -> Callable[[Snapshot], InfrastructurePlan]:
        return partial(plan_infrastructure, _wishes(members, parameters))

    turn = Turn(parameters)
    turns = {sync: turn.of(group, thought) for sync, group in groups.items()}
    thoughts = {sync: (mine, think) for sync, (mine, think) in turns.items() if mine}
    result = publish_all(parameters, "infrastructure", thoughts, check_mode=check_mode, say=say)
    return {**result, "pending": turn.pending}


def _wishes(members: list[Member], parameters: Mapping[str, Any]) -> Wishes:
    layers = {one["host"]: one["components"] for one in parameters["clusters"]}
    declared = {
        one.host: Declared.from_layers([manifests.resolved(layer) for layer in layers[one.host]]) for one in members
    }
    decryption = Sops.from_params(parameters["sops"]).decryption
    renderer = Renderer(templates.read("infrastructure", parameters["templates"]), decryption=decryption)
    return Wishes(members, declared, parameters["layers"], renderer, parameters["hand_edits"], parameters["allow"])


def _problems(wishes: Wishes) -> list[Problem]:
    environments = {member.host: member.environment for member in wishes.members}
    return component_checks.problems(wishes.declared, environments, wishes.layers)
