# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all benchmarks need: clusters for themselves, names of cases, and a line for those who wait."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from tests.lab import Lab


@contextmanager
def lab_of_its_own(clusters: Sequence[str], repositories: Iterable[str] = (), *, empty: bool = False) -> Iterator[Lab]:
    """A lab with these clusters, ``empty`` where that is asked; repositories go afterwards, as it does itself."""
    found = Lab()
    was_up = found.status()[1]
    found.up(list(clusters))
    if empty:
        found.reset(*clusters)
    try:
        yield found
    finally:
        for repository in repositories:
            found.forge.delete_repository(repository)
        if not was_up:
            found.down()


def of_clusters(count: int, case: str) -> str:
    """The name of a case with so many clusters."""
    return f"{count} cluster{'s' if count > 1 else ''}, {case}"


def tell(capsys: pytest.CaptureFixture[str], what: str, figures: object) -> None:
    """A line for those who wait."""
    with capsys.disabled():
        print(f"\n{what}: {figures}", end="", flush=True)
