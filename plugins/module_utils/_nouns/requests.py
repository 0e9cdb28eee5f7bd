# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``requests``: whether requests are right, and a checkout free of Secrets in clear, without cluster and forge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import ALLOW, REQUESTS, Specification
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import plain_secrets
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rules import Rules
from ansible_collections.fluxops.fleet.plugins.module_utils._io import requests
from ansible_collections.fluxops.fleet.plugins.module_utils._io.worktree import Worktree
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **REQUESTS,
    **ALLOW,
    "checkout": {"type": "path"},
    "json_file": {"type": "path"},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Check all requests, and the checkout; see the module's documentation for parameters and result."""
    checkout = parameters["checkout"]
    if not parameters["requests"] and not parameters["tenants"] and not checkout:
        hint = "give files or directories of requests, fleet_tenants, or a checkout of the fleet repository"
        raise_if([Problem("run", "fleet_requests", "", hint)])
    clear = _clear(checkout, parameters["allow"]) if checkout else []
    try:
        tenants = requests.load(parameters["requests"], parameters["tenants"], Rules.from_params(parameters))
    except InvalidInput as error:
        raise InvalidInput(problems=[*error.problems, *clear]) from None
    raise_if(clear)
    return {"changed": False, "count": len(tenants), "requests": [one.as_dict() for one in tenants]}


def _clear(checkout: str, allow: Iterable[str]) -> list[Problem]:
    """Values of Secrets that stand in clear in a checkout, whoever wrote them."""
    worktree = Worktree(checkout)
    return plain_secrets.in_files(worktree, worktree.paths(""), allow)
