# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What kustomize reads to build a directory, and what can be told to be wrong with it before it is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, lines
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.lockdown import is_remote
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import without_credentials
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.modernising import KUSTOMIZATIONS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.overlay_changes import listed
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.overlays import join, resolved
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot

_ENDINGS = (".yaml", ".yml")
# https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/: fields that name files or directories.
_TAKEN_IN = ("resources", "bases", "components")
_FILES = ("crds", "configurations", "generators", "transformers", "validators", "patchesStrategicMerge")
_WITH_PATH = ("patches", "patchesJson6902", "replacements")
_GENERATORS = ("configMapGenerator", "secretGenerator")


@dataclass(frozen=True)
class Fault:
    """Something that is wrong with a file. ``place``: the file, with the line where there is one."""

    place: str
    hint: str


@dataclass
class Sources:
    """All that a directory is built from: path → text. ``remote``: what would have to be fetched, and who says so."""

    directory: str
    texts: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    remote: list[Fault] = field(default_factory=list)
    resources: list[str] = field(default_factory=list)
    """What Flux takes in where the directory has no kustomization.yaml: paths within the repository."""


def sources(snapshot: Snapshot, directory: str) -> Sources:
    """What Flux builds a directory from. Without a kustomization.yaml it takes every manifest below it, as it is.

    https://fluxcd.io/flux/components/kustomize/kustomizations/#generating-a-kustomizationyaml-file
    """
    found = Sources(directory)
    texts = _below(snapshot, directory)
    if not _kustomization(texts, directory):
        found.resources = _generated(texts, directory)
    reader = _Reader(snapshot, found, texts)
    for path in found.resources or [directory]:
        reader.take_in(path)
    return found


def _below(snapshot: Snapshot, directory: str) -> dict[str, str]:
    return snapshot.read(snapshot.paths(f"{directory}/"))


def _kustomization(texts: Mapping[str, str], directory: str) -> str:
    found = (join(directory, name) for name in KUSTOMIZATIONS)
    return next((path for path in found if path in texts), "")


def _generated(texts: Mapping[str, str], directory: str) -> list[str]:
    found: list[str] = []
    for path in sorted(texts):
        parts = path.removeprefix(f"{directory}/").split("/")
        parents = [join(directory, "/".join(parts[:depth])) for depth in range(1, len(parts))]
        whole = next((one for one in parents if _kustomization(texts, one)), "")
        if whole or (path.endswith(_ENDINGS) and not any(part.startswith(".") for part in parts)):
            found.append(whole or path)
    return list(dict.fromkeys(found))


class _Reader:
    """Follows what kustomizations name, and notes what is wrong on the way."""

    def __init__(self, snapshot: Snapshot, found: Sources, texts: Mapping[str, str]) -> None:
        self._snapshot = snapshot
        self._found = found
        self._known = dict(texts)
        self._seen: set[str] = set()

    def take_in(self, path: str) -> None:
        """A file of objects, or a directory with a kustomization.yaml."""
        if path in self._seen:
            return
        self._seen.add(path)
        if self._text(path) is not None:
            self._objects(path)
            return
        below = _below(self._snapshot, path)
        self._known |= below
        self._found.texts |= below
        own = _kustomization(below, path)
        content = self._content(own) if own else None
        if not own:
            self._fault(path, "is a directory without a kustomization.yaml" if below else "is not there")
        elif content:
            self._kustomized(path, own, content)

    def _text(self, path: str) -> str | None:
        if path not in self._known:
            self._known |= self._snapshot.read([path])
        if path in self._known:
            self._found.texts[path] = self._known[path]
        return self._known.get(path)

    def _objects(self, path: str) -> None:
        if fault := lines.fault(self._known[path]):
            self._fault(f"{path}:{fault.line}", f"is no YAML: {fault.said}")

    def _content(self, path: str) -> Document | None:
        """A kustomization; None for what is none, which is noted."""
        self._objects(path)
        try:
            found = documents.read(self._known[path], path)
        except InvalidInput as error:
            if not any(one.place.startswith(path) for one in self._found.faults):
                self._fault(path, error.problems[0].hint)
            return None
        return found[0] if found else {}

    def _kustomized(self, directory: str, own: str, content: Document) -> None:
        for name in _texts(content, _TAKEN_IN):
            if where := self._resolved(directory, own, name):
                if self._text(where) is None and not self._snapshot.paths(f"{where}/"):
                    self._fault(own, f"names {name}, and there is no {where} in the repository")
                else:
                    self.take_in(where)
        for name in _file_names(content):
            if (where := self._resolved(directory, own, name)) and self._text(where) is None:
                self._found.texts |= _below(self._snapshot, where)
                if not self._snapshot.paths(f"{where}/"):
                    self._fault(own, f"names {name}, and there is no {where} in the repository")

    def _resolved(self, directory: str, own: str, name: str) -> str:
        where = resolved(directory, name)
        if is_remote(name):
            self._found.remote.append(Fault(own, f"takes in {without_credentials(name)}"))
            return ""
        if name.startswith("/") or where is None:
            self._fault(own, f"{name} leads out of the repository, where Flux looks at nothing")
            return ""
        return where

    def _fault(self, place: str, hint: str) -> None:
        self._found.faults.append(Fault(place, hint))


def _texts(content: Mapping[str, Any], fields: Sequence[str]) -> Iterator[str]:
    for name in fields:
        yield from (one for one in listed(content.get(name)) if isinstance(one, str) and "\n" not in one and one)


def _file_names(content: Mapping[str, Any]) -> Iterator[str]:
    yield from _texts(content, _FILES)
    for name in _WITH_PATH:
        yield from _paths(listed(content.get(name)))
    yield from _paths([content.get("openapi")])
    for name in _GENERATORS:
        for one in listed(content.get(name)):
            generator = documents.mapping(one)
            given = [*_texts(generator, ("files", "envs")), *filter(None, [generator.get("env")])]
            # name=path says under which key the file is put.
            yield from (str(path).rpartition("=")[2] for path in given)


def _paths(items: Sequence[Any]) -> Iterator[str]:
    found = (documents.mapping(one).get("path") for one in items)
    yield from (one for one in found if isinstance(one, str) and one)


def relative(path: str, start: str) -> str:
    """A path of the repository as it is written in a file of directory ``start``."""
    there, here = path.split("/"), [part for part in start.split("/") if part]
    same = 0
    while same < min(len(there) - 1, len(here)) and there[same] == here[same]:
        same += 1
    return "/".join([".."] * (len(here) - same) + there[same:])
