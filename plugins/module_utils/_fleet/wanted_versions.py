# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""In which version of its API each of Flux's kinds is to be written, and the change of that version alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import migration, yaml_text
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.migration import Kind
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.yaml_text import Edit, at, entries, items, scalar

FLUX_API = re.compile(r"fluxcd\.io/v")
# The version of each kind that Flux 2.9 writes; https://fluxcd.io/flux/releases/#supported-releases lists the releases.
_SOURCE = ("GitRepository", "OCIRepository", "HelmRepository", "HelmChart", "Bucket")
_IMAGE = ("ImageRepository", "ImagePolicy", "ImageUpdateAutomation")
CURRENT: Mapping[Kind, str] = {
    **{("source.toolkit.fluxcd.io", kind): "v1" for kind in _SOURCE},
    **{("image.toolkit.fluxcd.io", kind): "v1" for kind in _IMAGE},
    ("kustomize.toolkit.fluxcd.io", "Kustomization"): "v1",
    ("helm.toolkit.fluxcd.io", "HelmRelease"): "v2",
    ("notification.toolkit.fluxcd.io", "Receiver"): "v1",
    ("notification.toolkit.fluxcd.io", "Provider"): "v1beta3",
    ("notification.toolkit.fluxcd.io", "Alert"): "v1beta3",
}
_STAGES = {"alpha": 0, "beta": 1, None: 2}
_VERSION = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")


@dataclass(frozen=True)
class Wanted:
    """In which version each kind is to be written, and the schema of that version, where it is known.

    ``ignoring``: kinds of which every cluster's Flux is known to ignore dropped fields already.
    """

    versions: Mapping[Kind, str]
    schemas: Mapping[Kind, Mapping[str, Any]] = field(default_factory=dict)
    ignoring: Collection[Kind] = ()


def wanted_for(served: Mapping[str, migration.Api], *, newest: bool) -> tuple[Wanted, list[str]]:
    """The versions that all clusters can take, and what is in the way of newer ones.

    ``served``: install manifest (its path) → what it serves. ``newest``: write today's versions whatever is served.
    """
    versions, schemas, ignoring, said = dict(CURRENT), {}, set(), []
    for kind, today in CURRENT.items():
        apis = [one.schemas[kind] for one in served.values() if kind in one.schemas]
        behind = sorted(path for path, one in served.items() if today not in one.schemas.get(kind, (today,)))
        if behind and not newest:
            common = set.intersection(*(set(one) for one in apis))
            versions[kind] = max(common, key=_age, default="")
            said.append(
                f"{kind[1]}: not in {kind[0]}/{today} yet, which Flux in {behind[0]} does not serve: bring it to a "
                "newer Flux and adopt again, or, where it has one, run with fleet_allow: [newer_api]"
            )
        elif apis and not behind:
            schemas[kind] = apis[0][today]
            ignoring.add(kind)
    return Wanted({kind: one for kind, one in versions.items() if one}, schemas, ignoring), said


def _age(version: str) -> tuple[int, int, int]:
    found = _VERSION.fullmatch(version)
    return (_STAGES[found[2]], int(found[1]), int(found[3] or 0)) if found else (-1, 0, 0)


def rewrite(text: str, where: str, wanted: Wanted, kept: Collection[tuple[str, str]]) -> str:
    """The text with every object, reference, target and patch in its version. ``kept``: (kind, name) that stay.

    Raises InvalidInput where edits before this made it no YAML.
    """
    edits: dict[int, Edit] = {}
    for node in yaml_text.mappings(yaml_text.compose(text, where)):
        fields = entries(node)
        version = fields.get("apiVersion")
        group, _slash, old = scalar(version).rpartition("/")
        kind, name = scalar(fields.get("kind")), scalar(at(node, "metadata", "name") or fields.get("name"))
        new = wanted.versions.get((group, kind)) if (kind, name) not in kept else None
        if new and new != old:
            edits |= _replaced(text, version, f"{group}/{old}", f"{group}/{new}")
        target = wanted.versions.get((scalar(fields.get("group")), kind)) if (kind, name) not in kept else None
        if target and scalar(fields.get("version")) not in ("", target):
            edits |= _replaced(text, fields["version"], scalar(fields["version"]), target)
        for patch in (fields.get("patch"), *items(fields.get("patchesStrategicMerge"))):
            edits |= _within(text, patch, wanted, kept)
    return yaml_text.applied(text, edits.values())


def _replaced(text: str, node: Any, old: str, new: str) -> dict[int, Edit]:
    start, stop = node.start_mark.index, node.end_mark.index
    return {start: (start, stop, text[start:stop].replace(old, new))}


def _within(text: str, patch: Any, wanted: Wanted, kept: Collection[tuple[str, str]]) -> dict[int, Edit]:
    """A patch that is written as text."""
    if not FLUX_API.search(scalar(patch)):
        return {}
    start, stop = patch.start_mark.index, patch.end_mark.index
    after = text[start:stop]
    try:
        found = yaml_text.compose(scalar(patch), "patch")
    except InvalidInput:
        return {}
    for one in yaml_text.mappings(found):
        group, _slash, old = scalar(at(one, "apiVersion")).rpartition("/")
        kind, name = scalar(at(one, "kind")), scalar(at(one, "metadata", "name"))
        new = wanted.versions.get((group, kind))
        if new and (kind, name) not in kept:
            after = re.sub(rf"{re.escape(group)}/{re.escape(old)}(?![\w])", f"{group}/{new}", after)
    return {start: (start, stop, after)}
