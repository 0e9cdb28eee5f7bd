# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""How the components and the tenants of one cluster are, from all of Flux's objects there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, pause, ready
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import (
    COMPONENT_LABEL,
    FLUX_NAMESPACE,
    FLUX_SYNC,
    TENANT_LABEL,
    component_sync,
    shard_of,
    tenant_sync,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name as object_name
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.ready import Readiness

# In the order in which causes come first; a Kustomization that waits for a release's health says less than the release.
_CAUSES = ("GitRepository", "ExternalArtifact", "OCIRepository", "HelmRepository", "HelmRelease", "Kustomization")
# https://fluxcd.io/flux/components/source/artifactgenerators/#artifacts: what originRevision puts there.
_ORIGIN = "org.opencontainers.image.revision"


@dataclass(frozen=True)
class Health:
    """How one component or tenant is: ``state`` as in ``ready.Readiness``, ``failure`` what is wrong, in Flux's words.

    ``revision`` is what its own sync applied last, or the version of its chart.
    """

    name: str
    state: str
    revision: str = ""
    failure: str = ""

    @property
    def settled(self) -> bool:
        """Whether there is nothing to wait for; what people suspended is theirs to resume."""
        return self.state in ("ready", "suspended")

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for results and reports."""
        return {
            "name": self.name,
            "ready": self.state == "ready",
            "suspended": self.state == "suspended",
            "state": self.state,
            "revision": self.revision,
            "failure": self.failure,
        }


class View:
    """All of Flux's objects in one cluster (kind → objects), and which namespace is whose (namespace → tenant).

    The labels of namespaces, and of what lies in flux-system, are administrators' alone: they are to be trusted.
    """

    def __init__(self, found: Mapping[str, Sequence[Document]], owners: Mapping[str, str], asked: str = "") -> None:
        """``asked``: the word by which objects were asked to reconcile; one that carries it has to answer first."""
        self._asked, self._owners = asked, owners
        self._all = {_key(one): one for kind in _CAUSES for one in found.get(kind, ())}
        self._fleet = [one for one in self._all.values() if one["metadata"]["namespace"] == FLUX_NAMESPACE]
        self._own: dict[str, list[Document]] = {tenant: [] for tenant in owners.values()}
        for one in self._all.values():
            tenant = owners.get(one["metadata"]["namespace"])
            if tenant:
                self._own[tenant].append(one)

    @property
    def components(self) -> list[str]:
        """The names of all components, sorted."""
        return sorted(self._labelled(COMPONENT_LABEL))

    @property
    def tenants(self) -> list[str]:
        """The names of all tenants, sorted."""
        return sorted({*self._own, *self._labelled(TENANT_LABEL)})

    def own(self, tenant: str) -> list[Document]:
        """Flux's objects in the tenant's namespaces."""
        return self._own.get(tenant, [])

    def syncs(self, tenant: str) -> list[Document]:
        """What brings the tenant in: ``tenant-<name>``, where it is there."""
        sync = self._sync(tenant_sync(tenant))
        return [sync] if sync else []

    def of_component(self, name: str) -> list[Document]:
        """A component's objects in flux-system: its Kustomization, and the sources and releases that it brings."""
        return [one for one in self._fleet if documents.label(one, COMPONENT_LABEL) == name]

    def component(self, name: str) -> Health:
        """How one component is."""
        own = self.of_component(name)
        return self._judged(name, component_sync(name), own, _revision(own, ("HelmRelease", "Kustomization")))

    def tenant(self, name: str, *, with_shard: bool = False) -> Health:
        """How one tenant is: ``tenant-<name>`` and all of Flux's in its namespaces; with its shard, what will come too.

        A shard that waits for infrastructure stops no tenant that runs. Of one that nothing brings in any more, what is
        left of it says nothing.
        """
        own = self.own(name)
        if not with_shard and not self.syncs(name):
            return Health(name, "missing", "", f"{_absent(tenant_sync(name))}: if it has left, run offboard again")
        chain = [*(self._shards(name) if with_shard else ()), *self.syncs(name), *own]
        return self._judged(name, tenant_sync(name), chain, _revision(own, ("Kustomization", "HelmRelease")))

    def readiness(self, one: Document) -> Readiness:
        """One object's readiness: as it says, once it has answered and has applied what its source holds."""
        found, asked = ready.flux_object(one), ready.asked(one)
        if found.state == "failed" and one["metadata"].get("deletionTimestamp"):
            # What it says is of the time before: of a directory that went with it, of what it can't have any more.
            return replace(found, state="waiting", message="is being deleted")
        if found.state in ("ready", "failed") and asked and asked == self._asked and ready.answered(one) != asked:
            return replace(found, state="waiting", message="was asked to reconcile and has not begun")
        held = self._held(one) if one["kind"] == "Kustomization" else ""
        if found.ready and held and held != found.revision:
            return replace(found, state="waiting", message=f"applied {found.revision}, its source holds {held}")
        if found.ready and one["kind"] == "Kustomization" and (behind := self._behind(one)):
            return replace(found, state="waiting", message=behind)
        return replace(found, state="waiting") if found.state == "failed" and self._is_outdated(one) else found

    def _behind(self, sync: Document) -> str:
        """What a tenant's artifact was made of, in words, where that is not what the fleet's source holds."""
        key, root = _source(sync), self._all.get(("GitRepository", FLUX_NAMESPACE, FLUX_SYNC))
        if key[:2] != ("ExternalArtifact", FLUX_NAMESPACE) or not root or not (made := self._all.get(key)):
            return ""
        artifact = (made.get("status") or {}).get("artifact") or {}
        origin, head = (artifact.get("metadata") or {}).get(_ORIGIN), ready.flux_object(root).revision
        return "" if origin in (None, head) else f"its artifact is made of {origin}, the fleet's source holds {head}"

    def _held(self, sync: Document) -> str:
        """The revision that the source of a Kustomization holds."""
        source = self._all.get(_source(sync))
        return ready.flux_object(source).revision if source else ""

    def _is_outdated(self, one: Document) -> bool:
        """Whether it failed as it was, and a sync that brings it has not come to what it is to be."""
        bringing = [sync for sync in self._bringing(one) if not sync["spec"].get("suspend")]
        attempted = [str((sync.get("status") or {}).get("lastAttemptedRevision", "")) for sync in bringing]
        return attempted != [self._held(sync) for sync in bringing]

    def _bringing(self, one: Document) -> list[Document]:
        """The fleet's syncs that have brought an object: of a component what lies beside its own, of a tenant all."""
        space = one["metadata"]["namespace"]
        if space != FLUX_NAMESPACE:
            tenant = self._owners.get(space, "")
            return [*self._shards(tenant), *self.syncs(tenant)]
        component = documents.label(one, COMPONENT_LABEL)
        sync = self._sync(component_sync(component)) if component and one["kind"] != "Kustomization" else None
        return [sync] if sync else []

    def _shards(self, tenant: str) -> list[Document]:
        """What brings the syncs of some tenants, this one among them."""
        found = [self._sync(f"projects-{shard}") for shard in (shard_of(tenant), "own")]
        return [one for one in found if one]

    def why(self, one: Document, seen: tuple[Document, ...] = ()) -> tuple[str, str]:
        """The state of an object that is not ready, and the reason in its words or in those of what it waits for."""
        found = self.readiness(one)
        for dependency in self._dependencies(one) if found.state == "waiting" else ():
            if dependency not in seen and self.readiness(dependency).state in ("waiting", "failed"):
                state, reason = self.why(dependency, (*seen, one))
                return state, f"{object_name(one)}: waits for {reason}"
        return found.state, f"{object_name(one)}: {found.message}"

    def _judged(self, name: str, sync: str, chain: Sequence[Document], revision: str) -> Health:
        pending = [one for one in chain if self.readiness(one).state in ("waiting", "failed")]
        reasons = sorted((self.why(one) for one in pending), key=lambda reason: reason[0] != "failed")
        if reasons:
            return Health(name, reasons[0][0], revision, reasons[0][1])
        if not self._sync(sync):
            return Health(name, "missing", revision, _absent(sync))
        suspended = [one for one in chain if self.readiness(one).state == "suspended"]
        if suspended:
            return Health(name, "suspended", revision, pause.said(pause.suspensions(suspended)))
        return Health(name, "ready", revision)

    def _sync(self, name: str) -> Document | None:
        return self._all.get(("Kustomization", FLUX_NAMESPACE, name))

    def _labelled(self, label: str) -> set[str]:
        return {documents.label(one, label) for one in self._fleet if one["kind"] == "Kustomization"} - {""}

    def _dependencies(self, one: Document) -> list[Document]:
        """What an object waits for: what it names, and a component's Kustomization for the health of its release."""
        space = one["metadata"]["namespace"]
        wanted = [(one["kind"], item.get("namespace") or space, item["name"]) for item in _depends_on(one)]
        component = (
            documents.label(one, COMPONENT_LABEL) if one["kind"] == "Kustomization" and space == FLUX_NAMESPACE else ""
        )
        own = [other for other in self.of_component(component) if other is not one] if component else []
        return [*(self._all[key] for key in wanted if key in self._all), *own]


def _absent(sync: str) -> str:
    return f"there is no Kustomization {FLUX_NAMESPACE}/{sync}"


def _key(one: Document) -> tuple[str, str, str]:
    return one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]


def _source(sync: Document) -> tuple[str, str, str]:
    reference = sync["spec"].get("sourceRef") or {}
    space = reference.get("namespace") or sync["metadata"]["namespace"]
    return str(reference.get("kind", "")), str(space), str(reference.get("name", ""))


def _depends_on(one: Document) -> list[Mapping[str, Any]]:
    return one["spec"].get("dependsOn") or []


def _revision(own: Sequence[Document], kinds: Sequence[str]) -> str:
    found = [ready.flux_object(one).revision for kind in kinds for one in own if one["kind"] == kind]
    return next((revision for revision in found if revision), "")
