# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts are looked for in a real chart repository and a real registry before anything is written."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from tests.integration.conftest import Grounds
from tests.integration.project import STAGING, Outcome, Project
from tests.lab import Lab, artifacts, charts


def run(project: Project, components: dict[str, Any], *arguments: str, **variables: Any) -> Outcome:
    given = ("--limit", STAGING, "--tags", "repository", *arguments)
    return project.run(*given, playbook="infrastructure", fleet_components=components, **variables)


def release(**helm: str) -> dict[str, Any]:
    return {"layer": "controllers", "helm": {"ca_secret": "forge-ca", **helm}}


def test_charts_that_are_not_there_are_refused(grounds: Grounds, lab: Lab) -> None:
    project, forge = grounds.clean([STAGING]), lab.forge
    owner, login = f"charts-{secrets.token_hex(3)}", {"username": forge.facts["user"], "password": forge.facts["token"]}
    token = forge.create_user(owner)
    hidden = {"login_name": owner, "source_id": 0, "visibility": "private"}
    forge.call("PATCH", f"/admin/users/{owner}", json=hidden)
    try:
        for version in ("0.1.0", "0.2.0"):
            opened = charts.publish(forge, version=version)
        private = charts.publish(forge, owner=owner)
        artifact = artifacts.publish(forge, "greeter-oci", "0.1.0", {"Chart.yaml": ""})
        registry = artifact.rpartition("/")[0]
        authority = {"name": "forge-ca", "data": {"ca.crt": Path(forge.facts["ca_cert"]).read_text()}}
        logins = [{"name": "own", "data": {"username": owner, "password": token}}, {"name": "forge", "data": login}]
        project.variables["fleet_secrets"] = [authority, *logins]
        outcome = project.run("--limit", STAGING, "--tags", "repository")
        assert outcome.code == 0, outcome.output
        commits = project.commits()

        wrong = {
            "chart": release(repository=opened, chart="greetr", version="0.1.0"),
            "range": release(repository=opened, chart="greeter", version=">=0.3.0 <1.0.0"),
            "closed": release(repository=private, chart="greeter", version="9.x", secret="own"),
            "tag": release(repository=registry, chart="greeter-oci", version="0.2.x", secret="forge"),
            "name": release(repository=registry, chart="no-such-chart", version="0.2.x", secret="forge"),
            "away": release(repository="https://127.0.0.1:1/charts", chart="x", version="1.x"),
        }
        refused = run(project, wrong)
        assert refused.code != 0
        assert "5 problem(s), nothing was written" in refused.words
        for words in (
            f"fleet_components.chart.helm.chart is 'greetr': {opened} has no such chart, did you mean greeter?",
            f"fleet_components.range.helm.version is '>=0.3.0 <1.0.0': {opened} has no such version of greeter; ",
            f"fleet_components.closed.helm.version is '9.x': {private} has no such version of greeter; it has 0.1.0",
            f"fleet_components.tag.helm.version is '0.2.x': {registry} has no such version of greeter-oci; ",
            f"fleet_components.name.helm.chart is 'no-such-chart': {registry} has no such chart",
        ):
            assert words in refused.words
        assert project.commits() == commits

        # What this run can't ask is no fault: its repository is away, or hides what it has from those it does not know.
        blind = release(repository=private, chart="greeter", version="9.x", secret="of-somebody-else")
        fine = {
            "range": release(repository=opened, chart="greeter", version="0.2.x"),
            "tag": release(repository=registry, chart="greeter-oci", version="0.1.x", secret="forge"),
            "away": wrong["away"],
            "blind": blind,
        }
        done = run(project, fine)
        assert done.code == 0, done.output
        assert "[WARNING]: https://127.0.0.1:1/charts: does not answer" in done.words
        assert (
            f"[WARNING]: {private}: needs Secret of-somebody-else, which fleet_secrets does not have here" in done.words
        )
        assert len(project.commits()) == len(commits) + 1

        # Only what is new to a cluster is asked for, and nothing where that is not wanted.
        again = run(project, fine)
        assert again.code == 0, again.output
        assert "does not answer" not in again.words
        unasked = run(project, {**fine, "chart": wrong["chart"]}, "--check", fleet_check_charts=False)
        assert unasked.code == 0, unasked.output
    finally:
        forge.call("DELETE", f"/admin/users/{owner}?purge=true", missing=None)
        grounds.forget()
