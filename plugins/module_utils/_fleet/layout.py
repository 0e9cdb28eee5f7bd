# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The one place that knows the paths of the fleet repository and the names of the objects at fleet level."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

FLUX_NAMESPACE = "flux-system"
FLUX_SYNC = "flux-system"
TOMBSTONE = ".leaving"
GIT_KEEP = ".gitkeep"
LABEL_DOMAIN = "fleet.fluxops.io"
UID_ANNOTATION = f"{LABEL_DOMAIN}/cluster-uid"
FLUX_VERSION_ANNOTATION = f"{LABEL_DOMAIN}/flux-version"
FLUX_DIGEST_ANNOTATION = f"{LABEL_DOMAIN}/flux-digest"
TENANT_LABEL = f"{LABEL_DOMAIN}/tenant"
COMPONENT_LABEL = f"{LABEL_DOMAIN}/component"
LAYER_LABEL = f"{LABEL_DOMAIN}/layer"
TENANT_SERVICE_ACCOUNT = "fleet-tenant"
PLATFORM_SERVICE_ACCOUNT = "kustomize-controller"
HELM_SERVICE_ACCOUNT = "helm-controller"
CLUSTER_FACTS = "fleet-cluster"
SHARDS = tuple("0123456789abcdef")


def shard_of(tenant: str) -> str:
    """The shard of a tenant, for ever: moving a file between Kustomizations deletes and remakes its object."""
    return hashlib.sha256(tenant.encode()).hexdigest()[0]


def tenant_sync(tenant: str) -> str:
    """The name of the Flux Kustomization in flux-system that applies all that a tenant gets."""
    return f"tenant-{tenant}"


def component_sync(component: str) -> str:
    """The name of the Flux Kustomization in flux-system that applies a component."""
    return f"infrastructure-{component}"


def deploy_key_titles(cluster: str, namespace: str = FLUX_NAMESPACE, source: str = FLUX_SYNC) -> tuple[str, str]:
    """The titles that the key of a cluster's source may have at the forge, which no other cluster's key can take.

    Two, since a key that takes another's place is there before the other goes.
    """
    title = f"{cluster}/{namespace}/{source}"
    return title, f"{title}/rotated"


@dataclass(frozen=True)
class Layout:
    """Directory names of one fleet repository; all paths are relative to its root, with ``/``."""

    clusters: str = "clusters"
    infrastructure: str = "infrastructure"
    projects: str = "projects"

    def cluster(self, cluster: str) -> str:
        """The directory that one cluster follows."""
        return f"{self.clusters}/{cluster}"

    def flux_file(self, cluster: str, name: str) -> str:
        """One of the three files that Flux's own tools know: gotk-components, gotk-sync, kustomization."""
        return f"{self.cluster(cluster)}/{FLUX_NAMESPACE}/{name}.yaml"

    def cluster_file(self, cluster: str, name: str) -> str:
        """A file of ours for one cluster: cluster, infrastructure, projects; or people's own kustomization."""
        return f"{self.cluster(cluster)}/{name}.yaml"

    def cluster_files(self, cluster: str) -> tuple[str, ...]:
        """All files of a cluster's directory that a plan for it looks at."""
        flux = (self.flux_file(cluster, name) for name in ("gotk-components", "gotk-sync", "kustomization"))
        own = (self.cluster_file(cluster, name) for name in ("cluster", "infrastructure", "kustomization", "projects"))
        return (*flux, *own)

    def pins(self, paths: Iterable[str]) -> list[str]:
        """Those of the paths that say which cluster is which: the ``cluster.yaml`` of every cluster."""
        return [path for path in paths if path.startswith(f"{self.clusters}/") and path.endswith("/cluster.yaml")]

    def shard(self, environment: str, shard: str) -> str:
        """The directory of the Flux Kustomizations of one shard's tenants."""
        return f"{self.projects}/{environment}/sync/{shard}"

    def own_tenants(self, environment: str, cluster: str) -> str:
        """The directory of the Flux Kustomizations of tenants that chose their clusters."""
        return f"{self.projects}/{environment}/clusters/{cluster}"

    def tenant(self, environment: str, tenant: str) -> str:
        """The directory that ``tenant-<name>`` applies."""
        return f"{self.projects}/{environment}/{tenant}"

    def tenant_file(self, environment: str, tenant: str) -> str:
        """All that a tenant gets in one environment."""
        return f"{self.tenant(environment, tenant)}/tenant.yaml"

    def claim(self, environment: str, namespace: str) -> str:
        """The file that says which tenant owns a namespace: a path, so that the push decides races."""
        return f"{self.projects}/{environment}/namespaces/{namespace}"

    def sync_file(self, environment: str, tenant: str) -> str:
        """The Flux Kustomization of a tenant on all clusters of an environment."""
        return f"{self.shard(environment, shard_of(tenant))}/{tenant}.yaml"

    def own_sync_file(self, environment: str, cluster: str, tenant: str) -> str:
        """The Flux Kustomization of a tenant on one of the clusters that it chose."""
        return f"{self.own_tenants(environment, cluster)}/{tenant}.yaml"

    def tombstone(self, environment: str, cluster: str, tenant: str) -> str:
        """What says that a tenant which left is still to be taken off a cluster. Flux reads no such ending."""
        return f"{self.own_tenants(environment, cluster)}/{tenant}{TOMBSTONE}"

    def component(self, environment: str, layer: str, component: str) -> str:
        """The directory of what is rendered for one component."""
        return f"{self.infrastructure}/{environment}/{layer}/{component}"

    def versions(self, environment: str) -> str:
        """The file of the versions that an environment was promoted to."""
        return f"{self.infrastructure}/{environment}/versions.yaml"

    def own_component(self, environment: str, cluster: str, component: str) -> str:
        """The directory of what is rendered for a component that one cluster has unlike its environment."""
        return f"{self.infrastructure}/{environment}/clusters/{cluster}/{component}"

    def watched(self, cluster: str, environment: str) -> tuple[str, ...]:
        """What a cluster checks out. The closing slash matters: go-git compares prefixes (``stg-1`` and ``stg-10``)."""
        return (
            f"{self.cluster(cluster)}/",
            f"{self.infrastructure}/{environment}/",
            f"{self.infrastructure}/base/",
            f"{self.projects}/{environment}/",
        )

    def kept(self, cluster: str, environment: str) -> tuple[str, ...]:
        """Files that make directories exist which a sparse checkout or a Kustomization's path names."""
        directories = [
            f"{self.infrastructure}/{environment}",
            f"{self.infrastructure}/base",
            *(self.shard(environment, shard) for shard in SHARDS),
            self.own_tenants(environment, cluster),
        ]
        return tuple(f"{directory}/{GIT_KEEP}" for directory in directories)
