# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""A tenant's objects change hands on one cluster: they are kept before the commit, and let go of after it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import holding, offboarding
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import ClusterError
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import (
    FLUX_NAMESPACE,
    FLUX_SYNC,
    tenant_sync,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.offboarding import SYNCS, Reference
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name
from ansible_collections.fluxops.fleet.plugins.module_utils._io import objects
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster

_KUSTOMIZATION = SYNCS[0]
_ROLE = "rbac.authorization.k8s.io/v1", "ClusterRole"
Row = Mapping[str, Any]
"""What is known of a tenant that moves: as of ``old_tenants.Old.as_dict``."""


class Handover:
    """One cluster, on which tenants come from other people's files to ours."""

    def __init__(self, cluster: Cluster, say: Callable[[str], None]) -> None:
        self._cluster, self._say = cluster, say

    def reasons(self, row: Row, given: Collection[str]) -> list[str]:
        """Why a tenant can't move here. ``given``: names of Secrets that the run brings."""
        made = self._inventory([row["sync"]])
        role = self._cluster.get(*_ROLE, row["role"]) if row["role"] else {"rules": row["rules"]}
        secret, space = row["secret"], row["namespaces"][0]
        lacks = secret and secret not in given and not self._cluster.get("v1", "Secret", secret, space)
        looked = holding.Looked(
            made=made,
            applied=self._inventory(row["parents"]),
            rules=None if role is None else role.get("rules") or [],
            resources={(one.api_version, one.kind): self._plural(one) for one in made},
            lacks=f"{space}/{secret}" if lacks else "",
        )
        return holding.reasons(row, looked)

    def to_keep(self, row: Row) -> list[tuple[Document, dict[str, Any]]]:
        """Objects and the patches by which Flux keeps them, or what they have made, while they move."""
        found = []
        for one in row["objects"]:
            there = self._cluster.get(one["apiVersion"], one["kind"], one["name"], one["namespace"])
            found += [(there, holding.keep(there, row["tenant"]))] if there else []
        for space, called in (one.split("/") for one in row["orphans"]):
            there = self._cluster.get(*_KUSTOMIZATION, called, space)
            found += [(there, holding.orphan(there))] if there else []
        return [(one, patch) for one, patch in found if patch]

    def keep(self, row: Row) -> None:
        """Have Flux keep them, and see that it will."""
        for one, patch in self.to_keep(row):
            self._say(f"{self._cluster.where}: keeping {name(one)}")
            self._cluster.merge(one, patch)
        left = [name(one) for one, _patch in self.to_keep(row)]
        if left:
            hint = "does not take what would keep it (deletionPolicy needs Flux 2.5): upgrade Flux first"
            raise ClusterError(f"{self._cluster.where}: {', '.join(left)} {hint}")

    def there(self, row: Row) -> list[dict[str, str]]:
        """All that a tenant has here and that is to be the same afterwards, each by its names and UID."""
        mine = [Reference(one["namespace"], one["kind"], one["name"], one["apiVersion"]) for one in row["objects"]]
        found = {one: self._get(one) for one in (*mine, *self._inventory([row["sync"]]))}
        return [{**asdict(one), "uid": str(there["metadata"]["uid"])} for one, there in found.items() if there]

    def left(self, tenants: Iterable[str]) -> list[str]:
        """What has not changed hands yet, in words. What has is let go of."""
        syncs = [{"kind": _KUSTOMIZATION[1], **one} for one in self._cluster.list(*_KUSTOMIZATION)]
        source = self._cluster.get("source.toolkit.fluxcd.io/v1", "GitRepository", FLUX_SYNC, FLUX_NAMESPACE)
        mine = [one for tenant in tenants for one in self.kept(tenant)]
        if not mine:
            return []
        waiting = holding.behind(syncs, source)
        waiting += [why for one, tenant in mine if (why := holding.elsewhere(one, tenant))]
        for one, _tenant in mine if not waiting else ():
            self._say(f"{self._cluster.where}: letting go of {name(one)}")
            objects.set_fields(self._cluster, one, holding.unkeep())
        return waiting

    def kept(self, tenant: str) -> list[tuple[Document, str]]:
        """What is kept of a tenant, as ``tenant-<name>`` has it by now."""
        found = self._inventory([f"{FLUX_NAMESPACE}/{tenant_sync(tenant)}"])
        there = (self._get(one) for one in found)
        return [(one, tenant) for one in there if one and holding.kept(one)]

    def anew(self, before: Iterable[Mapping[str, str]]) -> list[str]:
        """What of all that was ``there`` is gone, or was made anew."""
        said = []
        for one in before:
            named = Reference(one["namespace"], one["kind"], one["name"], one["api_version"])
            now = self._get(named)
            if not now or now["metadata"]["uid"] != one["uid"]:
                said.append(f"{named} {'was made anew' if now else 'is gone'}")
        return said

    def _inventory(self, syncs: Iterable[str]) -> list[Reference]:
        there = (self._cluster.get(*_KUSTOMIZATION, *reversed(one.split("/"))) for one in syncs)
        return [each for one in there if one for each in offboarding.inventory(one)]

    def _get(self, one: Reference) -> Document | None:
        return self._cluster.get(one.api_version, one.kind, one.name, one.namespace)

    def _plural(self, one: Reference) -> str:
        try:
            return self._cluster.resource(one.api_version, one.kind)
        except ClusterError as error:
            if error.status != 404:
                raise
            return ""
