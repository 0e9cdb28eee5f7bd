# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Flux leaves a cluster: what there is of it, what stands in the way, and what has to go first.

The controllers go before anything of theirs is deleted, since they would prune what it applied; then their finalizers
are taken off, which nobody else would; then definitions, rights and the namespace go. Where workloads are to be pruned,
that comes first, while the controllers are there to do it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, offboarding
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE, FLUX_SYNC, TENANT_LABEL
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.offboarding import Reference
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name as object_name
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.retirement import DECOMMISSION

KEEP, PRUNE = "keep", "prune"
# https://pkg.go.dev/github.com/fluxcd/kustomize-controller/api/v1#pkg-constants; all controllers use this one.
FINALIZER = "finalizers.fluxcd.io"
PART_OF = ("app.kubernetes.io/part-of", "flux")
# What runs for long; jobs and pods come and go by themselves.
WORKLOADS = (
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "CronJob"),
)
_NOBODY = "nobody-the-cluster-is-being-decommissioned"
RIGHTS = ("ClusterRole", "ClusterRoleBinding")


@dataclass(frozen=True)
class Remains:
    """What one cluster still has of Flux. ``workloads``: all of its long-running ones, Flux's included."""

    namespace: Document | None = None
    definitions: tuple[Document, ...] = ()
    rights: tuple[Document, ...] = ()
    syncs: tuple[Document, ...] = ()
    workloads: tuple[Document, ...] = ()

    @property
    def anything(self) -> bool:
        """Whether there is anything."""
        return bool(self.namespace or self.definitions or self.rights)

    @property
    def controllers(self) -> list[Document]:
        """Flux's own Deployments, where it is installed."""
        return [one for one in self.workloads if _is_flux(one) and _space(one) == FLUX_NAMESPACE]

    @property
    def root(self) -> Document | None:
        """The root sync, which applies Flux itself."""
        return next((one for one in self.syncs if _is_root(one)), None)

    @property
    def applied(self) -> list[Document]:
        """All other syncs and releases."""
        return [one for one in self.syncs if not _is_root(one)]

    @property
    def own(self) -> dict[str, Document]:
        """UID → workload, of those that are not Flux's."""
        found = [one for one in self.workloads if _space(one) != FLUX_NAMESPACE]
        return {str(one["metadata"]["uid"]): one for one in found}

    def names(self, workloads: str) -> list[str]:
        """What goes, in words."""
        pruned = self.made if workloads == PRUNE else frozenset()
        listed = [*self.controllers, *self.definitions, *self.rights, *([self.namespace] if self.namespace else [])]
        return [*(str(one) for one in sorted(pruned)), *(object_name(one) for one in listed)]

    @property
    def made(self) -> frozenset[Reference]:
        """What all syncs and releases applied, Flux and its namespace left out."""
        found = {one for sync in self.syncs for one in offboarding.inventory(sync)}
        own = {(one["kind"], one["metadata"]["name"]) for one in (*self.definitions, *self.rights)}
        return frozenset(
            one
            for one in found
            if one.namespace != FLUX_NAMESPACE
            and (one.kind, one.name) not in own
            and (one.kind, one.name) != ("Namespace", FLUX_NAMESPACE)
        )

    def problems(self, where: str, workloads: str, allow: Iterable[str]) -> list[Problem]:
        """What stands in the way."""
        found = [*self._strangers(where), *self._lodgers(where)]
        if self.anything and DECOMMISSION not in set(allow):
            fate = "deleted" if workloads == PRUNE else "kept, and nobody's from then on"
            hint = f"Flux leaves, and what it applied is {fate}; if that is meant: fleet_allow: [{DECOMMISSION}]"
            found.append(Problem(where, "cluster", "", hint))
        if workloads == PRUNE and self.applied and not self.controllers:
            hint = "Flux's controllers are gone, so nobody can prune: install them again (bootstrap), or keep"
            found.append(Problem(where, "fleet_workloads", PRUNE, hint))
        return found

    def _strangers(self, where: str) -> list[Problem]:
        hint = "is another installation of Flux, which uses the same definitions: remove that one first"
        others = [one for one in self.workloads if _is_flux(one) and _space(one) != FLUX_NAMESPACE]
        return [Problem(where, object_name(one), "", hint) for one in others]

    def _lodgers(self, where: str) -> list[Problem]:
        hint = f"is not Flux's, and would go with namespace {FLUX_NAMESPACE}: move it to another one first"
        lodgers = [one for one in self.workloads if _space(one) == FLUX_NAMESPACE and not _is_flux(one)]
        return [Problem(where, object_name(one), "", hint) for one in lodgers]


def prune_step(found: Remains) -> tuple[list[tuple[Document, dict[str, Any]]], list[Document]]:
    """What is patched (object, spec) and then deleted now, so that Flux prunes what it applied, dependents first.

    Flux finalises what is suspended without pruning, and our ``tenant-*`` orphan what they applied by intention.
    """
    now, later = offboarding.split(found.applied)
    patches = [(one, _released(one)) for one in now if not offboarding.deleting(one) and _released(one)]
    waits = [one for one in later if not offboarding.deleting(one) and not offboarding.suspended(one)]
    patches += [(one, {"suspend": True}) for one in waits]
    return patches, [one for one in now if not offboarding.deleting(one)]


def _released(one: Document) -> dict[str, Any]:
    # Resumed alone, it would apply all once more before it sees that it was deleted.
    held = {"suspend": None, "dependsOn": [{"name": _NOBODY}]}
    wanted: dict[str, Any] = held if offboarding.suspended(one) else {}
    if one["kind"] == "Kustomization" and _space(one) == FLUX_NAMESPACE and documents.label(one, TENANT_LABEL):
        wanted |= {"deletionPolicy": "WaitForTermination"}
    return wanted


def stripped(one: Mapping[str, Any]) -> list[str] | None:
    """The finalizers of an object without Flux's; None where it has none of Flux's."""
    found = one["metadata"].get("finalizers") or []
    return [finalizer for finalizer in found if finalizer != FINALIZER] if FINALIZER in found else None


def version(definition: Document) -> str:
    """An API version by which all objects of a definition can be read."""
    spec = definition["spec"]
    served = [one["name"] for one in spec["versions"] if one.get("served")]
    stored = [one["name"] for one in spec["versions"] if one.get("storage") and one.get("served")]
    return f"{spec['group']}/{(stored or served)[0]}"


def is_definition(one: Mapping[str, Any]) -> bool:
    """Whether a CustomResourceDefinition is one of Flux's controllers."""
    return str(one["spec"]["group"]).endswith((".toolkit.fluxcd.io", "source.extensions.fluxcd.io"))


def counted(workloads: Mapping[str, Document]) -> dict[str, int]:
    """Kind → how many."""
    kinds = sorted({str(one["kind"]) for one in workloads.values()})
    return {kind: sum(one["kind"] == kind for one in workloads.values()) for kind in kinds}


def lost(before: Mapping[str, Document], after: Mapping[str, Document]) -> list[str]:
    """What was there and is not, or is another now."""
    return sorted(object_name(one) for uid, one in before.items() if uid not in after)


def unmanaged(releases: Sequence[Document]) -> list[str]:
    """Releases whose records Helm keeps in Flux's namespace, and so loses."""
    helm = [one for one in releases if one["kind"] == "HelmRelease"]
    return [object_name(one) for one in helm if (one["spec"].get("storageNamespace") or _space(one)) == FLUX_NAMESPACE]


def diff(where: str, names: Sequence[str]) -> list[dict[str, str]]:
    """What goes, as people see it."""
    header = f"Flux in {where}"
    text = "".join(f"{one}\n" for one in names)
    return [{"before_header": header, "after_header": header, "before": text, "after": ""}] if names else []


def _space(one: Mapping[str, Any]) -> str:
    return str(one["metadata"].get("namespace", ""))


def _is_flux(one: Document) -> bool:
    return documents.label(one, PART_OF[0]) == PART_OF[1]


def _is_root(one: Mapping[str, Any]) -> bool:
    return (one["kind"], _space(one), one["metadata"]["name"]) == ("Kustomization", FLUX_NAMESPACE, FLUX_SYNC)
