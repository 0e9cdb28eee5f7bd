# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Manifests that people wrote, moved from API versions that the new Flux has dropped: in place, byte by byte."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, yaml_text
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import Change
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot

try:
    import yaml

    IMPORT_ERROR: ImportError | None = None
except ImportError as error:  # the controller, where manifests are rewritten, always has it
    IMPORT_ERROR = error

# Cheap to look for, before a file is parsed.
_FLUX_API = re.compile(r"\.(toolkit|extensions)\.fluxcd\.io/v")
_MANIFEST = (".yaml", ".yml")

Kind = tuple[str, str]
"""API group, and kind."""


@dataclass(frozen=True)
class Api:
    """What a Flux serves: kind → version → the schema of its objects; and the version in which each is written."""

    schemas: Mapping[Kind, Mapping[str, Mapping[str, Any]]]
    storage: Mapping[Kind, str]


@dataclass(frozen=True)
class Rewritten:
    """The files to write, and what nobody but their authors can mend."""

    changes: tuple[Change, ...] = ()
    left: Sequence[str] = field(default=())


def api(definitions: Iterable[Document]) -> Api:
    """What the CustomResourceDefinitions among these objects serve."""
    schemas: dict[Kind, Mapping[str, Mapping[str, Any]]] = {}
    storage = {}
    for one in definitions:
        if one.get("kind") == "CustomResourceDefinition":
            spec = one["spec"]
            kind = spec["group"], spec["names"]["kind"]
            served = [version for version in spec["versions"] if version["served"]]
            schemas[kind] = {
                version["name"]: (version.get("schema") or {}).get("openAPIV3Schema") or {} for version in served
            }
            storage[kind] = next(version["name"] for version in spec["versions"] if version["storage"])
    return Api(schemas, storage)


def rewrite(text: str, wanted: Api, where: str) -> tuple[str, list[str]]:
    """A file's text with every object, and every reference to one, in a version that is served; and what is left to do.

    Nothing but the version itself is edited, in the quotes that it has; comments and all other bytes stay. A field that
    the new version does not have is left to its author and named. What is no YAML is left alone.
    """
    edits: list[tuple[int, int, str]] = []
    left: list[str] = []
    try:
        nodes = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError):
        return text, []
    for node in yaml_text.mappings(root for root in nodes if root is not None):
        scalars = {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
        version, kind = scalars.get("apiVersion"), scalars.get("kind")
        if not isinstance(version, yaml.ScalarNode) or not isinstance(kind, yaml.ScalarNode):
            continue
        group, _slash, old = version.value.rpartition("/")
        served = wanted.schemas.get((group, kind.value))
        if served is None or old in served:
            continue
        new = wanted.storage[group, kind.value]
        start, end = version.start_mark.index, version.end_mark.index
        edits.append((start, end, text[start:end].replace(version.value, f"{group}/{new}")))
        line = node.start_mark.line + 1
        left += [
            f"{where}, line {line}: {kind.value} {one}: Flux has no such field in {new}"
            for one in unknown(node, served[new])
        ]
    return yaml_text.applied(text, edits), left


def unknown(node: Any, schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The fields of an object that its schema does not know; a reference to an object has none of them."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from unknown(item, schema.get("items") or {}, f"{path}[]")
    properties = schema.get("properties")
    if not isinstance(node, yaml.MappingNode) or not properties or schema.get("x-kubernetes-preserve-unknown-fields"):
        return
    for key, value in node.value:
        name = f"{path}.{key.value}".lstrip(".")
        if key.value in properties:
            yield from unknown(value, properties[key.value], name)
        elif path:
            yield name


def rewrite_files(snapshot: Snapshot, directories: Iterable[str], wanted: Api) -> Rewritten:
    """All manifests below some directories that people wrote: not ours, and not those of Flux's own tools."""
    paths = {path for directory in directories for path in snapshot.paths(directory.rstrip("/"))}
    own = (f"/{FLUX_NAMESPACE}/gotk-components.yaml", f"/{FLUX_NAMESPACE}/gotk-sync.yaml")
    theirs = sorted(path for path in paths if path.endswith(_MANIFEST) and not path.endswith(own))
    changes, left = [], []
    for path, before in sorted(snapshot.read(theirs).items()):
        if not _FLUX_API.search(before) or documents.recorded_digest(before) is not None:
            continue
        after, said = rewrite(before, wanted, path)
        left += said
        if after != before:
            changes.append(Change(path, before, after))
    return Rewritten(tuple(changes), left)
