# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tenants that leave by the playbook: everything of theirs goes, in order, and nothing of others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.integration.checkouts import Checkout
from tests.integration.clusters import KUSTOMIZATIONS, Cluster, is_ready
from tests.integration.conftest import Grounds
from tests.integration.handmade import as_text, volume
from tests.integration.project import CLUSTERS, PRODUCTION, STAGING, Outcome, eventually
from tests.integration.teams import ENVIRONMENTS, Teams

WORD = ["remove_tenant"]
BOTH = [*WORD, "remove_volumes"]
STONE = f"projects/production/clusters/{PRODUCTION}/leaving.leaving"
HANGING = ["example.com/hangs"]


class Story:
    """A fleet with two tenants: one leaves, one stays."""

    def __init__(self, grounds: Grounds, teams: Teams) -> None:
        self.project, self.clusters, self.teams = grounds.fleet(), grounds.clusters, teams
        self.url, self.other = teams.deployment("web"), teams.deployment("api")
        self.requests = [teams.request("leaving", self.url), teams.request("staying", self.other)]
        self.onboard()

    def onboard(self) -> None:
        run = self.project.run(playbook="onboard", fleet_requests=self.teams.write(*self.requests))
        assert run.code == 0, run.output

    def offboard(self, *arguments: str, tenant: str = "leaving", **variables: Any) -> Outcome:
        variables = {"fleet_allow": WORD, "fleet_tenant": tenant} | variables
        return self.project.run(*arguments, playbook="offboard", **variables)

    def evidence(self) -> list[dict[str, Any]]:
        """What the report of the last run says of it."""
        found: list[dict[str, Any]] = json.loads((self.project.folder / "report.json").read_text()).get(
            "offboarding", []
        )
        return found

    def left(self, name: str) -> list[tuple[str, str, str]]:
        """What a cluster still has of the tenant that leaves."""
        return [key for key in self.clusters[name].objects() if "leaving" in key[1:] or "tenant-leaving" in key]

    def files(self) -> list[str]:
        """What the repository still has of it."""
        return [path for path in self.project.tree() if "leaving" in path]


@pytest.fixture(scope="module")
def story(grounds: Grounds, teams: Teams) -> Iterator[Story]:
    yield Story(grounds, teams)
    grounds.forget()


def test_it_is_refused_without_its_word(story: Story) -> None:
    """And without that for a volume, which is production's: staging is not touched either."""
    cluster = story.clusters[PRODUCTION]
    cluster.kubectl("apply", "-f", "-", text=as_text([volume("data", "leaving")]))
    commits = story.project.commits()
    before = {name: one.writes() for name, one in story.clusters.items()}
    run = story.offboard(fleet_allow=[])
    assert run.code != 0
    assert "remove_tenant" in run.words
    held = story.offboard()
    assert held.code != 0
    assert f"{PRODUCTION}: tenant leaving: has volumes" in held.words
    assert "in namespace leaving: data (1Gi)" in held.words
    assert "fleet_allow: [remove_volumes]" in held.words
    assert story.project.commits() == commits
    assert {name: one.writes() for name, one in story.clusters.items()} == before


def test_check_mode_writes_nothing_and_names_what_would_go(story: Story) -> None:
    commits = story.project.commits()
    before = {name: one.writes() for name, one in story.clusters.items()}
    run = story.offboard("--check", "--diff", fleet_allow=BOTH)
    assert run.code == 0, run.output
    assert "projects/staging/leaving/tenant.yaml" in run.headers
    assert "leaving/web" in run.output
    assert story.project.commits() == commits
    assert {name: one.writes() for name, one in story.clusters.items()} == before


def test_a_finalizer_that_hangs_holds_the_files(story: Story) -> None:
    """Of its environment; staging alone is told to leave first."""
    cluster = story.clusters[STAGING]
    cluster.kubectl(
        "patch",
        "deployment",
        "web",
        "-n",
        "leaving",
        "--type=merge",
        f'-p={{"metadata":{{"finalizers":["{HANGING[0]}"]}}}}',
    )
    commits = story.project.commits()
    run = story.offboard("--limit", STAGING, fleet_timeout=8)
    assert run.code != 0
    assert "leaving/web" in run.failure(STAGING)
    assert HANGING[0] in run.failure(STAGING)
    assert story.project.commits() == commits
    assert cluster.get("serviceaccount", "-n", "leaving", "fleet-tenant") is not None
    assert is_ready(story.clusters[PRODUCTION].syncs("-n", "leaving", "leaving"))


def test_the_next_run_finishes_it(story: Story) -> None:
    cluster = story.clusters[STAGING]
    cluster.kubectl(
        "patch", "deployment", "web", "-n", "leaving", "--type=merge", '-p={"metadata":{"finalizers":null}}'
    )
    commits, production = story.project.commits(), story.clusters[PRODUCTION].objects()
    run = story.offboard("--limit", STAGING)
    assert run.code == 0, run.output
    assert len(story.project.commits()) == len(commits) + 1
    assert story.left(STAGING) == []
    assert not [path for path in story.files() if path.startswith("projects/staging/")]
    assert story.teams.key_titles(story.url) == [f"{PRODUCTION}/leaving/deploy"]
    (evidence,) = story.evidence()
    assert evidence["cluster"] == STAGING
    assert evidence["commit"] == story.project.commits()[0]
    assert evidence["deploy_keys"] == [f"{STAGING}/leaving/deploy"]
    assert evidence["started"] <= evidence["ended"]
    (tenant,) = evidence["tenants"]
    assert (tenant["tenant"], tenant["complete"], tenant["remains"]) == ("leaving", True, [])
    assert tenant["removed"]["Namespace"] == tenant["removed"]["ServiceAccount"] == 1
    assert set(production) <= set(story.clusters[PRODUCTION].objects())
    again = story.offboard("--limit", STAGING)
    assert again.code == 0, again.output
    assert again.changed == {STAGING: 0}
    assert len(story.project.commits()) == len(commits) + 1


@pytest.mark.usefixtures("production_is_down")
def test_a_cluster_that_is_down_keeps_everything(story: Story) -> None:
    commits = story.project.commits()
    run = story.offboard()
    assert run.code != 0
    assert "does not answer" in run.failure(PRODUCTION)
    assert story.files() == [STONE, "projects/production/namespaces/leaving"]
    (evidence,) = [one for one in story.evidence() if one["cluster"] == PRODUCTION]
    assert not evidence["tenants"][0]["complete"]
    assert "was not asked" in evidence["tenants"][0]["remains"][0]
    assert story.teams.key_titles(story.url) == []
    assert len(story.project.commits()) == len(commits) + 1


def test_and_is_finished_by_the_next_run_service_account_or_not(story: Story) -> None:
    cluster, commits = story.clusters[PRODUCTION], story.project.commits()
    gone = lambda: cluster.get(KUSTOMIZATIONS, "-n", "flux-system", "tenant-leaving") is None  # noqa: E731
    eventually(gone, "Flux has let go of what is no longer in the repository")
    assert cluster.get("deployment", "-n", "leaving", "web") is not None, "Orphan keeps it whole"
    cluster.kubectl("delete", "serviceaccount", "-n", "leaving", "fleet-tenant")
    told = story.project.run("--limit", PRODUCTION, playbook="status")
    assert "if it has left, run offboard again" in told.words
    run = story.project.run(playbook="offboard", fleet_allow=BOTH[1:])
    assert run.code == 0, run.output
    assert story.left(PRODUCTION) == []
    assert story.files() == []
    assert len(story.project.commits()) == len(commits) + 1
    again = story.offboard()
    assert again.code == 0, again.output
    assert again.changed == dict.fromkeys(CLUSTERS, 0)
    nobody = story.project.run(playbook="offboard", fleet_allow=WORD)
    assert "no cluster is to be rid of anybody" in nobody.words


def _is_in_sync(cluster: Cluster, tenant: str) -> bool:
    return is_ready(cluster.syncs("-n", tenant, tenant))


def test_the_other_tenant_has_noticed_nothing(story: Story) -> None:
    for cluster in story.clusters.values():
        # Every few minutes Flux looks at it anew, and it is Unknown meanwhile.
        eventually(partial(_is_in_sync, cluster, "staying"), "what stays is in sync")
        assert cluster.get("deployment", "-n", "staying", "api")["status"]["availableReplicas"] == 1
    assert story.teams.key_titles(story.other) == [f"{name}/staying/deploy" for name in sorted(CLUSTERS)]
    assert {f"projects/{one}/staying/tenant.yaml" for one in ENVIRONMENTS} <= story.project.tree().keys()


def test_it_moves_and_nothing_goes_before_it_runs_elsewhere(story: Story) -> None:
    """A first commit brings it, a second one takes it away; where it does not get ready there is no second."""
    request = story.teams.request("leaving", story.url)
    asked = request["environments"]
    here, there = (story.teams.write(request | {"environments": {one: asked[one]}}) for one in ENVIRONMENTS)
    broken = {"environments": {"production": {**asked["production"], "path": "./nowhere"}}}
    first = story.project.run(playbook="onboard", fleet_requests=here)
    assert first.code == 0, first.output
    refused = story.project.run(playbook="onboard", fleet_requests=there)
    assert "fleet_allow: [move_tenant]" in refused.words
    move: dict[str, Any] = {"playbook": "onboard", "fleet_allow": ["move_tenant"]}
    late = story.project.run(fleet_requests=story.teams.write(request | broken), **move)
    assert late.code != 0
    assert story.clusters[STAGING].get("deployment", "-n", "leaving", "web") is not None
    assert "projects/staging/leaving/tenant.yaml" in story.project.tree()
    commits = story.project.commits()
    run = story.project.run(fleet_requests=there, **move)
    assert run.code == 0, run.output
    assert len(story.project.commits()) == len(commits) + 2
    assert story.left(STAGING) == []
    assert not [path for path in story.files() if "staging" in path]
    assert story.clusters[PRODUCTION].get("deployment", "-n", "leaving", "web") is not None
    assert story.teams.key_titles(story.url) == [f"{PRODUCTION}/leaving/deploy"]
    again = story.project.run(fleet_requests=there, **move)
    assert (again.code, again.changed) == (0, dict.fromkeys(CLUSTERS, 0)), again.output


def test_it_can_come_back_and_leave_by_pull_request_since_no_request_lists_it_or_its_own_says_so(story: Story) -> None:
    story.onboard()
    commits = story.project.commits()
    pruning: dict[str, Any] = {"fleet_requests": story.teams.write(story.requests[1]), "fleet_prune": True}
    named = story.project.run("--tags", "repository", playbook="onboard", **pruning)
    assert named.code == 0, named.output
    assert "listed by no request, leaving by the playbook offboard: leaving" in named.words
    many = story.project.run(playbook="offboard", fleet_allow=WORD, fleet_prune_limit=0, **pruning)
    assert many.code != 0
    assert "at most 0 leave by one run: leaving" in many.words
    assert story.project.commits() == commits
    asked = story.project.run(playbook="offboard", fleet_allow=WORD, fleet_publish="pull_request", **pruning)
    assert asked.code == 0, asked.output
    assert [asked.rows[name]["ready"] for name in CLUSTERS] == ["published", "published"]
    assert story.project.commits() == commits
    for cluster in story.clusters.values():
        assert cluster.get("deployment", "-n", "leaving", "web") is None
        assert cluster.get("namespace", "leaving") is not None
    story.project.merge()
    absent = story.teams.write(story.requests[0] | {"state": "absent"}, story.requests[1])
    run = story.project.run(playbook="offboard", fleet_allow=WORD, fleet_requests=absent)
    assert run.code == 0, run.output
    assert len(story.project.commits()) == len(commits) + 1
    assert [story.left(name) for name in CLUSTERS] == [[], []]
    assert story.files() == []
    assert story.teams.key_titles(story.url) == []


def test_the_other_one_leaves_by_a_pipelines_checkout(story: Story, tmp_path: Path) -> None:
    """Its files go there, and nothing is committed; the pipeline's commit is what the next run goes on from."""
    checkout = Checkout(story.project, tmp_path / "checkout")
    given: dict[str, Any] = {"tenant": "staying", **checkout.asked()}
    files = {path for path in story.project.tree() if "staying" in path}
    commits = story.project.commits()
    planned = story.offboard("--check", "--diff", **given)
    assert planned.code == 0, planned.output
    assert (checkout.changes(), files <= set(planned.headers)) == ({}, True)
    for first in (True, False):  # a second run before the commit has nothing to write
        run = story.offboard(**given)
        assert run.code == 0, run.output
        assert [run.rows[name]["ready"] for name in CLUSTERS] == ["published", "published"]
        assert f"{checkout.folder}: commit what is there" in run.rows[STAGING]["awaits"]
        assert all(run.changed.values()) == first
        assert checkout.changes() == dict.fromkeys(files, "D")
        assert story.project.commits() == commits
        for cluster in story.clusters.values():
            assert cluster.get("deployment", "-n", "staying", "api") is None
            assert cluster.get("namespace", "staying") is not None
    checkout.commit("staying leaves")
    after = story.project.commits()
    done = story.offboard(**given)
    assert done.code == 0, done.output
    assert [done.rows[name]["ready"] for name in CLUSTERS] == [True, True]
    assert not [key for one in story.clusters.values() for key in one.objects() if "staying" in str(key)]
    assert story.teams.key_titles(story.other) == []
    again = story.offboard(**given)
    assert (again.code, again.changed) == (0, dict.fromkeys(CLUSTERS, 0)), again.output
    assert (story.project.commits(), checkout.changes()) == (after, {})
    assert len(after) == len(commits) + 1


def test_unknown_tenant_is_no_error(story: Story) -> None:
    commits = story.project.commits()
    run = story.offboard(tenant="nobody")
    assert run.code == 0, run.output
    assert run.changed == dict.fromkeys(CLUSTERS, 0)
    assert story.project.commits() == commits


def test_bad_name(story: Story) -> None:
    commits = story.project.commits()
    run = story.offboard(tenant="../x")
    assert run.code != 0
    assert "fleet_tenant" in run.words or "tenant" in run.words
    assert story.project.commits() == commits
