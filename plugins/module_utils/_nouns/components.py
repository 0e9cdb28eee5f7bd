# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``components``: what the inventory's variables come to for one cluster, and which of them said what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import NAME, Specification
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import component_fields, component_origins
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_checks import together
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_clusters import Place
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import VARIABLES, Declared
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.structures import did_you_mean
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **NAME,
    "environment": {"type": "str", "default": ""},
    "groups": {"type": "list", "elements": "str", "default": []},
    "labels": {"type": "dict", "default": {}},
    "components": {"type": "list", "elements": "dict", "required": True},
    "component": {"type": "str", "default": ""},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Merge and say; see the module's documentation for parameters and result."""
    name, asked = parameters["name"], parameters["component"]
    declared = Declared.from_layers(parameters["components"], Place.from_params(parameters))
    layers = zip(VARIABLES, declared.layers, strict=True)
    raise_if(together(one for variable, layer in layers for one in component_fields.problems(name, variable, layer)))
    raise_if(_unknown(name, asked, declared) if asked and asked not in declared.own else ())
    present, found, said = declared.present, {}, [name]
    for component in sorted([asked] if asked else declared.own):
        fields = [one.as_dict() for one in component_origins.of(declared, component)]
        found[component] = {"present": component in present, "fields": fields}
        state = "" if component in present else "not for this cluster" if component in declared.wanted else "absent"
        said.append(component_origins.table(component, state, fields))
    say("\n".join(said).replace("\n", "\n  "))
    return {"changed": False, "components": found}


def _unknown(name: str, asked: str, declared: Declared) -> list[Problem]:
    meant = did_you_mean(asked, sorted(declared.own))
    hint = f"this cluster has no such component{meant} (it has: {', '.join(sorted(declared.own)) or 'none'})"
    return [Problem(name, "fleet_component", asked, hint)]
