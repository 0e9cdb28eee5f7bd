# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""A branch's head as those see it who plan a change of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_repository import Repository


class Head:
    """A repository's head as text, for one plan: what is asked for again is not listed again."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._listed: dict[str, list[str]] = {}

    def paths(self, prefix: str) -> list[str]:
        """All files at or under a path, sorted."""
        if prefix not in self._listed:
            self._listed[prefix] = sorted(self._repository.entries(prefix))
        return list(self._listed[prefix])

    def read(self, paths: Iterable[str]) -> dict[str, str]:
        """Path → text of those that are regular files."""
        return _texts(self._repository.read(paths))

    def read_at(self, revision: str, paths: Iterable[str]) -> dict[str, str]:
        """The same of another commit."""
        self._repository.fetch_commit(revision)
        return _texts(self._repository.read(paths, revision))


def _texts(found: Mapping[str, bytes]) -> dict[str, str]:
    """What many clusters have alike is held once."""
    texts = {content: content.decode("utf-8", "replace") for content in found.values()}
    return {path: texts[content] for path, content in found.items()}


class Overlaid:
    """A snapshot as it is once some changes (path → content, None deletes) are in it."""

    def __init__(self, below: Snapshot, changes: Mapping[str, bytes | None]) -> None:
        self._below = below
        self._texts = {path: None if new is None else new.decode("utf-8", "replace") for path, new in changes.items()}

    def paths(self, prefix: str) -> list[str]:
        """All files at or under a path, sorted."""
        start = prefix.strip("/")
        new = {path for path in self._texts if not start or path == start or path.startswith(f"{start}/")}
        found = {*self._below.paths(prefix), *new}
        return sorted(path for path in found if self._texts.get(path, "") is not None)

    def read(self, paths: Iterable[str]) -> dict[str, str]:
        """Path → text of those that are regular files."""
        wanted = set(paths)
        new = {path: text for path, text in self._texts.items() if path in wanted and text is not None}
        return self._below.read(wanted - self._texts.keys()) | new
