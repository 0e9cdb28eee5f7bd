# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Where a text stops being YAML, for people who look for the line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_Loader: Any = None
try:
    import yaml

    _Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    IMPORT_ERROR: ImportError | None = None
except ImportError as error:  # the controller always has it
    IMPORT_ERROR = error


@dataclass(frozen=True)
class Fault:
    """A line, counted from 1, and what the parser says of it."""

    line: int
    said: str


def fault(text: str) -> Fault | None:
    """What keeps a text from being YAML; None where nothing does. Keys that stand twice are left to others."""
    try:
        for _event in yaml.parse(text, Loader=_Loader):
            pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(str(one) for one in (error.context, error.problem) if one)
        return Fault(mark.line + 1 if mark else 1, " ".join(said.split()))
    except yaml.YAMLError as error:
        place = getattr(error, "position", 0)
        return Fault(text.count("\n", 0, place if isinstance(place, int) else 0) + 1, " ".join(str(error).split()))
    return None
