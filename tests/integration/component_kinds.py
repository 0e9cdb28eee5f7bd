# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Components that come from elsewhere: what they are made of at the forge, and what clusters have of them."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.integration.clusters import Cluster
from tests.lab import artifacts, charts
from tests.lab.forge import Forge

CHART = Path(charts.__file__).with_name(charts.CHART)
RELEASE, SYNC = "helmreleases.helm.toolkit.fluxcd.io", "kustomizations.kustomize.toolkit.fluxcd.io"
DIRECTORY = {
    "kustomization.yaml": "resources: [config.yaml]\n",
    "config.yaml": 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: addons}\ndata: {zone: "${zone}", size: small}\n',
}
DEFAULTS = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "greeter-defaults", "namespace": "flux-system"},
    "data": {"values.yaml": "replicas: 2\ngreeting: of the ConfigMap\n"},
}
CONFIG_IS_READY = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "current": "has(data.size)",
    "inProgress": "!has(data.size)",
}
# Never ready, by its own word.
JUDGED: Mapping[str, Any] = {
    "layer": "controllers",
    "manifests": [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "judged", "namespace": "default"},
            "data": {"x": "y"},
        }
    ],
    "health_check_exprs": [{"apiVersion": "v1", "kind": "ConfigMap", "current": "false", "failed": "data.x == 'y'"}],
}


class Kinds:
    """A Git repository with a chart and a directory, the same of both in a registry, and components of them."""

    def __init__(self, forge: Forge) -> None:
        name = f"addons-{secrets.token_hex(3)}"
        self.forge, self.repository = forge, name
        self.git = forge.create_repository(name)["https_url"]
        sources = {f"charts/greeter/{path.relative_to(CHART)}": path.read_text() for path in CHART.rglob("*.*")}
        files = {**sources, **{f"deploy/{path}": text for path, text in DIRECTORY.items()}}
        changes = [
            {"operation": "create", "path": path, "content": base64.b64encode(text.encode()).decode()}
            for path, text in files.items()
        ]
        body = {"branch": "main", "message": "a chart and a directory", "files": changes}
        forge.call("POST", f"/repos/{forge.facts['user']}/{name}/contents", json=body)
        self.charts, self.chart_digest = artifacts.publish_chart(forge, name, charts.CHART, "0.3.0")
        self.artifact, self.digest = artifacts.pinned(forge, f"{name}/deploy", DIRECTORY)

    @property
    def secrets(self) -> list[dict[str, Any]]:
        """What clusters need to fetch all of it, and a value that is nobody else's."""
        login = {"username": self.forge.facts["user"], "password": self.forge.facts["token"]}
        auths = json.dumps({"auths": {artifacts.registry(self.forge): login}})
        git = {**login, "ca.crt": Path(self.forge.facts["ca_cert"]).read_text()}
        return [
            {"name": "forge-git", "data": git},
            {"name": "forge-robot", "type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": auths}},
            {"name": "greeter-word", "data": {"word": "of the Secret"}},
        ]

    def components(self) -> dict[str, Any]:
        """One component of each kind."""
        git = {"git": self.git, "ref": {"branch": "main"}, "secret": "forge-git"}
        registry = {"secret": "forge-robot", "ca_secret": "forge-ca"}
        deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "from-git", "namespace": "from-git"}
        return {
            "greeter-defaults": {"layer": "controllers", "manifests": [DEFAULTS]},
            "from-git": {
                "layer": "controllers",
                "depends_on": ["greeter-defaults"],
                "helm": {
                    **git,
                    "path": "charts/greeter",
                    "crds": "Skip",
                    "install": {"timeout": "2m", "remediation": {"retries": 2}},
                    "upgrade": {"cleanupOnFail": True},
                    "drift_detection": {"mode": "enabled", "ignore": [{"paths": ["/spec/replicas"]}]},
                },
                "values_from": [
                    {"kind": "ConfigMap", "name": "greeter-defaults"},
                    {"kind": "Secret", "name": "greeter-word", "valuesKey": "word", "targetPath": "greeting"},
                    {"kind": "ConfigMap", "name": "nobody-made-this", "optional": True},
                ],
                "service_account": "kustomize-controller",
                "health_checks": [deployment],
            },
            "pinned": {
                "layer": "controllers",
                "helm": {"repository": self.charts, "chart": "greeter", "digest": self.chart_digest, **registry},
            },
            "ranged": {
                "layer": "controllers",
                "helm": {"repository": self.charts, "chart": "greeter", "version": ">=0.3.0 <0.4.0", **registry},
            },
            "addons": {
                "layer": "configs",
                "kustomize": {**git, "path": "deploy"},
                "target_namespace": "from-git",
                "substitute": {"zone": "a"},
                "patches": [
                    {"target": {"kind": "ConfigMap"}, "patch": "- {op: replace, path: /data/size, value: patched}\n"}
                ],
                "service_account": "helm-controller",
                "retry_interval": "30s",
            },
            "artifact": {
                "layer": "configs",
                "kustomize": {"oci": self.artifact, "digest": self.digest, **registry},
                "target_namespace": "pinned",
                "substitute": {"zone": "a"},
                "health_check_exprs": [CONFIG_IS_READY],
            },
        }

    def region(self) -> dict[str, Any]:
        """What another region has otherwise."""
        other = {"substitute": {"zone": "b"}}
        return {"addons": other, "artifact": other, "pinned": {"values": {"greeting": "b"}, "interval": "20m"}}

    def holds(self, cluster: Cluster, zone: str) -> None:
        """Assert that a cluster has all of it."""
        release = cluster.get(RELEASE, "-n", "flux-system", "from-git")["spec"]
        assert release["serviceAccountName"] == "kustomize-controller"
        assert release["install"]["crds"] == release["upgrade"]["crds"] == "Skip"
        assert release["install"]["remediation"] == {"retries": 2}
        assert release["driftDetection"]["mode"] == "enabled"
        greeting = cluster.get("configmap", "-n", "from-git", "from-git")["data"]["greeting"]
        assert (greeting, replicas(cluster, "from-git")) == ("of the Secret", 2)
        checks = cluster.get(SYNC, "-n", "flux-system", "infrastructure-from-git")["spec"]["healthChecks"]
        assert [one["kind"] for one in checks] == ["HelmRelease", "Deployment"]
        pinned = cluster.get(RELEASE, "-n", "flux-system", "pinned")
        assert pinned["status"]["history"][0]["chartVersion"].startswith("0.3.0")
        assert cluster.get("ocirepositories", "-n", "flux-system", "pinned")["status"]["artifact"]["revision"].endswith(
            self.chart_digest
        )
        word = cluster.get("configmap", "-n", "pinned", "pinned")["data"]["greeting"]
        assert word == {"a": "hello", "b": "b"}[zone]
        assert replicas(cluster, "ranged") == 1
        addons = cluster.get("configmap", "-n", "from-git", "addons")["data"]
        assert addons == {"zone": zone, "size": "patched"}
        assert cluster.get("configmap", "-n", "pinned", "addons")["data"] == {"zone": zone, "size": "small"}
        sync = cluster.get(SYNC, "-n", "flux-system", "infrastructure-addons")
        assert sync["spec"]["serviceAccountName"] == "helm-controller"
        assert sync["spec"]["sourceRef"] == {"kind": "GitRepository", "name": "addons"}
        held = cluster.get(SYNC, "-n", "flux-system", "infrastructure-artifact")["status"]["lastAppliedRevision"]
        assert held.endswith(self.digest)


def replicas(cluster: Cluster, name: str) -> int:
    """How many pods of a component's Deployment are ready."""
    return int(cluster.get("deployment", "-n", name, name)["status"].get("readyReplicas", 0))
