# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Lists of old names brought together under the name of today, in manifests that people wrote."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.yaml_text import (
    Edit,
    Entry,
    applied,
    end,
    entries,
    is_block,
    items,
    key_of,
    line_end,
    literal,
    moved,
    scalar,
)

Convert = Callable[[str, Any], "list[Edit] | None"]
"""How an item of the old list becomes one of the new: edits within it; None where it can't be said in the new form."""
Part = tuple[str, Convert]

_PATH = re.compile(r"[\w./@+-]+\.(ya?ml|json)", re.IGNORECASE)


def merged(text: str, mapping: Any, parts: Sequence[Part], into: str) -> list[Edit] | None:
    """The edits that make one list ``into`` of the lists of these names, in this order; None where that can't be.

    The new list stands where the first of the old ones stood; all comments come along.
    """
    present = [(Entry(text, mapping, name), convert) for name, convert in parts if name in entries(mapping)]
    if len(present) == 1 and not is_block(present[0][0].value):
        return _renamed(*present[0], into)
    if not all(entry.owns_its_lines and _is_list(entry.value) for entry, _convert in present):
        return None
    anchor = min((entry for entry, _convert in present), key=lambda entry: entry.span[0])
    column = next((e.value.start_mark.column for e, _c in [(anchor, None), *present] if items(e.value)), 0)
    bodies = [_body(entry, convert, column) for entry, convert in present]
    if None in bodies:
        return None
    indent = " " * anchor.key.start_mark.column
    comments = [
        f"{indent}{_comment(entry)}\n" for entry, _convert in present if entry is not anchor and _comment(entry)
    ]
    head = f"{indent}{into}:{f' {_comment(anchor)}' if _comment(anchor) else ''}\n"
    others = [(*entry.span, "") for entry, _convert in present if entry is not anchor]
    return [(*anchor.span, head + "".join(comments) + "".join(body or "" for body in bodies)), *others]


def _is_list(node: Any) -> bool:
    """A list over lines, or an empty one however it is written."""
    return is_block(node) or (not items(node) and not scalar(node) and not entries(node))


def _renamed(entry: Entry, convert: Convert, into: str) -> list[Edit] | None:
    """A list within brackets that has nothing to be merged with."""
    changes = [convert(entry.text, one) for one in items(entry.value)]
    if None in changes or not items(entry.value):
        return None
    head = (entry.key.start_mark.index, entry.key.end_mark.index, into)
    return [head, *(edit for change in changes for edit in change or [])]


def _comment(entry: Entry) -> str:
    """The comment that stands behind the key."""
    if not is_block(entry.value):
        return ""
    start = entry.key.end_mark.index
    return entry.text[start : line_end(entry.text, start)].lstrip(":").strip()


def _body(entry: Entry, convert: Convert, column: int) -> str | None:
    start, stop = entry.span[0] + len(entry.head), entry.span[1]
    edits: list[Edit] = []
    for one in items(entry.value):
        changes = convert(entry.text, one) if start <= one.start_mark.index < stop else None
        if changes is None:
            return None
        edits += changes
    if not items(entry.value):
        return ""
    body = applied(entry.body, [(first - start, last - start, after) for first, last, after in edits])
    return moved(body, column - entry.value.start_mark.column)


def as_it_is(_text: str, _item: Any) -> list[Edit] | None:
    """An item that has the same form in both lists."""
    return []


def path_or_patch(text: str, node: Any) -> list[Edit] | None:
    """kustomize's ``patchesStrategicMerge``: a file's name, or the patch itself as text."""
    found = scalar(node)
    start, stop = node.start_mark.index, end(node, text)
    if _PATH.fullmatch(found.strip()):
        before, after = ("{path: ", "}") if _within_brackets(text, start) else ("path: ", "")
        return [(start, start, before), (stop, stop, after)] if after else [(start, start, before)]
    if node.style not in ("|", ">") or text[start : line_end(text, start)].partition("#")[0].strip()[1:].strip("+-"):
        return None
    return [
        (start, line_end(text, start), f"patch: {text[start : line_end(text, start)]}"),
        *_deeper(text, start, stop),
    ]


def _within_brackets(text: str, index: int) -> bool:
    line = text[text.rfind("\n", 0, index) + 1 : index]
    return not line.strip().startswith("-") or "[" in line


def _deeper(text: str, start: int, stop: int) -> list[Edit]:
    """The lines of a literal block two columns further in, as it now is a key's."""
    first = line_end(text, start)
    return [(first, max(first, line_end(text, stop)), moved(text[first : line_end(text, stop)], 2))]


def object_as_patch(text: str, node: Any) -> list[Edit] | None:
    """Flux' own ``patchesStrategicMerge``: an object, which ``patches`` wants as text."""
    if not entries(node):
        return None
    start, stop = node.start_mark.index, end(node, text)
    patch = f"patch: {literal(text, node, node.start_mark.column)}"
    return [(start, line_end(text, stop), patch)] if is_block(node) else [(start, stop, patch.rstrip("\n"))]


def operations_as_patch(text: str, node: Any) -> list[Edit] | None:
    """Flux' own ``patchesJson6902``: operations, which ``patches`` wants as text."""
    patch = entries(node).get("patch")
    if patch is None or not is_block(node):
        return None
    if not items(patch):
        return [] if scalar(patch) else None
    key, stop = key_of(node, "patch"), end(patch, text)
    after = f": {literal(text, patch, key.start_mark.column)}"
    if is_block(patch):
        return [(key.end_mark.index, line_end(text, stop), after)]
    return [(key.end_mark.index, stop, after.rstrip("\n"))]
