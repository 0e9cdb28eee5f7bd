# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``expected``: what the fleet repository says that clusters have. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import MEMBERS, REPOSITORY, Specification
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.expected import Follower, Reader, Tree
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Sync
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.recipes import Recipe
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rendered import Built
from ansible_collections.fluxops.fleet.plugins.module_utils._io import trees
from ansible_collections.fluxops.fleet.plugins.module_utils._io.builds import Builds
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {**REPOSITORY, **MEMBERS}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Read the repository once for all; see the module's documentation for parameters and result."""
    groups: dict[Sync, list[Mapping[str, Any]]] = defaultdict(list)
    for one in parameters["clusters"]:
        groups[Sync(one["repository"]["url"], one["repository"]["branch"])].append(one)
    found: dict[str, Any] = {}
    builds = Builds()

    def build(tree: Tree, recipe: Recipe) -> Built:
        return builds.of(tree, [recipe], check=False)[recipe]

    for sync, group in groups.items():
        followers = [Follower(one["name"], one["revisions"]) for one in group]
        commits = {commit for one in followers for commit in one.revisions.values() if commit}
        head, read = trees.at(parameters, sync, commits)
        reader = Reader(read, head, build)
        found |= {one.name: {"head": head, "components": reader.components(one)} for one in followers}
    return {"changed": False, "clusters": found}
