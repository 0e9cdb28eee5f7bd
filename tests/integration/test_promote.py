# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of a chart brought from staging to production and taken back, on real clusters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Grounds
from tests.integration.project import CLUSTERS, PRODUCTION, STAGING, Outcome
from tests.lab import Lab, charts

RELEASE = "helmreleases.helm.toolkit.fluxcd.io"
VERSIONS = "infrastructure/production/versions.yaml"
HELM = "infrastructure/production/controllers/greeter/helm.yaml"


class Story:
    """A fleet whose staging names versions, and whose production takes what it is promoted to."""

    def __init__(self, grounds: Grounds, lab: Lab) -> None:
        self.project, self.clusters = grounds.clean(), grounds.clusters
        ca_cert = Path(lab.forge.facts["ca_cert"]).read_text()
        self.project.variables["fleet_secrets"] = [{"name": "forge-ca", "data": {"ca.crt": ca_cert}}]
        for version in ("0.1.0", "0.2.0"):
            repository = charts.publish(lab.forge, version=version)
        helm = {"repository": repository, "version": "promoted", "ca_secret": "forge-ca"}
        own = {"layer": "controllers", "namespace": "own", "helm": {**helm, "chart": "greeter", "version": "0.1.0"}}
        self.components = {"greeter": {"layer": "controllers", "helm": helm}, "own": {**own, "depends_on": ["greeter"]}}
        self.staging: dict[str, Any] = {"helm": {"version": "0.1.x"}}
        outcome = self.project.run()
        assert outcome.code == 0, outcome.output

    def run(self, *arguments: str, playbook: str = "infrastructure", **variables: Any) -> Outcome:
        hosts = {STAGING: {"fleet_components_environment": {"greeter": self.staging}}}
        given = {"fleet_components": self.components, **variables}
        return self.project.run(*arguments, playbook=playbook, hosts=hosts, **given)

    def promote(self, *arguments: str, **variables: Any) -> Outcome:
        given = {"fleet_from": "staging", "fleet_to": "production", "fleet_gate": {"hold": 2}}
        return self.run(*arguments, playbook="promote", **given, **variables)

    def roll_back(self) -> Outcome:
        return self.run(playbook="promote", fleet_to="production", fleet_rollback=True)

    def in_staging(self, **fields: Any) -> Outcome:
        self.staging = fields
        return self.run("--limit", STAGING)

    def runs(self, name: str) -> str:
        """The version of the chart that a cluster runs."""
        release = self.clusters[name].get(RELEASE, "-n", "flux-system", "greeter")
        return str(release["status"]["history"][0]["chartVersion"]) if release else ""

    @property
    def message(self) -> str:
        return str(self.project.lab.forge.commits(self.project.repository)[0]["message"])


@pytest.fixture(scope="module")
def story(grounds: Grounds, lab: Lab) -> Iterator[Story]:
    yield Story(grounds, lab)
    grounds.forget()


def test_production_has_no_version_before_its_first_promotion(story: Story) -> None:
    outcome = story.in_staging(helm={"version": "0.1.x"})
    assert outcome.code == 0, outcome.output
    commits = story.project.commits()
    outcome = story.run()
    assert outcome.code != 0
    assert (
        f"greeter.helm.version is 'promoted': {VERSIONS} has no version of it: run the playbook promote"
        in outcome.words
    )
    outcome = story.promote(fleet_component=["own", "nothing"])
    assert outcome.code != 0
    assert "fleet_component is 'own': production has a version of its own of it" in outcome.words
    assert "fleet_component is 'nothing': production has no such component; promoted are greeter" in outcome.words
    assert story.project.commits() == commits


def test_a_range_is_promoted_as_the_version_that_runs(story: Story) -> None:
    commits = story.project.commits()
    planned = story.promote("--check", "--diff")
    assert planned.code == 0, planned.output
    assert story.project.commits() == commits
    outcome = story.promote("--diff")
    assert outcome.code == 0, outcome.output
    assert len(story.project.commits()) == len(commits) + 1
    assert planned.headers == outcome.headers
    assert {VERSIONS, HELM} < set(outcome.headers)
    assert "production: greeter: nothing → 0.1.0" in outcome.words
    assert "production: own: its version is the inventory's" in outcome.words
    assert story.project.file(VERSIONS).endswith('---\nversions:\n  greeter: "0.1.0"\n')
    assert story.message.startswith("promote staging to production: greeter\n\ngreeter: nothing → 0.1.0\n\n")
    assert story.runs(PRODUCTION) == "0.1.0"
    assert {name: row["ready"] for name, row in outcome.rows.items()} == dict.fromkeys(CLUSTERS, True)


def test_second_promotion_and_the_next_run_do_nothing(story: Story) -> None:
    commits = story.project.commits()
    for outcome in (story.promote(), story.run()):
        assert outcome.code == 0, outcome.output
        assert outcome.changed == dict.fromkeys(CLUSTERS, 0)
    assert story.project.commits() == commits


def test_a_pull_request_lists_which_versions_change(story: Story) -> None:
    outcome = story.in_staging(helm={"version": "0.2.0"})
    assert outcome.code == 0, outcome.output
    commits, asks = story.project.commits(), {"fleet_component": "greeter", "fleet_publish": "pull_request"}
    for _time in range(2):
        asked = story.promote(**asks)
        assert asked.code == 0, asked.output
        (pull,) = story.project.pulls()
        assert (pull["title"], asked.rows[PRODUCTION]["ready"]) == (
            "promote staging to production: greeter",
            "published",
        )
        assert "greeter: 0.1.0 → 0.2.0" in pull["body"]
        assert f"{pull['html_url']}: run the cluster phase (--tags clusters)" in asked.rows[PRODUCTION]["awaits"]
    assert (story.runs(STAGING), story.runs(PRODUCTION)) == ("0.2.0", "0.1.0")
    assert story.project.commits() == commits
    story.project.merge()
    outcome = story.promote("--tags", "clusters", **asks)
    assert outcome.code == 0, outcome.output
    assert story.runs(PRODUCTION) == "0.2.0"
    assert outcome.changed[STAGING] == 0
    assert len(story.project.commits()) == len(commits) + 1


def test_rollback_is_one_commit_which_nothing_undoes(story: Story) -> None:
    commits = story.project.commits()
    outcome = story.roll_back()
    assert outcome.code == 0, outcome.output
    assert story.message.startswith("roll production back: greeter\n\ngreeter: 0.2.0 → 0.1.0\n\n")
    assert f"Fleet-Reverts: {commits[0]}" in story.message
    assert (story.runs(STAGING), story.runs(PRODUCTION)) == ("0.2.0", "0.1.0")
    for again in (story.roll_back(), story.run()):
        assert again.code == 0, again.output
        assert again.changed == dict.fromkeys(CLUSTERS, 0)
    assert len(story.project.commits()) == len(commits) + 1


def test_what_fails_in_staging_stays_there(story: Story) -> None:
    outcome = story.in_staging(helm={"version": "0.2.0"}, values={"replicas": "${replicas:-many}"})
    assert outcome.code != 0
    commits = story.project.commits()
    outcome = story.promote()
    assert outcome.code != 0
    assert f"{STAGING}: the health gate of staging:" in outcome.words
    assert "at '/replicas': got string, want integer" in outcome.words
    assert "production gets what is ready on all clusters of staging alone" in outcome.words
    assert story.project.commits() == commits
    assert story.runs(PRODUCTION) == "0.1.0"
