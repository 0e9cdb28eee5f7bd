# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""A directory of the user's on the controller that gets files which it has not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem


def missing(directory: str, texts: Mapping[str, str]) -> dict[str, str]:
    """File → text, of those that are to be written. ``texts``: name without ending → text.

    A name that is taken, with whatever ending and by whatever it is, is nobody's to overwrite.
    """
    folder = Path(directory)
    taken = {path.stem for path in folder.iterdir()} if folder.is_dir() else set()
    return {str(folder / f"{name}.yaml"): text for name, text in texts.items() if name not in taken}


def write(files: Mapping[str, str]) -> None:
    """Make these files, and the directory that they lie in. Raises InvalidInput where that can't be."""
    for path, text in files.items():
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            with Path(path).open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            hint = f"can't be written: {error.strerror}: give a directory that may be written"
            raise InvalidInput(problems=[Problem("adopt", "requests", path, hint)]) from None
