# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters that leave the fleet: with their workloads kept or pruned, or gone already; nothing of Flux is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.checkouts import Checkout
from tests.integration.clusters import Cluster
from tests.integration.conftest import Grounds
from tests.integration.handmade import Tenant, deployment
from tests.integration.project import PRODUCTION, STAGING, Outcome, Project, eventually, kill, lines

WORD = ["decommission"]
PREFIXES = (f"clusters/{STAGING}/", f"projects/staging/clusters/{STAGING}/")


@pytest.fixture(scope="module")
def project(grounds: Grounds) -> Iterator[Project]:
    yield grounds.fleet()
    grounds.forget()


@pytest.fixture(scope="module")
def tenant(project: Project, cluster: Cluster) -> Tenant:
    made = Tenant(project, cluster, "stayer")
    made.onboard({"app/web.yaml": [deployment("web")]})
    eventually(lambda: made.get("deployment", "web"), "its workload is there")
    made.wait()
    return made


def decommission(project: Project, *arguments: str, host: str = STAGING, **variables: object) -> Outcome:
    options = {"fleet_allow": WORD, **variables}
    return project.run("--limit", host, "--diff", *arguments, playbook="decommission", **options)


def nothing_of_flux_is_left(cluster: Cluster) -> None:
    """No definition, right, finalizer or namespace."""
    assert cluster.get("namespace", "flux-system") is None
    for kind in ("crd", "clusterrole", "clusterrolebinding"):
        assert [
            one["metadata"]["name"] for one in cluster.get(kind, "-l", "app.kubernetes.io/part-of=flux") or []
        ] == []
    held = [key for key, one in cluster.objects().items() if "fluxcd.io" in str(one["metadata"].get("finalizers"))]
    assert held == []


def test_without_limit_or_word_it_is_refused(project: Project, cluster: Cluster) -> None:
    writes, commits = cluster.writes(), project.commits()
    everything = project.run(playbook="decommission", fleet_allow=WORD)
    assert everything.code != 0
    assert "name those that are meant by --limit" in everything.words
    refused = decommission(project, fleet_allow=[])
    assert refused.code != 0
    assert "fleet_allow: [decommission]" in refused.words
    assert (cluster.writes(), project.commits()) == (writes, commits)


def test_workloads_are_kept_also_by_a_run_that_is_killed(project: Project, cluster: Cluster, tenant: Tenant) -> None:
    writes, commits, running = cluster.writes(), project.commits(), tenant.get("deployment", "web")["metadata"]["uid"]
    planned = decommission(project, "--check")
    assert planned.code == 0, planned.output
    assert planned.changed[STAGING] == 2
    assert "-CustomResourceDefinition kustomizations.kustomize.toolkit.fluxcd.io" in planned.output
    assert f"+++ after: clusters/{STAGING}/cluster.yaml" in planned.output
    assert (cluster.writes(), project.commits()) == (writes, commits)

    variables = {"fleet_allow": WORD}
    with project.start("--limit", STAGING, playbook="decommission", **variables) as process:
        assert any("taking Flux's finalizers off" in line for line in lines(process))
        kill(process)
    assert project.commits() == commits
    found = decommission(project)
    assert found.code == 0, found.output
    assert found.rows[STAGING]["revision"] == "gone"
    nothing_of_flux_is_left(cluster)
    assert tenant.get("deployment", "web")["metadata"]["uid"] == running
    assert len(project.commits()) == len(commits) + 1
    assert not [path for path in project.tree() if path.startswith(PREFIXES)]
    assert f"clusters/{PRODUCTION}/cluster.yaml" in project.tree()
    assert {title.partition("/")[0] for title in project.key_titles()} == {PRODUCTION}
    writes = cluster.writes()
    again = decommission(project, fleet_allow=[])
    assert again.code == 0, again.output
    assert again.changed == {STAGING: 0}
    assert cluster.writes() == writes


def test_workloads_are_pruned_when_asked_and_a_pipelines_checkout_takes_the_change(
    project: Project, cluster: Cluster, tenant: Tenant, tmp_path: Path
) -> None:
    back = project.run()
    assert back.code == 0, back.output
    tenant.wait()
    checkout, commits, keys = Checkout(project, tmp_path / "checkout"), project.commits(), project.key_titles()
    files = [path for path in project.tree() if path.startswith(PREFIXES)]
    found = decommission(project, fleet_workloads="prune", **checkout.asked())
    assert found.code == 0, found.output
    assert found.rows[STAGING]["ready"] == "published"
    assert f"{checkout.folder}: commit what is there" in found.rows[STAGING]["awaits"]
    assert checkout.changes() == dict.fromkeys(files, "D")
    assert (project.commits(), project.key_titles()) == (commits, keys)
    nothing_of_flux_is_left(cluster)
    assert tenant.get("deployment", "web") is None
    assert cluster.get("namespace", tenant.first) is None
    assert cluster.get("clusterrole", "fleet-tenant") is None
    assert f"-Deployment {tenant.first}/web" in found.output
    checkout.commit(f"{STAGING} leaves")
    writes, commits = cluster.writes(), project.commits()
    last = decommission(project, **checkout.asked())
    assert last.code == 0, last.output
    assert {title.partition("/")[0] for title in project.key_titles()} == {PRODUCTION}
    again = decommission(project, **checkout.asked())
    assert (again.code, again.changed) == (0, {STAGING: 0}), again.output
    assert (cluster.writes(), project.commits(), checkout.changes()) == (writes, commits, {})


@pytest.mark.usefixtures("production_is_down")
def test_cluster_that_is_gone_needs_its_own_word(project: Project) -> None:
    refused = decommission(project, host=PRODUCTION)
    assert refused.code != 0
    assert "fleet_allow: [cluster_gone]" in refused.words
    assert f"clusters/{PRODUCTION}/cluster.yaml" in project.tree()
    keys, asked = project.key_titles(), {"fleet_allow": ["cluster_gone"], "fleet_publish": "pull_request"}
    proposed = decommission(project, host=PRODUCTION, **asked)
    assert proposed.code == 0, proposed.output
    assert proposed.rows[PRODUCTION]["ready"] == "published"
    assert "deploy keys stay until the directories are gone from main" in proposed.words
    assert f"clusters/{PRODUCTION}/cluster.yaml" in project.tree()
    assert project.key_titles() == keys != []
    project.merge()
    found = decommission(project, host=PRODUCTION, **asked)
    assert found.code == 0, found.output
    assert not [path for path in project.tree() if path.startswith(f"clusters/{PRODUCTION}/")]
    assert not [title for title in project.key_titles() if title.startswith(f"{PRODUCTION}/")]
    again = decommission(project, host=PRODUCTION, **asked)
    assert (again.code, again.changed) == (0, {PRODUCTION: 0}), again.output
