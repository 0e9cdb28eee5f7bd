# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What a change of a cluster's components would take away from it, which needs its word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_fields import KINDS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_files import Placed, patched
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import VARIABLES, Declared
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import COMPONENT_LABEL, Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name as object_name

REMOVE_COMPONENT = "remove_component"
# What runs nothing, or what Flux makes anew without anybody noticing.
_HARMLESS = ("HelmRepository",)


@dataclass(frozen=True)
class Deployed:
    """A component as the repository has it for a cluster: its directory, and what the cluster gets of our files."""

    name: str
    directory: str
    documents: Sequence[Document]


def kustomizations(files: Mapping[str, str], path: str) -> list[Document]:
    """The Flux Kustomizations of components in an ``infrastructure.yaml``; InvalidInput where it can't be read."""
    return [
        one for one in parsed(files.get(path, ""), path) if isinstance(one.get("spec"), Mapping) and component_of(one)
    ]


# The clusters of an environment share files, and what a cluster has is asked for several times.
@lru_cache(maxsize=2048)
def parsed(text: str, path: str) -> list[Document]:
    """The documents of a file, which nobody may change."""
    return documents.read(text, path)


@lru_cache(maxsize=2048)
def is_edited(text: str, path: str) -> bool:
    """Whether a file is ours, and people have edited it."""
    return documents.recorded_digest(text) is not None and documents.is_edited(text, path)


def component_of(document: Document) -> str:
    """The component that an object is labelled with."""
    return documents.label(document, COMPONENT_LABEL)


def directory_of(document: Document) -> str:
    """The directory that a Flux Kustomization applies."""
    return str(document["spec"].get("path", "")).removeprefix("./")


def files_of(document: Document) -> list[str]:
    """The files of ours that there may be in that directory."""
    return [f"{directory_of(document)}/{kind}.yaml" for kind in KINDS]


def deployed(files: Mapping[str, str], layout: Layout, member: Member) -> list[Deployed]:
    """What the repository has for a cluster; ``files`` are the texts of all files that this takes."""
    found = []
    for one in kustomizations(files, layout.cluster_file(member.name, "infrastructure")):
        texts = {path: files[path] for path in files_of(one) if path in files}
        patches = [
            document for patch in one["spec"].get("patches") or [] for document in documents.read(patch["patch"], "")
        ]
        objects = [document for path, text in texts.items() for document in parsed(text, path)]
        found.append(
            Deployed(component_of(one), directory_of(one), [patched(document, patches) for document in objects])
        )
    return found


def removals(
    member: Member, before: Sequence[Deployed], declared: Declared, placed: Sequence[Placed], allow: Iterable[str]
) -> list[Problem]:
    """Components that the inventory forgot, and what would be taken away without its word."""
    after = {one.component.name: one for one in placed}
    problems, allowed = [], REMOVE_COMPONENT in set(allow)
    for one in before:
        where = f"{VARIABLES[0]}.{one.name}"
        if one.name not in declared.own:
            hint = f"{member.name} has this component, and the inventory names it no more: put it back, or say "
            problems.append(Problem(member.host, where, "", hint + "state: absent"))
        elif not allowed and (lost := _lost(one, after.get(one.name))):
            hint = f"takes {lost} away from {member.name}: run again with fleet_allow: [{REMOVE_COMPONENT}]"
            problems.append(Problem(member.host, where, "", hint))
    return problems


def _lost(before: Deployed, after: Placed | None) -> str:
    if after is None:
        return "all of it"
    if bool(before.documents) != bool(after.documents):
        return f"what {before.directory} holds"
    gone = _running(before.documents).items() - _running(after.documents).items()
    return ", ".join(sorted({said for _key, said in gone}))


def _running(objects: Iterable[Document]) -> dict[str, str]:
    """What tells running things apart → how people name them. Helm installs a release anew when its target changes."""
    found: dict[str, str] = {}
    for one in objects:
        if one["kind"] == "HelmRelease":
            spec = one["spec"]
            target = (spec.get("targetNamespace"), spec.get("releaseName"), spec["chart"]["spec"]["chart"])
            found[str(target)] = f"release {target[0]}/{target[1]} of chart {target[2]}"
        elif one["kind"] not in _HARMLESS:
            found[object_name(one)] = object_name(one)
    return found
