# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What some work of other programs costs."""

from __future__ import annotations

import json
import os
import re
import resource
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / ".bench"
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)
_PAUSE = 0.02


@dataclass(frozen=True)
class Cost:
    """What one way to do it took: seconds on the clock, seconds of processor, and the largest of its processes, each
    fork counted alone, in MB; commits and pushes that the repository has then. ``said``: what it printed."""

    wall: float
    processor: float
    peak: float
    commits: int
    pushes: int
    said: str

    def __str__(self) -> str:
        return f"{self.wall:.2f} s, {self.processor:.1f} s of processor, {self.peak:.0f} MB, {self.pushes} pushes"


def measure(work: Callable[[], str | None], commits: Callable[[], int], pushes: Callable[[], int] = lambda: 0) -> Cost:
    """The cost of some work that other programs do; it may return what they printed."""
    with Peak() as peak:
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        said = work()
        after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - start
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, used, peak.megabytes, commits(), pushes(), said or "")


class Peak(threading.Thread):
    """The most memory that any program below this one has held, as the kernel keeps it for each (VmHWM).

    Looked at all the time, since a parent's own accounting has for each child also what the parent itself held.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.megabytes = 0.0
        self._known = set(_below(os.getpid()))
        self._over = threading.Event()

    def __enter__(self) -> Peak:
        self.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(_PAUSE):
            for process in set(_below(os.getpid())) - self._known:
                self.megabytes = max(self.megabytes, _peak(process))


def _below(process: int) -> Iterator[int]:
    try:
        texts = [path.read_text() for path in Path(f"/proc/{process}/task").glob("*/children")]
    except OSError:  # it has ended
        return
    for child in (int(one) for text in texts for one in text.split()):
        yield child
        yield from _below(child)


def _peak(process: int) -> float:
    """In MB. Of a copy of this program that is still to become another one nothing is said."""
    folder = Path(f"/proc/{process}")
    try:
        if (folder / "cmdline").read_bytes() == Path("/proc/self/cmdline").read_bytes():
            return 0.0
        found = _PEAK.search((folder / "status").read_text())
    except OSError:  # it has ended
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


class Record:
    """What a benchmark found, for `.bench/<name>.json`: a list of objects, one for each case and peer.

    What the run before had found is kept beside it, in `.bench/<name>-<when it was written>.json`.
    """

    def __init__(self, name: str) -> None:
        self._path = FOLDER / f"{name}.json"
        self._rows: list[dict[str, Any]] = []

    def add(self, case: str, ours: Cost, peer: str, theirs: Cost | None, goal: float | None, **more: Any) -> None:
        """One case: seconds of both ways, and the ratio of theirs to ours beside the one to reach (None: none).

        Without ``theirs`` the peer was not measured.
        """
        row = {
            "case": case,
            "ours_s": round(ours.wall, 2),
            "peer": peer,
            "peer_s": round(theirs.wall, 2) if theirs else None,
            "ratio": round(theirs.wall / ours.wall, 2) if theirs else None,
            "goal": goal,
            **_described("ours", ours),
            **(_described("peer", theirs) if theirs else {}),
            **more,
        }
        if not self._rows and self._path.exists():
            written = datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
            self._path.replace(self._path.with_stem(f"{self._path.stem}-{written:%Y%m%dT%H%M%S}"))
        self._rows.append(row)
        FOLDER.mkdir(exist_ok=True)
        self._path.write_text(json.dumps(self._rows, indent=2) + "\n")


def _described(who: str, cost: Cost) -> dict[str, Any]:
    return {
        f"{who}_processor_s": round(cost.processor, 2),
        f"{who}_peak_mb": round(cost.peak),
        f"{who}_commits": cost.commits,
        f"{who}_pushes": cost.pushes,
    }
