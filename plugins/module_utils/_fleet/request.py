# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Requests, and the places of their values: for messages that people can follow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem

Path = tuple[Any, ...]
"""The way from a request to one of its values: keys (text) and positions (numbers)."""


def text(path: Path) -> str:
    """A path as people write it: ``sources[0].url``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


@dataclass(frozen=True)
class Request:
    """One request. ``where`` is its file, or the variable that holds it; ``lines`` are known for files alone."""

    content: Mapping[str, Any]
    where: str
    lines: Mapping[Path, int] = field(default_factory=dict, repr=False)

    def place(self, path: Path = ()) -> str:
        """``file:line`` of a value, or of the nearest thing around it that stands in the file."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return f"{self.where}:{self.lines[path[:length]]}"
        return self.where

    def problem(self, path: Path, value: Any, hint: str) -> Problem:
        """What is wrong with one value, with the place that it stands at; of lists and mappings nothing is shown."""
        shown = value if isinstance(value, str) else str(value) if isinstance(value, (int, float)) else ""
        return Problem(self.place(path), text(path) or "request", _shortened(shown), hint)


def _shortened(value: str) -> str:
    """Enough of a text to find it by, without credentials of a URL that landed in the wrong field."""
    plain = re.sub(r"(?<!ssh)://[^/]*@|://[^/@]*:[^/]*@", "://…@", value)
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]}…"


_SHOWN = 120
