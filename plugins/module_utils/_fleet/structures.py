# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Shapes of what holds other values: lists, tables, and records of named fields."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Path
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import (
    Fault,
    Schema,
    Shape,
    Text,
    described,
    wanted,
)


@dataclass(frozen=True)
class Items:
    """A list of things of one shape, none of them twice."""

    description: str
    item: Shape
    least: int = 1
    most: int = 100

    def schema(self) -> Schema:
        item = described(self.item)
        return {"type": "array", "items": item, "minItems": self.least, "maxItems": self.most, "uniqueItems": True}

    def faults(self, value: Any, path: Path) -> Iterator[Fault]:
        if not isinstance(value, (list, tuple)):
            yield path, value, wanted("a list", value)
            return
        if not self.least <= len(value) <= self.most:
            yield path, "", f"{self.least} to {self.most} entries, found {len(value)}"
            return
        for number, item in enumerate(value):
            if repr(item) in map(repr, value[:number]):
                yield (*path, number), item, "stands twice: keep one"
            yield from self.item.faults(item, (*path, number))


@dataclass(frozen=True)
class Table:
    """Names of one form, each with a thing of one shape."""

    description: str
    key: Text
    value: Shape
    least: int = 1
    most: int = 100

    def schema(self) -> Schema:
        names = {key: value for key, value in self.key.schema().items() if key != "type"}
        kept = {"propertyNames": names, "additionalProperties": described(self.value)}
        return {"type": "object", **kept, "minProperties": self.least, "maxProperties": self.most}

    def faults(self, value: Any, path: Path) -> Iterator[Fault]:
        if not isinstance(value, Mapping):
            yield path, value, wanted("a mapping", value)
            return
        if not self.least <= len(value) <= self.most:
            yield path, "", f"{self.least} to {self.most} entries, found {len(value)}"
            return
        for key, item in value.items():
            for _path, _value, hint in self.key.faults(key, path):
                yield (*path, key), "", f"this name is wrong: {hint}"
            yield from self.value.faults(item, (*path, key))


@dataclass(frozen=True)
class Record:
    """Named fields: ``always`` must be there, ``required`` unless a field holds a word (``unless``), or ``one_of``."""

    description: str
    fields: Mapping[str, Shape]
    required: tuple[str, ...] = ()
    always: tuple[str, ...] = ()
    unless: tuple[str, str] | None = None
    one_of: bool = False

    def schema(self) -> Schema:
        found: Schema = {"type": "object", "additionalProperties": False}
        found["properties"] = {name: described(shape) for name, shape in self.fields.items()}
        if self.one_of:
            found |= {"minProperties": 1, "maxProperties": 1}
        if self.always:
            found["required"] = list(self.always)
        if self.unless and self.required:
            name, word = self.unless
            found["if"] = {"properties": {name: {"const": word}}, "required": [name]}
            found["else"] = {"required": list(self.required)}
        elif self.required:
            found["required"] = [*self.always, *self.required]
        return found

    def faults(self, value: Any, path: Path) -> Iterator[Fault]:
        if not isinstance(value, Mapping):
            yield path, value, wanted("a mapping", value)
            return
        excused = self.unless is not None and value.get(self.unless[0]) == self.unless[1]
        for name in self.always + (() if excused else self.required):
            if name not in value:
                yield (*path, name), "", f"is missing: {self.fields[name].description}"
        if self.one_of and len(value) != 1:
            yield path, "", f"exactly one of {', '.join(self.fields)}, found {len(value)}"
        for name, item in value.items():
            shape = self.fields.get(name)
            if shape:
                yield from shape.faults(item, (*path, name))
            else:
                yield (*path, str(name)), "", self._unknown(str(name))

    def _unknown(self, name: str) -> str:
        meant = did_you_mean(name, list(self.fields))
        return f"there is no such field{meant} (known: {', '.join(self.fields)})"


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """The question after that name, to stand behind what is said of the wrong one; empty where none is near."""
    close = nearest(name, known)
    return f", did you mean {close}?" if close else ""


def nearest(name: str, known: Sequence[str]) -> str:
    """The known name that somebody who wrote ``name`` most likely meant; empty where none is near."""
    return next(iter(difflib.get_close_matches(name.lower()[:64], known, n=1)), "")
