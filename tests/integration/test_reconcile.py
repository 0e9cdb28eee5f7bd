# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait for tenants: asked now, judged by what they have applied, told in Flux's words."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.clusters import Cluster, is_ready
from tests.integration.conftest import Grounds
from tests.integration.handmade import MEMBER, REPOSITORY, Tenant, as_text, deployment
from tests.integration.project import PRODUCTION, STAGING, Outcome, Project, eventually


@pytest.fixture(scope="module")
def project(grounds: Grounds) -> Iterator[Project]:
    yield grounds.fleet()
    grounds.forget()


@pytest.fixture(scope="module")
def tenant(project: Project, cluster: Cluster) -> Tenant:
    return Tenant(project, cluster, "reached")


def reconcile(project: Project, *arguments: str, **options: Any) -> Outcome:
    task = {"fluxops.fleet.reconcile": {**MEMBER, "repository": REPOSITORY, **options}, "register": "found"}
    always = {"ansible.builtin.debug": {"msg": "{{ found.tenants | to_json }}"}, "when": "found.tenants is defined"}
    play = [{"block": [task], "always": [always]}]
    return project.run("--limit", STAGING, *arguments, playbook=project.playbook("reconcile", *play))


def idle(cluster: Cluster) -> bool:
    """Whether nobody writes for a while."""
    before = cluster.writes()
    time.sleep(3)
    return cluster.writes() == before


def test_new_tenant_is_waited_for(project: Project, tenant: Tenant) -> None:
    tenant.onboard({"app/web.yaml": [deployment("web")]})
    [commit, *_older] = project.commits()
    found = reconcile(project, tenants=[tenant.name], revision=commit)
    assert found.code == 0, found.output
    assert tenant.get("deployment", "web") is not None
    assert '"state": "ready"' in found.words
    assert tenant.get("kustomization", "app")["status"]["lastAppliedRevision"] in found.words
    assert found.changed == {STAGING: 0}


def test_nothing_is_asked_where_all_is_ready(project: Project, cluster: Cluster, tenant: Tenant) -> None:
    eventually(lambda: idle(cluster), "nothing is written any more")
    before = cluster.writes()
    [commit, *_older] = project.commits()
    for more in ({"revision": commit}, {"everything": True}):
        found = reconcile(project, tenants=[tenant.name], **more)
        assert found.code == 0, found.output
    assert cluster.writes() == before


def test_tenants_own_commit_is_fetched_when_asked(project: Project, tenant: Tenant) -> None:
    tenant.patch("gitrepository", "deploy", {"spec": {"interval": "1h"}})
    tenant.wait("gitrepository", "deploy")
    project.edit("app/second.yaml", as_text([deployment("second")]), repository=tenant.repository)
    found = reconcile(project, tenants=[tenant.name], ask=True)
    assert found.code == 0, found.output
    assert tenant.get("deployment", "second") is not None


def test_check_mode_asks_nobody(project: Project, cluster: Cluster, tenant: Tenant) -> None:
    before = cluster.writes()
    found = reconcile(project, "--check", tenants=[tenant.name, "nobody"], ask=True)
    assert found.code == 0, found.output
    assert '"state": "missing"' in found.words
    assert cluster.writes() == before


@pytest.fixture
def broken(project: Project, tenant: Tenant) -> Iterator[None]:
    project.edit("app/second.yaml", "kind: [", repository=tenant.repository)
    yield
    project.edit("app/second.yaml", as_text([deployment("second")]), repository=tenant.repository)
    assert reconcile(project, tenants=[tenant.name], ask=True).code == 0


@pytest.mark.usefixtures("broken")
def test_broken_tenant_is_named_in_fluxs_words_and_the_others_are_ready(
    project: Project, cluster: Cluster, tenant: Tenant
) -> None:
    other = Tenant(project, cluster, "fine")
    other.onboard({"app/web.yaml": [deployment("web")]})
    [commit, *_older] = project.commits()
    # Not a tenth of this: what has failed for a while with the same words is not waited for.
    found = reconcile(project, tenants=[tenant.name, other.name], revision=commit, ask=True, timeout=7200)
    assert found.code != 0
    assert f"tenant {tenant.name}: Kustomization {tenant.first}/app: " in found.words
    assert "second.yaml" in found.words
    assert f"tenant {other.name}:" not in found.words
    assert other.get("deployment", "web") is not None


def test_unknown_tenant_is_missing(project: Project) -> None:
    found = reconcile(project, tenants=["nobody"])
    assert found.code != 0
    assert "tenant nobody: there is no Kustomization flux-system/tenant-nobody" in found.words


def test_suspended_tenant_is_shown_and_not_waited_for(project: Project, tenant: Tenant) -> None:
    tenant.patch("kustomization", "app", {"spec": {"suspend": True}})
    try:
        found = reconcile(project, tenants=[tenant.name], ask=True)
        assert found.code == 0, found.output
        assert '"suspended": true' in found.words
        assert tenant.get("kustomization", "app")["spec"]["suspend"] is True
    finally:
        tenant.patch("kustomization", "app", {"spec": {"suspend": None}})
    tenant.wait()


def test_playbook_reconciles_all_and_tells_how_they_are(project: Project, tenant: Tenant) -> None:
    found = project.run("--limit", STAGING, playbook="reconcile")
    assert found.code == 0, found.output
    report = json.loads((project.folder / "report.json").read_text())
    assert {one["name"]: one["state"] for one in report["tenants"]}[tenant.name] == "ready"
    assert {one["cluster"] for one in report["tenants"]} == {STAGING}


def test_playbook_reconciles_one_tenant(project: Project, tenant: Tenant) -> None:
    project.edit("app/third.yaml", as_text([deployment("third")]), repository=tenant.repository)
    found = project.run("--limit", STAGING, playbook="reconcile", fleet_tenant=tenant.name)
    assert found.code == 0, found.output
    assert tenant.get("deployment", "third") is not None
    found = project.run("--limit", STAGING, playbook="reconcile", fleet_tenant="nobody")
    assert found.code != 0
    assert "tenant nobody" in found.failure(STAGING)


def test_status_of_one_tenant(project: Project, tenant: Tenant) -> None:
    found = project.run("--limit", STAGING, playbook="status", fleet_tenant=tenant.name)
    assert found.code == 0, found.output
    assert f"{STAGING} tenant {tenant.name} ready" in found.words
    found = project.run(playbook="status", fleet_tenant=tenant.name)
    assert found.code != 0
    assert f"tenant {tenant.name} is not on this cluster" in found.failure(PRODUCTION)
    assert found.rows[STAGING]["ready"] is True


IN_PROGRESS = {"type": "Ready", "status": "Unknown", "reason": "Progressing", "message": "Reconciliation in progress"}


def test_status_waits_for_what_flux_is_just_looking_at(project: Project, tenant: Tenant) -> None:
    # As at every interval, for as long as the look takes; here it lasts until Flux is asked.
    said = {"status": {"conditions": [{**IN_PROGRESS, "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}
    place = ("-n", tenant.first, "--subresource=status", "--type=merge", "-p", json.dumps(said))
    tenant.cluster.kubectl("patch", "kustomization", "app", *place)
    with project.start("--limit", STAGING, playbook="status", fleet_tenant=tenant.name) as process:
        lines = iter(process.stdout.readline, "")
        seen = [*itertools.takewhile(lambda line: "Look at the cluster" not in line, lines)]
        time.sleep(4)
        assert process.poll() is None, seen
        now = {"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": str(time.time())}}}
        tenant.patch("kustomization", "app", now)
        rest = process.stdout.read()
    assert process.returncode == 0, rest
    assert f"{STAGING} tenant {tenant.name} ready" in " ".join(rest.split())


@pytest.mark.usefixtures("broken")
def test_status_names_the_broken_one_and_counts_the_others(project: Project, tenant: Tenant) -> None:
    tenant.fetch("deploy", tenant.first)
    eventually(lambda: not is_ready(tenant.get("kustomization", "app")), "it has failed")
    found = project.run("--limit", STAGING, playbook="status")
    assert found.code != 0
    assert " 1/2 " in found.words
    report = json.loads((project.folder / "report.json").read_text())
    [broken] = [one for one in report["tenants"] if not one["ready"]]
    assert (broken["name"], broken["state"]) == (tenant.name, "failed")
    assert "second.yaml" in broken["failure"]
    assert f"{STAGING} tenant {tenant.name} failed" in found.words
