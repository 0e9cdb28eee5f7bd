# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What some work of other programs costs."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Cost:
    """What one way to do it took: seconds on the clock, seconds of processor, commits that the repository has then."""

    wall: float
    processor: float
    commits: int


def measure(work: Callable[[], None], commits: Callable[[], int]) -> Cost:
    """The cost of some work that other programs do."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    work()
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - start
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, commits())


class Record:
    """What a benchmark found, for `.bench/<name>.json`: a list of objects, one for each case and peer."""

    def __init__(self, name: str) -> None:
        self._path = Path(__file__).resolve().parents[2] / ".bench" / f"{name}.json"
        self._rows: list[dict[str, Any]] = []

    def add(self, case: str, ours: Cost, peer: str, theirs: Cost, goal: float | None, **more: Any) -> None:
        """One case: seconds of both ways, and the ratio of theirs to ours beside the one to reach (None: none)."""
        self._rows.append(
            {
                "case": case,
                "ours_s": round(ours.wall, 2),
                "peer": peer,
                "peer_s": round(theirs.wall, 2),
                "ratio": round(theirs.wall / ours.wall, 2),
                "goal": goal,
                "ours_processor_s": round(ours.processor, 2),
                "peer_processor_s": round(theirs.processor, 2),
                "ours_commits": ours.commits,
                "peer_commits": theirs.commits,
                **more,
            }
        )

    def write(self) -> None:
        """Keep what was found, in place of what was found before."""
        self._path.parent.mkdir(exist_ok=True)
        self._path.write_text(json.dumps(self._rows, indent=2) + "\n")
