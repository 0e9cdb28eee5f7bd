# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The plan of a run as people read it: which objects change on which clusters, and the files that cause it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import component_guard, recipes, substitution
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import some
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.object_changes import (
    FieldChange,
    ObjectChange,
    changes,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.recipes import Recipe, Touched

TENANTS = "tenants"
_NAMES = 3  # clusters, and files, that are named
_LINES = 20  # lines for one component


@dataclass(frozen=True)
class Entry:
    """What changes of one component, alike on these clusters; ``whole``: these are all of the environment's."""

    environment: str
    clusters: tuple[str, ...]
    component: str
    objects: tuple[ObjectChange, ...]
    files: tuple[str, ...]
    whole: bool

    @property
    def text(self) -> str:
        """The entry in words, a line for each thing that changes."""
        names = f"all {len(self.clusters)} clusters" if self.whole and len(self.clusters) > 1 else ""
        lines = [line for one in _together(self.objects) for line in one.lines]
        more = [f"… and {len(lines) - _LINES} more"] if len(lines) > _LINES else []
        said = "".join(f"  {line}\n" for line in [*lines[:_LINES], *more])
        head = f"{self.environment} ({names or some(self.clusters, _NAMES)}): {self.component}"
        return f"{head}\n{said}  by {some(self.files, _NAMES)}\n"

    def as_dict(self) -> dict[str, Any]:
        """The entry as plain data."""
        return {
            "environment": self.environment,
            "clusters": list(self.clusters),
            "component": self.component,
            "objects": [one.as_dict() for one in self.objects],
            "files": list(self.files),
        }


def _together(objects: Iterable[ObjectChange]) -> Iterator[ObjectChange]:
    """The changes, those of several objects that change in the same fields as one."""
    found: dict[tuple[str, str, tuple[FieldChange, ...]], list[ObjectChange]] = defaultdict(list)
    for one in objects:
        found[one.action, one.name.split()[0] if one.fields else one.name, one.fields].append(one)
    for (action, _kind, fields), ones in found.items():
        yield ObjectChange(some([one.name for one in ones], 1), action, fields)


@dataclass(frozen=True)
class Plan:
    """What the entries are made of. ``built``: what a recipe comes to (before, after); ``facts``: of each cluster."""

    touched: Touched
    before: Callable[[Recipe], Sequence[Document]]
    after: Callable[[Recipe], Sequence[Document]]
    facts: Mapping[str, Mapping[str, str]]
    written: Sequence[str]
    environments: Mapping[str, Sequence[str]]
    """Environment → its clusters in this run."""

    def entries(self) -> list[Entry]:
        """All that changes, what is alike together."""
        clusters: dict[tuple[str, str, ObjectChange], set[str]] = defaultdict(set)
        files: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
        for environment, component, name, found, causes in self._found():
            for change in found:
                clusters[environment, component, change].add(name)
            if found:
                files[environment, component] |= {(name, path) for path in causes}
        together: dict[tuple[str, str, tuple[str, ...]], list[ObjectChange]] = defaultdict(list)
        for (environment, component, change), names in clusters.items():
            together[environment, component, tuple(sorted(names))].append(change)
        return [
            self._entry(environment, component, names, found, files[environment, component])
            for (environment, component, names), found in sorted(together.items(), key=lambda item: item[0])
        ]

    def _found(self) -> Iterator[tuple[str, str, str, Sequence[ObjectChange], Sequence[str]]]:
        """Environment, component, cluster, what changes there, and by which files."""
        overlays = {one[1]: one[2] for one in self.touched.own if one[2].endswith("/infrastructure.yaml")}
        for change, names in self.touched.components.items():
            before, after = change.before, change.after
            found = changes(self.before(before) if before else [], self.after(after) if after else [])
            directories = {f"{one.directory}/" for one in (before, after) if one}
            causes = [path for path in self.written if path.startswith(tuple(directories))]
            for name in names:
                own = [overlays[name]] if before != after and name in overlays else []
                yield change.environment, change.component, name, found, [*causes, *own]
        for environment, name, path, old, new in self.touched.own:
            for component, of_flux in _of_file(old, new).items():
                yield environment, component, name, of_flux, [path]

    def _entry(
        self, environment: str, component: str, names: tuple[str, ...], found: Iterable[ObjectChange],
        files: Iterable[tuple[str, str]],
    ) -> Entry:  # fmt: skip
        known = [set(self.facts.get(name, {}).items()) for name in names]
        common = dict(set.intersection(*known)) if known else {}
        said = tuple(one.filled(lambda text: _filled(text, common)) for one in found)
        shared = {path for _environment, _name, path, _old, _new in self.touched.own}
        causes = tuple(sorted({path for name, path in files if name in names}, key=lambda path: (path in shared, path)))
        return Entry(
            environment, names, component, said, causes, names == tuple(sorted(self.environments[environment]))
        )


def _of_file(before: str, after: str) -> dict[str, Sequence[ObjectChange]]:
    """Component → what changes of Flux's own objects for it; their patches are shown by what they come to."""
    old, new = (_by_component(recipes.read(text)) for text in (before, after))
    return {
        name: changes(old.get(name, []), new.get(name, [])) for name in [*old, *(one for one in new if one not in old)]
    }


def _by_component(objects: Iterable[Document]) -> dict[str, list[Document]]:
    found: dict[str, list[Document]] = defaultdict(list)
    for one in objects:
        spec = one.get("spec")
        shown = {**one, "spec": {**spec, "patches": None}} if isinstance(spec, dict) else one
        found[component_guard.component_of(one) or TENANTS].append(shown)
    return found


def _filled(value: str, facts: Mapping[str, str]) -> str:
    """A value (JSON) with those facts that are the same wherever it goes."""
    if "${" not in value:
        return value
    return substitution.filled(
        value, {name: json.dumps(fact, ensure_ascii=False)[1:-1] for name, fact in facts.items()}
    )


def text(entries: Sequence[Entry]) -> str:
    """All entries in words."""
    return "".join(one.text for one in entries)
