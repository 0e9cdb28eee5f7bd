# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding and ending the processes of a lab, also those whose supervisor has died."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .settings import LabError

# Every process of a lab carries this variable with the lab's folder, so that orphans can be told from strangers.
MARKER = "FLUXOPS_LAB"
# Beside it where a part of the lab's processes must be told from the rest.
PART_MARKER = "FLUXOPS_LAB_PART"


def marked(directory: Path, part: str = "") -> Iterator[int]:
    """Ids of a lab's processes, without our own: all of them, or those of one part."""
    wanted = {f"{MARKER}={directory}".encode()}
    if part:
        wanted.add(f"{PART_MARKER}={part}".encode())
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if wanted <= set((entry / "environ").read_bytes().split(b"\0")):
                    yield int(entry.name)


def kill_marked(directory: Path, part: str = "") -> None:
    """Kill these processes, and wait until they hold no port any more."""
    killed: set[int] = set()
    end = time.monotonic() + 20
    while True:
        found = set(marked(directory, part))
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        killed |= found
        left = [pid for pid in killed if is_running(pid)]
        if not found and not left:
            return
        if time.monotonic() > end:
            raise LabError(f"processes of the lab that can't be killed: {left}")
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    """Whether a process lives. One that nobody has reaped does not, once the last of its threads has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return fields[0] not in "ZX" or int(fields[17]) > 1


def wait_for(condition: Callable[[], object], seconds: float) -> bool:
    """Wait until a condition holds; whether it does in the end."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True
