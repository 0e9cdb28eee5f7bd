# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What a tenant that leaves keeps in a cluster: its workloads and their namespaces, or the empty namespaces.

Flux lets go of what is suspended without deleting what it applied or installed; a Kustomization also where its
deletionPolicy says so: https://fluxcd.io/flux/components/kustomize/kustomizations/#deletion-policy and
https://fluxcd.io/flux/components/helm/helmreleases/#suspend. What would apply others once more, and resume them, goes
before these: the other way around than where all is deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, offboarding
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import LABEL_DOMAIN, TENANT_LABEL
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.offboarding import LEAVING, SYNCS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenants import CREDENTIAL_ANNOTATION, GENERATED
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.volumes import Volume

# What else of Flux's lies in a tenant's namespaces, and would go with these: nothing of it holds workloads.
BESIDE = (
    *(
        ("source.toolkit.fluxcd.io/v1", kind)
        for kind in ("GitRepository", "OCIRepository", "HelmRepository", "HelmChart", "Bucket")
    ),
    *(("notification.toolkit.fluxcd.io/v1beta3", kind) for kind in ("Alert", "Provider")),
    ("notification.toolkit.fluxcd.io/v1", "Receiver"),
    *(("image.toolkit.fluxcd.io/v1", kind) for kind in ("ImageRepository", "ImagePolicy", "ImageUpdateAutomation")),
)
_KEPT = "kept"


@dataclass(frozen=True)
class Keep:
    """What stays of a tenant. Who keeps workloads keeps the namespaces that they are in."""

    workloads: bool = False
    namespace: bool = False

    @classmethod
    def from_params(cls, parameters: Mapping[str, Any]) -> Keep:
        """From the options of a noun."""
        return cls(bool(parameters["keep_workloads"]), bool(parameters["keep_namespace"]))

    @property
    def namespaces(self) -> bool:
        """Whether the namespaces stay."""
        return self.workloads or self.namespace

    def going(self, found: Iterable[Volume]) -> list[Volume]:
        """The volumes that go: with their namespace, or with what applied them where that goes alone."""
        return [] if self.workloads else [one for one in found if one["by"] or not self.namespace]


def hold(one: Document) -> dict[str, Any]:
    """The patch by which Flux lets go of a sync or release without touching what it made; empty where it has it."""
    wanted: dict[str, Any] = {"suspend": True}
    if one["kind"] == SYNCS[0][1]:
        wanted["deletionPolicy"] = "Orphan"
    if all(one["spec"].get(field) == value for field, value in wanted.items()):
        return {}
    return {"metadata": {"annotations": {LEAVING: _KEPT}}, "spec": wanted}


def unhold(one: Document) -> dict[str, Any]:
    """The fields of ``spec`` that a run has set which was to keep what is now to go."""
    ours = (one["metadata"].get("annotations") or {}).get(LEAVING) == _KEPT
    return {"deletionPolicy": None} if ours else {}


def released(own: Sequence[Document]) -> list[Document]:
    """The syncs and releases that nothing applies which is still there; all of them where they apply one another."""
    there = {offboarding.key(one) for one in own}
    first = [one for one in own if not there.intersection(offboarding.parents(one)) - {offboarding.key(one)}]
    return first or list(own)


def generated_secret(source: Document) -> str:
    """The name of the Secret that was made for a source of ours; empty where people brought it."""
    annotations = source["metadata"].get("annotations") or {}
    if annotations.get(CREDENTIAL_ANNOTATION) != GENERATED or not documents.label(source, TENANT_LABEL):
        return ""
    return str((source["spec"].get("secretRef") or {}).get("name", ""))


def nobodys(namespace: Document) -> dict[str, Any]:
    """The patch by which a namespace is no tenant's any more; who answers for it stays written there."""
    labels = namespace["metadata"].get("labels") or {}
    own = [TENANT_LABEL, f"{LABEL_DOMAIN}/environment"]
    return {"metadata": {"labels": {one: None for one in own if one in labels}, "annotations": {LEAVING: None}}}
