# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Status: a line for each cluster, a report for machines, an exit code; nothing is written."""

from __future__ import annotations

import json

import pytest

from tests.integration.conftest import Grounds
from tests.integration.project import CLUSTERS, PRODUCTION, STAGING, Outcome, Project, eventually


@pytest.fixture(scope="module")
def project(grounds: Grounds) -> Project:
    made = grounds.fleet()
    made.settle(*grounds.clusters.values())
    return made


def status(project: Project) -> Outcome:
    return project.run(playbook="status")


def line(outcome: Outcome, cluster: str) -> list[str]:
    """A cluster's line of the table."""
    [found] = [
        line.split() for line in outcome.output.splitlines() if line.startswith(f"{cluster} ") and ":" not in line
    ]
    return found


def test_all_is_well(grounds: Grounds, project: Project) -> None:
    before = {name: one.writes() for name, one in grounds.clusters.items()}
    found = status(project)
    assert found.code == 0, found.output
    [commit, *_older] = project.commits()
    version = project.lab.facts["flux"]["version"]
    for name in CLUSTERS:
        assert line(found, name) == [name, "yes", version, f"main@{commit[:8]}", "-"]
        row = found.rows[name]
        assert (row["ready"], row["flux"], row["revision"]) == (True, version, f"main@sha1:{commit}")
        assert row["environment"] == name.partition("-")[0]
        assert row["suspended"] == []
    assert found.changed == dict.fromkeys(CLUSTERS, 0)
    assert {name: one.writes() for name, one in grounds.clusters.items()} == before


def test_report_is_json_for_machines(project: Project) -> None:
    status(project)
    report = json.loads((project.folder / "report.json").read_text())
    assert sorted(row["cluster"] for row in report["clusters"]) == sorted(CLUSTERS)
    wanted = {"cluster", "environment", "ready", "suspended", "flux", "revision", "failure"}
    assert all(wanted <= row.keys() for row in report["clusters"])


def test_limit_looks_at_one(project: Project) -> None:
    found = project.run("--limit", STAGING, playbook="status")
    assert found.code == 0, found.output
    assert found.changed == {STAGING: 0}


@pytest.mark.parametrize("sync", ["projects-0", "flux-system"])
def test_suspended_is_shown_and_is_no_failure(grounds: Grounds, project: Project, sync: str) -> None:
    cluster = grounds.clusters[STAGING]
    suspend = ["patch", "kustomization", "-n", "flux-system", sync, "--type=merge", "-p"]
    cluster.kubectl(*suspend, '{"spec": {"suspend": true}}')
    try:
        found = status(project)
    finally:
        cluster.kubectl(*suspend, '{"spec": {"suspend": null}}')
    assert found.code == 0, found.output
    assert any(name.endswith(f"/{sync}") for name in found.rows[STAGING]["suspended"])
    assert "suspended" in found.output
    assert found.rows[PRODUCTION]["suspended"] == []


def test_not_ready_is_said_in_fluxs_words(grounds: Grounds, project: Project) -> None:
    cluster = grounds.clusters[STAGING]
    project.settle(cluster)
    own = cluster.flux("kustomization", "projects-own")["spec"]["path"]
    patch = ["patch", "kustomization", "-n", "flux-system", "projects-own", "--type=merge", "-p"]
    cluster.kubectl(*patch, '{"spec": {"path": "./nowhere"}}')
    try:
        eventually(lambda: _failed(cluster.flux("kustomization", "projects-own")), "it fails")
        found = status(project)
    finally:
        cluster.kubectl(*patch, json.dumps({"spec": {"path": own}}))
    assert found.code != 0
    assert found.rows[STAGING]["ready"] is False
    assert "flux-system/projects-own" in found.failure(STAGING)
    assert "nowhere" in found.failure(STAGING)
    assert found.rows[PRODUCTION]["ready"] is True
    project.settle(cluster)


def _failed(found: dict[str, dict[str, list[dict[str, str]]]]) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "False" for one in found["status"]["conditions"])


@pytest.mark.usefixtures("production_is_down")
def test_unreachable_cluster_is_named(project: Project) -> None:
    found = status(project)
    assert found.code != 0
    assert found.rows[PRODUCTION]["ready"] is False
    assert "does not answer" in found.failure(PRODUCTION)
    assert line(found, STAGING)[1] == "yes"
    assert found.rows[STAGING]["ready"] is True
