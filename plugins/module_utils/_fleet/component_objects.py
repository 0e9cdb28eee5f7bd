# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What stands in a component as it is to be in Kubernetes: trees of values, and whole objects."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import plain_secrets
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Path
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Fault, Schema, wanted

# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names
_SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
# The names of roles and bindings may be anything that can be a step of a path, such as system:node.
_FREE_GROUP = "rbac.authorization.k8s.io"
_STEP = re.compile(r"(?!\.{1,2}$)[^/%]+")


@dataclass(frozen=True)
class Tree:
    """A mapping that JSON, and so Kubernetes, can hold."""

    description: str

    def schema(self) -> Schema:
        return {"type": "object"}

    def faults(self, value: Any, path: Path) -> Iterator[Fault]:
        yield from _infinite(value, path) if isinstance(value, Mapping) else [(path, "", wanted("a mapping", value))]


@dataclass(frozen=True)
class Objects:
    """Objects of Kubernetes that are to be written into the repository, none of them twice."""

    description: str

    def schema(self) -> Schema:
        return {"type": "array", "items": {"type": "object", "required": ["apiVersion", "kind", "metadata"]}}

    def faults(self, value: Any, path: Path) -> Iterator[Fault]:
        if not isinstance(value, list):
            yield path, "", wanted("a list of objects, or a path on the controller", value)
            return
        if not value:
            yield path, "", "holds no object"
        seen = set()
        for place, one in enumerate(value):
            found = list(_object_faults(one, (*path, place)))
            yield from found
            if not found and identity(one) in seen:
                yield path, " ".join(filter(None, identity(one))), "stands twice"
            seen |= set() if found else {identity(one)}


def _infinite(value: Any, path: Path) -> Iterator[Fault]:
    parts: Sequence[tuple[Any, Any]] = ()
    if isinstance(value, Mapping):
        parts = list(value.items())
    elif isinstance(value, list):
        parts = list(enumerate(value))
    elif isinstance(value, float) and not math.isfinite(value):
        yield path, str(value), "Kubernetes knows finite numbers only"
    for key, item in parts:
        yield from _infinite(item, (*path, key))


def _object_faults(value: Any, path: Path) -> Iterator[Fault]:
    if not isinstance(value, Mapping):
        yield path, "", wanted("an object of Kubernetes", value)
        return
    metadata = value.get("metadata")
    given = metadata if isinstance(metadata, Mapping) else {}
    named = {"apiVersion": value.get("apiVersion"), "kind": value.get("kind"), "metadata.name": given.get("name")}
    missing = [key for key, one in named.items() if not one or not isinstance(one, str)]
    yield from (((*path, key), "", "is missing, or no text") for key in missing)
    if not missing:
        yield from _name_faults(value, path)
    if value.get("kind") == "Secret" and (not isinstance(value.get("sops"), Mapping) or plain_secrets.is_clear(value)):
        hint = "would lie in Git in clear: encrypt it with SOPS, or name it in fleet_secrets, or use external_secrets"
        yield (*path, "kind"), "Secret", hint
    yield from _infinite(value, path)


def _name_faults(value: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    """Names that the API server would refuse; what Flux substitutes in them only Flux knows."""
    name, namespace = value["metadata"]["name"], value["metadata"].get("namespace", "default")
    free = value["apiVersion"].startswith(_FREE_GROUP)
    if "${" not in name and not (_STEP if free else _SUBDOMAIN).fullmatch(name):
        hint = "a name without '/' and '%'" if free else "lower-case letters, digits, '-' and '.', at most 253"
        yield (*path, "metadata", "name"), name, hint
    if not isinstance(namespace, str) or ("${" not in namespace and not _LABEL.fullmatch(namespace)):
        yield (*path, "metadata", "namespace"), namespace, "lower-case letters, digits and '-', at most 63"


def identity(document: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """What tells an object from all others: API group, kind, namespace, name."""
    metadata = document.get("metadata") or {}
    group = str(document.get("apiVersion", "")).rpartition("/")[0]
    return group, str(document.get("kind")), str(metadata.get("namespace") or ""), str(metadata.get("name"))
