# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""From a cluster's components to files: what is rendered for them, where it lies, and how the cluster applies it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import components, documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_layers import Layers
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_objects import identity
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import Component, Declared, is_whole
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import (
    CLUSTER_FACTS,
    COMPONENT_LABEL,
    FLUX_NAMESPACE,
    FLUX_SYNC,
    HELM_SERVICE_ACCOUNT,
    LAYER_LABEL,
    PLATFORM_SERVICE_ACCOUNT,
    Layout,
    component_sync,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer

_FLUX = {
    "namespace": FLUX_NAMESPACE,
    "sync": FLUX_SYNC,
    "service_account": PLATFORM_SERVICE_ACCOUNT,
    "helm_service_account": HELM_SERVICE_ACCOUNT,
    "facts": CLUSTER_FACTS,
}


@dataclass(frozen=True)
class Placed:
    """A component as one cluster gets it.

    ``directory`` is what Flux applies there; ``shared`` are the documents that we write into it, ``patches`` what the
    cluster changes of them, ``documents`` what it gets in the end (all empty for a directory that people write).
    """

    component: Component
    directory: str
    shared: Sequence[Document] = ()
    patches: Sequence[Document] = ()
    documents: Sequence[Document] = ()

    @property
    def is_written(self) -> bool:
        """Whether it is a directory of the fleet repository that people write."""
        return self.component.kind == "kustomize" and self.component.origin is None

    @property
    def file(self) -> str:
        """The file that we write; empty where people write the directory."""
        return "" if self.component.kind == "kustomize" else f"{self.directory}/{self.component.kind}.yaml"


@dataclass(frozen=True)
class Places:
    """What places the components of all clusters: templates, names, and the layers."""

    renderer: Renderer
    layers: Layers
    layout: Layout = field(default_factory=Layout)
    _rendered: dict[tuple[str, str], list[Document]] = field(default_factory=dict)

    def of(self, member: Member, declared: Declared) -> list[Placed]:
        """A cluster's components in their order.

        What its environment says goes into a directory that all its clusters share, what its region and the cluster
        itself change of that becomes patches. Where patches can't say it, the cluster gets a directory of its own.
        """
        return [self._place(member, one, declared) for one in components.present(declared, self.layers)]

    def _place(self, member: Member, component: Component, declared: Declared) -> Placed:
        if component.kind == "kustomize":
            return Placed(component, component.path)
        fields = declared.shared.get(component.name, {})
        if is_whole(fields):
            shared = Component.from_fields(component.name, fields)
            written = self._shared(member.environment, shared) if shared.kind == component.kind else []
            own = self.rendered(component) if declared.differs(component.name) else written
            patches = overrides(written, own)
            if patches is not None:
                directory = self.layout.component(member.environment, shared.layer, shared.name)
                return Placed(component, directory, written, patches, own)
        own = self.rendered(component)
        directory = self.layout.own_component(member.environment, member.name, component.name)
        return Placed(component, directory, own, (), own)

    def _shared(self, environment: str, component: Component) -> list[Document]:
        """What an environment's clusters share of a component: the same for all of them, so rendered once."""
        key = environment, component.name
        if key not in self._rendered:
            self._rendered[key] = self.rendered(component)
        return self._rendered[key]

    def rendered(self, component: Component) -> list[Document]:
        """The documents of a component that we write."""
        own = self.renderer.render(f"{component.kind}.yaml.j2", {"component": component, "flux": _FLUX})
        return [*self._source(component), *own]

    def _source(self, component: Component) -> list[Document]:
        """Flux's object that fetches a component, where it is not of the fleet repository itself."""
        if component.origin is None:
            return []
        return self.renderer.render("source.yaml.j2", {"component": component, "flux": _FLUX})

    def kustomizations(self, member: Member, placed: Sequence[Placed]) -> list[Document]:
        """The documents of a cluster's ``infrastructure.yaml``: a Flux Kustomization for each component.

        Before that of a directory from elsewhere comes the source which it is fetched by.
        """
        waits = components.dependencies([one.component for one in placed], self.layers)
        cluster = {"name": member.name, "environment": member.environment}
        found = []
        for one in placed:
            component = one.component
            variables = {
                **vars(component),
                **vars(component.syncing),
                "sync": component_sync(component.name),
                "labels": {COMPONENT_LABEL: component.name, LAYER_LABEL: component.layer},
                "path": f"./{one.directory}",
                "depends_on": [component_sync(name) for name in waits[component.name]],
                "patches": [{"target": _target(patch), "text": documents.write([patch])} for patch in one.patches],
            }
            found += self._source(component) if component.kind == "kustomize" else []
            found += self.renderer.render(
                "kustomization.yaml.j2", {"component": variables, "cluster": cluster, "flux": _FLUX}
            )
        return found


def _target(document: Document) -> dict[str, str]:
    group, kind, namespace, name = identity(document)
    return {"group": group, "kind": kind, "namespace": namespace, "name": name}


def overrides(shared: Sequence[Document], own: Sequence[Document]) -> list[Document] | None:
    """JSON merge patches (RFC 7386) that make ``own`` of ``shared``; None where such patches can't say it.

    Only Flux's own objects are patched: kustomize merges the lists of Kubernetes' own kinds by rules of each.
    """
    if [identity(one) for one in shared] != [identity(one) for one in own]:
        return None
    patches = []
    for before, after in zip(shared, own, strict=True):
        if before is after or documents.digest([before]) == documents.digest([after]):
            continue
        change = _difference(before, after)
        if change is None or not identity(after)[0].endswith(".toolkit.fluxcd.io"):
            return None
        names = {key: after["metadata"][key] for key in ("name", "namespace") if key in after["metadata"]}
        named = {"apiVersion": after["apiVersion"], "kind": after["kind"], "metadata": names}
        patches.append(components.merged([named, change]))
    return patches


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a patch has to say. None where it can't: null deletes, ``$…`` directs kustomize, a mapping stays one."""
    change: dict[str, Any] = {key: None for key in before if key not in after}
    for key, value in after.items():
        old = before.get(key, {} if isinstance(value, Mapping) else "")
        if key in before and documents.digest([{"": old}]) == documents.digest([{"": value}]):
            continue
        if value is None or key.startswith("$") or isinstance(old, Mapping) != isinstance(value, Mapping):
            return None
        change[key] = _difference(old, value) if isinstance(value, Mapping) else value
        if change[key] is None:
            return None
    return change


def patched(document: Document, patches: Sequence[Document]) -> Document:
    """A document with those of the patches that are for it."""
    for patch in patches:
        if identity(patch) == identity(document):
            document = _merge_patch(document, patch)
    return document


def _merge_patch(document: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    result = {key: value for key, value in document.items() if key not in patch}
    for key, value in patch.items():
        old = document.get(key)
        if isinstance(value, Mapping):
            result[key] = _merge_patch(old if isinstance(old, Mapping) else {}, value)
        elif value is not None:
            result[key] = value
    return result
