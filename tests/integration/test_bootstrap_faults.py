# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters that are down, that were made anew, and runs that are killed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.clusters import Cluster, is_ready
from tests.integration.conftest import Grounds
from tests.integration.project import CLUSTERS, PRODUCTION, STAGING, Project, eventually, forms, kill, lines
from tests.lab import Lab

DECRYPTION = {"name": "sops-age", "data": {"age.agekey": "the-key-that-outlives-clusters"}}


@pytest.fixture(scope="module")
def project(grounds: Grounds) -> Project:
    made = grounds.fleet()
    made.variables["fleet_secrets"] = [DECRYPTION]
    return made


def own_files(project: Project, name: str) -> dict[str, str]:
    """Path → blob of one cluster's directory."""
    return {path: blob for path, blob in project.tree().items() if path.startswith(f"clusters/{name}/")}


@pytest.mark.usefixtures("production_is_down")
def test_others_finish_while_one_is_down(grounds: Grounds, project: Project) -> None:
    before, files = project.commits(), own_files(project, PRODUCTION)
    writes = grounds.clusters[STAGING].writes()
    project.variables["fleet_substitutions"] = {"site": secrets.token_hex(4)}
    refused = project.run(fleet_unreachable="fail")
    assert refused.code != 0
    assert f"{PRODUCTION}: fleet_unreachable is 'fail'" in refused.words
    assert "does not answer" in refused.words
    assert project.commits() == before
    assert grounds.clusters[STAGING].writes() == writes
    checked, run = project.run("--check"), project.run()
    for outcome in (checked, run):
        assert outcome.code != 0
        assert outcome.rows[PRODUCTION]["ready"] is False
        assert "does not answer" in outcome.failure(PRODUCTION)
        assert outcome.rows[STAGING]["changed"] is True
    assert checked.changed == run.changed
    assert run.rows[STAGING]["ready"] is True
    assert len(project.commits()) == len(before) + 1
    assert own_files(project, PRODUCTION) == files
    assert any(line.startswith(PRODUCTION) and " no " in line for line in run.output.splitlines())


def test_next_run_completes_the_one_that_was_down(grounds: Grounds, project: Project) -> None:
    before = project.commits()
    run = project.run()
    assert run.code == 0, run.output
    assert run.changed[STAGING] == 0
    assert len(project.commits()) == len(before) + 1
    site = project.variables["fleet_substitutions"]["site"]
    cluster = grounds.clusters[PRODUCTION]
    eventually(lambda: cluster.flux("configmap", "fleet-cluster")["data"].get("site") == site, "it has the new fact")
    assert project.run().changed == dict.fromkeys(CLUSTERS, 0)


def test_cluster_made_anew_is_refused(lab: Lab, grounds: Grounds, project: Project) -> None:
    lab.reset(STAGING)
    cluster = grounds.clusters[STAGING]
    before, keys, writes = project.commits(), lab.forge.deploy_keys(project.repository), cluster.writes()
    run = project.run()
    assert run.code != 0
    assert f"{STAGING}: identity of the cluster is '{cluster.identity()}'" in run.words
    assert "fleet_allow: [replace_cluster]" in run.words
    assert project.commits() == before
    assert lab.forge.deploy_keys(project.repository) == keys
    assert cluster.writes() == writes
    assert not cluster.has_flux()


def test_cluster_made_anew_is_brought_back_whole(lab: Lab, grounds: Grounds, project: Project) -> None:
    cluster, before = grounds.clusters[STAGING], project.commits()
    keys = {key["title"]: key["key"] for key in lab.forge.deploy_keys(project.repository)}
    checked = project.run("--check", fleet_allow=["replace_cluster"])
    run = project.run(fleet_allow=["replace_cluster"])
    assert run.code == 0, run.output
    assert checked.changed == run.changed
    assert run.changed[PRODUCTION] == 0
    assert len(project.commits()) == len(before) + 1
    pinned = project.file(f"clusters/{STAGING}/cluster.yaml")
    assert cluster.identity() in pinned
    now = {key["title"]: key["key"] for key in lab.forge.deploy_keys(project.repository)}
    assert now.keys() == keys.keys()
    assert [title for title in now if now[title] != keys[title]] == [f"{STAGING}/flux-system/flux-system"]
    assert cluster.secret("sops-age") == DECRYPTION["data"]
    project.settle(cluster)
    assert len(cluster.get("kustomizations.kustomize.toolkit.fluxcd.io", "-A")) == 18
    again = project.run()
    assert again.code == 0, again.output
    assert again.changed == dict.fromkeys(CLUSTERS, 0)


class Killed:
    """A bootstrap of one empty cluster that never gets to its end."""

    def __init__(self, grounds: Grounds) -> None:
        self.project = grounds.clean([STAGING])
        self.cluster: Cluster = grounds.clusters[STAGING]
        forge = grounds.lab.facts["forge"]
        key = grounds.lab.settings.directory.joinpath(forge["private_key"]).read_text()
        self.secret = f"canary-{secrets.token_hex(12)}"
        self.project.variables["fleet_secrets"] = [{"name": "given", "data": {"value": self.secret}}]
        self.needles = set().union(*map(forms, (key, forge["token"], self.secret)))

    def deployments(self) -> Any:
        return self.cluster.get("deployments", "-n", "flux-system")

    def source(self) -> Any:
        return "gitrepositories" in self.cluster.kubectl("api-resources", "-o", "name") and self.cluster.get(
            "gitrepositories", "-n", "flux-system"
        )


@pytest.fixture(scope="module")
def killed(grounds: Grounds) -> Killed:
    return Killed(grounds)


MOMENTS: dict[str, tuple[str, Callable[[Killed], Any]]] = {
    "preflight": ("Preflight | ", lambda run: True),
    "publishing": ("publish | ", lambda run: time.sleep(0.5) or True),
    "published": ("publish | ", lambda run: run.project.commits()),
    "credentials": ("clusters | Put", lambda run: run.cluster.has_flux()),
    "installing": ("clusters | Put", lambda run: run.deployments()),
    # What the run before left may be whole by now: here the cluster has another commit to wait for.
    "waiting": ("clusters | Put", lambda run: run.source()),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_run_leaves_no_credential(killed: Killed, moment: str) -> None:
    (task, reached), seen = MOMENTS[moment], []
    if moment == "waiting":
        killed.project.variables["fleet_substitutions"] = {"site": moment}
    with killed.project.start("--limit", STAGING) as process:
        try:
            for line in lines(process):
                seen.append(line)
                if line.startswith("TASK") and task in line:
                    break
            eventually(lambda: reached(killed) or process.poll() is not None, moment)
            if process.poll() is not None:
                pytest.fail(f"the run ended before it could be killed:\n{''.join([*seen, *lines(process)])}")
        finally:
            kill(process)
    assert killed.project.traces(killed.needles) == []


def test_run_after_kills_converges(killed: Killed) -> None:
    project, cluster = killed.project, killed.cluster
    run = project.run("--limit", STAGING)
    assert run.code == 0, run.output
    assert len(project.commits()) == 2
    assert project.key_titles() == [f"{STAGING}/flux-system/flux-system"]
    project.settle(cluster)
    assert is_ready(cluster.syncs("-n", "flux-system", "flux-system"))
    assert cluster.secret("given") == {"value": killed.secret}
    assert project.run("--limit", STAGING).changed == {STAGING: 0}
    assert project.traces(killed.needles | forms(cluster.secret("flux-system")["identity"])) == []
