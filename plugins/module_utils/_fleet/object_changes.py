# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What changes of objects, field by field, as few words as tell it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_objects import identity
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.masking import masked
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name as object_name

_LONGEST = 72  # characters of a value in a line
SIGNS = {"created": "+", "removed": "-", "changed": "~"}


@dataclass(frozen=True)
class FieldChange:
    """One field: its path, and its value before and after as JSON (empty: it is not there), secrets masked."""

    path: str
    before: str
    after: str

    def __str__(self) -> str:
        if all(value.startswith('"') and "\\n" in value for value in (self.before, self.after)):
            return f"{self.path}: {_lines(json.loads(self.before), json.loads(self.after))}"
        return f"{self.path}: {_short(self.before)} → {_short(self.after)}"

    def as_dict(self) -> dict[str, Any]:
        """The change as plain data; a value that is not there is left out."""
        values = {"before": self.before, "after": self.after}
        return {"field": self.path, **{key: json.loads(value) for key, value in values.items() if value}}


@dataclass(frozen=True)
class ObjectChange:
    """One object: its name as people say it, whether it is created, removed or changed, and in which fields."""

    name: str
    action: str
    fields: tuple[FieldChange, ...] = ()

    @property
    def lines(self) -> list[str]:
        """The change in words."""
        sign = SIGNS[self.action]
        return [f"{sign} {self.name}: {one}" for one in self.fields] or [f"{sign} {self.name}"]

    def filled(self, fill: Callable[[str], str]) -> ObjectChange:
        """The change with values (JSON) as ``fill`` makes them."""
        fields = [FieldChange(one.path, fill(one.before), fill(one.after)) for one in self.fields]
        return ObjectChange(fill(self.name), self.action, tuple(fields))

    def as_dict(self) -> dict[str, Any]:
        """The change as plain data."""
        return {"object": self.name, "action": self.action, "fields": [one.as_dict() for one in self.fields]}


def changes(before: Sequence[Document], after: Sequence[Document]) -> tuple[ObjectChange, ...]:
    """What changes from some objects to others, in the order of the new ones, then what goes."""
    old, new = ({identity(one): one for one in objects} for objects in (before, after))
    found = []
    for key, one in new.items():
        if key not in old:
            found.append(ObjectChange(object_name(one), "created"))
        elif old[key] != one:
            found += [_changed(old[key], one)]
    found += [ObjectChange(object_name(one), "removed") for key, one in old.items() if key not in new]
    return tuple(one for one in found if one.action != "changed" or one.fields)


def _changed(before: Document, after: Document) -> ObjectChange:
    kind = str(after.get("kind"))
    return ObjectChange(object_name(after), "changed", tuple(_fields(kind, [], before, after)))


def _fields(kind: str, path: list[str], before: Any, after: Any) -> Iterator[FieldChange]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*before, *(one for one in after if one not in before)]:
            if before.get(key, _ABSENT) != after.get(key, _ABSENT):
                yield from _fields(kind, [*path, str(key)], before.get(key, _ABSENT), after.get(key, _ABSENT))
    elif _is_named(before) and _is_named(after):
        old, new = ({one["name"]: one for one in items} for items in (before, after))
        for name in [*old, *(one for one in new if one not in old)]:
            if old.get(name, _ABSENT) != new.get(name, _ABSENT):
                yield from _fields(kind, [*path, f"[{name}]"], old.get(name, _ABSENT), new.get(name, _ABSENT))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            if one != other:
                yield from _fields(kind, [*path, f"[{index}]"], one, other)
    else:
        yield FieldChange(_written(path), _json(kind, path, before), _json(kind, path, after))


_ABSENT = object()


def _is_named(value: Any) -> bool:
    """Whether a list is one of named items, as containers and variables are, each name once."""
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
        return False
    names = [one.get("name") for one in value]
    return bool(names) and all(isinstance(name, str) for name in names) and len({*names}) == len(names)


def _written(path: Sequence[str]) -> str:
    found = ""
    for part in path:
        # Names that hold dots, such as those of labels, stand in brackets too.
        quoted = part if part.startswith("[") or "." not in part else f"[{part}]"
        found += quoted if quoted.startswith("[") or not found else f".{quoted}"
    return found


def _json(kind: str, path: Sequence[str], value: Any) -> str:
    if value is _ABSENT:
        return ""
    return json.dumps(masked(kind, [part.strip("[]") for part in path], value), ensure_ascii=False, sort_keys=True)


def _short(value: str) -> str:
    """A value in a line: text without quotes where nothing is lost, and cut where it is long."""
    if not value:
        return "(none)"
    parsed = json.loads(value)
    text = parsed if isinstance(parsed, str) and parsed and parsed == parsed.strip() and "\n" not in parsed else value
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _lines(before: str, after: str) -> str:
    """Text of several lines: how many come and go."""
    lines = after.splitlines()
    # The first two lines of a unified diff are its header.
    found = [line[:1] for line in list(difflib.unified_diff(before.splitlines(), lines, n=0, lineterm=""))[2:]]
    return f"text of {len(lines)} lines, {found.count('+')} new, {found.count('-')} gone"
