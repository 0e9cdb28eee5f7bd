# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters and tenants that Flux leaves alone for a while, with a reason that others see; and that go on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.clusters import Cluster, Object
from tests.integration.conftest import Grounds
from tests.integration.handmade import Tenant, deployment
from tests.integration.project import PRODUCTION, STAGING, Outcome, Project, eventually

REASON = "storage is being moved: INC-1"


@pytest.fixture(scope="module")
def project(grounds: Grounds) -> Iterator[Project]:
    yield grounds.fleet()
    grounds.forget()


@pytest.fixture(scope="module")
def tenant(project: Project, cluster: Cluster) -> Tenant:
    made = Tenant(project, cluster, "paused")
    made.onboard({"app/web.yaml": [deployment("web")]})
    eventually(lambda: made.get("kustomization", "app"), "its sync is there")
    made.wait()
    project.settle(cluster)
    return made


def play(project: Project, playbook: str, *arguments: str, **variables: object) -> Outcome:
    return project.run("--limit", STAGING, "--diff", *arguments, playbook=playbook, **variables)


def suspended(objects: list[Object]) -> set[str]:
    return {one["metadata"]["name"] for one in objects if one["spec"].get("suspend")}


def syncs(cluster: Cluster) -> list[Object]:
    return list(cluster.get("kustomizations.kustomize.toolkit.fluxcd.io", "-A"))


def test_tenant_is_suspended_and_resumed(project: Project, cluster: Cluster, tenant: Tenant) -> None:
    about = {"fleet_tenant": tenant.name, "fleet_reason": REASON, "fleet_requester": "alice"}
    planned = play(project, "suspend", "--check", **about)
    assert planned.code == 0, planned.output
    assert suspended(syncs(cluster)) == set()
    found = play(project, "suspend", **about)
    assert found.code == 0, found.output
    header = f"suspended in {STAGING}"
    assert [line.partition(" since ")[0] for line in planned.diff(header).splitlines()] == [
        line.partition(" since ")[0] for line in found.diff(header).splitlines()
    ]
    assert planned.changed == found.changed == {STAGING: 1}
    assert suspended(syncs(cluster)) == {f"tenant-{tenant.name}", "app"}
    before = cluster.writes()
    assert play(project, "suspend", **about).changed == {STAGING: 0}
    assert cluster.writes() == before
    status = play(project, "status", fleet_tenant=tenant.name)
    assert status.code == 0, status.output
    assert "suspended by alice since 20" in status.words
    assert REASON in status.words
    # What applies tenant-<name> leaves it suspended.
    tenant.fetch()
    resumed = play(project, "resume", fleet_tenant=tenant.name)
    assert resumed.code == 0, resumed.output
    assert resumed.changed == {STAGING: 1}
    assert suspended(syncs(cluster)) == set()
    assert not [
        one for one in syncs(cluster) if "fleet.fluxops.io/suspended" in str(one["metadata"].get("annotations"))
    ]


def test_cluster_is_left_alone_and_others_are_told_why(project: Project, cluster: Cluster, tenant: Tenant) -> None:
    patch = [
        "patch",
        "kustomization",
        "-n",
        "flux-system",
        "projects-own",
        "--type=merge",
        "--field-manager=flux",
        "-p",
    ]
    cluster.kubectl(*patch, '{"spec": {"suspend": true}}')
    found = play(project, "suspend", fleet_reason=REASON, fleet_requester="alice")
    assert found.code == 0, found.output
    assert suspended(syncs(cluster)) == {one["metadata"]["name"] for one in syncs(cluster)}
    cluster.kubectl("delete", "deployment", "-n", tenant.first, "web")
    for playbook in ("reconcile", "bootstrap"):
        told = play(project, playbook)
        assert told.code != 0
        assert "Kustomization flux-system/flux-system suspended by alice since" in told.failure(STAGING)
        assert REASON in told.failure(STAGING)
    assert tenant.get("deployment", "web") is None
    resumed = play(project, "resume")
    assert resumed.code == 0, resumed.output
    assert suspended(syncs(cluster)) == {"projects-own"}
    cluster.kubectl(*patch, '{"spec": {"suspend": null}}')
    tenant.patch("kustomization", "app", {"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "now"}}})
    eventually(lambda: tenant.get("deployment", "web"), "Flux puts back what was deleted")


def test_unknown_tenant_is_named(project: Project) -> None:
    found = play(project, "suspend", fleet_tenant="nobody", fleet_reason=REASON)
    assert found.code != 0
    assert "tenant nobody is not on this cluster" in found.failure(STAGING)
    assert PRODUCTION not in found.rows
