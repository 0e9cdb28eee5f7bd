# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""A planned change of a repository, on its way to the branch: what all nouns of the Git side share."""

from __future__ import annotations

import hashlib
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import LostRace
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Sync
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.publication import Planned
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.revert import Made
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._io import forge, git
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_program import PAUSES
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_snapshot import Head, Overlaid
from ansible_collections.fluxops.fleet.plugins.module_utils._io.pull_requests import PullRequests
from ansible_collections.fluxops.fleet.plugins.module_utils._io.worktree import Worktree
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Say

Change = TypeVar("Change", bound=Planned)
_NAMED = 3  # paths
TOPICS = "fluxops-fleet"
AFTER_THE_MERGE = "run the cluster phase (--tags clusters) after the merge"


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
    parameters: Mapping[str, Any],
    verb: str,
    groups: Mapping[Sync, tuple[Iterable[One], Callable[[Snapshot], PlannedFor[One]]]],
    *,
    check_mode: bool,
    say: Say,
) -> dict[str, Any]:
    """``publish`` for each repository and branch (→ its clusters, and what thinks of them): ``changed``, ``diff``,
    ``held``, ``pull_requests``, and under ``clusters`` what was planned for each with the revision that holds it."""
    result: dict[str, Any] = {"changed": False, "diff": [], "held": {}, "pull_requests": [], "clusters": {}}
    for sync, (members, think) in groups.items():
        group = list(members)
        wish = Wish(sync, think, named(verb, [one.name for one in group]), AFTER_THE_MERGE)
        change, published = publish(parameters, wish, check_mode=check_mode, say=say)
        result["changed"] = result["changed"] or bool(change.plan.changes)
        result["diff"] += change.plan.diffs
        result["held"].update(change.plan.held)
        result["pull_requests"] += [published["pull_request"]] if published["pull_request"] else []
        result["clusters"].update({one.name: _own(change.outcome(one), published) for one in group})
    return result


def _own(outcome: Mapping[str, Any], published: Mapping[str, Any]) -> dict[str, Any]:
    """What was planned for one cluster and where it is; what is only planned awaits its publication."""
    found = {**outcome, **published}
    if published["planned"] and not published["awaits"] and outcome["files"]:
        files = ", ".join(outcome["files"][:_NAMED])
        found["awaits"] = f"not in the fleet repository yet: {files}: publish first (--tags repository)"
    return found


def named(verb: str, names: Iterable[str]) -> str:
    """What a verb does to some clusters or tenants, as the name of a topic branch: the same for the same names."""
    found = sorted(names)
    digest = hashlib.sha256("\n".join(found).encode()).hexdigest()[:12]
    return f"{verb}-{found[0] if len(found) == 1 else digest}"


@dataclass(frozen=True)
class Wish(Generic[Change]):
    """What is to be published: of which branch, who plans the change, the topic that it is under, and what to do
    ``then``, where it was asked for only."""

    sync: Sync
    think: Callable[[Snapshot], Change]
    topic: str
    then: str = "merge it"


def publish(
    parameters: Mapping[str, Any], wish: Wish[Change], *, check_mode: bool, say: Say
) -> tuple[Change, dict[str, Any]]:
    """The change that a wish plans, brought on its way to the branch as ``repository.publish`` says.

    ``parameters``: the noun's, of which ``repository``, and ``forges`` or ``forge``, are read. Beside the change comes
    what the cluster side needs to know: ``revision`` (of the branch, empty where there is none), ``superseded``
    (commits that lack the change), ``pull_request`` (its URL, or empty), ``awaits`` (what must happen before the
    branch has the change, empty where it has it), whether it was only ``planned``, and how to ``publish`` was asked
    for. In check mode nothing is written, but the right to push is asked for. Raises GitError, ForgeError, and
    whatever ``think`` raises.
    """
    given, sync = parameters["repository"], wish.sync
    forges = parameters.get("forges") or [one for one in [parameters.get("forge")] if one]
    author = git.Author(
        given["author_name"], given["author_email"], given["signing_key"], given.get("signing_passphrase")
    )
    remote = git.Remote.from_params({**given, "url": sync.url, "branch": sync.branch})
    with git.Repository(remote, author=author) as repository:
        job = Job(repository, wish.think, given["publish"], wish.then, check_mode, say)
        if given["publish"] == "pull_request":
            return _by_pull_request(job, PullRequests(forges, remote, author, f"{TOPICS}/{sync.branch}/{wish.topic}"))
        if given["publish"] == "worktree":
            return _into_worktree(job, Worktree(given["worktree"] or ""))
        return _pushed(job, forge.choose(forges, sync.url))


def texts_at(parameters: Mapping[str, Any], sync: Sync, revision: str, paths: Iterable[str]) -> dict[str, str]:
    """Path → text of files as they were at a commit. ``parameters``: as of ``publish``; raises GitError."""
    remote = git.Remote.from_params({**parameters["repository"], "url": sync.url, "branch": sync.branch})
    with git.Repository(remote) as repository:
        return Head(repository).read_at(revision, paths)


def last_change(parameters: Mapping[str, Any], sync: Sync, path: str) -> Made | None:
    """The commit that changed a path of a branch last. ``parameters``: as of ``publish``; raises GitError."""
    remote = git.Remote.from_params({**parameters["repository"], "url": sync.url, "branch": sync.branch})
    with git.Repository(remote) as repository:
        return repository.last_change(path)


@dataclass(frozen=True)
class Job(Generic[Change]):
    """What is to be published where."""

    repository: git.Repository
    think: Callable[[Snapshot], Change]
    way: str
    """As ``repository.publish`` says."""
    then: str
    check_mode: bool
    say: Say

    def planned(self, repository: git.Repository) -> tuple[Change, git.Proposal | None]:
        """The change over a head, and what is to be committed for it, if anything."""
        change = self.think(Head(repository))
        found = git.Proposal(change.plan.contents, change.message) if change.plan.changes else None
        return change, found if found and repository.pending(found.changes) else None

    def published(self, **found: Any) -> dict[str, Any]:
        """What the cluster side needs to know."""
        return {
            "revision": self.repository.head or "",
            "superseded": [],
            "awaits": "",
            "pull_request": "",
            "planned": self.check_mode,
            "publish": self.way,
            **found,
        }


def _pushed(job: Job[Change], settings: Mapping[str, Any] | None) -> tuple[Change, dict[str, Any]]:
    """One commit on the branch; after a lost race it is thought again about the new head."""
    change: Change
    remote = job.repository.remote

    def propose(repository: git.Repository) -> git.Proposal | None:
        nonlocal change
        change, proposal = job.planned(repository)
        return proposal

    if job.check_mode:
        if propose(job.repository):
            job.repository.can_push()
            forge.check_push(settings, remote.url, remote.branch, remote.token or remote.bearer_token)
        return change, job.published()
    done = git.transact(job.repository, propose)
    if done.committed:
        files = len(change.plan.changes)
        job.say(f"{remote.name}: commit {str(done.revision)[:8]} on {remote.branch}, files: {files}")
    superseded = [done.previous] if done.committed and done.previous else []
    return change, job.published(superseded=superseded)


def _by_pull_request(job: Job[Change], pull_requests: PullRequests) -> tuple[Change, dict[str, Any]]:
    """A topic branch with one commit over the branch's head, and its pull request; nothing where all is merged."""
    for pause in (*PAUSES, None):
        change, proposal = job.planned(job.repository)
        if not proposal:
            break
        try:
            done = pull_requests.bring(job.repository, proposal, check_mode=job.check_mode)
        except LostRace:
            if pause is None:
                raise
            time.sleep(pause * random.uniform(0, 2))  # noqa: S311
            job.repository.fetch()
            continue
        if done.known:  # this run has nothing to change
            change = job.think(Overlaid(Head(job.repository), proposal.changes))
        if not job.check_mode:
            job.say(done.words)
        return change, job.published(pull_request=done.url, awaits=f"{done.url or done.words}: {job.then}")
    return change, job.published()


def _into_worktree(job: Job[Change], worktree: Worktree) -> tuple[Change, dict[str, Any]]:
    """The files of a checkout; nothing where the branch has the change already."""
    change, proposal = job.planned(job.repository)
    if not proposal:
        return change, job.published()
    change = job.think(worktree)
    if change.plan.changes and not job.check_mode:
        worktree.write(change.plan.contents)
        job.say(f"{worktree.top}: files written: {len(change.plan.changes)}")
    return change, job.published(awaits=f"{worktree.top}: commit what is there, and {job.then}")
