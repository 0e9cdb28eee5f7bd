# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every gate uses: a folder of its own, an environment that owes nothing to the user's, and commands that end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.gates.environment import MAIN, ROOT, Environment

GRACE = 10  # seconds that an interrupted command gets to end by itself


class GateFailedError(Exception):
    """A gate found something, or could not prove that it looked at anything."""


class SkippedError(Exception):
    """A gate that this machine cannot run; counted, and said."""


@dataclass(frozen=True)
class Tally:
    """What a gate counts for: each test of pytest's, one for any other gate."""

    passed: int = 1
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


@dataclass(frozen=True)
class Workspace:
    """`work` is empty at the start and gone at the end; `home` keeps what ansible-test and others would fetch again."""

    work: Path
    home: Path
    ci: bool = False

    @property
    def tree(self) -> Path:
        """Where the built collection is installed: a real path, as ansible-test wants it."""
        return self.work / "installed"

    @property
    def collection(self) -> Path:
        return self.tree / "ansible_collections" / "fluxops" / "fleet"

    def variables(self, environment: Environment, collections: Path | None = None) -> dict[str, str]:
        """Process environment: the tools of one environment, no ~/.ansible, no user's settings of Ansible or pytest.

        `collections` is the only place where collections are found; without it, the checkout and its dependency.
        """
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "MOLECULE_", "PYTEST_"))
        }
        kept.update(
            PATH=search_path(environment),
            HOME=str(self.home),
            TMPDIR=str(self.work / "tmp"),
            LC_ALL="C.UTF-8",
            PYTHONUNBUFFERED="1",
            PIP_QUIET="1",
            ANSIBLE_HOME=str(self.work / "ansible"),
            ANSIBLE_CONFIG=str(self.work / "ansible.cfg"),
            GIT_CEILING_DIRECTORIES=str(environment.path),  # what lies in there is no part of the checkout's repository
            ANSIBLE_NOCOLOR="1",
            ANSIBLE_COLLECTIONS_PATH=str(collections or environment.path / "collections"),
            NO_COLOR="1",
        )
        if collections:
            kept["ANSIBLE_COLLECTIONS_SCAN_SYS_PATH"] = "0"
        for name in ("PYTHONPATH", "VIRTUAL_ENV", "FORCE_COLOR", "PY_COLORS"):
            kept.pop(name, None)
        return kept


def search_path(environment: Environment) -> str:
    """PATH without pyenv's shims: ansible-test runs every python3.x that it finds, and some shims only fail."""
    folders = [
        folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if "shims" not in Path(folder).parts
    ]
    return os.pathsep.join([str(environment.path / "bin"), *folders])


@contextlib.contextmanager
def workspace() -> Iterator[Workspace]:
    """The gates' folder in the checkout, for one run at a time."""
    base = ROOT / ".gates"
    base.mkdir(exist_ok=True)
    holder = os.open(base, os.O_RDONLY)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit("gates: another run of them holds .gates; wait for it to end") from None
    work = base / "work"
    shutil.rmtree(work, ignore_errors=True)  # a run that was killed left it
    (base / "home").mkdir(exist_ok=True)
    work.mkdir()
    (work / "tmp").mkdir()
    (work / "ansible.cfg").touch()
    # ansible-test asks git which files there are, and the checkout's repository ignores all of this.
    subprocess.run(["git", "init", "--quiet", work], check=True)
    try:
        yield Workspace(work, base / "home", bool(os.environ.get("CI")))
    finally:
        shutil.rmtree(work, ignore_errors=True)
        os.close(holder)


def execute(
    command: list[str | Path], *, cwd: Path = ROOT, env: Mapping[str, str], codes: tuple[int, ...] = (0,)
) -> str:
    """Run a command, show its output as it comes, and return it; an unexpected exit code is a failed gate.

    The command gets a session of its own, so that a Ctrl-C reaches it once, from here, together with its children.
    """
    words = [str(word) for word in command]
    print("$", " ".join(words), flush=True)
    process = subprocess.Popen(
        words,
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    lines: list[str] = []
    # A thread reads, so that a child that was left behind with our pipe in its hand cannot hold us.
    reader = threading.Thread(target=show, args=(process, lines), daemon=True)
    reader.start()
    try:
        code = process.wait()
    finally:
        end_group(process)
        reader.join(GRACE)
    if code not in codes:
        raise GateFailedError(f"{Path(words[0]).name} ended with {code}")
    return "".join(lines)


def show(process: subprocess.Popen[str], lines: list[str]) -> None:
    for line in process.stdout or ():
        print(line, end="", flush=True)
        lines.append(line)


def end_group(process: subprocess.Popen[Any]) -> None:
    """End what is left of a command's process group; nothing is, when it ended in order."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    process.wait()


def tool(name: str, environment: Environment = MAIN) -> Path:
    return environment.path / "bin" / name
