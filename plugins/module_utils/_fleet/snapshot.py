# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What the fleet repository holds at one commit, as those see it who plan a change of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class Snapshot(Protocol):
    """The files of one commit; an empty repository has none."""

    def paths(self, prefix: str) -> list[str]:
        """All files at or under a path, sorted."""

    def read(self, paths: Iterable[str]) -> dict[str, str]:
        """Path → text of those that are regular files."""
