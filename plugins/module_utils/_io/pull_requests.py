# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""A change as one commit on a topic branch of ours, and the pull request that asks for its merge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import GitError, InvalidInput, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._io import forge, git
from ansible_collections.fluxops.fleet.plugins.module_utils._io.forge_api import NoRepository
from ansible_collections.fluxops.fleet.plugins.module_utils._io.forge_kinds import PullRequest
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_objects import Commit
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_program import patiently

_TRAILER = "Fleet-Topic"


@dataclass(frozen=True)
class Asked:
    """How it ended: the pull request's URL (empty in check mode, where it is still to come), what to say of it, and
    whether all of the change was there before."""

    url: str
    words: str
    known: bool = False


class PullRequests:
    """One topic branch of a repository, and its pull request."""

    def __init__(self, forges: Sequence[Mapping[str, Any]], remote: git.Remote, author: git.Author, topic: str) -> None:
        settings = forge.choose(forges, remote.url)
        if settings is None:
            hint = "a pull request needs the API of the repository's forge: give kind and url, and fleet_forge_token"
            raise InvalidInput(problems=[Problem("repository", "fleet_forge", "", hint)])
        self._forge = forge.at(settings, remote.url)
        self._remote, self._author, self._topic = remote, author, topic

    def bring(self, repository: git.Repository, proposal: git.Proposal, *, check_mode: bool) -> Asked:
        """Have the topic hold the change as one commit over the branch's head, and a pull request ask for it.

        Raises GitError where there is no branch to merge into, or where somebody else has committed to the topic, and
        LostRace where another run of ours writes the same topic.
        """
        if not repository.head:
            where = f"{self._remote.name}: there is no branch {self._remote.branch}"
            raise GitError(f"{where} that a pull request could be merged into: make it with a first commit")
        message = f"{proposal.message.rstrip()}\n{_TRAILER}: {self._topic}\n"
        wanted = repository.commit(proposal.changes, message)
        tip = self._tip()
        holds = tip is not None and tip.commit == repository.describe(wanted)
        # Here and below: a forge may know of a push only a moment after it took it, and says 'not found' till then.
        found = patiently(lambda: self._forge.pull_request(self._topic, self._remote.branch), NoRepository)
        if holds and found:
            return Asked(found.url, f"{found.url}: holds the change already", known=True)
        if check_mode:
            repository.can_push()
            text = f"{self._remote.name}: a pull request from {self._topic}"
            return Asked(found.url, "") if found else Asked("", text)
        if not holds:
            repository.push_topic(wanted, self._topic, tip.id if tip else None)
        url = self._ask(message, found)
        return Asked(url, f"{url}: commit {wanted[:8]} on {self._topic}, files: {len(proposal.changes)}")

    def _tip(self) -> _Tip | None:
        """What the topic is at, where there is one. Work of others on it is not overwritten."""
        with git.Repository(replace(self._remote, branch=self._topic), author=self._author) as topic:
            if not topic.head:
                return None
            found = _Tip(topic.head, topic.describe(topic.head))
        if f"{_TRAILER}: {self._topic}" in found.commit.message.splitlines():
            return found
        where = f"{self._remote.name}: somebody else has committed to {self._topic}, {found.id[:8]}"
        raise GitError(f"{where}: merge its pull request, or delete the branch; then run again")

    def _ask(self, message: str, found: PullRequest | None) -> str:
        """Open the pull request, or have the open one say what it holds now; its URL."""
        title, _blank, text = message.partition("\n")
        if found:
            self._forge.edit_pull_request(found, title, text.strip())
            return found.url
        return patiently(lambda: self._open(title, text.strip()), NoRepository).url

    def _open(self, title: str, text: str) -> PullRequest:
        return self._forge.open_pull_request(self._topic, self._remote.branch, title, text)


@dataclass(frozen=True)
class _Tip:
    id: str
    commit: Commit
