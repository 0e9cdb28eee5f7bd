# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What a change of a cluster's components would take away from it, which needs its word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import alike, documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_fields import KINDS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_files import Placed, patched
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_removals import DEFINITION, Loss
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import VARIABLES, Declared
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import COMPONENT_LABEL, FLUX_SYNC, Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name as object_name

REMOVE_COMPONENT = "remove_component"
# What runs nothing, or what Flux makes anew without anybody noticing.
_HARMLESS = ("HelmRepository", "GitRepository", "OCIRepository")


@dataclass(frozen=True)
class Deployed:
    """A component as the repository has it for a cluster: its directory, and what the cluster gets of our files."""

    name: str
    directory: str
    documents: Sequence[Document]
    target_namespace: str = ""


def kustomizations(files: Mapping[str, str], path: str) -> list[Document]:
    """The Flux Kustomizations of components in an ``infrastructure.yaml``; InvalidInput where it can't be read."""
    found = alike.read(files.get(path, ""), path)
    own = [one for one in found if one.get("kind") == "Kustomization" and component_of(one)]
    return [one for one in own if isinstance(one.get("spec"), Mapping)]


def is_edited(text: str, path: str) -> bool:
    """Whether a file is ours, and people have edited it."""
    return documents.recorded_digest(text) is not None and alike.is_edited(text, path)


def component_of(document: Document) -> str:
    """The component that an object is labelled with."""
    return documents.label(document, COMPONENT_LABEL)


def directory_of(document: Document) -> str:
    """The directory of the fleet repository that a Flux Kustomization applies; empty where it is of another one."""
    source = documents.part(document["spec"], "sourceRef")
    own = (source.get("kind"), source.get("name")) == ("GitRepository", FLUX_SYNC)
    return str(document["spec"].get("path", "")).removeprefix("./") if own else ""


def files_of(document: Document) -> list[str]:
    """The files of ours that there may be in that directory."""
    directory = directory_of(document)
    return [f"{directory}/{kind}.yaml" for kind in KINDS] if directory else []


def deployed(files: Mapping[str, str], layout: Layout, member: Member) -> list[Deployed]:
    """What the repository has for a cluster; ``files`` are the texts of all files that this takes."""
    found = []
    for one in kustomizations(files, layout.cluster_file(member.name, "infrastructure")):
        texts = {path: files[path] for path in files_of(one) if path in files}
        # Those of a directory that people write are theirs too, and may be lists of operations.
        given = one["spec"].get("patches") or [] if texts else []
        patches = [document for patch in given for document in alike.read(patch["patch"], "")]
        objects = [patched(document, patches) for path, text in texts.items() for document in alike.read(text, path)]
        namespace = str(one["spec"].get("targetNamespace") or "")
        found.append(Deployed(component_of(one), directory_of(one), objects, namespace))
    return found


def losses(before: Sequence[Deployed], placed: Sequence[Placed]) -> dict[str, Loss]:
    """Component → what would be taken away of it, of those of which anything is."""
    after = {one.component.name: one for one in placed}
    found = {one.name: _lost(one, after.get(one.name)) for one in before}
    return {name: loss for name, loss in found.items() if loss.words}


def removals(member: Member, declared: Declared, lost: Mapping[str, str], allow: Iterable[str]) -> list[Problem]:
    """Of what would be taken away (component → its words) what the inventory forgot, and what lacks its word."""
    problems, allowed = [], REMOVE_COMPONENT in set(allow)
    for name, words in lost.items():
        where = f"{VARIABLES[0]}.{name}"
        if name not in declared.own:
            hint = f"{member.name} has this component, and the inventory names it no more: put it back, or say "
            problems.append(Problem(member.host, where, "", hint + "state: absent"))
        elif not allowed:
            hint = f"takes {words} away from {member.name}: run again with fleet_allow: [{REMOVE_COMPONENT}]"
            problems.append(Problem(member.host, where, "", hint))
    return problems


def _lost(before: Deployed, after: Placed | None) -> Loss:
    if after is None:
        return Loss("all of it", all=True)
    if bool(before.documents) != bool(after.documents):
        return Loss(f"what {before.directory} holds", all=True)
    if before.target_namespace not in ("", after.component.syncing.target_namespace):
        return Loss(f"what it has in namespace {before.target_namespace}", all=True)
    gone = _running(before.documents).items() - _running(after.documents).items()
    definitions = _definitions(before.documents) - _definitions(after.documents)
    return Loss(", ".join(sorted({said for _key, said in gone})), definitions=definitions)


def _definitions(objects: Sequence[Document]) -> frozenset[str]:
    return frozenset(one["metadata"]["name"] for one in objects if one["kind"] == DEFINITION)


def _running(objects: Sequence[Document]) -> dict[str, str]:
    """What tells running things apart → how people name them. Helm installs a release anew when its target changes."""
    found: dict[str, str] = {}
    charts = {one["metadata"]["name"]: one["spec"]["url"] for one in objects if one["kind"] == "OCIRepository"}
    for one in objects:
        if one["kind"] == "HelmRelease":
            spec = one["spec"]
            target = (spec.get("targetNamespace"), spec.get("releaseName"), _chart(spec, charts))
            found[str(target)] = f"release {target[0]}/{target[1]} of chart {target[2]}"
        elif one["kind"] not in _HARMLESS:
            found[object_name(one)] = object_name(one)
    return found


def _chart(spec: Mapping[str, Any], urls: Mapping[str, str]) -> str:
    """The chart's name, which by Helm's convention is that of its directory or of its repository in a registry."""
    reference = documents.part(spec, "chartRef").get("name")
    where = urls.get(str(reference), "") if reference else str(spec["chart"]["spec"]["chart"])
    return where.rstrip("/").rpartition("/")[2]
