# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""A checkout that is there already, as a snapshot to plan against and to write into. Nothing is committed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import FleetError, Problem, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_objects import (
    FOLDER,
    Entry,
    ancestors,
    blob_id,
    check_paths,
    edits,
)

_SHA1_DIGITS = 40


class Worktree:
    """The checkout that a folder belongs to; paths are relative to its top."""

    def __init__(self, folder: str) -> None:
        given = Path(folder or ".").absolute()
        found = next((one for one in (given, *given.parents) if (one / ".git").exists()), None)
        if not folder or found is None:
            hint = "give a folder of the fleet repository's checkout: there is no Git checkout at it"
            raise_if([Problem("repository", "fleet_worktree", folder or "empty", hint)])
        self.top = found or given

    def paths(self, prefix: str) -> list[str]:
        """All files at or under a path, sorted."""
        start = self.top / prefix.strip("/")
        found = [start] if start.is_file() else _files(start)
        return sorted(path.relative_to(self.top).as_posix() for path in found)

    def read(self, paths: Iterable[str]) -> dict[str, str]:
        """Path → text of those that are regular files."""
        found = {path: self.top / path for path in paths}
        return {
            path: file.read_bytes().decode("utf-8", "replace")
            for path, file in found.items()
            if file.is_file() and not file.is_symlink()
        }

    def write(self, changes: Mapping[str, bytes | None]) -> None:
        """Make the files as they are wanted (None: gone); nothing else is touched.

        Raises InvalidInput for unsafe paths before anything is written. A file is replaced whole, or not at all.
        """
        check_paths(changes)
        around = {part for path in changes for part in (*ancestors(path), path)}
        wanted = edits(changes, {path: entry for path in around if (entry := self._entry(path))})
        try:
            for path, edit in wanted.items():
                self._write(self.top / path, edit.content)
        except OSError as error:
            raise FleetError(f"{self.top}: the checkout can't be written: {error}") from error

    def _write(self, path: Path, content: bytes | None) -> None:
        if content is None:
            path.unlink()
            for folder in path.parents:  # Git knows no empty folders
                if folder == self.top or any(folder.iterdir()):
                    return
                folder.rmdir()
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
        new = path.with_name(f".{path.name}.fluxops-fleet")
        new.write_bytes(content)
        if mode is not None:
            new.chmod(mode)
        new.replace(path)

    def _entry(self, path: str) -> Entry | None:
        """What is there, in Git's words."""
        file = self.top / path
        if file.is_symlink():
            return Entry("120000", "blob", "")
        if file.is_dir():
            return Entry("160000", "commit", "") if (file / ".git").exists() else Entry(FOLDER, "tree", "")
        if not file.exists():
            return None
        return Entry("100644", "blob", blob_id(file.read_bytes(), _SHA1_DIGITS))


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"]
        yield from (Path(place, name) for name in names)
