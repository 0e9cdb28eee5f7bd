# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""One branch of a remote Git repository: a snapshot to read, commits over it, and a push by compare-and-swap.

The snapshot is shallow and blob-less, and nothing is checked out, so the cost follows what is read and changed, not
what the repository holds. Only network calls are told that the remote has the missing blobs (``PARTIAL``): local
ones then say 'missing' where git would otherwise fetch one connection a blob.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterable, Mapping
from typing import Self

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import (
    GitError,
    InvalidInput,
    LostRace,
    Problem,
    PushRefused,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_faults import (
    Interrupted,
    NoBranch,
    NoRevision,
    explain_push,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_objects import (
    Edit,
    Entry,
    ancestors,
    check_paths,
    edits,
    import_stream,
    parse_contents,
    parse_listing,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_program import PAUSES, Program, patiently, program
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_remote import BRANCH_HINT, Remote

HEAD, NEXT, PROBE = "refs/fleet/head", "refs/fleet/next", "refs/fleet/probe"  # in the snapshot, never on the server
PARTIAL = ("-c", "remote.origin.promisor=true", "-c", "remote.origin.partialCloneFilter=blob:none")
COMMITS_ONLY = (*PARTIAL, "-c", "remote.origin.partialCloneFilter=tree:0")
FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head")
DEPTHS = (64, 1024, 2147483647)  # the last one is git's word for 'all'
ARGUMENTS = 100_000  # bytes of paths that go into one argv; more are picked from a listing of everything


class Repository:
    """One branch of a remote repository. A context manager: its private folder is gone afterwards.

    Every method that talks to the server raises GitError with the reason in words; what was interrupted has been
    tried three times then. ``timeout`` in seconds bounds each call of git.
    """

    _git: Program

    def __init__(
        self,
        remote: Remote,
        *,
        author: tuple[str, str] = ("Flux fleet", "fleet@localhost"),
        environment: Mapping[str, str] | None = None,
        timeout: float = 300.0,
    ) -> None:
        remote.check()
        if re.search(r"[<>\n\0]", "".join(author)):
            raise InvalidInput(problems=[Problem("repository", "author", repr(author), "give a name and an address")])
        self.remote = remote
        self._author, self._environment, self._timeout = author, environment, timeout
        self._branch = f"refs/heads/{remote.branch}"
        self._head: str | None = None
        self._fetched = False
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with self._stack as stack:
            self._git = stack.enter_context(program(self.remote, self._environment, self._timeout))
            if self._git.call("check-ref-format", self._branch).code:
                raise InvalidInput(problems=[Problem("repository", "branch", self.remote.branch, BRANCH_HINT)])
            for repository in ("snapshot", "history"):
                self._git.run("init", "--quiet", "--bare", "--template=", repository=repository)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._stack.close()

    @property
    def head(self) -> str | None:
        """The commit that the snapshot is of, fetched on first use; None: an empty repository, or no such branch."""
        if not self._fetched:
            self.fetch()
        return self._head

    def fetch(self) -> None:
        """Takes a new snapshot. A later one includes the commits in between, so that ``follows`` is known."""
        depth = [] if self._head else ["--depth=1"]
        try:
            self._online(*PARTIAL, *FETCH, *depth, "origin", f"+{self._branch}:{HEAD}")
            self._head = self._git.run("rev-parse", "--verify", HEAD).decode().strip()
        except NoBranch:
            self._head = None
        self._fetched = True

    def entries(self, *prefixes: str) -> dict[str, Entry]:
        """What lies at or under these paths (all without any), folders left out: path to mode, kind and id."""
        return self._list("-r", prefixes)

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Contents of those of the paths that are regular files; what is not here yet comes with one fetch."""
        wanted = set(paths)
        found = self.entries(*wanted) if wanted else {}
        ids = {path: entry.id for path, entry in found.items() if path in wanted and entry.is_file}
        listing = "\n".join(sorted(set(ids.values()))).encode() + b"\n"
        if not ids:
            return {}
        known = self._git.run("cat-file", "--batch-check", stdin=listing).decode()
        missing = "".join(f"{line.split()[0]}\n" for line in known.splitlines() if line.endswith(" missing"))
        if missing:
            noop = ("-c", "fetch.negotiationAlgorithm=noop")
            self._online(*PARTIAL, *noop, *FETCH, "--stdin", "origin", stdin=missing.encode())
        contents = parse_contents(self._git.run("cat-file", "--batch", stdin=listing))
        return {path: contents[blob] for path, blob in ids.items()}

    def pending(self, changes: Mapping[str, bytes | None]) -> dict[str, Edit]:
        """Those of the changes that the snapshot does not have yet. Raises InvalidInput for unsafe paths: ``edits``."""
        check_paths(changes)
        around = {part for path in changes for part in (*ancestors(path), path)}
        return edits(changes, self._list("-t", around) if around else {})

    def commit(self, changes: Mapping[str, bytes | None], message: str) -> str:
        """The id of a commit over the snapshot with these contents (None deletes); its head where nothing differs.

        The commit is here only, until it is pushed. Raises InvalidInput for unsafe paths.
        """
        pending = self.pending(changes)
        if self.head and not pending:
            return self.head
        return self._import(NEXT, message, pending)

    def push(self, commit: str) -> None:
        """Moves the branch from the snapshot's head to the commit, or raises: LostRace, PushRefused, GitError.

        A compare-and-swap, also where the branch is to be created: the lease names the one value that the branch may
        have, and a commit that does not descend from it is refused here, so nothing is ever forced away.
        """
        base = self.head
        if commit == base:
            return
        if base and not self._is_ancestor(base, commit):
            raise GitError(f"{self.remote.name}: commit {commit} does not descend from {base}, which was read")
        lease = f"--force-with-lease={self._branch}:{base or ''}"
        for pause in (*PAUSES, None):
            try:
                self._push(commit, lease)
                break
            except (LostRace, PushRefused):
                raise
            except GitError as error:  # the reply may be lost, not the push
                if self._landed(commit, base):
                    break
                if not pause or not isinstance(error, Interrupted):
                    raise
                time.sleep(pause)
        self._head = commit

    def can_push(self) -> None:
        """Raises PushRefused when these credentials may not push; nothing is written. Branch rules are not seen."""
        probe = self._import(PROBE, "Probe, never pushed", {})
        with contextlib.suppress(LostRace):
            patiently(lambda: self._push(probe, "--dry-run"))

    def follows(self, commit: str) -> bool:
        """Whether the snapshot's head is the commit, once its head or base, or descends from it; asks no server."""
        return self.head is not None and self._is_ancestor(commit, self.head)

    def contains(self, revision: str, commit: str) -> bool:
        """Whether the commit is the revision or an ancestor of it. Fetches commits alone, as far back as needed."""
        for name in (revision, commit):
            if not re.fullmatch(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", name):
                raise GitError(f"{self.remote.name}: {name!r} is no commit id")
        known = True if revision == commit else self._order(revision, commit)
        tips = [f"+{tip}:refs/fleet/{tip}" for tip in (revision, commit)]
        for depth in DEPTHS:
            if known is not None:
                break
            try:
                self._online(*COMMITS_ONLY, *FETCH, f"--depth={depth}", "origin", *tips, repository="history")
            except NoRevision:  # one of another repository, or of a history that was rewritten
                return False
            known = self._order(revision, commit)
        return bool(known)

    def _order(self, revision: str, commit: str) -> bool | None:
        """What the commits that are here say; None where they end too early to say it."""
        if self._is_ancestor(commit, revision, "history"):
            return True
        return False if self._is_ancestor(revision, commit, "history") else None

    def _is_ancestor(self, commit: str, revision: str, repository: str = "snapshot") -> bool:
        return self._git.call("merge-base", "--is-ancestor", commit, revision, repository=repository).code == 0

    def _list(self, option: str, paths: Iterable[str]) -> dict[str, Entry]:
        if not self.head:
            return {}
        wanted = {path.strip("/") for path in paths}
        few = "" not in wanted and sum(len(path.encode("utf-8", "replace")) for path in wanted) < ARGUMENTS
        named = (option, self.head, "--", *wanted) if few else ("-r", option, self.head)
        found = parse_listing(self._git.run("ls-tree", "-z", "--full-tree", *named))
        if few or "" in wanted:
            return found
        return {path: entry for path, entry in found.items() if wanted.intersection((*ancestors(path), path))}

    def _import(self, reference: str, message: str, changed: Mapping[str, Edit]) -> str:
        stream = import_stream(reference, self.head, self._author, message, changed)
        options = ("--quiet", "--force", "--done", "--date-format=now")
        return self._git.run("fast-import", *options, stdin=stream).decode().strip()

    def _push(self, commit: str, option: str) -> None:
        update = f"{commit}:{self._branch}"
        answer = self._git.call("push", "--porcelain", "--no-verify", option, "origin", update)
        if answer.code:
            raise explain_push(self.remote.name, answer.output.decode("utf-8", "replace"), answer.words)

    def _landed(self, commit: str, base: str | None) -> bool:
        """Whether the branch has the commit after all; raises LostRace where it has moved elsewhere."""
        tip, *_name = self._online("ls-remote", "origin", self._branch).decode().split() or [""]
        if tip in {"", base}:
            return False
        if self.contains(tip, commit):
            return True
        raise LostRace(f"{self.remote.name}: branch {self.remote.branch} moved to {tip} while this run worked")

    def _online(self, *arguments: str, stdin: bytes = b"", repository: str = "snapshot") -> bytes:
        return patiently(lambda: self._git.run(*arguments, stdin=stdin, repository=repository))
