# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Patches of kustomize that we apply ourselves: JSON patches and deletions, on targets as kustomize selects them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem

Patch = dict[str, Any]
"""``{"target": {…}, "operations": [{"op": …, "path": …, "value": …}]}``, or without operations: what it deletes."""

TARGET_FIELDS = ("group", "version", "kind", "name", "namespace", "labelSelector")
OPERATIONS = ("add", "replace", "remove")
# kustomize wants these fields of every such patch, and takes the target's own for them.
_DELETE = "$patch: delete\napiVersion: v1\nkind: Any\nmetadata:\n  name: any\n"
_LABEL = re.compile(r"[^=,!\s]+=[^=,\s]*")


def add(kind: str, name: str, pointer: str, value: Any) -> Patch:
    """Set, or append (``…/-``), one field of the objects whose whole name matches."""
    operation = {"op": "add", "path": pointer, "value": value}
    return {"target": {"kind": kind, "name": name}, "operations": [operation]}


def replace(kind: str, name: str, pointer: str, value: Any) -> Patch:
    """Another value for a field that is there."""
    operation = {"op": "replace", "path": pointer, "value": value}
    return {"target": {"kind": kind, "name": name}, "operations": [operation]}


def delete(**target: str) -> Patch:
    """Leave the matching objects out."""
    return {"target": target}


def item(patch: Patch) -> dict[str, Any]:
    """The patch as an item of kustomize's list ``patches``."""
    operations = patch.get("operations")
    return {"target": patch["target"], "patch": documents.write_list(operations) if operations else _DELETE}


def given(patch: Mapping[str, Any]) -> Patch:
    """A user's item of ``patches`` as a Patch; see ``problems``, which must have found nothing."""
    operations = content_of(patch["patch"])
    return {"target": dict(patch["target"]), **({"operations": operations} if isinstance(operations, list) else {})}


def problems(patches: Sequence[Any], host: str, field: str) -> list[Problem]:
    """What is wrong with a user's list of patches, by position."""
    found = []
    for number, patch in enumerate(patches):
        if hint := fault(patch):
            found.append(Problem(host, f"{field}[{number}]", "", hint))
    return found


def fault(patch: Any) -> str:
    """What is wrong with a user's item of ``patches``; empty where nothing is."""
    if not isinstance(patch, Mapping) or set(patch) != {"target", "patch"} or not isinstance(patch["target"], Mapping):
        return "an item has two fields: target (what it changes) and patch (a JSON patch, or '$patch: delete')"
    try:
        content = content_of(patch["patch"])
    except InvalidInput as error:
        return f"this is no YAML: {error.problems[0].hint}"
    merge = "of merge patches only '$patch: delete' is known here: write operations (op, path, value), or put it into \
kustomization.yaml below our block"
    if isinstance(content, Mapping):
        return _fault_of_target(patch["target"]) or ("" if content.get("$patch") == "delete" else merge)
    return _fault_of_target(patch["target"]) or _fault_of_operations(content)


def _fault_of_target(target: Mapping[str, Any]) -> str:
    unknown = sorted(set(target) - set(TARGET_FIELDS))
    if unknown or not target:
        return f"target has some of {', '.join(TARGET_FIELDS)}; found {', '.join(unknown) or 'nothing'}"
    if not all(_LABEL.fullmatch(part) for part in _labels(target)):
        return "labelSelector is written as key=value, several with a comma between them"
    try:
        for field in ("name", "namespace"):
            re.compile(str(target.get(field, "")))
    except re.error as error:
        return f"the name of a target is a regular expression, and this is none: {error}"
    return ""


def _fault_of_operations(content: Any) -> str:
    shape = f"a JSON patch is a list of operations, each with op ({', '.join(OPERATIONS)}), path and value"
    if not isinstance(content, list) or not content:
        return shape
    for operation in content:
        if not isinstance(operation, Mapping) or operation.get("op") not in OPERATIONS:
            return shape
        needed = {"op", "path"} | ({"value"} if operation["op"] != "remove" else set())
        if set(operation) != needed or not str(operation["path"]).startswith("/"):
            return shape
    return ""


def content_of(text: Any) -> Any:
    """What a patch says, which may be given as text. InvalidInput for what is no YAML."""
    if not isinstance(text, str):
        return text
    # A list is no document that ``documents`` reads, a field that holds it is.
    indented = "".join(f"  {line}\n" for line in text.splitlines())
    return documents.read(f"patch:\n{indented}", "patch")[0]["patch"]


def apply(objects: Iterable[Document], patches: Sequence[Patch], where: str = "fleet_flux_patches") -> list[Document]:
    """The objects as kustomize would build them with these patches. InvalidInput for a missing path names ``where``."""
    patched = []
    for original in objects:
        document: Document | None = deepcopy(original)
        for patch in patches:
            if document is not None and matches(document, patch["target"]):
                document = _changed(document, patch, where)
        if document is not None:
            patched.append(document)
    return patched


def _changed(document: Document, patch: Patch, where: str) -> Document | None:
    if "operations" not in patch:
        return None
    for operation in patch["operations"]:
        try:
            operate(document, operation)
        except (KeyError, IndexError, ValueError, TypeError, AttributeError):
            what = f"{document['kind']} {document['metadata']['name']}"
            hint = f"a patch wants to {operation['op']} this, and {what} has no such place"
            raise InvalidInput(problems=[Problem(where, "path", operation["path"], hint)]) from None
    return document


def operate(node: Any, operation: Mapping[str, Any]) -> None:
    """RFC 6902, on plain data; ``replace`` and ``remove`` want what they change to be there."""
    *path, last = (step.replace("~1", "/").replace("~0", "~") for step in operation["path"].split("/")[1:])
    for step in path:
        node = node[int(step)] if isinstance(node, list) else node[step]
    value, place = deepcopy(operation.get("value")), int(last) if isinstance(node, list) and last != "-" else last
    if operation["op"] == "add":
        if isinstance(node, list):
            node.insert(len(node) if place == "-" else place, value)
        else:
            node[place] = value
        return
    node[place]
    if operation["op"] == "remove":
        del node[place]
    else:
        node[place] = value


def matches(document: Document, target: Mapping[str, Any]) -> bool:
    """As kustomize selects: names as whole regular expressions, labels all, what is not given matches everything."""
    group, _slash, version = str(document.get("apiVersion", "")).rpartition("/")
    own = {"group": group, "version": version, "kind": document.get("kind")}
    if any(own[field] != target[field] for field in own if target.get(field)):
        return False
    metadata = document["metadata"]
    for field in ("name", "namespace"):
        if target.get(field) and not re.fullmatch(str(target[field]), str(metadata.get(field, ""))):
            return False
    pairs = (part.split("=", 1) for part in _labels(target))
    return all((metadata.get("labels") or {}).get(key) == value for key, value in pairs)


def _labels(target: Mapping[str, Any]) -> list[str]:
    return [part.strip() for part in str(target.get("labelSelector") or "").split(",") if part.strip()]
