# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``infrastructure``: the components of all clusters of a run in the fleet repository, by one commit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import ALLOW, MEMBERS, REPOSITORY, Specification
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import component_checks
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import Declared
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.infrastructure import Wishes, plan_infrastructure
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import HAND_EDITS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.preflight import checked_members
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer
from ansible_collections.fluxops.fleet.plugins.module_utils._io import manifests, templates
from ansible_collections.fluxops.fleet.plugins.module_utils._io.publishing import by_sync, publish_all
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **REPOSITORY,
    **ALLOW,
    **MEMBERS,
    "layers": {"type": "list", "elements": "str", "default": ["controllers", "configs"]},
    "unreachable": {"type": "str", "choices": ["skip", "fail"], "default": "skip"},
    "hand_edits": {"type": "str", "choices": list(HAND_EDITS), "default": "hold"},
    "templates": {"type": "path"},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Publish what the given clusters need; see the module's documentation for parameters and result."""
    groups = by_sync(checked_members(parameters["clusters"], parameters["unreachable"]))
    wishes = {sync: _wishes(members, parameters) for sync, members in groups.items()}
    raise_if(problem for one in wishes.values() for problem in _problems(one))
    thoughts = {sync: (wish.members, partial(plan_infrastructure, wish)) for sync, wish in wishes.items()}
    return publish_all(parameters["repository"], thoughts, check_mode=check_mode, say=say)


def _wishes(members: list[Member], parameters: Mapping[str, Any]) -> Wishes:
    layers = {one["host"]: one["components"] for one in parameters["clusters"]}
    declared = {
        one.host: Declared.from_layers([manifests.resolved(layer) for layer in layers[one.host]]) for one in members
    }
    renderer = Renderer(templates.read("infrastructure", parameters["templates"]))
    return Wishes(members, declared, parameters["layers"], renderer, parameters["hand_edits"], parameters["allow"])


def _problems(wishes: Wishes) -> list[Problem]:
    environments = {member.host: member.environment for member in wishes.members}
    return component_checks.problems(wishes.declared, environments, wishes.layers)
