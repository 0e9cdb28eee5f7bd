# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What Flux makes the objects of each component from, before and after a planned change: what has to be built."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import alike, component_guard
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_files import patched
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_objects import identity
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import CLUSTER_FACTS, FLUX_SYNC, Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import Plan
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot

# Fields of a Flux Kustomization that kustomize itself has to apply, under the names that kustomize has for them:
# https://fluxcd.io/flux/components/kustomize/kustomizations/#working-with-kustomizations
_OPTIONS = {
    "targetNamespace": "namespace",
    "namePrefix": "namePrefix",
    "nameSuffix": "nameSuffix",
    "images": "images",
    "components": "components",
}
_FLUX_GROUP = ".toolkit.fluxcd.io"
_SHARED_FILES = ("infrastructure", "projects")


@dataclass(frozen=True)
class Recipe:
    """What a cluster's objects of a component are made from.

    ``options``: what kustomize has to do besides building the directory, ``patches``: what we can do ourselves, since
    Flux's own objects are patched by plain merges, ``post_build``: what is substituted in the end (all as JSON).
    ``source``: where the directory lies; empty where it is the fleet repository.
    """

    directory: str
    options: str
    patches: str = "[]"
    post_build: str = "{}"
    source: str = ""

    @classmethod
    def of(cls, kustomization: Document) -> Recipe:
        """From a cluster's Flux Kustomization."""
        spec = kustomization["spec"]
        ours: list[Any] = []
        others: list[Any] = []
        for patch in spec.get("patches") or []:
            (ours if _is_ours(patch) else others).append(patch)
        options = {name: spec[field] for field, name in _OPTIONS.items() if spec.get(field)}
        if others:
            options["patches"] = others
        source = spec.get("sourceRef") or {}
        elsewhere = (source.get("kind"), source.get("name")) != ("GitRepository", FLUX_SYNC)
        name = f"{source.get('kind')} {source.get('name')}" if elsewhere else ""
        directory, post_build = component_guard.directory_of(kustomization), spec.get("postBuild") or {}
        return cls(directory, _json(options), _json(ours), _json(post_build), name)

    def patched(self, objects: Sequence[Document]) -> list[Document]:
        """The built objects with the patches of this cluster."""
        patches = [one for patch in json.loads(self.patches) for one in read(patch["patch"])]
        return [patched(one, patches) for one in objects] if patches else list(objects)

    def variables(self, facts: Mapping[str, str]) -> dict[str, str] | None:
        """What Flux substitutes, given the cluster's facts; None where it does not substitute at all."""
        post_build = json.loads(self.post_build)
        if not post_build:
            return None
        named = [one.get("name") for one in post_build.get("substituteFrom") or []]
        return {**(facts if CLUSTER_FACTS in named else {}), **(post_build.get("substitute") or {})}


@dataclass(frozen=True)
class Change:
    """A component that changes on some clusters of one environment, the same way on all. None: it is not there."""

    environment: str
    component: str
    before: Recipe | None
    after: Recipe | None


@dataclass(frozen=True)
class Touched:
    """What a planned change touches: the components and their clusters, and pairs of files that tell the rest.

    ``own``: (environment, cluster, path, text before, text after) of clusters' own files.
    """

    components: Mapping[Change, Sequence[str]]
    own: Sequence[tuple[str, str, str, str, str]]


def touched(members: Iterable[Member], snapshot: Snapshot, plan: Plan, layout: Layout) -> Touched:
    """What of the clusters of a run is built anew: components whose directory, patches or options change."""
    kinds = {(one.name, kind): layout.cluster_file(one.name, kind) for one in members for kind in _SHARED_FILES}
    before, written = snapshot.read(kinds.values()), {one.path: one.after or "" for one in plan.changes}
    directories = {_up for path in written for _up in _above(path)}
    found: dict[Change, list[str]] = defaultdict(list)
    own = []
    for member in members:
        for kind in _SHARED_FILES:
            path = kinds[member.name, kind]
            if path in written:
                own.append((member.environment, member.name, path, before.get(path, ""), written[path]))
        path = kinds[member.name, _SHARED_FILES[0]]
        old, new = (_recipes(text) for text in (before.get(path, ""), written.get(path, before.get(path, ""))))
        for name in [*new, *(one for one in old if one not in new)]:
            change = Change(member.environment, name, old.get(name), new.get(name))
            if change.before != change.after or (change.after and change.after.directory in directories):
                found[change].append(member.name)
    return Touched(found, own)


def _above(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]


def _recipes(text: str) -> dict[str, Recipe]:
    """Component → how it is made, of the text of an ``infrastructure.yaml``."""
    found = {}
    for part in text.split("\n---\n"):
        found.update(_of_document(part))
    return found


# Clusters differ little: what many have alike is read once.
@lru_cache(maxsize=4096)
def _of_document(text: str) -> dict[str, Recipe]:
    return {
        component_guard.component_of(one): Recipe.of(one)
        for one in read(text)
        if one.get("kind") == "Kustomization"
        and isinstance(one.get("spec"), Mapping)
        and component_guard.component_of(one)
    }


def read(text: str) -> list[Document]:
    """The documents of a cluster's own file, which nobody may change; what can't be read is left to Flux."""
    try:
        return alike.read(text, "")
    except InvalidInput:
        return []


def _is_ours(patch: Mapping[str, Any]) -> bool:
    """Whether a patch is a plain merge into one object of Flux's own, which it names."""
    target, text = patch.get("target") or {}, str(patch.get("patch") or "")
    names = tuple(str(target.get(name) or "") for name in ("group", "kind", "namespace", "name"))
    found = read(text)
    return names[0].endswith(_FLUX_GROUP) and [identity(one) for one in found] == [names] and "$" not in _keys(found[0])


def _keys(value: Any) -> str:
    """All keys of a patch as one text: those with a dollar tell kustomize what to do."""
    return " ".join(f"{key} {_keys(item)}" for key, item in value.items()) if isinstance(value, Mapping) else ""


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
