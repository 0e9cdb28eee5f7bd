# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``flux_info``: one cluster as it is. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import AUTH, NAME, Specification
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import health_facts
from ansible_collections.fluxops.fleet.plugins.module_utils._io import flux
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {**AUTH, **NAME, "tenant": {"type": "str", "default": ""}}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Facts of one cluster; see the module's documentation for parameters and result."""
    facts = flux.look(parameters["auth"], parameters["name"], also=["contents"])
    found = health_facts.of_tenant(facts, parameters["tenant"]) if parameters["tenant"] else facts
    return {"changed": False, "name": parameters["name"], "tenant": parameters["tenant"], **found}
