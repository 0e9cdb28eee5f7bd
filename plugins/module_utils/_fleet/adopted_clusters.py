# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The clusters of a fleet repository of any layout, and what each of them follows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import overlay_changes, overlays
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document, mapping
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE, FLUX_SYNC
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.overlay_changes import Built, Object
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.overlays import Tree

_SYNC_API = "kustomize.toolkit.fluxcd.io/"
GOTK_SYNC = f"{FLUX_NAMESPACE}/gotk-sync.yaml"
# Directories are called so for what they hold, and not for an environment.
_FOR_ALL = {"", "apps", "base", "clusters", "common", "infrastructure", "overlays", "projects", "teams", "tenants"}
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::?[=-]([^}]*))?\}")

Key = tuple[str, str, str]
"""Kind, namespace, name."""


@dataclass(frozen=True)
class Seen:
    """One cluster: the directory that it follows, where that leads, and all objects that come of it."""

    directory: str
    name: str = ""
    environment: str = ""
    ways: dict[str, str] = field(default_factory=dict)
    """Directory → the Kustomization that leads there; none leads to the cluster's own."""
    objects: list[tuple[Object, str]] = field(default_factory=list)
    """Each with the directory that it comes by."""
    files: set[str] = field(default_factory=set)
    faults: set[tuple[str, str]] = field(default_factory=set)

    @cached_property
    def by_key(self) -> dict[Key, Document]:
        """The objects by kind, namespace and name."""
        return {key(one.document): one.document for one, _way in self.objects}


def metadata(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object's metadata."""
    return mapping(document.get("metadata"))


def spec(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object's spec."""
    return mapping(document.get("spec"))


def key(document: Mapping[str, Any]) -> Key:
    """By what an object is known in a cluster, its API's version left out."""
    names = metadata(document)
    return str(document.get("kind")), str(names.get("namespace") or ""), str(names.get("name") or "")


def is_sync(document: Mapping[str, Any]) -> bool:
    """Whether it is one of Flux's Kustomizations."""
    return document.get("kind") == "Kustomization" and str(document.get("apiVersion")).startswith(_SYNC_API)


def source_of(sync: Mapping[str, Any]) -> Key:
    """The source that a Kustomization names."""
    found = mapping(spec(sync).get("sourceRef"))
    namespace = found.get("namespace") or metadata(sync).get("namespace") or ""
    return str(found.get("kind")), str(namespace), str(found.get("name"))


def same_repository(url: str, other: str) -> bool:
    """Whether two URLs are of one repository, by whatever protocol."""
    return _plain_url(url) == _plain_url(other)


def _plain_url(url: str) -> str:
    found = re.sub(r"^[a-z+]+://", "", url.strip().lower()).rpartition("@")[2]
    host, _slash, path = re.sub(r"^([^/:]+):(?!\d+/)", r"\1/", found).partition("/")
    return f"{host.partition(':')[0]}/{path.strip('/').removesuffix('.git')}"


class Reader:
    """Reads the repository of this URL."""

    def __init__(self, tree: Tree, url: str) -> None:
        self.tree = tree
        sources = [
            one for path in tree.manifests for one in tree.documents(path) or () if one.get("kind") == "GitRepository"
        ]
        self._named = {key(one)[2] for one in sources}
        own = (one for one in sources if same_repository(str(spec(one).get("url") or ""), url))
        self._own = {FLUX_SYNC, *(key(one)[2] for one in own)}

    def clusters(self) -> list[Seen]:
        """All clusters: by what `flux bootstrap` wrote for them, else by Kustomizations that nothing leads to."""
        given = [self._start(path) for path in self.tree.manifests if path.endswith(GOTK_SYNC)]
        syncs = {path: self._syncs(path) for path in self.tree.manifests}
        leading = {overlays.above(path) for path, found in syncs.items() if any(self._leads(one) for one in found)}
        starts = {*given, *leading} or {overlays.above(path) for path, found in syncs.items() if found}
        seen = {start: self._walk(start) for start in sorted(starts)}
        files = {
            start: {path for path, found in syncs.items() if found and overlays.above(path) == start} for start in seen
        }

        def within(one: str, other: str) -> bool:
            return bool(files[one]) and files[one] <= seen[other].files

        kept = [
            walk
            for start, walk in seen.items()
            if start in given
            or not any(
                within(start, other) and not (within(other, start) and start < other)
                for other in seen
                if other != start
            )
        ]
        return [replace(one, environment=_environment(one)) for one in _named(kept)]

    def _syncs(self, path: str) -> list[Document]:
        return [one for one in self.tree.documents(path) or () if is_sync(one)]

    def _start(self, path: str) -> str:
        syncs = self._syncs(path)
        where = overlays.resolved("", str(spec(syncs[0]).get("path") or "")) if syncs else None
        return where if where is not None and self.tree.is_directory(where) else overlays.above(overlays.above(path))

    def _leads(self, sync: Document) -> bool:
        return self.is_own(sync) and self._path(sync) is not None

    def is_own(self, sync: Mapping[str, Any]) -> bool:
        """Whether a Kustomization applies a directory of this repository."""
        kind, _namespace, name = source_of(sync)
        if kind != "GitRepository":
            return False
        path = overlays.resolved("", str(spec(sync).get("path") or ""))
        return name in self._own or (name not in self._named and bool(path) and self.tree.is_directory(str(path)))

    def _path(self, sync: Mapping[str, Any]) -> str | None:
        found = overlays.resolved("", str(spec(sync).get("path") or ""))
        return found if found is not None and self.tree.is_directory(found) else None

    def _walk(self, start: str) -> Seen:
        seen = Seen(start)
        waiting: list[tuple[str, Document | None]] = [(start, None)]
        while waiting:
            directory, sync = waiting.pop(0)
            if directory in seen.ways:
                continue
            seen.ways[directory] = "/".join(key(sync)[1:]).lstrip("/") if sync else ""
            built = self.tree.build(directory)
            seen.files.update(built.files)
            seen.faults.update(built.faults)
            for one in _as_applied(built, spec(sync or {})):
                seen.objects.append((one, directory))
                if is_sync(one.document) and self.is_own(one.document):
                    waiting += self._led(one, seen)
        return seen

    def _led(self, one: Object, seen: Seen) -> Iterator[tuple[str, Document]]:
        path = self._path(one.document)
        if path is None:
            given = spec(one.document).get("path")
            hint = f"Kustomization {key(one.document)[2]} applies {given}, which is not in the repository"
            seen.faults.add((one.path, hint))
        else:
            yield path, one.document


def _as_applied(built: Built, wanted: Mapping[str, Any]) -> Iterable[Object]:
    """What Flux adds to a directory by the Kustomization that leads there."""
    found = Built(list(built.objects))
    for name in ("patchesStrategicMerge", "patches", "patchesJson6902"):
        for one in overlay_changes.listed(wanted.get(name)):
            patch = one if name == "patchesStrategicMerge" else mapping(one).get("patch")
            target = None if name == "patchesStrategicMerge" else mapping(one).get("target")
            for content in overlay_changes.parsed(patch) if isinstance(patch, str) else [patch]:
                overlay_changes.apply_patch(content, target, "", found)
    values = mapping(mapping(wanted.get("postBuild")).get("substitute"))
    namespace = str(wanted.get("targetNamespace") or "")
    for one in found.objects:
        document = _substituted(deepcopy(one.document), values) if values else one.document
        if namespace and isinstance(document.get("metadata"), dict):
            document = overlay_changes.in_namespace(deepcopy(document), namespace)
        yield Object(document, one.path)


def _substituted(node: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(node, str):
        return _VARIABLE.sub(lambda one: str(values.get(one[1], one[0] if one[2] is None else one[2])), node)
    if isinstance(node, dict):
        return {name: _substituted(value, values) for name, value in node.items()}
    return [_substituted(value, values) for value in node] if isinstance(node, list) else node


def _named(clusters: list[Seen]) -> list[Seen]:
    """Clusters by the last part of their directories, and by more where two have the same."""
    last = Counter(one.directory.rpartition("/")[2] for one in clusters)
    return [
        replace(one, name=_last_parts(one.directory, 1 if last[one.directory.rpartition("/")[2]] == 1 else 2))
        for one in clusters
    ]


def _last_parts(directory: str, count: int) -> str:
    return "-".join(directory.split("/")[-count:]) or "fleet"


def _environment(one: Seen) -> str:
    """What a cluster's directories say of its environment: a name that it shares with them, else its own."""
    own = one.directory.rpartition("/")[2]
    led = Counter(way.rpartition("/")[2] for way in one.ways if way != one.directory)
    found = Counter(
        way.rpartition("/")[2] for found, way in one.objects if way != one.directory and is_sync(found.document)
    )
    named = [name for name, _count in (*found.most_common(), *led.most_common()) if name not in _FOR_ALL]
    return own if own in led or not named else named[0]
