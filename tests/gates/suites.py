# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates that run the code: pytest here, pytest and molecule against the lab."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

from tests.gates.environment import MAIN, ROOT
from tests.gates.package import tests_of
from tests.gates.running import GateFailedError, Tally, Workspace, end_group, execute, tool
from tests.gates.static import counted, looked_at

MOLECULE = ROOT / "extensions" / "molecule"
# A file system in memory. What Flux unpacks and etcd writes costs a third more processor time on a disk (measured).
MEMORY = Path("/dev/shm")
ROOM = 6 * 1024**3  # bytes; the four labs of four workers take less than one GiB, and etcd is not to meet the end


def at_home(space: Workspace) -> dict[str, str]:
    """As for the other gates, but with the user's own HOME, where Go keeps what it built, and a TMPDIR that stays."""
    own = {"HOME": os.environ.get("HOME", str(space.home)), "TMPDIR": os.environ.get("TMPDIR", "/tmp")}
    return space.variables(MAIN) | own


def pytest(*options: str, folders: tuple[str, ...], home: bool = False) -> Callable[[Workspace], Tally]:
    """A gate of the tests below some folders, with pytest's own options; counts each test."""

    def gate(space: Workspace) -> Tally:
        missing = [folder for folder in folders if not (ROOT / folder).is_dir()]
        if missing:
            raise GateFailedError(f"there is no folder {', '.join(missing)}")
        report = space.work / "pytest.xml"
        report.unlink(missing_ok=True)
        command: list[str | Path] = [MAIN.python, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={report}"]
        command.append(f"--basetemp={space.work / 'pytest'}")  # else the folders of the last three runs stay
        # 1: some tests failed; they are counted below. Anything else (5: none found) is a failed gate.
        execute([*command, *options, *folders], env=at_home(space) if home else space.variables(MAIN), codes=(0, 1))
        return tests_of([report])

    return gate


def molecule(space: Workspace) -> Tally:
    """All scenarios. Molecule passes when no host matched, and when it found no scenario: both fail here."""
    names = sorted(path.parent.name for path in MOLECULE.glob("*/molecule.yml"))
    looked_at(len(names), "scenarios")
    command: list[str | Path] = [tool("molecule"), "test", "--all", "--report", "--command-borders"]
    output = execute(
        command, env=space.variables(MAIN) | {"MOLECULE_EPHEMERAL_DIRECTORY": str(space.work / "molecule")}
    )
    for name in names:
        steps = () if name == "default" else ("converge", "idempotence", "verify")
        for step in steps:
            if f"{name} > {step}: Executed: Successful" not in output:
                raise GateFailedError(f"scenario {name} did not run its step {step}")
    looked_at(counted(r"\bok=(\d+)", output), "tasks that ended ok")
    return Tally()


class Lab:
    """The lab for the gates that need one: started at the first of them, and ended when it was not up before."""

    def __init__(self, space: Workspace) -> None:
        self.space = space
        self.problem = ""
        self.asked = False
        self.ours = False
        self.folder: Path | None = None
        self.builder: subprocess.Popen[bytes] | None = None

    def call(self, word: str) -> None:
        execute([MAIN.python, "-m", "tests.lab", word], env=at_home(self.space))

    def build(self) -> None:
        """Begin to build its programs beside gates that leave a core idle; what it says comes when it is waited for."""
        print("lab: its programs are built meanwhile", flush=True)
        with self.said.open("wb") as said:
            self.builder = subprocess.Popen(
                [MAIN.python, "-m", "tests.lab", "build"],
                cwd=ROOT,
                env=at_home(self.space),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> Path:
        return self.space.work / "lab-build.log"

    def built(self) -> None:
        """Wait for the programs. Where they could not be built, `up` tries again, and says why."""
        if self.builder:
            self.builder.wait()
            print(self.said.read_text(encoding="utf-8", errors="replace"), end="", flush=True)
            self.builder = None

    def is_up(self) -> bool:
        try:
            self.call("status")
        except GateFailedError:
            return False
        return True

    def up(self) -> None:
        """Start it, or say again why it could not be started."""
        if not self.asked:
            self.asked = True
            self.built()
            self.ours = not self.is_up()
            try:
                if self.ours and "LAB_DIR" not in os.environ:
                    self.move()
                self.call("up")
            except GateFailedError as error:
                self.problem = f"the lab did not come up: {error}"
        if self.problem:
            raise GateFailedError(self.problem)

    def move(self) -> None:
        """Have the lab keep its data in memory where there is room; its programs stay where they were built."""
        folder = MEMORY / f"fluxops-lab-{os.getuid()}-{zlib.crc32(str(ROOT).encode()):08x}"
        if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ROOM:
            return
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            return
        self.call("build")
        os.environ |= {"LAB_DIR": str(folder), "LAB_PROGRAMS": str(ROOT / ".lab")}
        self.folder = folder
        print(f"lab: its data lies in {folder}, and goes with it", flush=True)
        self.call("down")  # what a run that was killed left there

    def down(self) -> None:
        if self.builder:
            end_group(self.builder)
        if self.ours:
            self.call("down")
            if self.folder:
                shutil.rmtree(self.folder, ignore_errors=True)
        elif self.asked:
            print("the lab was up before, and stays up (make lab-down ends it)", flush=True)
