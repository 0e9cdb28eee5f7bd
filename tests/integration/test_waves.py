# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waves: staging first, a gate, then production. One story, test after test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.clusters import is_ready
from tests.integration.conftest import Grounds
from tests.integration.project import PRODUCTION, STAGING, Outcome, Project, eventually

WAVES: dict[str, Any] = {"fleet_waves": ["staging", ["production"]], "fleet_gate": {"hold": 5}}
OPEN, LOCKED = {"fleet_lockdown": "none"}, {"fleet_lockdown": "enforce"}
# Reads a source of another namespace: well until tenants are locked in.
APP = {
    "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
    "kind": "Kustomization",
    "metadata": {"name": "app", "namespace": "team"},
    "spec": {
        "interval": "1h",
        "path": "./infrastructure/base",
        "prune": True,
        "sourceRef": {"kind": "GitRepository", "name": "flux-system", "namespace": "flux-system"},
    },
}


class Story:
    """What the tests hand on to each other."""

    def __init__(self, grounds: Grounds) -> None:
        self.project, self.staging = grounds.fleet(), grounds.clusters[STAGING]
        self.production = grounds.clusters[PRODUCTION]

    def run(self, *arguments: str, **variables: Any) -> Outcome:
        return self.project.run(*arguments, **{**WAVES, **variables})

    def app(self) -> dict[str, Any]:
        return dict(self.staging.get("kustomizations.kustomize.toolkit.fluxcd.io", "-n", "team", "app"))


@pytest.fixture(scope="module")
def story(grounds: Grounds) -> Iterator[Story]:
    made = Story(grounds)
    yield made
    grounds.forget()


def touched(project: Project, commit: str) -> set[str]:
    """The first two parts of the paths that a commit changed."""
    full = project.lab.forge._full(project.repository)
    found = project.lab.forge.call("GET", f"/repos/{full}/git/commits/{commit}?stat=false&verification=false")
    return {"/".join(file["filename"].split("/")[:2]) for file in found["files"]}


def test_each_wave_is_a_commit_of_its_own(story: Story) -> None:
    before = story.project.commits()
    checked, run = story.run("--check", **OPEN), story.run(**OPEN)
    assert (checked.code, run.code) == (0, 0), run.output
    second, first, *rest = story.project.commits()
    assert rest == before
    assert touched(story.project, first) == {f"clusters/{STAGING}"}
    assert touched(story.project, second) == {f"clusters/{PRODUCTION}"}
    assert {name: bool(count) for name, count in checked.changed.items()} == dict.fromkeys(run.rows, True)
    assert run.output.index("all is ready, and is watched") < run.output.index(f"commit {second[:8]}")
    assert {row["ready"] for row in run.rows.values()} == {True}


def test_failed_wave_is_taken_back_and_ends_the_run(story: Story) -> None:
    story.staging.kubectl("create", "namespace", "team")
    story.staging.kubectl("apply", "-f", "-", text=json.dumps(APP))
    eventually(lambda: is_ready(story.app()), "the app is ready")
    before, tree = story.project.commits(), story.project.tree()
    writes = story.production.writes()
    run = story.run(**LOCKED, fleet_gate={"hold": 8, "revert": True})
    assert run.code != 0
    assert "Kustomization team/app: " in run.failure(STAGING)
    assert "cross-namespace references have been blocked" in run.failure(STAGING)
    assert run.rows[PRODUCTION]["ready"] == "not started"
    assert "wave 1 (staging) did not pass its gate: staging-1" in run.failure(PRODUCTION)
    revert, commit, *rest = story.project.commits()
    assert rest == before
    assert story.project.tree() == tree
    assert touched(story.project, revert) == touched(story.project, commit) == {f"clusters/{STAGING}"}
    assert story.production.writes() == writes
    eventually(lambda: is_ready(story.app()), "the app is ready again")


def test_same_run_again_does_not_slip_through(story: Story) -> None:
    """What the first run broke is not ready before the second one, and still keeps the gate shut."""
    first = story.run(**LOCKED)
    commits = story.project.commits()
    again = story.run(**LOCKED)
    for run in (first, again):
        assert run.code != 0
        assert "Kustomization team/app: " in run.failure(STAGING)
        assert run.rows[PRODUCTION]["ready"] == "not started"
    assert "name them in fleet_gate.ignore" in again.failure(STAGING)
    assert story.project.commits() == commits
    assert again.changed == dict.fromkeys(again.rows, 0)


def test_run_that_stopped_is_resumed(story: Story) -> None:
    before = story.project.commits()
    run = story.run(**LOCKED, fleet_gate={"ignore": ["Kustomization team/*"]})
    assert run.code == 0, run.output
    last, *rest = story.project.commits()
    assert rest == before
    assert touched(story.project, last) == {f"clusters/{PRODUCTION}"}
    assert run.changed[STAGING] == 0
    story.staging.kubectl("delete", "namespace", "team", "--wait=false")


def test_wrong_waves_are_told_before_anything_is_written(story: Story) -> None:
    commits = story.project.commits()
    other = {STAGING: {"fleet_waves": ["100%"], "fleet_gate": {"hold": 9}}}  # the other one is first in the inventory
    run = story.run(**OPEN, fleet_waves=["stagin", ["120%"]], fleet_cluster_name="BAD", hosts=other)
    assert run.code != 0
    for said in (
        "fleet_waves is 'stagin': neither a host nor a group",
        "fleet_waves is '120%': neither a host nor a group",
        f"{STAGING}: fleet_waves: in no wave",
        "fleet_cluster_name is 'BAD'",
        "fleet_waves: is not the same on all hosts of this run, which goes by one: ",
        f"fleet_gate: is not the same on all hosts of this run, which goes by one: {{'hold': 5}} on {PRODUCTION}",
        f"['stagin', ['120%']] on {PRODUCTION}; ['100%'] on {STAGING}: set it in group_vars/all",
    ):
        assert said in run.words, said
    assert story.project.commits() == commits
