# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Which commit descends from which, and which changed a file last, learned from a server with as little as it takes."""

from __future__ import annotations

import re

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import GitError
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.revert import Made
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_faults import NoRevision
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_program import Program, patiently

PARTIAL = ("-c", "remote.origin.promisor=true", "-c", "remote.origin.partialCloneFilter=blob:none")
FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head")
_COMMITS_ONLY = (*PARTIAL, "-c", "remote.origin.partialCloneFilter=tree:0")
_DEPTHS = (64, 1024, 2147483647)  # the last one is git's word for 'all'
_REPOSITORY = "history"  # beside the snapshot, which is not to be deepened


def contains(git: Program, revision: str, commit: str) -> bool:
    """Whether the commit is the revision or an ancestor of it. Fetches commits alone, as far back as needed."""
    for name in (revision, commit):
        if not re.fullmatch(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", name):
            raise GitError(f"{git.remote.name}: {name!r} is no commit id")
    known = True if revision == commit else _order(git, revision, commit)
    tips = [f"+{tip}:refs/fleet/{tip}" for tip in (revision, commit)]
    for depth in _DEPTHS:
        if known is not None:
            break
        arguments = (*_COMMITS_ONLY, *FETCH, f"--depth={depth}", "origin", *tips)
        try:
            patiently(lambda arguments=arguments: git.run(*arguments, repository=_REPOSITORY))  # type: ignore[misc]
        except NoRevision:  # one of another repository, or of a history that was rewritten
            return False
        known = _order(git, revision, commit)
    return bool(known)


def last_change(git: Program, revision: str, path: str) -> Made | None:
    """The commit that changed a path last, of those up to a revision; None where that is the very first commit.

    Fetches commits and their trees, as far back as needed.
    """
    for depth in _DEPTHS:
        arguments = (*PARTIAL, *FETCH, f"--depth={depth}", "origin", f"+{revision}:refs/fleet/{revision}")
        patiently(lambda arguments=arguments: git.run(*arguments, repository=_REPOSITORY))  # type: ignore[misc]
        wanted = ("log", "-1", "--format=%H%x00%P%x00%B", revision, "--", path)
        commit, _nul, rest = git.run(*wanted, repository=_REPOSITORY).decode("utf-8", "replace").partition("\0")
        parents, _nul, message = rest.partition("\0")
        if not parents:  # nothing changed it so far, or what is here begins with this commit
            continue
        previous = parents.split()[0]
        listing = ("diff-tree", "-r", "-z", "--no-renames", "--name-only", previous, commit)
        paths = git.run(*listing, repository=_REPOSITORY).decode("utf-8", "replace").split("\0")
        return Made(commit, previous, message, tuple(sorted(filter(None, paths))))
    return None


def is_ancestor(git: Program, commit: str, revision: str, repository: str) -> bool:
    """Whether a commit is the revision or an ancestor of it, as far as is known here."""
    return git.call("merge-base", "--is-ancestor", commit, revision, repository=repository).code == 0


def _order(git: Program, revision: str, commit: str) -> bool | None:
    """What the commits that are here say; None where they end too early to say it."""
    if is_ancestor(git, commit, revision, _REPOSITORY):
        return True
    return False if is_ancestor(git, revision, commit, _REPOSITORY) else None
