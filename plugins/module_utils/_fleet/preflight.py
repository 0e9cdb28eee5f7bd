# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What must hold between the clusters of a fleet before anything is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import UID_ANNOTATION, Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Cluster
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.state import FluxState

REPLACE_CLUSTER = "replace_cluster"
MOVE_SYNC = "move_sync"


def same_names(inventory: Mapping[str, str]) -> list[Problem]:
    """Hosts (host → cluster name, the whole inventory's) that would share one directory."""
    hosts = defaultdict(list)
    for host, name in inventory.items():
        hosts[name].append(host)
    return [
        Problem(
            host, "fleet_cluster_name", name, f"also the name of {_others(shared, host)}: each cluster needs its own"
        )
        for name, shared in hosts.items()
        if len(shared) > 1
        for host in shared
    ]


def same_cluster(clusters: Iterable[Cluster]) -> list[Problem]:
    """Hosts whose credentials lead to one and the same cluster."""
    hosts = defaultdict(list)
    for cluster in clusters:
        if cluster.uid:
            hosts[cluster.uid].append(cluster.host)
    return [
        Problem(host, "fleet_cluster_auth", "", f"leads to the same cluster as {_others(shared, host)} (UID {uid})")
        for uid, shared in hosts.items()
        if len(shared) > 1
        for host in shared
    ]


def _others(hosts: list[str], host: str) -> str:
    return ", ".join(sorted(other for other in hosts if other != host))


def pinned_uids(files: Mapping[str, str], layout: Layout) -> dict[str, str]:
    """Cluster name → UID of the cluster that the repository knows by it, from the texts of all ``cluster.yaml``."""
    pins = {}
    for path, text in files.items():
        name = path.removeprefix(f"{layout.clusters}/").removesuffix("/cluster.yaml")
        try:
            found = documents.read(text, path)
        except InvalidInput:
            pins[name] = f"unknown, since {path} can't be read: mend that file"
            continue
        uids = [one["metadata"]["annotations"][UID_ANNOTATION] for one in found if _is_pinned(one)]
        pins[name] = str(uids[0]) if uids else ""
    return pins


def _is_pinned(document: documents.Document) -> bool:
    node: Any = document
    for field in ("metadata", "annotations", UID_ANNOTATION):
        node = node.get(field) if isinstance(node, Mapping) else None
    return bool(node)


def identity(clusters: Iterable[Cluster], pins: Mapping[str, str], allow: Iterable[str]) -> list[Problem]:
    """Clusters that are not the ones that the repository pinned by their name, or are pinned by another name."""
    problems, allowed = [], REPLACE_CLUSTER in set(allow)
    owners = {uid: name for name, uid in pins.items() if uid}
    for cluster in clusters:
        pinned, owner = pins.get(cluster.name), owners.get(cluster.uid, cluster.name)
        if owner != cluster.name:
            hint = f"leads to the cluster that the repository knows as {owner} (UID {cluster.uid})"
            problems.append(Problem(cluster.host, "fleet_cluster_auth", "", hint))
        elif cluster.uid and pinned and pinned != cluster.uid and not allowed:
            hint = (
                f"the repository pins UID {pinned}: if the kubeconfig is wrong, mend it; if the cluster was made anew, "
                f"run again for it alone with fleet_allow: [{REPLACE_CLUSTER}]"
            )
            problems.append(Problem(cluster.host, "identity of the cluster", cluster.uid, hint))
    return problems


def cluster_problems(cluster: Cluster, facts: Mapping[str, Any], allow: Iterable[str]) -> list[Problem]:
    """What was found in one cluster that stands in the way. One that can't be reached has none of these."""
    if not facts["reachable"]:
        return []
    if not facts["administrator"]:
        hint = "these credentials can't administer the cluster: Flux's own roles can only be granted by cluster-admin"
        return [Problem(cluster.host, "fleet_cluster_auth", "", hint)]
    return moved_sync(cluster.host, facts["follows"], FluxState.wanted(cluster, Layout()), allow)


def moved_sync(host: str, followed: Iterable[str], wanted: tuple[str, str, str], allow: Iterable[str]) -> list[Problem]:
    """A cluster whose Flux follows another repository, branch or path than it is meant to."""
    fields = ("fleet_repository_url", "fleet_repository_branch", "fleet_cluster_name")
    if not any(followed) or MOVE_SYNC in set(allow):
        return []
    return [
        Problem(
            host,
            field,
            new,
            f"Flux on this cluster follows {old!r}: if this is the wrong cluster, mend fleet_cluster_auth; "
            f"to move it, run again with fleet_allow: [{MOVE_SYNC}]",
        )
        for field, old, new in zip(fields, followed, wanted, strict=True)
        if old != new
    ]
