# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``waves``: the clusters of a run, and in which order they have their turn. Asks nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import MEMBERS, Specification
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import waves
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **MEMBERS,
    "waves": {"type": "list", "elements": "raw", "default": []},
    "inventory": {"type": "list", "elements": "str", "default": []},
    "groups": {"type": "dict", "default": {}},
    "tasks": {"type": "dict", "default": {}},
    "gated": {"type": "bool", "default": False},
    "whole_environments": {"type": "str", "default": ""},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Who comes when; see the module's documentation for parameters and result."""
    environments = {one["host"]: str(one["environment"]) for one in parameters["clusters"]}
    wanted, field = parameters["waves"], parameters["whole_environments"]
    fleet = waves.Fleet(list(environments), parameters["inventory"], parameters["groups"])
    found = waves.divide(wanted, fleet) if wanted else [waves.Wave("1", tuple(environments))]
    problems = [*waves.problems(wanted, fleet, found), *(waves.divided(found, environments, field) if field else ())]
    steps = waves.steps(found, parameters["tasks"], gated=parameters["gated"])
    # Problems are told together with all others, by whoever publishes the first wave.
    return {"changed": False, "steps": steps, "problems": [problem.as_dict() for problem in problems]}
