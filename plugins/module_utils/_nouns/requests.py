# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``requests``: whether requests are right, as far as that can be known without cluster and repository."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import REQUESTS, Specification
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rules import Rules
from ansible_collections.fluxops.fleet.plugins.module_utils._io import requests
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {**REQUESTS, "json_file": {"type": "path"}}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Check all requests; see the module's documentation for parameters and result."""
    if not parameters["requests"] and not parameters["tenants"]:
        raise_if([Problem("run", "fleet_requests", "", "give files or directories of requests, or fleet_tenants")])
    tenants = requests.load(parameters["requests"], parameters["tenants"], Rules.from_params(parameters))
    return {"changed": False, "count": len(tenants), "requests": [one.as_dict() for one in tenants]}
