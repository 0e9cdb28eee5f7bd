# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Where an object in a cluster differs from what is wanted of it, and who set what differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document

Path = tuple[str, ...]
"""Keys of mappings from an object's root; a list is one place, whatever differs in it."""
# What the API server and controllers write, and nobody's repository says.
_SERVER = (
    *(("metadata", field) for field in ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid")),
    ("metadata", "selfLink"),
    ("status",),
)


def is_held(wanted: Any, live: Any) -> bool:
    """Whether all that is wanted is there, by plain comparison.

    False does not say that it is not: the API server knows defaults, quantities, and lists that are merged by a key.
    """
    if isinstance(wanted, Mapping):
        return isinstance(live, Mapping) and all(is_held(value, live.get(key)) for key, value in wanted.items())
    if isinstance(wanted, list):
        whole = isinstance(live, list) and len(wanted) == len(live)
        return whole and all(is_held(one, other) for one, other in zip(wanted, live, strict=True))
    return bool(wanted == live and isinstance(wanted, bool) == isinstance(live, bool))


def lacking(wanted: Any, live: Any, at: Path = ()) -> Iterator[Path]:
    """The places where what is wanted is not there, by plain comparison."""
    if not isinstance(wanted, Mapping) or not isinstance(live, Mapping):
        if not is_held(wanted, live):
            yield at
        return
    for key, value in wanted.items():
        yield from lacking(value, live.get(key), (*at, str(key)))


def differing(before: Any, after: Any, at: Path = ()) -> Iterator[Path]:
    """The places where two states of an object differ, without what only the API server writes."""
    if at in _SERVER or before == after:
        return
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        yield at
        return
    for key in sorted({*before, *after}):
        yield from differing(before.get(key), after.get(key), (*at, str(key)))


def mentioned(wanted: Any, path: Path) -> bool:
    """Whether what is wanted says anything at a place, or at one that holds it."""
    for step in path:
        if not isinstance(wanted, Mapping):
            return True
        if step not in wanted:
            return False
        wanted = wanted[step]
    return True


def said(path: Path) -> str:
    """A place as people write it: ``spec.replicas``, ``metadata.annotations[example.com/team]``."""
    text = ""
    for step in path:
        text += f"[{step}]" if "." in step or "/" in step else f".{step}"
    return text.removeprefix(".")


def ignored(path: Path, pointers: Iterable[str]) -> bool:
    """Whether a place lies at or below one of some JSON pointers (RFC 6901)."""
    for pointer in pointers:
        steps = tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
        if path[: len(steps)] == steps:
            return True
    return False


def managers(live: Document, paths: Sequence[Path], but: Iterable[str]) -> list[str]:
    """Who set these places of an object, by its field managers, sorted; ``but``: names that are not told."""
    left_out, found = set(but), set()
    for entry in live["metadata"].get("managedFields") or ():
        name, fields = str(entry.get("manager", "")), documents.mapping(entry.get("fieldsV1"))
        if name not in left_out and any(_owns(fields, path) for path in paths):
            found.add(name)
    return sorted(found)


def _owns(fields: Mapping[str, Any], path: Path) -> bool:
    """Whether a field set (https://kubernetes.io/docs/reference/using-api/server-side-apply/) holds a place."""
    for step in path:
        if f"f:{step}" not in fields:
            return False
        fields = documents.mapping(fields[f"f:{step}"])
        if not fields:
            return True
    return True
