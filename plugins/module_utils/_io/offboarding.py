# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""A tenant taken off one cluster: each call looks, does what can be done now, and says what it waits for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, offboarding, ready, volumes
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import ClusterError, Problem, Unreachable
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.keeping import Keep, unhold
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import (
    FLUX_NAMESPACE,
    TENANT_LABEL,
    tenant_sync,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.offboarding import FENCES, SYNCS, Reference, Remains
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name
from ansible_collections.fluxops.fleet.plugins.module_utils._io import flux, objects
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster

_KUSTOMIZATION = SYNCS[0]
# What waits for a dependency that is not there applies nothing, and still deletes what it has applied.
_NOBODY = "nobody-it-is-being-offboarded"


class Departure:
    """One tenant on one cluster. It touches ``tenant-<name>`` and what lies in namespaces labelled as the tenant's."""

    keep = Keep()

    def __init__(self, cluster: Cluster, tenant: str, say: Callable[[str], None], allow: Sequence[str]) -> None:
        self._cluster, self.tenant, self._say, self._allow = cluster, tenant, say, allow
        self._gone: set[Reference] = set()
        self._asked = False

    def look(self) -> Remains:
        """What is there now."""
        namespaces = self._list("v1", "Namespace")
        spaces = [one["metadata"]["name"] for one in namespaces]
        own = [one for space in spaces for version, kind in SYNCS for one in self._list(version, kind, space)]
        made = offboarding.recorded(namespaces) | self._made(own)
        sync = self._cluster.get(*_KUSTOMIZATION, tenant_sync(self.tenant), FLUX_NAMESPACE)
        return Remains(self.tenant, tuple(namespaces), sync, tuple(own), frozenset(made))

    def problems(self, found: Remains) -> list[Problem]:
        """Why it must not be taken off."""
        spaces = sorted({one["metadata"]["namespace"] for one in found.own})
        accounts = [one["metadata"] for space in spaces for one in self._cluster.list("v1", "ServiceAccount", space)]
        there = [(one["namespace"], one["name"]) for one in accounts]
        where, spaces = self._cluster.where, found.lasting
        claims = [one for space in spaces for one in self._cluster.list(*volumes.CLAIMS, space)]
        going = self.keep.going(volumes.found(claims, spaces))
        wrong = offboarding.problems(where, found, [] if self.keep.workloads else there, self._allow)
        return [*wrong, *volumes.problems(where, self.tenant, going, self._allow)]

    def fences(self, found: Remains) -> list[Document]:
        """The tenant's rights and limits, by our label, in namespaces that nobody has deleted yet."""
        return [
            one
            for space in found.lasting
            for version, kind in FENCES
            for one in self._list(version, kind, space, labelled=True)
        ]

    def takes(self, found: Remains) -> list[str]:
        """What the first step takes away, in words; nothing where it would only wait."""
        return found.workloads if found.workloads_change else []

    def clears(self, found: Remains) -> list[str]:
        """What the second step takes away, in words."""
        return [*(name(fence) for fence in self.fences(found)), *(f"Namespace {space}" for space in found.lasting)]

    def workloads(self) -> list[str]:
        """Take away what the tenant runs; returns what has still to go, in its own words."""
        found = self.look()
        self._hold_fleet_sync(found)
        if not found.own:
            return [offboarding.says(one) for one in self._existing(found) if offboarding.deleting(one)]
        self._remember(found)
        self._restore(found)
        now, later = offboarding.split(found.own)
        for one in found.own:
            waits = one in later and not offboarding.deleting(one)
            if offboarding.suspended(one) != waits:
                self._suspend(one, suspend=waits)
        for one in now:
            self._delete(one)
        return [offboarding.says(one) for one in found.own]

    def namespaces(self) -> list[str]:
        """Take away rights, limits and namespaces, once the files are; returns what has still to go."""
        found = self.look()
        if early := self.early(found):
            return early
        for one in (*self.fences(found), *found.namespaces):
            self._delete(one)
        return [offboarding.says(one) for one in found.namespaces]

    def early(self, found: Remains) -> list[str]:
        """Why it is too early for the second step."""
        if found.sync:
            return [self._still_applied(found.sync)]
        return [f"{name(one)} is there again: run again" for one in found.own]

    def left(self, _before: Remains) -> list[str]:
        """What their syncs made and did not delete, as people or charts may have asked for."""
        return sorted(name(one) for one in self._existing(self.look()) if not offboarding.deleting(one))

    def _list(self, version: str, kind: str, space: str = "", *, labelled: bool = False) -> list[Document]:
        selector = f"{TENANT_LABEL}={self.tenant}" if labelled or not space else ""
        found = self._cluster.list(version, kind, space, selector)
        return [{"apiVersion": version, "kind": kind, **one} for one in found]

    def _made(self, own: list[Document]) -> set[Reference]:
        """The inventories of the tenant's syncs, and of syncs that those made elsewhere."""
        known = {(one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]) for one in own}
        made: set[Reference] = set()
        queue = list(own)
        while queue:
            for one in offboarding.inventory(queue.pop()):
                key = (one.kind, one.namespace, one.name)
                if (one.api_version, one.kind) in SYNCS and key not in known:
                    known.add(key)
                    child = self._cluster.get(one.api_version, one.kind, one.name, one.namespace)
                    queue += [child] if child else []
                made.add(one)
        return made

    def _existing(self, found: Remains) -> list[Document]:
        there = []
        for one in sorted(found.made - self._gone):
            document = self._cluster.get(one.api_version, one.kind, one.name, one.namespace)
            if document:
                there.append(document)
            else:
                self._gone.add(one)
        return there

    def _remember(self, found: Remains) -> None:
        place = next((one for one in found.namespaces if not offboarding.deleting(one)), None)
        text = offboarding.record(found.made)
        if place and (place["metadata"].get("annotations") or {}).get(offboarding.LEAVING) != text:
            self._cluster.merge(place, {"metadata": {"annotations": {offboarding.LEAVING: text}}})

    def _restore(self, found: Remains) -> None:
        """Without its rights Flux would forget what it applied, and delete nothing."""
        for one in offboarding.rights(found):
            metadata = one["metadata"]
            if not self._cluster.get(one["apiVersion"], one["kind"], metadata["name"], metadata["namespace"]):
                self._say(f"{self._cluster.where}: putting {name(one)} back, so that Flux can delete what it applied")
                self._cluster.create(one)

    def _hold_fleet_sync(self, found: Remains) -> None:
        """Nothing is to come back by ``tenant-<name>``."""
        if found.sync and not offboarding.suspended(found.sync):
            self._say(f"{self._cluster.where}: suspending {name(found.sync)}")
            self._suspend(found.sync, suspend=True)

    def _suspend(self, one: Document, *, suspend: bool) -> None:
        # Resumed alone, it would apply all once more, and wait for what has gone, before it sees that it was deleted.
        spec = {"suspend": True} if suspend else {"suspend": None, "dependsOn": [{"name": _NOBODY}], **unhold(one)}
        objects.set_fields(self._cluster, one, {"spec": spec})

    def _delete(self, one: Document) -> None:
        if not offboarding.deleting(one):
            self._say(f"{self._cluster.where}: deleting {name(one)}")
            self._cluster.delete(one)

    def _still_applied(self, sync: Document) -> str:
        """Why ``tenant-<name>`` is there, where its file is gone: its shard is yet to apply that."""
        if not self._asked:
            self._asked = True
            flux.request_reconciliation(self._cluster, flux.observe(self._cluster), datetime.now(UTC).isoformat())
        shard = documents.label(sync, "kustomize.toolkit.fluxcd.io/name")
        found = self._cluster.get(*_KUSTOMIZATION, shard, FLUX_NAMESPACE) if shard else None
        words = f"{name(found)}: {ready.flux_object(found).message}" if found else "no Kustomization applies it"
        return f"{name(sync)} is still there: {words}"


def attempt(step: Callable[[], list[str]]) -> list[str]:
    """A step; what the API server refuses to one tenant keeps no other from leaving."""
    try:
        return step()
    except Unreachable:
        raise
    except ClusterError as error:
        return [str(error)]
