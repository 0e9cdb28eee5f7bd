# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Shapes of data, declared once: they give the JSON Schema for editors, and all problems of a value for people."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Path

Schema = dict[str, Any]
Fault = tuple[Path, Any, str]
"""What is wrong: where, the value there, and what would be right."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Shape(Protocol):
    """What a value may be."""

    @property
    def description(self) -> str:
        """What the value means, for people."""

    def schema(self) -> Schema:
        """The JSON Schema of the shape, without its description."""

    def faults(self, value: Any, path: Path) -> Iterator[Fault]:
        """Everything that is wrong with a value."""


@dataclass(frozen=True)
class Text:
    """Text that matches ``pattern`` as a whole (a regular expression that Python and ECMA-262 read alike).

    ``check`` says what a pattern can't: the value as people may see it, and what would be right; None: it is fine.
    It comes first, so that a value that may hold a secret is shown by nobody else.
    """

    description: str
    pattern: str
    hint: str
    longest: int = 253
    check: Callable[[str], tuple[str, str] | None] | None = None
    _compiled: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Ansible forks for each host: what is compiled in a fork is compiled anew for each.
        object.__setattr__(self, "_compiled", re.compile(self.pattern))

    def schema(self) -> Schema:
        return {"type": "string", "pattern": f"^(?:{self.pattern})$", "maxLength": self.longest}

    def faults(self, value: Any, path: Path) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield path, value, wanted(self.hint, value, "put it in quotes")
            return
        if len(value) > self.longest:
            yield path, "" if self.check else value, f"at most {self.longest} characters, found {len(value)}"
            return
        found = self.check(value) if self.check else None
        if found:
            yield path, found[0], found[1]
        elif not self._compiled.fullmatch(value):
            yield path, value, self.hint + self._foreign(value)

    def _foreign(self, value: str) -> str:
        """The first character that nobody sees, or takes for another one, with its number."""
        strange = (one for one in value if not " " <= one <= "~" and not self._compiled.fullmatch(one))
        found = next(strange, None)
        return f" (it holds U+{ord(found):04X})" if found else ""


@dataclass(frozen=True)
class Word:
    """One of a few words."""

    description: str
    choices: tuple[str, ...]

    def schema(self) -> Schema:
        return {"enum": list(self.choices)}

    def faults(self, value: Any, path: Path) -> Iterator[Fault]:
        if not isinstance(value, str) or value not in self.choices:
            yield path, value, f"one of {', '.join(self.choices)}"


@dataclass(frozen=True)
class Flag:
    """true or false."""

    description: str

    def schema(self) -> Schema:
        return {"type": "boolean"}

    def faults(self, value: Any, path: Path) -> Iterator[Fault]:
        if not isinstance(value, bool):
            yield path, value, "true or false"


@dataclass(frozen=True)
class Whole:
    """A whole number, not below ``least``."""

    description: str
    least: int = 0

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.least, "maximum": _LARGEST}

    def faults(self, value: Any, path: Path) -> Iterator[Fault]:
        if isinstance(value, bool) or not isinstance(value, int) or not self.least <= value <= _LARGEST:
            yield path, value, f"a whole number, at least {self.least}"


@dataclass(frozen=True)
class Plain:
    """What is text to those who get it: ``text``, or a whole number or a truth value without quotes."""

    text: Text

    @property
    def description(self) -> str:
        return self.text.description

    def schema(self) -> Schema:
        whole = {"type": "integer", "minimum": -_LARGEST, "maximum": _LARGEST}
        return {"anyOf": [self.text.schema(), whole, {"type": "boolean"}]}

    def faults(self, value: Any, path: Path) -> Iterator[Fault]:
        whole = isinstance(value, int) and -_LARGEST <= value <= _LARGEST
        if not isinstance(value, bool) and not whole:
            yield from self.text.faults(value, path)


def plain(value: object) -> str:
    """The text of a value that ``Plain`` lets through, as YAML writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True)
class Amount:
    """A quantity as Kubernetes writes it, not below zero; a plain number may stand without quotes."""

    description: str
    pattern = r"[0-9]{1,18}(\.[0-9]{1,9})?([EPTGM]i?|k|Ki|m|[eE][0-9]{1,2})?"
    _compiled = re.compile(pattern)

    def schema(self) -> Schema:
        return {
            "anyOf": [
                {"type": "string", "pattern": f"^(?:{self.pattern})$"},
                {"type": "number", "minimum": 0, "maximum": _LARGEST},
            ]
        }

    def faults(self, value: Any, path: Path) -> Iterator[Fault]:
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= _LARGEST
        if not number and not (isinstance(value, str) and self._compiled.fullmatch(value)):
            yield path, value, "a quantity of Kubernetes, such as 20, 500m or 4Gi"


_LARGEST = 10**15


def described(shape: Shape) -> Schema:
    """The JSON Schema of a shape, with what it means."""
    return {"description": shape.description, **shape.schema()} if shape.description else shape.schema()


def wanted(what: str, value: Any, remedy: str = "") -> str:
    """What would be right in place of a value of another type, and what to do about it."""
    if value is None:
        return f"is empty: leave the field out, or give {what}"
    kinds = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "a mapping"}
    found = next((name for kind, name in kinds.items() if isinstance(value, kind)), type(value).__name__)
    advice = f": {remedy}" if remedy and found in {"true or false", "a number"} else ""
    return f"{what}, found {found}{advice}"
