# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trouble around a run: within one cluster, which is told in its own words, on the way to it, and on the controller."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.integration.clusters import Cluster
from tests.integration.conftest import Grounds
from tests.integration.project import CLUSTERS, PRODUCTION, STAGING, Outcome, Project, eventually
from tests.lab.faults import Fault, FaultProxy, answer, changed, cut, reset
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


def test_setting_that_keeps_flux_from_starting_is_mended_by_the_next_run(project: Project, cluster: Cluster) -> None:
    commits = project.commits()
    wrong = {"source-controller": {"args": ["--no-such-flag=1"]}}
    project.run("--limit", STAGING, fleet_flux_controllers=wrong, fleet_timeout=5)
    eventually(lambda: not runs(cluster, "source-controller"), "Flux has applied what stops it")
    broken = project.run("--limit", STAGING, fleet_flux_controllers=wrong, fleet_timeout=5)
    assert broken.code != 0
    assert "log of source-controller: " in broken.failure(STAGING)
    assert "unknown flag: --no-such-flag" in broken.failure(STAGING)
    checked, mended = project.run("--check", "--limit", STAGING), project.run("--limit", STAGING)
    assert mended.code == 0, mended.output
    assert checked.changed == mended.changed
    assert len(project.commits()) == len(commits) + 2
    assert "--no-such-flag=1" not in cluster.arguments("source-controller")
    appliers = {
        one["manager"]
        for one in cluster.flux("deployment", "source-controller")["metadata"]["managedFields"]
        if one["operation"] == "Apply"
    }
    assert appliers == {"kustomize-controller"}


@contextlib.contextmanager
def behind_proxies(project: Project) -> Iterator[tuple[dict[str, FaultProxy], dict[str, dict[str, Any]]]]:
    """A proxy before each cluster's API server, and the hosts' variables that lead through it."""
    settings = project.lab.settings
    servers = {
        one["name"]: one["cluster"]["server"] for one in yaml.safe_load(project.lab.kubeconfig.read_text())["clusters"]
    }
    with contextlib.ExitStack() as stack:
        proxies = {
            name: stack.enter_context(FaultProxy(settings, servers[name], administrator=True)) for name in CLUSTERS
        }
        trusted = {"ca_cert": str(settings.certificates / "ca.crt"), "api_key": "any", "kubeconfig": "", "context": ""}
        yield (
            proxies,
            {name: {"fleet_cluster_auth": {"host": one.url, **trusted}} for name, one in proxies.items()},
        )


def test_run_bears_a_bad_network_and_an_odd_environment(project: Project) -> None:
    odd = {"HOME": "/nonexistent", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "LANGUAGE": "de", "GIT_DIR": "/nowhere"}
    odd |= dict.fromkeys(("http_proxy", "https_proxy", "HTTPS_PROXY"), "http://127.0.0.1:1")
    odd |= {"no_proxy": "127.0.0.1,localhost", "NO_PROXY": "127.0.0.1,localhost"}
    commits, project.environment = project.commits(), odd
    project.variables["fleet_substitutions"] = {"weather": secrets.token_hex(4)}
    try:
        with behind_proxies(project) as (proxies, hosts):
            for proxy in proxies.values():
                proxy.inject("", answer(429, b"{}", Retry_After="1"), reset, answer(503), cut)
                proxy.inject("^GET .*/kustomizations", cut, answer(504))
            run = project.run(hosts=hosts)
            assert run.code == 0, run.output
            left = {name: proxy.left for name, proxy in proxies.items()}
    finally:
        project.environment = {}
    assert left == dict.fromkeys(CLUSTERS, 0), "each fault was met"
    assert [row["ready"] for row in run.rows.values()] == [True, True]
    assert len(project.commits()) == len(commits) + 1
    assert project.run().changed == dict.fromkeys(CLUSTERS, 0)


def replaced(old: bytes, new: bytes) -> Fault:
    """The real answer with one text for another."""
    return changed(lambda body: body.replace(old, new))


def test_versions_and_installers_that_do_not_fit_are_refused_together(project: Project, grounds: Grounds) -> None:
    flux = project.lab.facts["flux"]["version"].encode()
    commits, writes = project.commits(), {name: one.writes() for name, one in grounds.clusters.items()}
    with behind_proxies(project) as (proxies, hosts):
        kubernetes = json.loads(grounds.clusters[STAGING].kubectl("get", "--raw", "/version"))["gitVersion"]
        proxies[STAGING].inject("^GET /version", replaced(kubernetes.encode(), b"v1.32.9"), always=True)
        proxies[PRODUCTION].inject("^GET .*/deployments", replaced(flux, b"v2.6.1"), always=True)
        run = project.run(hosts=hosts)
        installer = replaced(b'"manager":"kustomize-controller"', b'"manager":"flux-operator"')
        proxies[STAGING].inject("^GET .*/deployments", installer, always=True)
        second = project.run(hosts=hosts)
    assert run.code != 0
    said = f"{STAGING}: version of Kubernetes is 'v1.32.9': Flux {flux.decode()} needs Kubernetes 1.33 or later"
    assert said in run.words
    assert f"{PRODUCTION}: fleet_flux_version is '{flux.decode()}': this cluster runs v2.6.1" in run.words
    assert "fleet_allow: [skip_flux_minor]" in run.words
    assert f"{STAGING}: the manager of Flux is 'flux-operator'" in second.words
    assert said in second.words
    assert project.commits() == commits
    assert {name: one.writes() for name, one in grounds.clusters.items()} == writes


def is_program(pid: int, name: str) -> bool:
    """Whether a process is that controller."""
    path = Path(f"/proc/{pid}/comm")
    return path.exists() and path.read_text().startswith(name[:15])
