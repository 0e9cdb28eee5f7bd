# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant whose files and objects the test wrote itself: what nouns of the cluster side have to cope with."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import TENANT_LABEL, Layout, tenant_sync
from tests.integration.clusters import Cluster, Object, is_ready
from tests.integration.project import Project, eventually

ACCOUNT = "fleet-tenant"
HOLD = "tests.example/hold"
REPOSITORY = {
    "url": "{{ fleet_repository_url }}",
    "known_hosts": "{{ fleet_repository_known_hosts }}",
    "private_key": "{{ fleet_repository_private_key }}",
}
MEMBER = {"name": "{{ inventory_hostname }}", "auth": "{{ fleet_cluster_auth }}"}


def deployment(name: str, finalizers: Sequence[str] = ()) -> Object:
    """A workload; finalizers keep it there after its deletion."""
    labels = {"app": name}
    container = {"name": "app", "image": "registry.example/app:1"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "finalizers": list(finalizers)},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def volume(name: str, namespace: str) -> Object:
    """A claim that waits for its volume."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "none"}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


class Tenant:
    """One tenant on one cluster of the lab. Its sync is ``app`` in its first namespace."""

    def __init__(self, project: Project, cluster: Cluster, name: str, namespaces: Sequence[str] = ()) -> None:
        self.project, self.cluster, self.name = project, cluster, name
        self.namespaces = list(namespaces) or [name]
        self.first = self.namespaces[0]
        self.environment = cluster.name.partition("-")[0]
        self.repository = f"{project.repository}-{name}"
        self.labels = {TENANT_LABEL: name}
        self.files: dict[str, list[Object]] = {}
        layout = Layout()
        self.file = layout.tenant_file(self.environment, name)
        self.sync_file = layout.sync_file(self.environment, name)

    def onboard(self, files: Mapping[str, Sequence[Object]], *, secret: bool = True, **sync: Any) -> None:
        """Write the deployment repository, the tenant's files in the fleet repository, and its Secret.

        ``sync``: fields of its own Kustomization's spec.
        """
        forge = self.project.lab.forge
        forge.create_repository(self.repository)
        texts = {path: as_text(objects) for path, objects in files.items()}
        self.project.commit(texts, repository=self.repository)
        if secret:
            self.cluster.kubectl("apply", "-f", "-", text=as_text([self._namespaces()[0], self._secret()]))
        self.files = {
            self.file: [*self._namespaces(), *self._rights(), *self.syncs(**sync)],
            self.sync_file: [self.fleet_sync()],
        }
        self.publish()

    def publish(self) -> None:
        """Commit its files of the fleet repository, and have the cluster fetch them."""
        self.project.commit({path: as_text(objects) for path, objects in self.files.items()})
        self.fetch()

    def fetch(self, name: str = "flux-system", namespace: str = "flux-system") -> None:
        """Have a source fetch now and not at its next interval."""
        now = {"reconcile.fluxcd.io/requestedAt": str(time.time())}
        self.patch("gitrepository", name, {"metadata": {"annotations": now}}, namespace)

    def wait(self, kind: str = "kustomization", name: str = "app") -> Object:
        """The object of Flux in its first namespace, once it is ready."""
        found: Object = eventually(lambda: self._ready(kind, name), f"{kind} {name} of {self.name} is ready")
        return found

    def leave_repository(self) -> None:
        """Take its files out of the fleet repository, as the commit of an offboarding does."""
        self.project.commit({self.sync_file: None, self.file: None})
        self.fetch()

    def get(self, kind: str, name: str, namespace: str = "") -> Any:
        """One object of its namespaces, or None."""
        return self.cluster.get(kind, "-n", namespace or self.first, name)

    def patch(self, kind: str, name: str, patch: Mapping[str, Any], namespace: str = "") -> None:
        """Merge into one object, as Flux's own CLI does: what kubectl sets, kustomize-controller takes away again."""
        place = ["-n", namespace or self.first, "--field-manager=flux"]
        self.cluster.kubectl("patch", kind, *place, name, "--type=merge", "-p", json.dumps(patch))

    def suspend_fleet_sync(self) -> None:
        """Keep Flux from putting back what a person deletes."""
        self.patch("kustomization", tenant_sync(self.name), {"spec": {"suspend": True}}, "flux-system")

    def fleet_sync(self) -> Object:
        """``tenant-<name>``."""
        spec = {
            "interval": "10m",
            "path": f"./projects/{self.environment}/{self.name}",
            "prune": True,
            "deletionPolicy": "Orphan",
            "serviceAccountName": "kustomize-controller",
            "sourceRef": {"kind": "GitRepository", "name": "flux-system"},
        }
        return _flux("kustomize", "Kustomization", self._metadata(tenant_sync(self.name), "flux-system"), spec)

    def syncs(self, **more: Any) -> list[Object]:
        """The source and the sync of the tenant's own."""
        url = self.project.lab.forge.urls(self.repository)["https_url"]
        source = {
            "interval": "1m",
            "url": url,
            "ref": {"branch": "main"},
            "secretRef": {"name": "source-deploy"},
        }
        sync = {
            "interval": "1m",
            "retryInterval": "10s",
            "path": "./app",
            "prune": True,
            "serviceAccountName": ACCOUNT,
            "targetNamespace": self.first,
            "sourceRef": {"kind": "GitRepository", "name": "deploy"},
        }
        return [
            _flux("source", "GitRepository", self._metadata("deploy"), source),
            _flux("kustomize", "Kustomization", self._metadata("app"), sync | more),
        ]

    def _ready(self, kind: str, name: str) -> Object | None:
        found = self.get(kind, name)
        return found if found and is_ready(found) else None

    def _namespaces(self) -> list[Object]:
        return [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": self.labels}}
            for name in self.namespaces
        ]

    def _rights(self) -> list[Object]:
        subjects = [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": one} for one in self.namespaces]
        rbac = "rbac.authorization.k8s.io"
        role = {"apiGroup": rbac, "kind": "ClusterRole", "name": ACCOUNT}
        made: list[Object] = []
        for namespace in self.namespaces:
            metadata = self._metadata(ACCOUNT, namespace)
            made += [
                {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
                {
                    "apiVersion": f"{rbac}/v1",
                    "kind": "RoleBinding",
                    "metadata": metadata,
                    "roleRef": role,
                    "subjects": subjects,
                },
            ]
        return made

    def _secret(self) -> Object:
        facts = self.project.lab.forge.facts
        data = {"username": facts["user"], "password": facts["token"], "ca.crt": Path(facts["ca_cert"]).read_text()}
        metadata = self._metadata("source-deploy")
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}

    def _metadata(self, name: str, namespace: str = "") -> Object:
        return {"name": name, "namespace": namespace or self.first, "labels": self.labels}


def _flux(group: str, kind: str, metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> Object:
    return {"apiVersion": f"{group}.toolkit.fluxcd.io/v1", "kind": kind, "metadata": metadata, "spec": dict(spec)}


def as_text(objects: Sequence[Object]) -> str:
    """Objects as YAML documents."""
    return yaml.safe_dump_all(objects, sort_keys=False)
