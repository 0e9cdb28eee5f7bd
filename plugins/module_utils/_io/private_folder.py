# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Folders that nobody else can look into, gone after use; what killed runs left of them is swept by later ones."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PREFIX = "fluxops-fleet-"
STALE = 3600.0  # seconds; younger folders may be ones that are just being made
MEMORY = Path("/dev/shm")  # noqa: S108  # only parent of folders that mkdtemp makes


@contextlib.contextmanager
def private_folder(parent: Path | None = None) -> Iterator[Path]:
    """A folder of mode 0700 in ``parent`` (where temporary files go, without it). Raises OSError."""
    place = parent or Path(tempfile.gettempdir())
    _sweep(place)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    try:
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def in_memory() -> Path | None:
    """Where folders are in memory and not on a disk; None where the system has no such place for us."""
    return MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else None


def _sweep(parent: Path) -> None:
    """Removes folders whose process is gone: it held a lock for as long as it lived, whatever container it ran in."""
    for folder in parent.glob(PREFIX + "*"):
        with contextlib.suppress(OSError):
            status = folder.lstat()
            if status.st_uid != os.getuid() or time.time() - status.st_mtime < STALE:
                continue
            with (folder / "lock").open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
