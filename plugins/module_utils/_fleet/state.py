# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What Flux on one cluster is doing, as a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import pause, ready
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE, FLUX_SYNC, Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Cluster, Member
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name

# Without these two nothing is fetched and nothing applied.
_REQUIRED = ("source-controller", "kustomize-controller")
_VERSION_LABEL = "app.kubernetes.io/version"
_MANAGED_BY = "app.kubernetes.io/managed-by"
# What Flux's own manifests label all of theirs with.
PART_OF = "app.kubernetes.io/part-of=flux"
# Read in this order: a source that fails is the cause, a Kustomization that waits for it is not.
FLUX_KINDS = (
    ("apps/v1", "Deployment"),
    ("source.toolkit.fluxcd.io/v1", "GitRepository"),
    ("source.toolkit.fluxcd.io/v1", "OCIRepository"),
    ("source.toolkit.fluxcd.io/v1", "HelmRepository"),
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
    ("helm.toolkit.fluxcd.io/v2", "HelmRelease"),
)
# What source-watcher makes of other sources.
ARTIFACT = ("source.toolkit.fluxcd.io/v1", "ExternalArtifact")


@dataclass(frozen=True)
class FluxState:
    """The controllers' Deployments (name → object), and the root sync's two objects where they exist."""

    deployments: Mapping[str, Document]
    source: Document | None
    sync: Document | None

    @property
    def version(self) -> str:
        """Flux's version, from the label that its own tools write."""
        labels = [one["metadata"].get("labels", {}) for one in self.deployments.values()]
        return next((str(one[_VERSION_LABEL]) for one in labels if one.get(_VERSION_LABEL)), "")

    @property
    def revision(self) -> str:
        """What the root sync applied last, as ``branch@sha1:commit``; empty where it never did."""
        return ready.flux_object(self.sync).revision

    @property
    def ready(self) -> bool:
        """Whether the controllers run and the root sync is healthy."""
        controllers = [ready.deployment(one).ready for one in self.deployments.values()]
        synced = ready.flux_object(self.source).ready and ready.flux_object(self.sync).ready
        return synced and bool(controllers) and all(controllers)

    def follows(self, wanted: Cluster, layout: Layout) -> bool:
        """Whether Flux is there and follows what the cluster is meant to follow; then it applies the rest itself."""
        if (
            not self.source
            or not self.sync
            or not self.revision
            or any(name not in self.deployments for name in _REQUIRED)
        ):
            return False
        return self.followed == self.wanted(wanted, layout) and self.by_app == (wanted.provider == "github")

    @property
    def by_app(self) -> bool:
        """Whether the root sync's source signs in as a GitHub App. What would change that it can't fetch itself: a
        Secret of one kind does not go with the other."""
        return bool((self.source or {}).get("spec", {}).get("provider") == "github")

    @property
    def stuck(self) -> bool:
        """Whether a controller without which nothing is applied has no replica that runs: Flux can't mend itself."""
        needed = [self.deployments[name] for name in _REQUIRED if name in self.deployments]
        wanted = [one for one in needed if one["spec"].get("replicas", 1)]
        return any(not (one.get("status") or {}).get("availableReplicas") for one in wanted)

    @property
    def followed(self) -> tuple[str, str, str]:
        """URL, branch and path of the root sync; empty where there is none."""
        source, sync = (self.source or {}).get("spec", {}), (self.sync or {}).get("spec", {})
        path = str(sync.get("path", "")).removeprefix("./").rstrip("/")
        return str(source.get("url", "")), str((source.get("ref") or {}).get("branch", "")), path

    @staticmethod
    def wanted(cluster: Cluster | Member, layout: Layout) -> tuple[str, str, str]:
        """URL, branch and path that a cluster is meant to follow."""
        return cluster.sync.url, cluster.sync.branch, layout.cluster(cluster.name)

    def settled(self, rejected: tuple[str, ...]) -> bool:
        """Ready, and at none of the commits that are known to lack what we wait for."""
        return self.ready and not (rejected and self.revision.endswith(rejected))

    def explain(self, commit: str) -> str:
        """Why it is not ready, in Flux's own words."""
        found: dict[str, list[Mapping[str, Any]]] = {
            "Deployment": list(self.deployments.values()),
            "GitRepository": [self.source] if self.source else [],
            "Kustomization": [self.sync] if self.sync else [],
        }
        behind = f"applied {self.revision or 'nothing'}, which does not contain commit {commit}"
        return self.missing or self.suspended or ready.first_failure(found) or behind

    @property
    def missing(self) -> str:
        """What is not installed, in words; empty where nothing is missing."""
        absent = [name for name in _REQUIRED if name not in self.deployments]
        return f"{', '.join(absent)} not installed" if absent else ""

    @property
    def suspended(self) -> str:
        """Which of the root sync's objects people have suspended, in words; empty where none is."""
        held = [pause.why(one) for one in (self.source, self.sync) if one and pause.suspended(one)]
        return f"{' and '.join(held)}: resume to have the cluster follow" if held else ""


def of(found: Mapping[str, list[Document]]) -> FluxState:
    """The state among all of Flux's objects (kind → all of that kind)."""
    root = {kind: next(filter(_is_root, found[kind]), None) for kind in ("GitRepository", "Kustomization")}
    controllers = {one["metadata"]["name"]: one for one in found["Deployment"]}
    return FluxState(controllers, root["GitRepository"], root["Kustomization"])


# Who installs things for people, by the field managers that they write as.
_INSTALLERS = {"helm": "Helm", "flux-operator": "flux-operator", "argocd-controller": "Argo CD"}


def managed_by(objects: Iterable[Document]) -> str:
    """Who else than Flux's own tools installed these objects, by what installers leave on them; empty for nobody.

    ``flux bootstrap`` asks by the same label: https://github.com/fluxcd/flux2/blob/main/pkg/bootstrap/bootstrap.go.
    """
    for one in objects:
        metadata = one["metadata"]
        label = str((metadata.get("labels") or {}).get(_MANAGED_BY) or "")
        annotations = metadata.get("annotations") or {}
        managers = (str(entry.get("manager", "")) for entry in metadata.get("managedFields") or [])
        named = [
            label if label != "flux" else "",
            "Helm" if "meta.helm.sh/release-name" in annotations else "",
            "Argo CD" if "argocd.argoproj.io/tracking-id" in annotations else "",
            *(_INSTALLERS.get(manager, "") for manager in managers),
        ]
        if any(named):
            return next(name for name in named if name)
    return ""


def facts(found: Mapping[str, list[Document]], definitions: Iterable[Document] = ()) -> dict[str, Any]:
    """What Flux's objects (kind → all of that kind) say of a cluster, as plain data. ``definitions``: of its kinds."""
    state = of(found)
    every = [one for ones in found.values() for one in ones]
    failure = (state.missing or ready.first_failure(found)) if state.sync else "Flux is not installed"
    return {
        "version": state.version,
        "managed_by": managed_by([*state.deployments.values(), *definitions]),
        "revision": state.revision,
        "ready": not failure,
        "failure": failure,
        "suspended": [name(one) for one in every if pause.suspended(one)],
        "suspensions": pause.suspensions(every),
        "objects": {kind: len(ones) for kind, ones in found.items()},
        "follows": list(state.followed),
        "controllers": sorted(state.deployments),
    }


def _is_root(found: Mapping[str, Any]) -> bool:
    return (found["metadata"]["namespace"], found["metadata"]["name"]) == (FLUX_NAMESPACE, FLUX_SYNC)
