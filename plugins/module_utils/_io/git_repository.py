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
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.revert import Made
from ansible_collections.fluxops.fleet.plugins.module_utils._io import git_history, git_signing
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_author import Author
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_faults import Interrupted, NoBranch, explain_push
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_history import FETCH, PARTIAL
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_objects import (
    Commit,
    Edit,
    Entry,
    ancestors,
    check_paths,
    edits,
    import_stream,
    parse_commit,
    parse_contents,
    parse_listing,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_program import PAUSES, Program, patiently, program
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_remote import BRANCH_HINT, Remote

HEAD, NEXT, PROBE = "refs/fleet/head", "refs/fleet/next", "refs/fleet/probe"  # in the snapshot, never on the server
ARGUMENTS = 100_000  # bytes of paths that go into one argv; more are picked from a listing of everything


class Repository:
    """One branch of a remote repository. A context manager: its private folder is gone afterwards.

    Every method that talks to the server raises GitError with the reason in words; what was interrupted has been
    tried three times then. Opening it raises InvalidInput where the author's key can't sign. ``timeout`` in seconds
    bounds each call of git.
    """

    _git: Program

    def __init__(
        self,
        remote: Remote,
        *,
        author: Author | None = None,
        environment: Mapping[str, str] | None = None,
        timeout: float = 300.0,
    ) -> None:
        self._author = author or Author()
        remote.check()
        self._author.check()
        self.remote = remote
        self._environment, self._timeout = environment, timeout
        self._branch = f"refs/heads/{remote.branch}"
        self._head: str | None = None
        self._fetched = False
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with self._stack as stack:
            self._git = stack.enter_context(program(self.remote, self._author, self._environment, self._timeout))
            if self._git.call("check-ref-format", self._branch).code:
                raise InvalidInput(problems=[Problem("repository", "branch", self.remote.branch, BRANCH_HINT)])
            for repository in ("snapshot", "history"):
                self._git.run("init", "--quiet", "--bare", "--template=", repository=repository)
            if self._author.signing_key:
                git_signing.prove(self._git)
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

    def entries(self, *prefixes: str, revision: str | None = None) -> dict[str, Entry]:
        """What lies at or under these paths (all without any), folders left out; ``revision``: as of ``read``."""
        return self._list("-r", prefixes, revision)

    def fetch_commit(self, revision: str) -> None:
        """Has one more commit in the snapshot, for ``read``."""
        self._online(*PARTIAL, *FETCH, "--depth=1", "origin", f"+{revision}:refs/fleet/{revision}")

    def read(self, paths: Iterable[str], revision: str | None = None) -> dict[str, bytes]:
        """Contents of those of the paths that are regular files; what is not here yet comes with one fetch.

        ``revision``: of this commit (see ``fetch_commit``) and not of the head.
        """
        wanted = set(paths)
        found = self._list("-r", wanted, revision) if wanted else {}
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
        """A commit over the snapshot with these contents (None deletes), here only until it is pushed; the head where
        nothing differs. Raises InvalidInput for unsafe paths."""
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

    def push_topic(self, commit: str, topic: str, known: str | None) -> None:
        """Moves a topic branch of ours from ``known`` (None: it is to be made) to a commit over the snapshot.

        It may go back and sideways, but only from what was seen there: LostRace otherwise.
        """
        branch = f"refs/heads/{topic}"
        patiently(lambda: self._push(commit, f"--force-with-lease={branch}:{known or ''}", branch))

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
        return git_history.contains(self._git, revision, commit)

    def last_change(self, path: str) -> Made | None:
        """The commit that changed a path last; see ``git_history``."""
        return git_history.last_change(self._git, self.head, path) if self.head else None

    def describe(self, commit: str) -> Commit:
        """Tree, parents and message of a commit that is here."""
        return parse_commit(self._git.run("cat-file", "commit", commit))

    def _is_ancestor(self, commit: str, revision: str) -> bool:
        return git_history.is_ancestor(self._git, commit, revision, "snapshot")

    def _list(self, option: str, paths: Iterable[str], revision: str | None = None) -> dict[str, Entry]:
        commit = revision or self.head
        if not commit:
            return {}
        wanted = {path.strip("/") for path in paths}
        few = "" not in wanted and sum(len(path.encode("utf-8", "replace")) for path in wanted) < ARGUMENTS
        named = (option, commit, "--", *wanted) if few else ("-r", option, commit)
        found = parse_listing(self._git.run("ls-tree", "-z", "--full-tree", *named))
        if few or "" in wanted:
            return found
        return {path: entry for path, entry in found.items() if wanted.intersection((*ancestors(path), path))}

    def _import(self, reference: str, message: str, changed: Mapping[str, Edit]) -> str:
        stream = import_stream(reference, self.head, self._author, message, changed)
        options = ("--quiet", "--force", "--done", "--date-format=now")
        commit = self._git.run("fast-import", *options, stdin=stream).decode().strip()
        if not self._author.signing_key:
            return commit
        # a commit like this one, with a signature: git-fast-import(1) makes none
        return git_signing.sign(self._git, f"{commit}^{{tree}}", (self.head,) if self.head else (), message)

    def _push(self, commit: str, option: str, branch: str = "") -> None:
        update = f"{commit}:{branch or self._branch}"
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
