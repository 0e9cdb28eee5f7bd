# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What must hold between the clusters of a fleet before anything is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, secret
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem, raise_if, some
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import (
    FLUX_DIGEST_ANNOTATION,
    FLUX_VERSION_ANNOTATION,
    UID_ANNOTATION,
    Layout,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Cluster, Member
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.state import FluxState

REPLACE_CLUSTER = "replace_cluster"
MOVE_SYNC = "move_sync"
_LISTED = 5


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


class Identified(Protocol):
    """What a cluster is known by: its host, its name, and the UID of its namespace kube-system."""

    @property
    def host(self) -> str:
        """The inventory host."""

    @property
    def name(self) -> str:
        """The cluster's name."""

    @property
    def uid(self) -> str:
        """Empty where the cluster was not reached."""


def checked_members(
    specifications: Iterable[Mapping[str, Any]], unreachable: str = "skip", problems: Iterable[Mapping[str, str]] = ()
) -> list[Member]:
    """The members of a run, from what ``preflight`` returned for each; raises InvalidInput with what is wrong.

    ``problems``: what else was found to be wrong, as plain data.
    """
    found = list(specifications)
    members = [Member.from_params(one) for one in found]
    stated = [Problem(**one) for one in problems]
    raise_if([*stated, *stated_problems(found, unreachable), *same_cluster(members)])
    return members


def stated_problems(specifications: Iterable[Mapping[str, Any]], unreachable: str) -> list[Problem]:
    """What ``preflight`` found on each host; also those that can't be reached, where ``unreachable`` is to fail."""
    found = list(specifications)
    away = [one for one in found if not one["reachable"]] if unreachable == "fail" else []
    return [
        *(Problem(**problem) for one in found for problem in one.get("problems") or []),
        *(Problem(one["host"], "fleet_unreachable", "fail", one["failure"]) for one in away),
        *(problem for field in ("waves", "gate", "sops") for problem in _differing(found, field)),
    ]


def _differing(specifications: Sequence[Mapping[str, Any]], field: str) -> list[Problem]:
    """Waves, a gate, or recipients that are not the same on all hosts: a run goes by one of them."""
    hosts: dict[str, list[str]] = defaultdict(list)
    for one in specifications:
        hosts[str(one.get(field) or "nothing")].append(one["host"])
    if len(hosts) < 2:
        return []
    said = "; ".join(f"{value} on {some(names, _LISTED)}" for value, names in hosts.items())
    hint = f"is not the same on all hosts of this run, which goes by one: {said}: set it in group_vars/all"
    return [Problem("run", f"fleet_{field}", "", hint)]


def check_known(members: Sequence[Member], snapshot: Snapshot, layout: Layout, allow: Iterable[str]) -> None:
    """Raise InvalidInput for clusters that the repository does not know, or knows as other ones."""
    paths = layout.pins(snapshot.paths(layout.clusters))
    pins = pinned_uids(snapshot.read(paths), layout)
    hint = "the fleet repository does not know this cluster: run the playbook bootstrap for it first"
    unknown = [Problem(one.host, "fleet_cluster_name", one.name, hint) for one in members if one.name not in pins]
    raise_if([*unknown, *identity(members, pins, allow)])


def same_cluster(clusters: Iterable[Identified]) -> list[Problem]:
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
        name = _cluster_of(path, layout)
        try:
            pins[name] = _annotation(documents.read(text, path), UID_ANNOTATION)
        except InvalidInput:
            pins[name] = f"unknown, since {path} can't be read: mend that file"
    return pins


def locked(files: Mapping[str, str], layout: Layout) -> dict[str, tuple[str, str]]:
    """Cluster name → Flux's version and its manifest's digest, as the texts of all ``cluster.yaml`` keep them."""
    found = {}
    for path, text in files.items():
        try:
            every = documents.read(text, path)
        except InvalidInput:
            continue  # its identity is unknown then, which is refused
        version, digest = (_annotation(every, key) for key in (FLUX_VERSION_ANNOTATION, FLUX_DIGEST_ANNOTATION))
        if version and digest:
            found[_cluster_of(path, layout)] = version, digest.removeprefix("sha256:")
    return found


def _cluster_of(path: str, layout: Layout) -> str:
    return path.removeprefix(f"{layout.clusters}/").removesuffix("/cluster.yaml")


def _annotation(found: Iterable[documents.Document], key: str) -> str:
    """The first one of that name; people may have given the file any shape."""
    for document in found:
        node: Any = document
        for field in ("metadata", "annotations", key):
            node = node.get(field) if isinstance(node, Mapping) else None
        if node:
            return str(node)
    return ""


def identity(clusters: Iterable[Identified], pins: Mapping[str, str], allow: Iterable[str]) -> list[Problem]:
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


def member_problems(
    member: Member, facts: Mapping[str, Any], allow: Iterable[str], secrets: Sequence[Mapping[str, Any]] = ()
) -> list[Problem]:
    """What stands in the way of working on a cluster that runs Flux already, and of ``secrets`` for it."""
    found = secret.problems(None, {}, secrets, member.host)
    wanted = FluxState.wanted(member, Layout())
    return [*found, *(moved_sync(member.host, facts["follows"], wanted, allow) if member.reachable else ())]


def cluster_problems(cluster: Cluster, facts: Mapping[str, Any], allow: Iterable[str]) -> list[Problem]:
    """What was found in one cluster that stands in the way of Flux. One that can't be reached has none of these."""
    if not facts["reachable"]:
        return []
    if not facts["administrator"]:
        hint = "these credentials can't administer the cluster: Flux's own roles can only be granted by cluster-admin"
        return [Problem(cluster.host, "fleet_cluster_auth", "", hint)]
    moved = moved_sync(cluster.host, facts["follows"], FluxState.wanted(cluster, Layout()), allow)
    return [*_installed_by_others(cluster.host, facts), *moved]


def _installed_by_others(host: str, facts: Mapping[str, Any]) -> list[Problem]:
    if not facts["managed_by"]:
        return []
    hint = (
        "installed Flux on this cluster, and would undo what we do: have it let go of Flux first, with its "
        "definitions and objects kept, or leave this cluster out"
    )
    return [Problem(host, "the manager of Flux", facts["managed_by"], hint)]


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
