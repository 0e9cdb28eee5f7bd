# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What a cluster that was away still has of a tenant that left: kept in the repository until a run has seen to it.

A tombstone lies beside the Flux Kustomizations of the cluster's own tenants, by an ending that Flux does not read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, tenants
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.keeping import Keep
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import TOMBSTONE, Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.volumes import REMOVE_VOLUMES

Departing = dict[str, Any]
"""How one tenant leaves one cluster: ``tenant``, ``keep_workloads``, ``keep_namespace``, and ``allow``, the words."""


@dataclass(frozen=True)
class Tombstone:
    """What one cluster still has of a tenant. ``volumes``: whether the word was said by which these may go."""

    tenant: str
    namespaces: tuple[str, ...]
    keep: Keep = field(default_factory=Keep)
    volumes: bool = False

    @property
    def text(self) -> str:
        """The file."""
        fields = {"workloads": self.keep.workloads, "namespace": self.keep.namespace}
        keep = [name for name, kept in fields.items() if kept]
        words = [REMOVE_VOLUMES] if self.volumes else []
        return documents.write_owned(
            [{"tenant": self.tenant, "namespaces": sorted(self.namespaces), "keep": keep, "allow": words}]
        )

    @property
    def departing(self) -> Departing:
        """The same for the cluster side. The word for the tenant itself was said when this was written."""
        return {
            "tenant": self.tenant,
            "keep_workloads": self.keep.workloads,
            "keep_namespace": self.keep.namespace,
            "allow": [REMOVE_VOLUMES] if self.volumes else [],
        }


def read(text: str, path: str) -> Tombstone:
    """A tombstone from its file. Raises InvalidInput where somebody's edit left it unreadable."""
    every = documents.read(text, path)
    found: Mapping[str, Any] = every[0] if len(every) == 1 else {}
    lists = {key: _texts(found.get(key)) for key in ("namespaces", "keep", "allow")}
    if not isinstance(found.get("tenant"), str) or any(one is None for one in lists.values()):
        hint = "does not say who has left: bring it back as its history has it"
        raise InvalidInput(problems=[Problem(path, "tenant, namespaces, keep, allow", "", hint)])
    keep, allow = lists["keep"] or (), lists["allow"] or ()
    kept = Keep("workloads" in keep, "namespace" in keep)
    return Tombstone(found["tenant"], lists["namespaces"] or (), kept, REMOVE_VOLUMES in allow)


def _texts(value: Any) -> tuple[str, ...] | None:
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    return tuple(map(str, value)) if is_list and all(isinstance(one, str) for one in value) else None


def freed(layout: Layout, environment: str, files: Collection[str], snapshot: Snapshot) -> list[str]:
    """The claims of tenants that left, where these files go and the last of their tombstones is among them."""
    folder = layout.own_tenants(environment, "")
    stones = {path for path in snapshot.paths(folder.rstrip("/")) if path.endswith(TOMBSTONE)}
    staying = {path.rpartition("/")[2] for path in stones - set(files)}
    last = [path for path in stones & set(files) if path.rpartition("/")[2] not in staying]
    claims = [
        layout.claim(environment, space)
        for path, text in snapshot.read(last).items()
        for stone in [read(text, path)]
        if not snapshot.paths(layout.tenant_file(environment, stone.tenant))
        for space in stone.namespaces
    ]
    owners = {path.rpartition("/")[2].removesuffix(TOMBSTONE) for path in last}
    return [path for path, text in snapshot.read(claims).items() if tenants.claimant(text, path) in owners]
