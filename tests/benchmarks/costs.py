# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What some work of other programs costs."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass


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
