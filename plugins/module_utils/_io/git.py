# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The Git transaction: snapshot, proposal, one commit, compare-and-swap; and the names that other files use."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import GitError, LostRace
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_author import Author
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_objects import Entry
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_remote import Remote
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_repository import Repository

__all__ = ["Author", "Entry", "Proposal", "Published", "Remote", "Repository", "transact"]


@dataclass(frozen=True)
class Proposal:
    """What a transaction is to change: path to content (None deletes), and the commit's message."""

    changes: Mapping[str, bytes | None]
    message: str


@dataclass(frozen=True)
class Published:
    """How a transaction ended: ``revision`` has what was proposed, ``previous`` is the head that it was made over."""

    revision: str | None
    previous: str | None
    committed: bool
    attempts: int


def transact(
    repository: Repository,
    propose: Callable[[Repository], Proposal | None],
    *,
    attempts: int = 20,
    sleep: Callable[[float], None] = time.sleep,
) -> Published:
    """Brings what ``propose`` wants onto the branch: at most one commit, and none where nothing differs.

    ``propose`` reads the snapshot; after a lost race it is asked again with a new one. Raises LostRace when all
    attempts are used up, and GitError when the branch was rewritten or removed meanwhile: nothing is written then.
    """
    for attempt in range(1, attempts + 1):
        started = time.monotonic()
        base = repository.head
        proposal = propose(repository)
        if proposal is None or not repository.pending(proposal.changes):
            return Published(base, base, committed=False, attempts=attempt)
        commit = repository.commit(proposal.changes, proposal.message)
        try:
            repository.push(commit)
        except LostRace as error:
            lost = error
        else:
            return Published(commit, base, committed=True, attempts=attempt)
        if attempt < attempts:
            # As wide as an attempt takes, doubled each time: writers spread out at whatever pace the forge has.
            sleep(random.uniform(0, min(60.0, (time.monotonic() - started) * 2**attempt)))  # noqa: S311
        repository.fetch()
        if repository.follows(commit):  # a proxy sent our push twice, or the reply to the first one came late
            return Published(commit, base, committed=True, attempts=attempt)
        if base and not repository.follows(base):
            gone = f"branch {repository.remote.branch} was rewritten or removed meanwhile: {base} is no longer in it"
            raise GitError(f"{repository.remote.name}: {gone}. Find out by whom; then run again")
    raise LostRace(f"{lost}. Gave up after {attempts} attempts: run again when fewer others write")
