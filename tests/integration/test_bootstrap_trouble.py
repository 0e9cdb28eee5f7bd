# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way within one cluster is told in its own words; the other cluster of the wave goes on."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.clusters import Cluster
from tests.integration.conftest import Grounds
from tests.integration.project import CLUSTERS, PRODUCTION, STAGING, Outcome, Project, eventually
from tests.lab.processes import marked

QUOTA = """\
apiVersion: v1
kind: ResourceQuota
metadata: {name: none-at-all, namespace: flux-system}
spec: {hard: {pods: "0"}}
"""
WEBHOOK = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: policies.tests.example}
webhooks:
  - name: secrets.policies.tests.example
    admissionReviewVersions: [v1]
    sideEffects: None
    failurePolicy: Fail
    timeoutSeconds: 2
    clientConfig: {url: "https://127.0.0.1:1/"}
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: flux-system}}
    rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [secrets]}]
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.away.tests.example}
spec:
  group: away.tests.example
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {namespace: default, name: nowhere}
"""


@pytest.fixture(scope="module")
def project(grounds: Grounds) -> Project:
    return grounds.fleet()


@pytest.fixture(scope="module")
def cluster(grounds: Grounds) -> Cluster:
    return grounds.clusters[STAGING]


@contextlib.contextmanager
def applied(cluster: Cluster, text: str) -> Iterator[None]:
    """These objects, for as long as the test needs them."""
    cluster.kubectl("apply", "-f", "-", text=text)
    try:
        yield
    finally:
        cluster.kubectl("delete", "--ignore-not-found", "-f", "-", text=text)


def others_went_on(run: Outcome) -> None:
    """The run failed for staging, and for nobody else."""
    assert run.code != 0, run.output
    assert run.rows[STAGING]["ready"] is False
    assert run.rows[PRODUCTION]["ready"] is True, run.output


def runs(cluster: Cluster, name: str) -> bool:
    """Whether a controller is ready."""
    return cluster.flux("deployment", name)["status"].get("readyReplicas") == 1


def test_quota_that_keeps_flux_from_starting_is_told(project: Project, cluster: Cluster) -> None:
    with applied(cluster, QUOTA):
        cluster.kubectl("delete", "pod", "-n", "flux-system", "-l", "app=source-controller", "--wait=true")
        run = project.run(fleet_timeout=8)
    others_went_on(run)
    said = run.failure(STAGING)
    assert "Deployment flux-system/source-controller: 0 of 1 replicas available: pods" in said
    assert "is forbidden: exceeded quota: none-at-all" in said
    assert "of ReplicaSet source-controller-" in said, "an event says it, too"
    assert "FailedCreate" in said
    eventually(lambda: runs(cluster, "source-controller"), "it is started once there is room")


def test_last_lines_of_a_controller_that_hangs_are_told(project: Project, cluster: Cluster) -> None:
    found = [
        pid for pid in marked(cluster.lab.settings.directory, cluster.name) if is_program(pid, "kustomize-control")
    ]
    for pid in found:
        os.kill(pid, signal.SIGSTOP)
    try:
        eventually(lambda: not runs(cluster, "kustomize-controller"), "its probe fails")
        run = project.run(fleet_timeout=5)
    finally:
        for pid in found:
            os.kill(pid, signal.SIGCONT)
    others_went_on(run)
    said = run.failure(STAGING)
    assert "Deployment flux-system/kustomize-controller: 0 of 1 replicas available" in said
    words = said.partition("log of kustomize-controller: ")[2]
    log = cluster.lab.settings.log / f"{STAGING}.kustomize-controller.log"
    messages = [json.loads(line)["msg"] for line in log.read_text().splitlines() if line.startswith("{")]
    assert any(message in words for message in messages[-40:]), said
    eventually(lambda: runs(cluster, "kustomize-controller"), "it goes on")


def test_webhook_that_is_down_is_named_and_a_lost_api_is_none_of_ours(
    project: Project, cluster: Cluster, grounds: Grounds
) -> None:
    project.variables["fleet_secrets"] = [{"name": "given", "data": {"value": secrets.token_hex(12)}}]
    with applied(cluster, WEBHOOK):
        run = project.run()
        others_went_on(run)
        said = run.failure(STAGING)
        assert "Secret flux-system/given" in said
        assert 'failed calling webhook "secrets.policies.tests.example"' in said
        assert "Connection refused".lower() in said.lower()
        assert grounds.clusters[PRODUCTION].secret("given")
    again = project.run()
    assert again.code == 0, again.output
    assert (again.changed[STAGING], again.changed[PRODUCTION]) == (1, 0)
    with applied(cluster, WEBHOOK.partition("---")[2]):
        eventually(lambda: "False" in json.dumps(cluster.get("apiservice", "v1beta1.away.tests.example")), "it is away")
        assert project.run().changed == dict.fromkeys(CLUSTERS, 0)
    cluster.kubectl("delete", "secret", "-n", "flux-system", "given")
    grounds.clusters[PRODUCTION].kubectl("delete", "secret", "-n", "flux-system", "given")
    project.variables["fleet_secrets"] = []
    assert project.run().changed == dict.fromkeys(CLUSTERS, 0)


def is_program(pid: int, name: str) -> bool:
    """Whether a process is that controller."""
    path = Path(f"/proc/{pid}/comm")
    return path.exists() and path.read_text().startswith(name[:15])
