# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What the fleet repository holds at the commits that clusters have applied, as those see it who look for drift."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.expected import Tree, is_read
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Sync
from ansible_collections.fluxops.fleet.plugins.module_utils._io import git
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_faults import NoRevision


def at(parameters: Mapping[str, Any], sync: Sync, commits: Iterable[str]) -> tuple[str, dict[str, Tree]]:
    """A branch's head, and commit → what it holds, for the head and the given ones; those that are gone are left out.

    ``parameters``: of which ``repository`` is read. Raises GitError.
    """
    remote = git.Remote.from_params({**parameters["repository"], "url": sync.url, "branch": sync.branch})
    with git.Repository(remote) as repository:
        head = repository.head or ""
        found = {head: _tree(repository, head)} if head else {}
        for commit in sorted(set(commits) - {head}):
            with contextlib.suppress(NoRevision):
                repository.fetch_commit(commit)
                found[commit] = _tree(repository, commit)
        return head, found


def _tree(repository: git.Repository, commit: str) -> Tree:
    layout = Layout()
    entries = repository.entries(layout.clusters, layout.infrastructure, revision=commit)
    texts = repository.read([path for path in entries if is_read(path, layout)], commit)
    return Tree({path: content.decode("utf-8", "replace") for path, content in texts.items()})
