# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Requests as people write them: YAML read so that a scalar stays the text that was written, and lines are known.

The tree is built from the parser's events, with a stack of our own: libyaml's composer recurses, and dies with the
whole process on some ten thousand nested brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import (
    Path,
    Request,
    text,
)

_Loader: Any = None
try:
    import yaml

    _Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    IMPORT_ERROR: ImportError | None = None
except ImportError as error:  # the controller always has it; a bastion reads no requests
    IMPORT_ERROR = error

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32

_WORDS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None, "": None}
# Integers whose text is the same wherever they are written again; longer ones stay text.
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")
_OTHER_ENCODINGS = (b"\xff\xfe", b"\xfe\xff", b"\x00")
# What Unicode lets stand in a text, and YAML does not: https://yaml.org/spec/1.2.2/#51-character-set
_UNWRITABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read(data: bytes, where: str) -> tuple[list[Request], list[Problem]]:
    """The requests of one file, one a document, and everything that is wrong with how it is written."""
    if len(data) > MAX_BYTES:
        return [], [Problem(where, "size", "", f"a file of requests has at most {MAX_BYTES} bytes")]
    reader, found = _Reader(where), []
    try:
        for one in reader.documents(yaml.parse(_decoded(data), Loader=_Loader)):
            if isinstance(one.content, Mapping):
                found.append(one)
            elif one.content is not None:
                hint = "each document must be a mapping with the fields of one request"
                reader.problems.append(one.problem((), one.content, hint))
    except _Unreadable as error:
        reader.problems.append(error.problem(where))
    except (yaml.YAMLError, ValueError) as error:
        reader.problems.append(_syntax(error, where))
    if not found and not reader.problems:
        reader.problems.append(Problem(where, "request", "", "there is no request in this file"))
    return found, reader.problems


class _Unreadable(Exception):
    """The text can't be read on from here: line (0: no such), field, and what would be right."""

    def __init__(self, line: int, name: str, hint: str) -> None:
        super().__init__(hint)
        self._line, self._name, self._hint = line, name, hint

    def problem(self, where: str) -> Problem:
        return Problem(f"{where}:{self._line}" if self._line else where, self._name, "", self._hint)


def _decoded(data: bytes) -> str:
    if data.startswith(_OTHER_ENCODINGS):
        raise _Unreadable(1, "encoding", "save the file as UTF-8")
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _Unreadable(line, "encoding", f"byte 0x{data[error.start]:02x} is no UTF-8: save as UTF-8") from None
    found = _UNWRITABLE.search(content)
    if found:
        line = content[: found.start()].count("\n") + 1
        hint = f"character U+{ord(found.group()):04X} can't stand in a YAML file: take it out"
        raise _Unreadable(line, "text", hint)
    return content


def _syntax(error: Exception, where: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = [getattr(error, name, None) for name in ("context", "problem")]
    hint = ", ".join(str(part) for part in said if part) or " ".join(str(error).split())
    return Problem(f"{where}:{mark.line + 1}" if mark else where, "YAML", "", hint)


class _Open:
    """A mapping or a list whose end was not seen yet."""

    def __init__(self, value: dict[str, Any] | list[Any], path: Path) -> None:
        self.value, self.path = value, path
        self.key: str | None = None
        self.keys: dict[str, int] = {}


class _Reader:
    """From events to documents; ``problems`` are of what YAML allows and requests do not."""

    def __init__(self, where: str) -> None:
        self.problems: list[Problem] = []
        self._where = where
        self._open: list[_Open] = []
        self._lines: dict[Path, int] = {}
        self._root: Any = None

    def documents(self, events: Iterator[Any]) -> Iterator[Request]:
        for event in events:
            line = event.start_mark.line + 1
            if isinstance(event, yaml.DocumentStartEvent):
                self._lines, self._root = {}, None
            elif isinstance(event, yaml.DocumentEndEvent):
                yield Request(self._root, self._where, self._lines)
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                self._open.pop()
            elif isinstance(event, yaml.NodeEvent):
                self._refuse_references(event, line)
                self._node(event, line)

    def _refuse_references(self, event: Any, line: int) -> None:
        place = f"{self._where}:{line}"
        if event.anchor is not None:
            sign = "*" if isinstance(event, yaml.AliasEvent) else "&"
            hint = "anchors and aliases have no place in a request: write the value out"
            self.problems.append(Problem(place, "YAML", f"{sign}{event.anchor}", hint))
        if getattr(event, "tag", None) is not None:
            hint = "tags have no place in a request: write the value plainly, in quotes if it is text"
            self.problems.append(Problem(place, "YAML", event.tag, hint))

    def _node(self, event: Any, line: int) -> None:
        around = self._open[-1] if self._open else None
        if around and isinstance(around.value, dict) and around.key is None:
            self._key(around, event, line)
            return
        path = self._put(around, value := self._value(event), line)
        if not isinstance(value, (dict, list)):
            return
        if len(self._open) == MAX_DEPTH:
            raise _Unreadable(line, "YAML", f"nested deeper than {MAX_DEPTH} levels: no request needs that")
        self._open.append(_Open(value, path))

    def _put(self, around: _Open | None, value: Any, line: int) -> Path:
        if around is None:
            self._root = value
            self._lines[()] = line
            return ()
        if isinstance(around.value, list):
            path = (*around.path, len(around.value))
            around.value.append(value)
        else:
            path = (*around.path, around.key or "")
            line = around.keys[around.key or ""]
            around.value[around.key or ""] = value
            around.key = None
        self._lines[path] = line
        return path

    def _key(self, around: _Open, event: Any, line: int) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            raise _Unreadable(line, "YAML", "a key must be plain text")
        place, key = f"{self._where}:{line}", str(event.value)
        if key == "<<" and event.implicit[0]:
            hint = "merge keys have no place in a request: write the fields out"
            self.problems.append(Problem(place, "YAML", key, hint))
        if key in around.keys:
            hint = f"this key stands twice, first in line {around.keys[key]}: keep one"
            self.problems.append(Problem(place, text((*around.path, key)), "", hint))
        around.key = key
        around.keys[key] = line

    @staticmethod
    def _value(event: Any) -> Any:
        if isinstance(event, yaml.MappingStartEvent):
            return {}
        if isinstance(event, yaml.SequenceStartEvent):
            return []
        value = str(getattr(event, "value", ""))
        if not (isinstance(event, yaml.ScalarEvent) and event.implicit[0]):
            return value
        if value in _WORDS:
            return _WORDS[value]
        return int(value) if _INTEGER.fullmatch(value) else value
