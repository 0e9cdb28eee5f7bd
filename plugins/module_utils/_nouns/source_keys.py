# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``source_keys``: what tenants' sources pull with on clusters, as the fleet repository says. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import REPOSITORY, Specification
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import source_keys
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.source_keys import Wish
from ansible_collections.fluxops.fleet.plugins.module_utils._io import git
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_snapshot import Head
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **REPOSITORY,
    "clusters": {"type": "list", "elements": "str", "required": True},
    "tenant": {"type": "str", "default": ""},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Read the repository once for all; see the module's documentation for parameters and result."""
    with git.Repository(git.Remote.from_params(parameters["repository"])) as repository:
        found = source_keys.read(Wish(parameters["clusters"], parameters["tenant"]), Head(repository))
    told = source_keys.told(found.values())
    if told:
        say(told)
    return {"changed": False, "clusters": {name: one.as_dict() for name, one in found.items()}}
