# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Flux taken off one cluster: each call looks, does what can be done now, and says what it waits for."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import offboarding, uninstall
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.offboarding import SYNCS, Reference
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.uninstall import PRUNE, RIGHTS, WORKLOADS, Remains
from ansible_collections.fluxops.fleet.plugins.module_utils._io import objects
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster

_PART_OF = "=".join(uninstall.PART_OF)
_RBAC = "rbac.authorization.k8s.io/v1"


class Uninstall:
    """Flux leaves one cluster. Nothing is remembered between calls but what was said."""

    def __init__(self, cluster: Cluster, workloads: str, say: Callable[[str], None]) -> None:
        self._cluster, self._prune, self._tell = cluster, workloads == PRUNE, say
        self._said: set[str] = set()

    def look(self) -> Remains:
        """What is there now."""
        definitions = self._list("apiextensions.k8s.io/v1", "CustomResourceDefinition")
        return Remains(
            self._namespace(),
            tuple(one for one in definitions if uninstall.is_definition(one)),
            tuple(one for kind in RIGHTS for one in self._list(_RBAC, kind, selector=_PART_OF)),
            tuple(one for api, kind in SYNCS for one in self._list(api, kind)),
            tuple(one for api, kind in WORKLOADS for one in self._list(api, kind)),
        )

    def advance(self) -> list[str]:
        """Do what can be done now; returns what has still to go, in its own words."""
        found = self.look()
        if found.root and found.controllers and not offboarding.suspended(found.root):
            self._say("suspending the root sync")
            objects.set_fields(self._cluster, found.root, {"spec": {"suspend": True}})
        if self._prune and found.controllers and (found.applied or self._pruned_by_root(found)):
            return self._prune_applied(found)
        if found.controllers:
            self._say("removing the controllers")
            self._delete(found.controllers)
        pods = [name(one) for one in self._list("v1", "Pod", FLUX_NAMESPACE, _PART_OF)]
        if found.controllers or pods:
            # One that still runs would take a deletion for its own to finalise, and prune.
            return pods or [name(one) for one in found.controllers]
        if found.definitions:
            return self._undefine(found)
        left = [*found.rights, *([found.namespace] if found.namespace else [])]
        if left:
            self._say("removing rights and namespace")
        self._delete(left)
        return [offboarding.says(one) for one in left]

    def existing(self, made: Iterable[Reference]) -> list[str]:
        """Those of the objects that are there."""
        found = (self._cluster.get(one.api_version, one.kind, one.name, one.namespace) for one in sorted(made))
        return [name(one) for one in found if one and not offboarding.deleting(one)]

    def _prune_applied(self, found: Remains) -> list[str]:
        """Have Flux delete what it applied; what the root sync applied beside Flux goes last, by our own hand."""
        self._say("having Flux prune what it applied")
        patches, now = uninstall.prune_step(found)
        for one, spec in patches:
            objects.set_fields(self._cluster, one, {"spec": spec})
        self._delete(now)
        if found.applied:
            return [offboarding.says(one) for one in found.applied]
        left = self._pruned_by_root(found)
        self._delete(left)
        return [offboarding.says(one) for one in left]

    def _pruned_by_root(self, found: Remains) -> list[Document]:
        if not found.root:
            return []
        wanted = Remains(definitions=found.definitions, rights=found.rights, syncs=(found.root,)).made
        there = (self._cluster.get(one.api_version, one.kind, one.name, one.namespace) for one in sorted(wanted))
        return [one for one in there if one]

    def _undefine(self, found: Remains) -> list[str]:
        """Take Flux's finalizers off its objects, since nobody is there any more who would, and their kinds away."""
        self._say("taking Flux's finalizers off, and its definitions away")
        kept = []
        for definition in found.definitions:
            kind = definition["spec"]["names"]["kind"]
            for one in self._list(uninstall.version(definition), kind):
                rest = uninstall.stripped(one)
                if rest is not None:
                    objects.set_fields(self._cluster, one, {"metadata": {"finalizers": rest or None}})
                foreign = one["metadata"].get("finalizers") if rest is None else rest
                kept += [offboarding.says(one)] if foreign else []
        self._delete(found.definitions)
        return kept or [offboarding.says(one) for one in found.definitions]

    def _namespace(self) -> Document | None:
        found = self._cluster.get("v1", "Namespace", FLUX_NAMESPACE)
        return {"apiVersion": "v1", "kind": "Namespace", **found} if found else None

    def _list(self, version: str, kind: str, space: str = "", selector: str = "") -> list[Document]:
        found = self._cluster.list(version, kind, space, selector)
        return [{"apiVersion": version, "kind": kind, **one} for one in found]

    def _delete(self, documents: Iterable[Document]) -> None:
        for one in documents:
            if not offboarding.deleting(one):
                self._cluster.delete(one)

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._tell(f"{self._cluster.where}: {text}")
