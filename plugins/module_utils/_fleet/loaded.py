# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""A snapshot that asks once for what many look at, since to ask Git is to start processes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot


class Loaded:
    """What lies below some directory of a snapshot, asked for at once; what lies elsewhere is asked for as it comes."""

    def __init__(self, below: Snapshot, directory: str) -> None:
        self._below = below
        self._start = f"{directory}/"
        self._paths: dict[str, list[str]] = defaultdict(list)
        for path in below.paths(directory):
            parts = path.split("/")
            for depth in range(1, len(parts) + 1):
                self._paths["/".join(parts[:depth])].append(path)
        self._texts: dict[str, str] = {}
        self._asked: set[str] = set()

    def paths(self, prefix: str) -> list[str]:
        """All files at or under a path, sorted."""
        path = prefix.strip("/")
        return list(self._paths.get(path, ())) if f"{path}/".startswith(self._start) else self._below.paths(prefix)

    def read(self, paths: Iterable[str]) -> dict[str, str]:
        """Path → text of those that are regular files."""
        wanted = set(paths)
        new = wanted - self._asked
        if new:
            self._asked |= new
            self._texts |= self._below.read(sorted(new))
        return {path: self._texts[path] for path in wanted if path in self._texts}
