# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The change of ``clusters/`` that a run makes: from the clusters and a snapshot of the repository to a plan."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import (
    first_install,
    migration,
    moving,
    plain_secrets,
    preflight,
    render,
    takeover,
    tenants,
    upgrade,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.fleet_skeleton import Skeleton
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE, Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.manifest import Manifest
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.messages import clusters_message
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Cluster, Distribution
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import Change, Plan, plan_files
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.sops import Sops
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer

Found = TypeVar("Found")


class Planned(Protocol):
    """A planned change of a repository: what to write, and the message of the commit."""

    @property
    def plan(self) -> Plan:
        """The files."""

    @property
    def message(self) -> str:
        """The commit's message; empty where nothing changes."""


@dataclass(frozen=True)
class Wishes:
    """What a run wants of one repository. ``components`` are the install manifests.

    ``anew``: the names of clusters that run no Flux yet. They need the keys of all tenants that they have.
    ``upgrade``: whether manifests of API versions that the new Flux no longer has are rewritten.
    """

    clusters: Sequence[Cluster]
    components: Mapping[Distribution, Manifest]
    renderer: Renderer
    hand_edits: str = "hold"
    allow: Sequence[str] = ()
    anew: Collection[str] = ()
    upgrade: bool = False
    moving: Collection[str] = ()
    """The names of clusters that follow something else until now."""
    skeleton: Skeleton | None = None
    """What the repository gets where it is empty."""
    sops: Sops = field(default_factory=Sops)
    layout: Layout = field(default_factory=Layout)

    @property
    def fresh(self) -> list[str]:
        """Those of the clusters that run no Flux yet."""
        return [one.name for one in self.clusters if one.name in self.anew]

    def directory(self, cluster: Cluster) -> str:
        """The prefix of a cluster's own files."""
        return self.layout.cluster(cluster.name) + "/"


@dataclass(frozen=True)
class ClustersPlan:
    """The files to write, and what the cluster phase needs to know of them."""

    plan: Plan = field(default_factory=Plan)
    kustomizations: Mapping[str, str] = field(default_factory=dict)
    message: str = ""
    source_keys: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    tenants: Mapping[str, Sequence[str]] = field(default_factory=dict)
    layout: Layout = field(default_factory=Layout)
    takeovers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, first_install.Own] = field(default_factory=dict)
    """What people have in ``kustomization.yaml`` of clusters that run no Flux yet."""
    holds: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What the directories of moving clusters hold."""
    left: Sequence[str] = ()
    """What an upgrade leaves: fields of people's manifests that the new Flux lacks, clusters at other versions."""

    def outcome(self, cluster: Cluster) -> dict[str, Any]:
        """What was planned for one cluster."""
        prefix = self.layout.cluster(cluster.name) + "/"
        held = {path: why for path, why in self.plan.held.items() if path.startswith(prefix)}
        files = [path for path in self.plan.paths if path.startswith(prefix)]
        others = [one for one in self.plan.changes if one.path in files and f"/{FLUX_NAMESPACE}/" not in one.path]
        pending = "---\n".join(change.after for change in others if change.after)
        return {
            "files": files,
            "held": held,
            "kustomization": self.kustomizations.get(cluster.name, ""),
            "pending": pending,
            "beside": dict(self.own[cluster.name].beside) if cluster.name in self.own else {},
            "holds": list(self.holds.get(cluster.name, ())),
            "left": list(self.left),
            "digest": self.digests.get(cluster.name, ""),
            "tenants": list(self.tenants.get(cluster.name, ())),
            "source_keys": [dict(key) for key in self.source_keys.get(cluster.name, ())],
            **self.takeovers.get(cluster.name, {}),
        }


def plan_clusters(wishes: Wishes, snapshot: Snapshot) -> ClustersPlan:
    """Plan against a snapshot of the repository. A wrong identity is InvalidInput."""
    layout = wishes.layout
    existing = _existing(wishes, snapshot)
    locks = _checked(wishes, existing, snapshot)
    files = {one.name: layout.flux_file(one.name, "kustomization") for one in wishes.clusters}
    found = [takeover.as_found(one, layout, existing) for one in wishes.clusters]
    desired: dict[str, str] = {}
    for one in found:
        components = wishes.components[one.distribution]
        desired |= render.cluster_files(one, layout, wishes.renderer, components, existing)
    rewritten = _rewritten(wishes, snapshot)
    plan = plan_files(desired, existing, wishes.hand_edits)
    plan = plan.with_changes([*rewritten.changes, *_first(wishes, existing, snapshot)])
    touched = [one for one in wishes.clusters if any(path.startswith(wishes.directory(one)) for path in plan.paths)]
    new = [one.name for one in touched if files[one.name] not in existing]
    message = clusters_message(new, [one.name for one in touched if one.name not in new], plan.paths)
    kustomizations = {name: desired[path] for name, path in files.items()}
    return ClustersPlan(
        plan=plan,
        kustomizations=kustomizations,
        message=message,
        source_keys=_of_new(wishes, snapshot, tenants.published_keys),
        tenants=_of_new(wishes, snapshot, tenants.published_names),
        layout=layout,
        takeovers={one.name: takeover.report(one, layout, existing, snapshot) for one in found},
        digests={one.name: wishes.components[one.distribution].digest for one in found},
        own=first_install.found(wishes.fresh, kustomizations, layout, snapshot),
        holds=_holds(wishes, snapshot, desired),
        left=_left(wishes, rewritten, locks),
    )


def _first(wishes: Wishes, existing: Mapping[str, str], snapshot: Snapshot) -> list[Change]:
    """What only an empty repository gets, and who can read what is encrypted there."""
    readers = wishes.sops.change(snapshot, wishes.layout)
    if wishes.skeleton is None or existing or snapshot.paths(""):
        return readers
    environments = sorted({one.environment for one in wishes.clusters})
    files = wishes.skeleton.files(wishes.renderer, wishes.clusters[0].sync.branch, environments)
    return [*(Change(path, None, text) for path, text in files.items()), *readers]


def _existing(wishes: Wishes, snapshot: Snapshot) -> dict[str, str]:
    """What most runs look at, by one read, since each read of what is not here yet connects to the server.

    All ``cluster.yaml``, and every file that may be written for the clusters of the run.
    """
    layout = wishes.layout
    own = {path for one in wishes.clusters for path in layout.cluster_files(one.name)}
    kept = {path for one in wishes.clusters for path in layout.kept(one.name, one.environment)}
    return snapshot.read({*layout.pins(snapshot.paths(layout.clusters)), *own, *kept})


def _checked(wishes: Wishes, existing: Mapping[str, str], snapshot: Snapshot) -> dict[str, tuple[str, str]]:
    """What is locked in all ``cluster.yaml``; InvalidInput where something must not go on."""
    raise_if(_plain_secrets(wishes, snapshot))
    layout = wishes.layout
    facts = {path: existing[path] for path in layout.pins(existing)}
    locks = preflight.locked(facts, layout)
    changed = upgrade.lock_problems(wishes.clusters, wishes.components, locks)
    raise_if([*preflight.identity(wishes.clusters, preflight.pinned_uids(facts, layout), wishes.allow), *changed])
    raise_if([problem for one in wishes.clusters for problem in takeover.unseen(one, layout, existing)])
    return locks


def _plain_secrets(wishes: Wishes, snapshot: Snapshot) -> list[Problem]:
    """Values in clear that people keep in the clusters' own directories."""
    layout = wishes.layout
    there = {path for one in wishes.clusters for path in snapshot.paths(layout.cluster(one.name))}
    ours = {path for one in wishes.clusters for path in layout.cluster_files(one.name)}
    by_hand = {layout.cluster_file(one.name, "kustomization") for one in wishes.clusters}
    return plain_secrets.in_files(snapshot, sorted(there - ours | there & by_hand), wishes.allow)


def _holds(wishes: Wishes, snapshot: Snapshot, desired: Mapping[str, str]) -> dict[str, Sequence[str]]:
    folders = {one.name: wishes.directory(one) for one in wishes.clusters if one.name in wishes.moving}
    there = snapshot.read([path for folder in folders.values() for path in snapshot.paths(folder.rstrip("/"))])
    texts = {**there, **desired}
    return {
        name: moving.held({path: text for path, text in texts.items() if path.startswith(folder)})
        for name, folder in folders.items()
    }


def _left(wishes: Wishes, rewritten: migration.Rewritten, locks: Mapping[str, tuple[str, str]]) -> tuple[str, ...]:
    return (*rewritten.left, *(upgrade.skew(wishes.clusters, locks) if wishes.upgrade else ()))


def _rewritten(wishes: Wishes, snapshot: Snapshot) -> migration.Rewritten:
    """What people wrote for the clusters of an upgrade, also what others read: in versions that all of them know."""
    found: dict[str, migration.Rewritten] = {}
    for one in wishes.clusters if wishes.upgrade else ():
        wanted = migration.api(wishes.components[one.distribution].documents)
        for directory in wishes.layout.watched(one.name, one.environment):
            found[directory] = found.get(directory) or migration.rewrite_files(snapshot, [directory], wanted)
    changes = {change.path: change for part in found.values() for change in part.changes}
    return migration.Rewritten(tuple(changes.values()), [said for part in found.values() for said in part.left])


def _of_new(
    wishes: Wishes, snapshot: Snapshot, found: Callable[[Snapshot, Layout, str, str], Found]
) -> dict[str, Found]:
    """Cluster → what the repository has of all its tenants, for those that are made anew."""
    return {
        one.name: found(snapshot, wishes.layout, one.environment, one.name)
        for one in wishes.clusters
        if one.name in wishes.anew
    }
