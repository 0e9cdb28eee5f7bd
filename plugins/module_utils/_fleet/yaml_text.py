# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""YAML that others wrote, edited by the positions of its nodes: comments, order and all other bytes stay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem

_Loader: Any = None
try:
    import yaml

    _Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    IMPORT_ERROR: ImportError | None = None
except ImportError as error:  # the controller always has it
    IMPORT_ERROR = error

# What people write by hand is far smaller; what is larger was made to harm, or by a program that makes it again.
MAX_CHARACTERS = 1024 * 1024
_MAX_DEPTH = 64
_MAX_NODES = 200_000

Edit = tuple[int, int, str]
"""From where, to where (characters), and what comes there instead."""


def compose(text: str, where: str) -> list[Any]:
    """The documents of a file as nodes. InvalidInput for what is no YAML, too large, or too deep.

    libyaml's composer recurses, and an alias may stand for a billion nodes: both are counted before and after.
    """
    if len(text) > MAX_CHARACTERS:
        raise _refusal(where, f"is larger than {MAX_CHARACTERS} characters")
    try:
        depth = 0
        for event in yaml.parse(text, Loader=_Loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:
                raise _refusal(where, f"is nested deeper than {_MAX_DEPTH} levels")
        found = [node for node in yaml.compose_all(text, Loader=_Loader) if node is not None]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _refusal(where, " ".join(str(error).split())) from None
    if sum(_weight(node, {}) for node in found) > _MAX_NODES:
        raise _refusal(where, f"stands for more than {_MAX_NODES} values")
    return found


def _refusal(where: str, hint: str) -> InvalidInput:
    return InvalidInput(problems=[Problem(where, "YAML", "", hint)])


def _weight(node: Any, known: dict[int, int]) -> int:
    """How many nodes it stands for, aliases written out; one that contains itself stands for too many."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) not in known:
        known[id(node)] = _MAX_NODES + 1
        known[id(node)] = 1 + sum(_weight(child, known) for child in _children(node))
    return known[id(node)]


def _children(node: Any) -> Iterator[Any]:
    for child in node.value if isinstance(node.value, list) else ():
        if isinstance(child, tuple):
            yield from child
        else:
            yield child


def entries(node: Any) -> dict[str, Any]:
    """Key → value, as nodes; empty for what is no mapping."""
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}


def at(node: Any, *path: str) -> Any:
    """The node below these keys; None where there is none."""
    for key in path:
        node = entries(node).get(key)
    return node


def key_of(node: Any, name: str) -> Any:
    """The node of a key itself."""
    return next(key for key, _value in node.value if key.value == name)


def scalar(node: Any) -> str:
    """The text of a scalar; empty for anything else."""
    return node.value if isinstance(node, yaml.ScalarNode) else ""


def items(node: Any) -> list[Any]:
    """The items of a list; empty for anything else."""
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def is_block(node: Any) -> bool:
    """Whether a collection is written over lines, and not within brackets."""
    return not isinstance(node, yaml.ScalarNode) and not node.flow_style


def mappings(nodes: Iterable[Any]) -> Iterator[Any]:
    """All mappings of some documents, each once also where aliases lead to it again."""
    seen: set[int] = set()
    open_nodes = list(nodes)[::-1]
    while open_nodes:
        node = open_nodes.pop()
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield node
        open_nodes += list(_children(node))[::-1]


def end(node: Any, text: str) -> int:
    """Behind the last character of a node, without the comments and empty lines that PyYAML counts to a block."""
    while not isinstance(node, yaml.ScalarNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    stop: int = node.end_mark.index
    return len(text[:stop].rstrip()) if stop > node.start_mark.index else stop


def line_start(text: str, index: int) -> int:
    """Where the line of a position begins."""
    return text.rfind("\n", 0, index) + 1


def line_end(text: str, index: int) -> int:
    """Where the line after a position begins."""
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1


def applied(text: str, edits: Iterable[Edit]) -> str:
    """The text with edits that do not overlap."""
    for start, stop, after in sorted(edits, reverse=True):
        text = text[:start] + after + text[stop:]
    return text


@dataclass(frozen=True)
class Entry:
    """One key of a mapping with its value, and where it stands in the text."""

    text: str
    mapping: Any
    name: str

    @property
    def value(self) -> Any:
        """The value's node."""
        return entries(self.mapping)[self.name]

    @property
    def key(self) -> Any:
        """The key's node."""
        return key_of(self.mapping, self.name)

    @property
    def owns_its_lines(self) -> bool:
        """Whether nothing else stands on the lines of this entry, so that they can be cut out."""
        start = line_start(self.text, self.key.start_mark.index)
        alone = not self.text[start : self.key.start_mark.index].strip()
        rest = self.text[end(self.value, self.text) : line_end(self.text, end(self.value, self.text))].strip()
        return alone and is_block(self.mapping) and (not rest or rest.startswith("#")) and not self._is_shared

    @property
    def _is_shared(self) -> bool:
        """Whether the value is an alias, whose node stands elsewhere, or an anchor, which others may name."""
        start: int = self.value.start_mark.index
        return start < self.key.end_mark.index or self.text[start : start + 1] == "&"

    @property
    def span(self) -> tuple[int, int]:
        """Its lines, from the key's to the last of its value, comments at their ends included."""
        return line_start(self.text, self.key.start_mark.index), line_end(self.text, end(self.value, self.text))

    @property
    def head(self) -> str:
        """The key's line."""
        start = self.span[0]
        return self.text[start : line_end(self.text, start)]

    @property
    def body(self) -> str:
        """The lines below the key's, the last one closed."""
        found = self.text[self.span[0] + len(self.head) : self.span[1]]
        return found if not found or found.endswith("\n") else found + "\n"


def moved(lines: str, by: int) -> str:
    """Lines further in or out; a comment that stands further out than they do stays a comment."""
    found = []
    for line in lines.splitlines(keepends=True):
        room = len(line) - len(line.lstrip(" "))
        found.append(line if not line.strip() else " " * by + line if by >= 0 else line[min(-by, room) :])
    return "".join(found)


def literal(text: str, node: Any, column: int) -> str:
    """A collection's own text as a literal block (``|``) of a key that stands at ``column``."""
    start = node.start_mark.index
    room = node.start_mark.column
    stop = line_end(text, end(node, text)) if is_block(node) else end(node, text)
    body = " " * room + text[start:stop]
    closed = body if body.endswith("\n") else body + "\n"
    return "|\n" + moved(closed, column + 2 - room)
