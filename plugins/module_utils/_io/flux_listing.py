# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Flux's own objects in a cluster, listed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, ready
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE, TENANT_LABEL
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.state import ARTIFACT, FLUX_KINDS, PART_OF
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster, wait

Found = Mapping[str, list[Document]]
"""Kind → the objects of Flux in a cluster."""

# A look of Flux at what has not changed takes a second or two, that of a large Kustomization some more.
_LOOK_SECONDS = 10


def owners(cluster: Cluster, *, every: bool = False) -> dict[str, str]:
    """Namespace → tenant, where an administrator has labelled it as a tenant's; ``every`` other one has empty text."""
    found = cluster.list("v1", "Namespace", selector="" if every else TENANT_LABEL)
    return {one["metadata"]["name"]: documents.label(one, TENANT_LABEL) for one in found}


def everything(cluster: Cluster) -> dict[str, list[Document]]:
    """Kind → all objects of Flux in the cluster, the controllers among them: one LIST a kind."""
    found = {}
    for api_version, kind in FLUX_KINDS:
        controllers = kind == "Deployment"
        items = cluster.list(api_version, kind, FLUX_NAMESPACE if controllers else "", PART_OF if controllers else "")
        found[kind] = [{"apiVersion": api_version, "kind": kind, **item} for item in items]
    # Few have any, and each LIST costs.
    if any((one["spec"].get("sourceRef") or {}).get("kind") == ARTIFACT[1] for one in found["Kustomization"]):
        found |= of_kinds(cluster, [ARTIFACT])
    return found


def of_kinds(cluster: Cluster, kinds: Iterable[tuple[str, str]]) -> dict[str, list[Document]]:
    """Kind → all objects of it, for pairs of API version and kind; none where the cluster does not know the kind."""
    return {
        kind: [{"apiVersion": version, "kind": kind, **one} for one in cluster.list(version, kind)]
        for version, kind in kinds
    }


def at_rest(cluster: Cluster) -> Found:
    """As ``everything``, where what Flux is just looking at says what came of it: waited for for some seconds.

    At every interval a Kustomization takes back that it is ready for as long as Flux looks at it; of a thousand there
    is always one. See ``reconcile`` in
    https://github.com/fluxcd/kustomize-controller/blob/main/internal/controller/kustomization_controller.go.
    """
    found = everything(cluster)
    before = {_key(one): one for one in found["Kustomization"]}
    now = dict(before)

    def late() -> list[tuple[str, str]]:
        return [key for key, one in now.items() if ready.in_progress(one)]

    def look() -> list[tuple[str, str]]:
        for key in late():
            space, name = key
            if fresh := cluster.get(now[key]["apiVersion"], "Kustomization", name, space):
                now[key] = fresh
            else:
                del now[key]
        return late()

    if not late():
        return found
    wait(look, lambda left: not left, _LOOK_SECONDS)
    if any(ready.flux_object(one).revision != ready.flux_object(before[key]).revision for key, one in now.items()):
        return everything(cluster)  # that was no mere look: sources and what depends on these have moved on too
    return {**found, "Kustomization": list(now.values())}


def _key(one: Document) -> tuple[str, str]:
    return one["metadata"]["namespace"], one["metadata"]["name"]
