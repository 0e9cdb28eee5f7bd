# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What the directories of a fleet repository come to: kustomize's work, as far as reading a fleet needs it.

It says what belongs where, and whether two states of a repository come to the same. Flux builds what is applied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, yaml_text
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.lockdown import is_remote
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.modernising import KUSTOMIZATIONS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.overlay_changes import (
    Built,
    Object,
    apply_patch,
    listed,
    parsed,
    transform,
)

_ENDINGS = (".yaml", ".yml")
_DEEPEST = 16


class Tree:
    """The texts of a repository, by path."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = texts
        self._parsed: dict[str, list[Document] | None] = {}
        self._built: dict[str, Built] = {}
        self._children: dict[str, set[str]] = {}
        for path in texts:
            parts = path.split("/")
            for depth in range(len(parts)):
                self._children.setdefault("/".join(parts[:depth]), set()).add("/".join(parts[: depth + 1]))

    @property
    def manifests(self) -> list[str]:
        """The files that may hold objects."""
        return sorted(path for path in self.texts if path.endswith(_ENDINGS))

    @property
    def kustomizations(self) -> list[str]:
        """The files that are kustomize's own."""
        return sorted(path for path in self.texts if path.rpartition("/")[2] in KUSTOMIZATIONS)

    def is_directory(self, path: str) -> bool:
        """Whether anything lies there."""
        return path in self._children

    def documents(self, path: str) -> list[Document] | None:
        """The objects of a file, lists taken apart; None for what is no YAML."""
        if path not in self._parsed:
            self._parsed[path] = self._read(path)
        return self._parsed[path]

    def _read(self, path: str) -> list[Document] | None:
        try:
            yaml_text.compose(self.texts[path], path)
            found = documents.read(self.texts[path], path)
        except InvalidInput:
            return None
        return [one for document in found for one in _listed(document)]

    def kustomization(self, directory: str) -> str:
        """The path of a directory's kustomization.yaml; empty where it has none."""
        found = (join(directory, name) for name in KUSTOMIZATIONS)
        return next((path for path in found if path in self.texts), "")

    def build(self, directory: str) -> Built:
        """What Flux applies of a directory; without a kustomization.yaml that is every manifest below it."""
        if directory not in self._built:
            self._built[directory] = Built()
            self._directory(directory, self._built[directory], 0, alone=True)
        return self._built[directory]

    def _directory(self, directory: str, built: Built, depth: int, *, alone: bool) -> None:
        path = self.kustomization(directory)
        if depth > _DEEPEST:
            built.faults.append((directory, "leads back to itself, or deeper than kustomize is meant to go"))
        elif path:
            self._kustomized(directory, path, built, depth)
        elif not alone:
            built.faults.append((directory, "is a directory without a kustomization.yaml"))
        else:
            for child in sorted(self._children.get(directory, ())):
                if child in self.texts:
                    self._file(child, built)
                elif not child.rpartition("/")[2].startswith("."):
                    self._directory(child, built, depth + 1, alone=True)

    def _file(self, path: str, built: Built) -> None:
        if path.endswith(_ENDINGS):
            built.files.add(path)
            found = self.documents(path)
            if found is None:
                built.faults.append((path, "is no YAML that can be read"))
            built.objects += [Object(one, path) for one in found or () if one.get("kind") and one.get("apiVersion")]

    def _kustomized(self, directory: str, path: str, built: Built, depth: int) -> None:
        built.files.add(path)
        content = next(iter(self.documents(path) or ()), {})
        own = Built(files=built.files, faults=built.faults)
        for name in (*_texts(content, "resources"), *_texts(content, "bases"), *_texts(content, "components")):
            self._taken_in(directory, path, name, own, depth)
        _merge(self, directory, path, content.get("patchesStrategicMerge"), own)
        for one in listed(content.get("patches")):
            self._patched(directory, path, one, own)
        transform(content, own)
        for one in listed(content.get("patchesJson6902")):
            self._patched(directory, path, one, own)
        built.objects += own.objects

    def _taken_in(self, directory: str, path: str, name: str, own: Built, depth: int) -> None:
        where = resolved(directory, name)
        if is_remote(name):
            own.faults.append((path, f"{name} is taken in from elsewhere, and was not looked at"))
        elif where is None:
            own.faults.append((path, f"{name} leads out of the repository"))
        elif where in self.texts:
            self._file(where, own)
        elif self.is_directory(where):
            self._directory(where, own, depth + 1, alone=False)
        else:
            own.faults.append((path, f"{name} is not there"))

    def content(self, directory: str, path: str, given: str, own: Built) -> list[Any]:
        """A patch's documents, given as text or by a file's name."""
        where = resolved(directory, given) if "\n" not in given else None
        if where in self.texts:
            own.files.add(str(where))
            given = self.texts[str(where)]
        elif "\n" not in given and not given.lstrip().startswith(("{", "[")):
            own.faults.append((path, f"{given} is not there"))
            return []
        return parsed(given)

    def _patched(self, directory: str, path: str, item: Any, own: Built) -> None:
        if not isinstance(item, Mapping):
            return
        target = item.get("target")
        given = item.get("path") or item.get("patch") or ""
        for patch in self.content(directory, path, str(given), own):
            apply_patch(patch, target if isinstance(target, Mapping) else None, path, own)


def _texts(content: Mapping[str, Any], name: str) -> Iterator[str]:
    yield from (str(one) for one in listed(content.get(name)) if one)


def _listed(document: Document) -> Iterator[Document]:
    if document.get("kind") == "List" and isinstance(document.get("items"), list):
        yield from (one for one in document["items"] if isinstance(one, dict))
    else:
        yield document


def above(path: str) -> str:
    """The directory that a path lies in."""
    return path.rpartition("/")[0]


def join(directory: str, name: str) -> str:
    """A path below a directory; the repository's own has the empty name."""
    return f"{directory}/{name}" if directory else name


def resolved(directory: str, name: str) -> str | None:
    """A path as the repository has it; None for one that leads out of it."""
    found: list[str] = [] if name.startswith("/") else [part for part in directory.split("/") if part]
    for part in name.split("/"):
        if part == ".." and not found:
            return None
        if part == "..":
            found.pop()
        elif part not in ("", "."):
            found.append(part)
    return "/".join(found)


def _merge(tree: Tree, directory: str, path: str, given: Any, own: Built) -> None:
    for one in listed(given):
        for patch in [one] if isinstance(one, Mapping) else tree.content(directory, path, str(one), own):
            apply_patch(patch, None, path, own)
