# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Manifests that people wrote for an older Flux or kustomize, in the form of today; what can't be is named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import migration, wanted_versions, yaml_text
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.merged_lists import (
    as_it_is,
    merged,
    object_as_patch,
    operations_as_patch,
    path_or_patch,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.migration import Kind
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.wanted_versions import FLUX_API, Wanted
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.yaml_text import (
    Edit,
    Entry,
    at,
    entries,
    items,
    scalar,
)

# Fields that the versions of today have dropped and that had no effect before.
WITHOUT_EFFECT: Mapping[str, tuple[str, ...]] = {
    "Kustomization": ("validation",),
    "GitRepository": ("gitImplementation", "accessFrom"),
    "HelmRepository": ("accessFrom",),
    "Bucket": ("accessFrom",),
}
_PATCHES = ("patchesStrategicMerge", "patchesJson6902")
# Fields that were dropped and meant something: only their authors know what should be there now.
_MEANT: Mapping[str, tuple[tuple[str, ...], ...]] = {"HelmRelease": (("chart", "spec", "valuesFile"),)}
# What kustomize does between merge patches and JSON patches:
# https://github.com/kubernetes-sigs/kustomize/blob/master/api/internal/target/kusttarget_configplugin.go
_BETWEEN = ("namespace", "namePrefix", "nameSuffix", "labels", "commonLabels", "commonAnnotations", "components")
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")


@dataclass(frozen=True)
class File:
    """One file. ``read``: text of another file by its path from this one's directory, empty where there is none."""

    path: str
    text: str
    read: Callable[[str], str]

    @property
    def is_kustomization(self) -> bool:
        """Whether kustomize reads it as its own."""
        return self.path.rpartition("/")[2] in KUSTOMIZATIONS

    def said(self, node: Any, what: str) -> str:
        """A sentence about a place in it."""
        return f"{self.path}, line {node.start_mark.line + 1}: {what}"


def concerns(path: str, text: str) -> bool:
    """Whether there may be something to do, before a file is parsed."""
    return path.rpartition("/")[2] in KUSTOMIZATIONS or bool(FLUX_API.search(text))


def rewrite(file: File, wanted: Wanted) -> tuple[str, list[str]]:
    """A file in the form of today, and what is left to its authors. An object is brought over whole or not at all.

    Raises InvalidInput for what is no YAML.
    """
    roots = yaml_text.compose(file.text, file.path)
    edits: list[Edit] = []
    left: list[str] = []
    kept: set[tuple[str, str]] = set()
    for node in roots if file.is_kustomization else ():
        edits += _kustomization(file, node, left)
    for node, kind in _objects(roots, wanted):
        said = [file.said(node, one) for one in _obstacles(node, kind, wanted)]
        mine = [] if said else _object(file, node, kind)
        if said or mine is None:
            kept.add(_identity(node))
        left += said if mine is not None else [file.said(node, f"{_named(node)} {_SHAPE}")]
        edits += mine or []
    text = yaml_text.applied(file.text, edits)
    return wanted_versions.rewrite(text, file.path, wanted, kept), left


_SHAPE = "is written in a form that can't be edited safely (brackets or aliases): write its fields over lines"


def _objects(roots: Iterable[Any], wanted: Wanted) -> Iterator[tuple[Any, Kind]]:
    for node in yaml_text.mappings(roots):
        group, _slash, _version = scalar(at(node, "apiVersion")).rpartition("/")
        kind = group, scalar(at(node, "kind"))
        if kind in wanted.versions and at(node, "spec") is not None:
            yield node, kind


def _identity(node: Any) -> tuple[str, str]:
    return scalar(at(node, "kind")), scalar(at(node, "metadata", "name"))


def _named(node: Any) -> str:
    return "/".join(filter(None, (" ".join([scalar(at(node, "kind")), scalar(at(node, "metadata", "name"))]),)))


def _obstacles(node: Any, kind: Kind, wanted: Wanted) -> list[str]:
    """Why an object can't be brought over by us."""
    spec, version = at(node, "spec"), wanted.versions[kind]
    handled = {*WITHOUT_EFFECT.get(kind[1], ()), *(_PATCHES if kind[1] == "Kustomization" else ())}
    found = [f"{_named(node)} spec.{'.'.join(path)}" for path in _MEANT.get(kind[1], ()) if at(spec, *path) is not None]
    for one in migration.unknown(node, wanted.schemas.get(kind, {})):
        if one.removeprefix("spec.") not in handled and f"{_named(node)} {one}" not in found:
            found.append(f"{_named(node)} {one}")
    said = [
        f"{one}: Flux has no such field in {version}, and only its authors know what it should say" for one in found
    ]
    said += [
        f"{_named(node)} spec.postRenderers: {version} has patches alone: bring them there"
        for renderer in items(at(spec, "postRenderers"))
        if any(name in entries(at(renderer, "kustomize")) for name in _PATCHES)
    ]
    dead = [name for name in _PATCHES if name in entries(spec)] if kind in wanted.ignoring else []
    said += [
        f"{_named(node)} spec.{name}: the Flux of these clusters ignores it: take it out, or bring it into patches to "
        "have an effect"
        for name in dead
        if kind[1] == "Kustomization"
    ]
    template = scalar(at(spec, "git", "commit", "messageTemplate"))
    if ".Updated" in template:
        said.append(f"{_named(node)} spec.git.commit.messageTemplate: {version} has .Changed and no .Updated")
    return said


def _object(file: File, node: Any, kind: Kind) -> list[Edit] | None:
    """The edits of one object's fields; None where its form lets none be made."""
    spec, edits = at(node, "spec"), []
    for name in WITHOUT_EFFECT.get(kind[1], ()):
        if name in entries(spec):
            entry = Entry(file.text, spec, name)
            if not entry.owns_its_lines or len(spec.value) == 1:
                return None
            edits.append((*entry.span, ""))
    if kind[1] == "Kustomization" and any(name in entries(spec) for name in _PATCHES):
        parts = zip(
            (_PATCHES[0], "patches", _PATCHES[1]), (object_as_patch, as_it_is, operations_as_patch), strict=True
        )
        lists = merged(file.text, spec, list(parts), "patches")
        return None if lists is None else [*edits, *lists]
    return edits


def _kustomization(file: File, node: Any, left: list[str]) -> list[Edit]:
    """The edits of kustomize's own file: lists under the names of today, in the order in which kustomize takes them."""
    names, edits = entries(node), []
    if FLUX_API.search(scalar(names.get("apiVersion"))):
        return []
    for old, parts, into in (("bases", _BASES, "resources"), ("patches…", _LISTS, "patches")):
        if not any(name in names for name, _convert in parts if name != into):
            continue
        why = _why_patches_stay(file, node) if into == "patches" else ""
        found = None if why else merged(file.text, node, parts, into)
        if found is None:
            left.append(file.said(node, f"{old} stays: {why or _SHAPE}"))
        edits += found or []
    return edits


_BASES = (("resources", as_it_is), ("bases", as_it_is))
_LISTS = ((_PATCHES[0], path_or_patch), ("patches", as_it_is), (_PATCHES[1], as_it_is))


def _why_patches_stay(file: File, node: Any) -> str:
    """Why kustomize would, or might, build something else from the new form."""
    for one in items(at(node, _PATCHES[0])):
        name = scalar(one)
        text = name if "\n" in name else file.read(name)
        if not text:
            return f"{name} is not there"
        try:
            count = len(yaml_text.compose(text, name))
        except InvalidInput:
            return f"{name} is no YAML"
        if count != 1:
            return f"one of patchesStrategicMerge holds {count} patches, of which patches takes one a file: divide it"
    between = [name for name in _BETWEEN if name in entries(node)]
    if items(at(node, _PATCHES[1])) and between:
        return f"patchesJson6902 comes after {between[0]}, and patches before it: what they change may differ"
    for one in items(at(node, _PATCHES[1])):
        if not _NAME.fullmatch(scalar(at(one, "target", "name"))):
            return "a target of patchesJson6902 has no plain name, which patches takes for a pattern"
    return ""


_NAME = re.compile(r"[A-Za-z0-9-]+")
