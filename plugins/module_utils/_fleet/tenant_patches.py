# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""A platform's own patches of what is rendered for tenants, before that is held against the fence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import overlay_changes, patching
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document, mapping
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem

TEMPLATE = "tenant-patches.yaml.j2"
_DELETE = {"$patch": "delete"}


def apply(objects: Iterable[Document], patches: Sequence[Document]) -> list[Document]:
    """The objects with patches, each a document ``{target, patch}`` as an item of kustomize's list ``patches``.

    ``patch`` is a list of operations (RFC 6902), ``$patch: delete``, or an object to merge, which needs no target where
    it names itself; lists are replaced, those of things with names merged by these. InvalidInput: it is no patch.
    """
    found = list(objects)
    for number, one in enumerate(patches, 1):
        found = _applied(found, one, f"{TEMPLATE}, document {number}")
    return found


def _applied(objects: Sequence[Document], one: Document, where: str) -> list[Document]:
    content = _content(one, where)
    merges = isinstance(content, dict) and "$patch" not in content
    item = {**one, "target": one.get("target") or (_itself(content) if merges else {})}
    if hint := patching.fault({**item, "patch": _DELETE if merges else content}):
        raise InvalidInput(problems=[Problem(where, "patch", "", hint)])
    if not merges:
        return patching.apply(objects, [patching.given({**item, "patch": content})], where)
    return [
        overlay_changes.merged(deepcopy(each), content) if patching.matches(each, item["target"]) else each
        for each in objects
    ]


def _content(one: Document, where: str) -> Any:
    try:
        return patching.content_of(one.get("patch"))
    except InvalidInput as error:
        raise InvalidInput(problems=[Problem(where, "patch", "", error.problems[0].hint)]) from None


def _itself(content: Document) -> dict[str, str]:
    """The target of a patch that says itself what it is for."""
    metadata = mapping(content.get("metadata"))
    said = {"kind": content.get("kind"), **{field: metadata.get(field) for field in ("name", "namespace")}}
    return {field: str(value) for field, value in said.items() if value}
