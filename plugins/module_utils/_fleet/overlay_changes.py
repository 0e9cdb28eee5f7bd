# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What kustomize's patches and transformers make of objects, as far as reading a fleet needs it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, patching, yaml_text
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput

# Kinds without a namespace that fleet repositories hold: kustomize leaves them out of its namespace, Namespace but for
# its name.
_CLUSTER_WIDE = re.compile(
    r"Cluster.*|CustomResourceDefinition|PersistentVolume|.*Class|.*WebhookConfiguration|APIService"
)


@dataclass(frozen=True)
class Object:
    """An object, and the file that it was read from."""

    document: Document
    path: str


@dataclass
class Built:
    """What a directory comes to. ``files``: all that were read for it; ``faults``: what can't be built, and where."""

    objects: list[Object] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    faults: list[tuple[str, str]] = field(default_factory=list)


def listed(value: Any) -> list[Any]:
    """A list, empty where people wrote something else."""
    return value if isinstance(value, list) else []


def _pairs(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def parsed(text: str) -> list[Any]:
    """A patch's documents: mappings, or lists of operations."""
    try:
        yaml_text.compose(text, "patch")
        indented = "".join(f"  {line}\n" for line in text.splitlines())
        if re.match(r"\s*(#.*\s+)*[-\[]", text) and not text.lstrip().startswith("---"):
            return [documents.read(f"patch:\n{indented}", "patch")[0]["patch"]]
        return list(documents.read(text, "patch"))
    except InvalidInput:
        return []


def apply_patch(patch: Any, target: Mapping[str, Any] | None, path: str, own: Built) -> None:
    """One patch, to the objects that it names or that its target selects."""
    if isinstance(patch, Mapping) and target is None:
        found = [one for one in own.objects if _identity(one.document) == _identity(patch)]
        found = found or [one for one in own.objects if _identity(one.document)[:3] == _identity(patch)[:3]]
        if not found:
            own.faults.append((path, f"a patch changes {' '.join(_identity(patch)[1:3])}, which is not there"))
    else:
        found = [one for one in own.objects if target and _selects(target, one.document)]
    for one in found:
        changed = _changed(deepcopy(one.document), patch)
        place = next(number for number, other in enumerate(own.objects) if other is one)
        own.objects[place : place + 1] = [] if changed is None else [Object(changed, one.path)]


def _selects(target: Mapping[str, Any], document: Document) -> bool:
    try:
        return patching.matches(document, target)
    except (re.error, AttributeError, TypeError):  # a pattern that is none, or metadata that are none
        return False


def _changed(document: Document, patch: Any) -> Document | None:
    if isinstance(patch, Mapping):
        return None if patch.get("$patch") == "delete" else merged(document, patch)
    for operation in patch if isinstance(patch, list) else ():
        try:
            patching.operate(document, operation)
        except (KeyError, IndexError, ValueError, TypeError, AttributeError):
            continue
    return document


def merged(document: Any, patch: Mapping[str, Any]) -> Any:
    """A strategic merge, less what only Kubernetes' own kinds have: lists are replaced, those of names merged."""
    if not isinstance(document, dict):
        document = {}
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            document.pop(key, None)
        elif isinstance(value, Mapping):
            document[key] = merged(document.get(key), value)
        elif (
            _has_names(value) and _has_names(document.get(key)) and "fluxcd.io/" not in str(document.get("apiVersion"))
        ):
            document[key] = _by_name(document[key], value)
        else:
            document[key] = deepcopy(value)
    return document


def _has_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) and "name" in one for one in value)


def _by_name(before: list[Any], patch: list[Any]) -> list[Any]:
    found = {one["name"]: deepcopy(one) for one in before}
    for one in patch:
        found[one["name"]] = merged(found.get(one["name"]), one)
    return list(found.values())


def _identity(document: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """API version, kind, name, namespace."""
    metadata = document.get("metadata")
    names = metadata if isinstance(metadata, Mapping) else {}
    given = (document.get("apiVersion"), document.get("kind"), names.get("name"), names.get("namespace"))
    version, kind, name, namespace = (str(one or "") for one in given)
    return version, kind, name, namespace


def transform(content: Mapping[str, Any], built: Built) -> None:
    """kustomize's own fields that change every object: namespace, name prefix and suffix, labels and annotations."""
    labels = _pairs(content.get("commonLabels"))
    for one in listed(content.get("labels")):
        labels |= _pairs(_pairs(one).get("pairs"))
    added = {"labels": labels, "annotations": _pairs(content.get("commonAnnotations"))}
    namespace = str(content.get("namespace") or "")
    ends = str(content.get("namePrefix") or ""), str(content.get("nameSuffix") or "")
    if namespace or any(ends) or any(added.values()):
        built.objects = [
            Object(_transformed(deepcopy(one.document), namespace, ends, added), one.path) for one in built.objects
        ]


def _transformed(
    document: Document, namespace: str, ends: tuple[str, str], added: Mapping[str, Mapping[str, Any]]
) -> Document:
    kind = str(document.get("kind"))
    metadata = document.setdefault("metadata", {})
    if not isinstance(metadata, dict):
        return document
    for where, values in added.items():
        if values:
            metadata[where] = {**_pairs(metadata.get(where)), **values}
    if kind not in ("Namespace", "CustomResourceDefinition") and any(ends):
        metadata["name"] = f"{ends[0]}{metadata.get('name', '')}{ends[1]}"
    return in_namespace(document, namespace) if namespace else document


def in_namespace(document: Document, namespace: str) -> Document:
    """An object as kustomize puts it into a namespace."""
    metadata = document["metadata"]
    if document.get("kind") == "Namespace":
        metadata["name"] = namespace
    elif not _CLUSTER_WIDE.fullmatch(str(document.get("kind"))):
        metadata["namespace"] = namespace
    return document
