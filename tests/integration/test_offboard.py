# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tenants taken off a cluster: what goes, in which order, what is refused, and what a killed run leaves to the next."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.offboarding import LEAVING
from tests.integration.clusters import Cluster, Object
from tests.integration.conftest import Grounds
from tests.integration.handmade import ACCOUNT, HOLD, MEMBER, Tenant, as_text, deployment, volume
from tests.integration.project import STAGING, Outcome, Project, eventually, kill, lines

WORD = ["remove_tenant"]
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def project(grounds: Grounds) -> Iterator[Project]:
    yield grounds.fleet()
    grounds.forget()


def make(project: Project, cluster: Cluster, *finalizers: str, **sync: Any) -> Tenant:
    """A tenant with one workload, ready."""
    tenant = Tenant(project, cluster, f"leaver-{next(_NUMBERS)}")
    tenant.onboard({"app/web.yaml": [deployment("web", finalizers)]}, **sync)
    eventually(lambda: tenant.get("deployment", "web"), f"the workload of {tenant.name} is there")
    tenant.wait()
    return tenant


def task(tenant: str, step: str, allow: list[str] | None = None, timeout: int = 60, **more: Any) -> dict[str, Any]:
    allowed = WORD if allow is None else allow
    options = {"tenants": [tenant], "step": step, "allow": allowed, "timeout": timeout, **more}
    return {"fluxops.fleet.offboard": {**MEMBER, **options}}


def offboard(project: Project, tenant: str, step: str, *arguments: str, **options: Any) -> Outcome:
    playbook = project.playbook("offboard", task(tenant, step, **options))
    return project.run("--limit", STAGING, "--diff", *arguments, playbook=playbook)


def syncs(tenant: Tenant) -> list[Object]:
    """The tenant's own Kustomizations; none too where the namespace is gone."""
    found = tenant.cluster.get("kustomizations.kustomize.toolkit.fluxcd.io", "-n", tenant.first)
    return list(found or [])


def finish(project: Project, tenant: Tenant) -> None:
    """What follows the first step: the commit, the second step; nothing is left, and another run does nothing."""
    tenant.leave_repository()
    found = offboard(project, tenant.name, "namespaces")
    assert found.code == 0, found.output
    assert found.changed == {STAGING: 1}
    assert not [key for key in tenant.cluster.objects() if tenant.name in str(key)]
    before = tenant.cluster.writes()
    both = project.playbook("again", *(task(tenant.name, step, allow=[]) for step in ("workloads", "namespaces")))
    again = project.run("--limit", STAGING, playbook=both)
    assert again.code == 0, again.output
    assert again.changed == {STAGING: 0}
    assert tenant.cluster.writes() == before


def test_whole_departure(project: Project, cluster: Cluster) -> None:
    tenant = make(project, cluster)
    cluster.kubectl("apply", "-f", "-", text=as_text([volume("data", tenant.first)]))
    before = cluster.writes()
    held = offboard(project, tenant.name, "workloads")
    assert held.code != 0
    assert f"tenant {tenant.name}: has volumes" in held.words
    assert cluster.writes() == before
    cluster.kubectl("delete", "persistentvolumeclaim", "-n", tenant.first, "data")
    before = cluster.writes()
    for step, shown in (("workloads", "Deployment"), ("namespaces", "Namespace")):
        refused = offboard(project, tenant.name, step, allow=[])
        assert refused.code != 0
        assert "fleet_allow: [remove_tenant]" in refused.words
        planned = offboard(project, tenant.name, step, "--check")
        assert planned.code == 0, planned.output
        assert planned.changed == {STAGING: 1}
        assert f"-{shown} {tenant.first}" in planned.output
    assert cluster.writes() == before
    early = offboard(project, tenant.name, "namespaces")
    assert early.code != 0
    assert f"Kustomization {tenant.first}/app must go first" in early.words

    found = offboard(project, tenant.name, "workloads")
    assert found.code == 0, found.output
    assert found.changed == {STAGING: 1}
    assert f"-Deployment {tenant.first}/web" in found.output
    assert tenant.get("deployment", "web") is None
    assert syncs(tenant) == []
    assert cluster.flux("kustomization", f"tenant-{tenant.name}")["spec"]["suspend"] is True
    assert tenant.get("serviceaccount", ACCOUNT) is not None

    before = cluster.writes()
    again = offboard(project, tenant.name, "workloads")
    assert again.code == 0, again.output
    assert again.changed == {STAGING: 0}
    assert cluster.writes() == before
    finish(project, tenant)


def test_files_that_are_still_there_keep_the_namespaces(project: Project, cluster: Cluster) -> None:
    tenant = make(project, cluster)
    assert offboard(project, tenant.name, "workloads").code == 0
    found = offboard(project, tenant.name, "namespaces", timeout=5)
    assert found.code != 0
    assert f"Kustomization flux-system/tenant-{tenant.name} is still there" in found.words
    assert tenant.get("rolebinding", ACCOUNT) is not None
    finish(project, tenant)


def test_hanging_finalizer_is_named_and_the_next_run_finishes(project: Project, cluster: Cluster) -> None:
    tenant = make(project, cluster, HOLD)
    found = offboard(project, tenant.name, "workloads", timeout=8)
    assert found.code != 0
    assert f"Deployment {tenant.first}/web: deleted, and kept by the finalizer {HOLD}" in found.words
    assert syncs(tenant) == []
    again = offboard(project, tenant.name, "workloads", timeout=4)
    assert again.code != 0
    assert f"Deployment {tenant.first}/web: deleted, and kept by the finalizer {HOLD}" in again.words
    assert tenant.get("deployment", "web")["metadata"]["finalizers"] == [HOLD]
    tenant.patch("deployment", "web", {"metadata": {"finalizers": None}})
    last = offboard(project, tenant.name, "workloads")
    assert last.code == 0, last.output
    assert last.changed == {STAGING: 0}
    finish(project, tenant)


def test_finalizer_in_a_namespace_is_named_in_its_words(project: Project, cluster: Cluster) -> None:
    tenant = make(project, cluster)
    held = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "held", "namespace": tenant.first, "finalizers": [HOLD]},
    }
    cluster.kubectl("apply", "-f", "-", text=as_text([held]))
    assert offboard(project, tenant.name, "workloads").code == 0
    tenant.leave_repository()
    found = offboard(project, tenant.name, "namespaces", timeout=20)
    assert found.code != 0, found.output
    assert f"Namespace {tenant.first}" in found.words
    assert HOLD in found.words, found.output
    tenant.patch("configmap", "held", {"metadata": {"finalizers": None}})
    last = offboard(project, tenant.name, "namespaces")
    assert last.code == 0, last.output
    assert cluster.get("namespace", tenant.first) is None


@pytest.mark.parametrize("how", ["in the cluster", "in Git"])
def test_suspended_sync_loses_nothing(project: Project, cluster: Cluster, how: str) -> None:
    tenant = make(project, cluster)
    if how == "in Git":
        tenant.files[tenant.file][-1]["spec"]["suspend"] = True
        tenant.publish()
        eventually(lambda: tenant.get("kustomization", "app")["spec"].get("suspend"), "Git suspends it")
    else:
        tenant.patch("kustomization", "app", {"spec": {"suspend": True}})
    found = offboard(project, tenant.name, "workloads")
    assert found.code == 0, found.output
    assert tenant.get("deployment", "web") is None
    finish(project, tenant)


@pytest.mark.parametrize("kinds", [["serviceaccount"], ["rolebinding"], ["serviceaccount", "rolebinding"]])
def test_rights_deleted_by_hand_lose_nothing(project: Project, cluster: Cluster, kinds: list[str]) -> None:
    tenant = make(project, cluster)
    tenant.suspend_fleet_sync()
    for kind in kinds:
        cluster.kubectl("delete", kind, "-n", tenant.first, ACCOUNT)
    found = offboard(project, tenant.name, "workloads")
    assert found.code == 0, found.output
    assert f"putting {'ServiceAccount' if kinds[0] == 'serviceaccount' else 'RoleBinding'}" in found.output
    assert tenant.get("deployment", "web") is None
    finish(project, tenant)


def test_account_of_the_tenants_own_that_is_gone_is_a_problem(project: Project, cluster: Cluster) -> None:
    tenant = make(project, cluster)
    tenant.suspend_fleet_sync()
    tenant.patch("kustomization", "app", {"spec": {"serviceAccountName": "own"}})
    before = cluster.writes()
    found = offboard(project, tenant.name, "workloads")
    assert found.code != 0
    assert f"serviceAccountName of Kustomization {tenant.first}/app is 'own': is not there" in found.words
    assert cluster.writes() == before
    tenant.patch("kustomization", "app", {"spec": {"serviceAccountName": ACCOUNT}})
    assert offboard(project, tenant.name, "workloads").code == 0
    finish(project, tenant)


def test_children_go_before_what_applies_them(project: Project, cluster: Cluster) -> None:
    """A child that Git suspends would take nothing with it, were its parent there to suspend it again."""
    tenant = Tenant(project, cluster, f"leaver-{next(_NUMBERS)}")
    [_source, child] = tenant.syncs(path="./child", suspend=False)
    child["metadata"] |= {"name": "child"}
    files = {"app/child.yaml": [child], "child/inner.yaml": [deployment("inner", [HOLD])]}
    tenant.onboard(files)
    tenant.wait(name="child")
    child["spec"]["suspend"] = True
    project.edit("app/child.yaml", as_text([child]), repository=tenant.repository)
    tenant.fetch("deploy", tenant.first)
    eventually(lambda: tenant.get("kustomization", "child")["spec"]["suspend"], "the parent suspends its child")
    found = offboard(project, tenant.name, "workloads", timeout=10)
    assert found.code != 0
    assert f"Deployment {tenant.first}/inner: deleted, and kept by the finalizer {HOLD}" in found.words
    tenant.patch("deployment", "inner", {"metadata": {"finalizers": None}})
    assert offboard(project, tenant.name, "workloads").code == 0
    finish(project, tenant)


def charted(project: Project, cluster: Cluster, more: Mapping[str, list[Object]] | None = None) -> Tenant:
    """A tenant with a release of its own chart, ready."""
    tenant = Tenant(project, cluster, f"leaver-{next(_NUMBERS)}")
    chart = {"chart": "./chart", "sourceRef": {"kind": "GitRepository", "name": "deploy"}}
    release = {
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": {"name": "charted"},
        "spec": {"interval": "1m", "serviceAccountName": ACCOUNT, "chart": {"spec": chart}},
    }
    files: dict[str, list[Object]] = {
        "chart/Chart.yaml": [{"apiVersion": "v2", "name": "charted", "version": "0.1.0"}],
        "chart/templates/web.yaml": [deployment("charted")],
        "app/release.yaml": [release],
        **(more or {}),
    }
    tenant.onboard(files)
    tenant.wait("helmrelease", "charted")
    assert tenant.get("deployment", "charted") is not None
    return tenant


@pytest.mark.parametrize("suspend", [False, True])
def test_release_is_uninstalled(project: Project, cluster: Cluster, suspend: bool) -> None:
    tenant = charted(project, cluster)
    if suspend:
        tenant.patch("helmrelease", "charted", {"spec": {"suspend": True}})
    found = offboard(project, tenant.name, "workloads")
    assert found.code == 0, found.output
    assert tenant.get("deployment", "charted") is None
    assert tenant.get("helmrelease", "charted") is None
    assert not [one for one in tenant.cluster.get("secret", "-n", tenant.first) if one["type"].startswith("helm.sh/")]
    finish(project, tenant)


def test_what_flux_was_told_to_keep_is_said(project: Project, cluster: Cluster) -> None:
    tenant = make(project, cluster, deletionPolicy="Orphan")
    playbook = project.playbook(
        "offboard",
        task(tenant.name, "workloads") | {"register": "done"},
        {"ansible.builtin.debug": {"msg": "left: {{ done.left }}"}},
    )
    found = project.run("--limit", STAGING, playbook=playbook)
    assert found.code == 0, found.output
    assert f"left: {{'{tenant.name}': ['Deployment {tenant.first}/web']}}" in found.words
    tenant.leave_repository()
    last = offboard(project, tenant.name, "namespaces", keep_namespace=True)
    assert last.code == 0, last.output
    is_nobodys(tenant)
    again = offboard(project, tenant.name, "namespaces", keep_namespace=True, allow=[])
    assert (again.code, again.changed) == (0, {STAGING: 0}), again.output


def is_nobodys(tenant: Tenant) -> None:
    """The namespace is there, and nothing of Flux's and ours in it."""
    labels = tenant.cluster.get("namespace", tenant.first)["metadata"]["labels"]
    assert not [one for one in labels if one.startswith("fleet.fluxops.io/")]
    assert tenant.get("rolebinding", ACCOUNT) is None
    assert tenant.get("serviceaccount", ACCOUNT) is None
    assert tenant.get("gitrepository", "deploy") is None
    assert syncs(tenant) == []


def test_workloads_are_kept_by_whatever_they_came(project: Project, cluster: Cluster) -> None:
    tenant = charted(project, cluster, {"app/web.yaml": [deployment("web")]})
    cluster.kubectl("apply", "-f", "-", text=as_text([volume("data", tenant.first)]))
    kept = [("deployment", "web"), ("deployment", "charted"), ("persistentvolumeclaim", "data")]
    before = [tenant.get(*one)["metadata"]["uid"] for one in kept]
    found = offboard(project, tenant.name, "workloads", keep_workloads=True)
    assert found.code == 0, found.output
    assert f"-HelmRelease {tenant.first}/charted" in found.output
    assert f"-Deployment {tenant.first}/web" not in found.output
    assert syncs(tenant) == []
    assert tenant.get("helmrelease", "charted") is None
    tenant.leave_repository()
    last = offboard(project, tenant.name, "namespaces", keep_workloads=True)
    assert last.code == 0, last.output
    is_nobodys(tenant)
    assert tenant.get("helmchart", f"{tenant.first}-charted") is None
    assert [tenant.get(*one)["metadata"]["uid"] for one in kept] == before
    assert [one for one in cluster.get("secret", "-n", tenant.first) if one["type"].startswith("helm.sh/")]
    again = offboard(project, tenant.name, "workloads", keep_workloads=True, allow=[])
    assert (again.code, again.changed) == (0, {STAGING: 0}), again.output


def test_cluster_that_flux_has_pruned_already(project: Project, cluster: Cluster) -> None:
    tenant = make(project, cluster)
    tenant.leave_repository()
    eventually(lambda: cluster.get("kustomization", "-n", "flux-system", f"tenant-{tenant.name}") is None, "it is gone")
    assert tenant.get("deployment", "web") is not None
    for step in ("workloads", "namespaces"):
        found = offboard(project, tenant.name, step)
        assert found.code == 0, found.output
        assert found.changed == {STAGING: 1}
    assert cluster.get("namespace", tenant.first) is None


KILLED = ("suspending Kustomization", "deleting Kustomization", "deleting RoleBinding", "deleting Namespace")


@pytest.mark.parametrize("after", KILLED)
def test_killed_between_steps(project: Project, cluster: Cluster, after: str) -> None:
    tenant = make(project, cluster, HOLD)
    first = after in KILLED[:2]
    if not first:
        tenant.patch("deployment", "web", {"metadata": {"finalizers": None}})
        assert offboard(project, tenant.name, "workloads").code == 0
        tenant.leave_repository()
    playbook = project.playbook("offboard", task(tenant.name, "workloads" if first else "namespaces"))
    with project.start("--limit", STAGING, playbook=playbook) as process:
        said = any(after in line for line in lines(process))
        kill(process)
    assert said
    if first:
        eventually(lambda: tenant.get("deployment", "web") is not None, "it is held")
        held = offboard(project, tenant.name, "workloads", timeout=8)
        assert held.code != 0
        assert f"Deployment {tenant.first}/web: deleted, and kept" in held.words
        assert json.loads(cluster.get("namespace", tenant.first)["metadata"]["annotations"][LEAVING])
        tenant.patch("deployment", "web", {"metadata": {"finalizers": None}})
        assert offboard(project, tenant.name, "workloads").code == 0
        tenant.leave_repository()
    found = offboard(project, tenant.name, "namespaces")
    assert found.code == 0, found.output
    assert not [key for key in cluster.objects() if tenant.name in str(key)]


@pytest.fixture
def labelled(cluster: Cluster) -> Iterator[str]:
    cluster.kubectl("label", "namespace", "kube-public", "fleet.fluxops.io/tenant=mistaken")
    yield "kube-public"
    cluster.kubectl("label", "namespace", "kube-public", "fleet.fluxops.io/tenant-")


@pytest.mark.parametrize("step", ["workloads", "namespaces"])
def test_namespaces_of_kubernetes_and_flux_are_refused(
    project: Project, cluster: Cluster, labelled: str, step: str
) -> None:
    before = cluster.writes()
    found = offboard(project, "mistaken", step)
    assert found.code != 0
    assert f"tenant mistaken is '{labelled}'" in found.words
    assert "take the label off" in found.words
    assert cluster.writes() == before


def test_other_tenants_keep_everything(project: Project, cluster: Cluster) -> None:
    """Another tenant, and a namespace without a label that has the leaving one's name in its own."""
    other, tenant = make(project, cluster), make(project, cluster)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{tenant.name}-not"}}
    cluster.kubectl("apply", "-f", "-", text=as_text([namespace]))
    mine = {key for key in cluster.objects() if other.name in str(key) or namespace["metadata"]["name"] in str(key)}
    for step in ("workloads", "namespaces"):
        assert offboard(project, tenant.name, step, timeout=30).code == 0
        if step == "workloads":
            tenant.leave_repository()
    assert mine <= cluster.objects().keys()
    cluster.kubectl("delete", "namespace", namespace["metadata"]["name"])


def test_bad_name_is_refused(project: Project, cluster: Cluster) -> None:
    before = cluster.writes()
    found = offboard(project, "../x", "workloads")
    assert found.code != 0
    assert "the name of a tenant" in found.words
    assert cluster.writes() == before
