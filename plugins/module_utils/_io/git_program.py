# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""How the git program is called: without a shell, in a private folder, bounded in time, its words made safe to show."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import GitError
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_author import Author
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_faults import (
    UNOPENED,
    Interrupted,
    explain,
    scrub,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_remote import Remote, git_environment, opens
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_signing import signing
from ansible_collections.fluxops.fleet.plugins.module_utils._io.private_folder import private_folder

OLDEST_GIT = (2, 34)
PAUSES = (1.0, 4.0)  # seconds, before what was interrupted is tried again

_T = TypeVar("_T")


@dataclass(frozen=True)
class Answer:
    """How a call of git ended."""

    code: int
    output: bytes
    words: str  # its stderr, scrubbed


@dataclass(frozen=True)
class Program:
    """The git program, for one remote. ``folder`` is private and goes with the run.

    ``signing``: the environment in which git can sign.
    """

    remote: Remote
    folder: Path
    environment: Mapping[str, str]
    timeout: float
    signing: Mapping[str, str]

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
        said = words.decode("utf-8", "replace")
        if process.returncode and "Permission denied (" in said and not opens(self.remote, self.environment):
            said = f"{UNOPENED}\n{said}"
        return Answer(process.returncode, output, scrub(said, self.remote.secrets))

    def sign(self, *arguments: str, stdin: bytes = b"") -> Answer:
        """One call of git that can sign, however it ends."""
        return dataclasses.replace(self, environment=self.signing).call(*arguments, stdin=stdin)

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
    with contextlib.ExitStack() as stack:
        folder = _place(stack)
        signature = stack.enter_context(signing(author, base))
        variables = stack.enter_context(git_environment(remote, signature.configuration, base, folder))
        yield Program(remote, folder, variables, timeout, {**variables, **signature.variables})


def patiently(call: Callable[[], _T], passing: type[Exception] = Interrupted) -> _T:
    """What the call returns; it is made up to three times while it fails by what may pass."""
    for pause in PAUSES:
        try:
            return call()
        except passing:
            time.sleep(pause)
    return call()


def _place(stack: contextlib.ExitStack) -> Path:
    """A private folder, for as long as the stack is open."""
    try:
        return stack.enter_context(private_folder())
    except OSError as error:
        hint = "Set TMPDIR to a folder with space"
        raise GitError(f"There is no place for temporary files: {error}. {hint}") from error


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
