# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""How the git program is called: without a shell, in a private folder, bounded in time, its words made safe to show."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import GitError
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_author import Author
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_faults import Interrupted, explain, scrub
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_remote import Remote, git_environment

OLDEST_GIT = (2, 34)
FOLDER_PREFIX = "fluxops-fleet-"
PAUSES = (1.0, 4.0)  # seconds, before what was interrupted is tried again
STALE = 3600.0  # seconds; younger folders may be ones that are just being made

_T = TypeVar("_T")


@dataclass(frozen=True)
class Answer:
    """How a call of git ended."""

    code: int
    output: bytes
    words: str  # its stderr, scrubbed


@dataclass(frozen=True)
class Program:
    """The git program, for one remote. ``folder`` is private and goes with the run."""

    remote: Remote
    folder: Path
    environment: Mapping[str, str]
    timeout: float

    def call(self, *arguments: str, stdin: bytes = b"", repository: str = "snapshot") -> Answer:
        """One call of git, however it ends, with a repository of the folder; raises GitError when it hangs."""
        command = ["git", f"--git-dir={self.folder / repository}", *arguments]
        pipe = subprocess.PIPE
        with (
            _git_found(),
            subprocess.Popen(  # pylint: disable=ansible-bad-function  # not a module: there is no run_command here
                command,
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                env=dict(self.environment),
                cwd=self.folder,
                start_new_session=True,  # no terminal to ask at, and one group to end: git, ssh, helpers
            ) as process,
        ):
            try:
                output, words = process.communicate(stdin, timeout=self.timeout)
            except BaseException as error:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                if isinstance(error, subprocess.TimeoutExpired):
                    said = f"git had no result within {self.timeout:.0f} s and was ended"
                    raise GitError(f"{self.remote.name}: {said}. Check the server and the network") from None
                raise
        return Answer(process.returncode, output, scrub(words.decode("utf-8", "replace"), self.remote.secrets))

    def run(self, *arguments: str, stdin: bytes = b"", repository: str = "snapshot") -> bytes:
        """What git printed; raises GitError when it fails."""
        answer = self.call(*arguments, stdin=stdin, repository=repository)
        if answer.code:
            raise explain(self.remote.name, answer.words)
        return answer.output


@contextlib.contextmanager
def program(
    remote: Remote, author: Author, environment: Mapping[str, str] | None = None, timeout: float = 300.0
) -> Iterator[Program]:
    """A program with a private folder; both are gone afterwards. ``timeout`` in seconds bounds each call."""
    base = {**os.environ, **(environment or {})}
    _check_version(base.get("PATH", os.defpath))
    with _private_folder() as folder, git_environment(remote, author, base, folder) as variables:
        yield Program(remote, folder, variables, timeout)


def patiently(call: Callable[[], _T], passing: type[Exception] = Interrupted) -> _T:
    """What the call returns; it is made up to three times while it fails by what may pass."""
    for pause in PAUSES:
        try:
            return call()
        except passing:
            time.sleep(pause)
    return call()


@contextlib.contextmanager
def _private_folder() -> Iterator[Path]:
    """A folder of mode 0700 that is gone afterwards; those that killed runs left behind are swept first."""
    try:
        _sweep(Path(tempfile.gettempdir()))
        folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
    except OSError as error:
        raise GitError(f"There is no place for temporary files: {error}. Set TMPDIR to a folder with space") from error
    try:
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(parent: Path) -> None:
    """Removes folders whose process is gone: it held a lock for as long as it lived, whatever container it ran in."""
    for folder in parent.glob(FOLDER_PREFIX + "*"):
        with contextlib.suppress(OSError):
            status = folder.lstat()
            if status.st_uid != os.getuid() or time.time() - status.st_mtime < STALE:
                continue
            with (folder / "lock").open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _git_found() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise GitError(f"The git program was not found on PATH: install git {_dotted(OLDEST_GIT)} or newer") from error


@functools.cache
def _check_version(path: str) -> None:
    command = ["git", "version"]
    with _git_found():
        asked = subprocess.run(  # pylint: disable=ansible-bad-function  # as above
            command, check=False, capture_output=True, env={"PATH": path}
        )
    found = re.search(rb"(\d+)\.(\d+)", asked.stdout)
    version = tuple(map(int, found.groups())) if found else ()
    if version < OLDEST_GIT:
        raise GitError(f"git {_dotted(OLDEST_GIT)} or newer is needed; found: {asked.stdout.decode().strip()}")


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
