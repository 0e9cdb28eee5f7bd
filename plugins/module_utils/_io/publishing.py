# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""A planned change of a repository, made true by one transaction: what all nouns of the Git side share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Sync
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.publication import Planned
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._io import git
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Say

Change = TypeVar("Change", bound=Planned)


class _Snapshot:
    """A repository's head as text."""

    def __init__(self, repository: git.Repository) -> None:
        self._repository = repository

    def paths(self, prefix: str) -> list[str]:
        return sorted(self._repository.entries(prefix))

    def read(self, paths: Iterable[str]) -> dict[str, str]:
        found = self._repository.read(paths)
        return {path: content.decode("utf-8", "replace") for path, content in found.items()}


class Named(Protocol):
    """A cluster of a run: its name, and what it follows."""

    @property
    def name(self) -> str:
        """The cluster's name."""

    @property
    def sync(self) -> Sync:
        """Repository and branch."""


One = TypeVar("One", bound=Named)
Cluster_contra = TypeVar("Cluster_contra", bound=Named, contravariant=True)


class PlannedFor(Planned, Protocol[Cluster_contra]):
    """A planned change that says what of it concerns one cluster."""

    def outcome(self, one: Cluster_contra) -> dict[str, Any]:
        """What was planned for a cluster, as plain data."""


def by_sync(clusters: Iterable[One]) -> dict[Sync, list[One]]:
    """The clusters of each repository and branch: each group is a transaction of its own."""
    groups: dict[Sync, list[One]] = defaultdict(list)
    for one in clusters:
        groups[one.sync].append(one)
    return dict(groups)


def publish_all(
    credentials: Mapping[str, Any],
    groups: Mapping[Sync, tuple[Iterable[One], Callable[[Snapshot], PlannedFor[One]]]],
    *,
    check_mode: bool,
    say: Say,
) -> dict[str, Any]:
    """``publish`` for each repository and branch (→ its clusters, and what thinks of them): ``changed``, ``diff``,
    ``held``, and under ``clusters`` what was planned for each with the revision that holds it."""
    result: dict[str, Any] = {"changed": False, "diff": [], "held": {}, "clusters": {}}
    for sync, (group, think) in groups.items():
        change, published = publish(credentials, sync, think, check_mode=check_mode, say=say)
        result["changed"] = result["changed"] or bool(change.plan.changes)
        result["diff"] += change.plan.diffs
        result["held"].update(change.plan.held)
        result["clusters"].update({one.name: change.outcome(one) | published for one in group})
    return result


def publish(
    credentials: Mapping[str, Any], sync: Sync, think: Callable[[Snapshot], Change], *, check_mode: bool, say: Say
) -> tuple[Change, dict[str, Any]]:
    """The change that ``think`` plans, committed and pushed; after a lost race it thinks again about the new head.

    ``credentials``: the noun's parameter ``repository``. Beside the change comes what the cluster side needs to know:
    ``revision`` (of the branch, empty where there is none) and ``superseded`` (commits that lack the change). In check
    mode nothing is written, but the right to push is asked for. Raises GitError, and whatever ``think`` raises.
    """
    change: Change

    def propose(snapshot: git.Repository) -> git.Proposal | None:
        nonlocal change
        change = think(_Snapshot(snapshot))
        return git.Proposal(change.plan.contents, change.message) if change.plan.changes else None

    with git.Repository(git.Remote(**{**credentials, "url": sync.url, "branch": sync.branch})) as repository:
        if check_mode:
            proposal = propose(repository)
            if proposal and repository.pending(proposal.changes):
                repository.can_push()
            return change, {"revision": repository.head or "", "superseded": []}
        published = git.transact(repository, propose)
    if published.committed:
        say(f"{sync.url}: commit {str(published.revision)[:8]} on {sync.branch}, files: {len(change.plan.changes)}")
    superseded = [published.previous] if published.committed and published.previous else []
    return change, {"revision": published.revision or "", "superseded": superseded}
