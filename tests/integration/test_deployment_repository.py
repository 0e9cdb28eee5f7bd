# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The skeleton of a deployment repository: made, built, run by Flux within a tenant's fence. One story."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from tests.integration.checkouts import Checkout
from tests.integration.clusters import is_ready
from tests.integration.conftest import Grounds
from tests.integration.project import STAGING, Outcome, Project, eventually
from tests.integration.sealing import new_key, sealed

ENVIRONMENTS = ("staging", "production")
NAME = "orders"
RECORD = ".fleet.yaml"


class Story:
    """What the tests hand on to each other: one deployment repository, empty at first."""

    def __init__(self, grounds: Grounds, folder: Path) -> None:
        self.grounds, self.folder = grounds, folder
        self.project = grounds.project()
        self.key = new_key()
        self.project.variables["fleet_sops"] = {"tenants": {NAME: [self.key.recipient]}}

    def build(self, environment: str) -> list[dict[str, Any]]:
        """What kustomize makes of one environment, at the repository's head."""
        program = self.project.lab.settings.bin / "kustomize"
        copy = self.folder / self.project.commits()[0]
        if not copy.exists():
            Checkout(self.project, copy)
        place = str(copy / "flux" / environment)
        done = subprocess.run([str(program), "build", place], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return list(yaml.safe_load_all(done.stdout))


def asked(project: Project, **changes: Any) -> dict[str, Any]:
    """The variables of a run for the project's repository."""
    values = {"name": NAME, "environments": list(ENVIRONMENTS), "url": project.variables["fleet_repository_url"]}
    return {f"deployment_repository_{name}": value for name, value in {**values, **changes}.items()}


def run(project: Project, *arguments: str, **changes: Any) -> Outcome:
    """One run of the playbook."""
    return project.run(*arguments, playbook="deployment_repository", **asked(project, **changes))


@pytest.fixture(scope="module")
def story(grounds: Grounds, tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story(grounds, tmp_path_factory.mktemp("checkouts"))


def test_check_mode_writes_nothing(story: Story) -> None:
    outcome = run(story.project, "--check", "--diff")
    assert outcome.code == 0, outcome.output
    assert outcome.changed == {"localhost": 1}
    assert {"README.md", ".sops.yaml", "flux/staging/kustomization.yaml", RECORD} < set(outcome.headers)
    assert story.project.commits() == []


def test_one_commit_of_what_was_planned(story: Story) -> None:
    planned = run(story.project, "--check", "--diff").headers
    outcome = run(story.project)
    assert outcome.code == 0, outcome.output
    assert outcome.changed == {"localhost": 1}
    assert sorted(planned) == sorted(story.project.tree())
    (commit,) = story.project.lab.forge.commits(story.project.repository)
    assert commit["message"].startswith("add the skeleton for orders\n")


def test_second_run_does_nothing(story: Story) -> None:
    outcome = run(story.project)
    assert outcome.code == 0, outcome.output
    assert outcome.changed == {"localhost": 0}
    assert len(story.project.commits()) == 1


def test_by_pull_request_the_team_merges(story: Story) -> None:
    asking = {"publish": "pull_request", "environments": [*ENVIRONMENTS, "qa"]}
    forge = story.project.lab.forge
    try:
        outcome = run(story.project, **asking)
        assert outcome.code == 0, outcome.output
        assert "/pulls/1: commit " in outcome.output
        assert len(story.project.commits()) == 1
        again = run(story.project, **asking)
        assert again.changed == {"localhost": 0}
        assert "/pulls/1: holds the change already" in again.output
        (pull,) = story.project.pulls()
    finally:
        topics = forge.call("GET", f"/repos/{forge._full(story.project.repository)}/branches")
        for topic in (one["name"] for one in topics if one["name"] != "main"):
            forge.call("DELETE", f"/repos/{forge._full(story.project.repository)}/branches/{quote(topic, safe='')}")
    assert pull["base"]["ref"] == "main"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_environment_builds_as_it_is(story: Story, environment: str) -> None:
    found = story.build(environment)
    assert {(one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]) for one in found} == {
        ("Deployment", NAME, NAME),
        ("Service", NAME, NAME),
    }


class Tenant:
    """The tenant, onboarded in staging under the strict profile: Pod Security ``restricted`` is enforced."""

    def __init__(self, story: Story) -> None:
        self.story, self.fleet = story, story.grounds.fleet()
        self.cluster = story.grounds.clusters[STAGING]
        source = {"name": "deploy", "url": story.project.variables["fleet_repository_url"]}
        staging = {"source": "deploy", "ref": {"branch": "main"}, "path": "./flux/staging", "interval": "1m"}
        staging["decryption"] = {"secret": "sops-age"}
        key = {"name": "sops-age", "tenant": NAME, "namespace": NAME, "data": {"age.agekey": story.key.identity}}
        request = {
            "tenant": NAME,
            "owner": {"team": NAME, "contact": f"{NAME}@corp.example"},
            "profile": "strict",
            "sources": [source],
            "environments": {"staging": staging},
        }
        outcome = self.fleet.run("--limit", STAGING, playbook="onboard", fleet_tenants=[request], fleet_secrets=[key])
        assert outcome.code == 0, outcome.output

    def get(self, kind: str) -> dict[str, Any]:
        """The object of the application's name in the tenant's namespace; empty where there is none."""
        return dict(self.cluster.get(kind, "-n", NAME, NAME) or {})

    def applied(self) -> bool:
        """Whether Flux has applied the repository's head."""
        revision = f"main@sha1:{self.story.project.commits()[0]}"
        found = self.get("kustomization.kustomize.toolkit.fluxcd.io")
        return is_ready(found) and found["status"].get("lastAppliedRevision") == revision

    def fetch(self) -> None:
        """Have Flux look for the repository's head now."""
        now = f"reconcile.fluxcd.io/requestedAt={time.time()}"
        self.cluster.kubectl("annotate", "--overwrite", "-n", NAME, "gitrepository", "--all", now)

    def runs(self) -> bool:
        """Whether the application's Deployment is available."""
        return self.get("deployment").get("status", {}).get("availableReplicas") == 1

    def remove(self) -> None:
        """Let it leave again."""
        allow = ["remove_tenant"]
        outcome = self.fleet.run("--limit", STAGING, playbook="offboard", fleet_tenant=NAME, fleet_allow=allow)
        assert outcome.code == 0, outcome.output


@pytest.fixture(scope="module")
def tenant(story: Story) -> Iterator[Tenant]:
    made = Tenant(story)
    yield made
    made.remove()


def test_flux_runs_it_within_the_fence(tenant: Tenant) -> None:
    eventually(tenant.applied, "Flux has applied flux/staging")
    eventually(tenant.runs, "the Deployment is available under Pod Security restricted")
    assert tenant.get("deployment")["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"] == NAME


def test_flux_decrypts_what_the_team_encrypted_by_the_skeletons_rules(story: Story, tenant: Tenant) -> None:
    overlay, door = "kustomize/overlays/staging/kustomization.yaml", "kustomize/overlays/staging/door.yaml"
    (rule,) = yaml.safe_load(story.project.file(".sops.yaml"))["creation_rules"]
    assert re.search(rule["path_regex"], door)
    before = story.project.file(overlay)
    secret = yaml.safe_dump(sealed(NAME, rule["age"], word="open"))
    story.project.commit({door: secret, overlay: before.replace("- ../../base", "- door.yaml\n- ../../base")})
    tenant.fetch()
    eventually(tenant.applied, "Flux has applied the Secret")
    assert tenant.cluster.secret(NAME, NAME) == {"word": "open"}
    story.project.edit(overlay, before)


def test_flux_runs_the_chart_instead(story: Story, tenant: Tenant) -> None:
    path = "flux/staging/kustomization.yaml"
    text = story.project.file(path)
    story.project.edit(path, text.replace("../../kustomize/overlays/staging", "helmrelease.yaml"))
    assert [one["kind"] for one in story.build("staging")] == ["HelmRelease"]
    tenant.fetch()
    eventually(tenant.applied, "Flux has applied the HelmRelease")

    def released() -> bool:
        found = tenant.get("deployment").get("metadata", {}).get("labels", {})
        by_helm = found.get("app.kubernetes.io/managed-by") == "Helm"
        return by_helm and is_ready(tenant.get("helmrelease.helm.toolkit.fluxcd.io"))

    eventually(released, "the release is Ready, and the Deployment is Helm's")
    eventually(tenant.runs, "the release's Deployment is available under Pod Security restricted")
    values = tenant.get("service")["spec"]["ports"], tenant.get("deployment")["spec"]["template"]["spec"]["containers"]
    assert values[0][0]["targetPort"] == "http"
    assert values[1][0]["image"] == "ghcr.io/stefanprodan/podinfo:6.7.1"


def test_a_further_environment_leaves_the_teams_changes(story: Story) -> None:
    before = story.project.tree()
    outcome = run(story.project, environments=[*ENVIRONMENTS, "qa"])
    assert outcome.code == 0, outcome.output
    added = {path for path, blob in story.project.tree().items() if before.get(path) != blob}
    qa = {"flux/qa/helmrelease.yaml", "flux/qa/kustomization.yaml"}
    assert added == qa | {RECORD, "helm/values-qa.yaml", "kustomize/overlays/qa/kustomization.yaml"}
    assert len(story.build("qa")) == 2


def test_what_a_team_has_is_left(grounds: Grounds) -> None:
    project = grounds.project()
    project.edit("README.md", "# Ours\n")
    project.edit("helm/notes.txt", "a chart to come\n")
    before = project.tree()
    outcome = run(project)
    assert outcome.code == 0, outcome.output
    assert before.items() <= project.tree().items()
    assert "README.md is left out: something is there already" in outcome.words
    assert run(project).changed == {"localhost": 0}


def test_template_of_the_users_own(grounds: Grounds, tmp_path: Path) -> None:
    project = grounds.project()
    path = tmp_path / "kustomize" / "base" / "service.yaml.j2"
    path.parent.mkdir(parents=True)
    path.write_text("apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ application.name }}-extra\n")
    outcome = run(project, templates=str(tmp_path))
    assert outcome.code == 0, outcome.output
    assert f"name: {NAME}-extra\n" in project.file("kustomize/base/service.yaml")
    assert "kind: Deployment" in project.file("kustomize/base/deployment.yaml")


def test_all_problems_at_once_and_nothing_written(grounds: Grounds) -> None:
    project = grounds.project()
    bad = {"name": "Foo_Bar", "namespace": "a: b\nc", "environments": ["../x"], "image": "x", "url": "http://u:pw@h/x"}
    outcome = run(project, **bad)
    assert outcome.code != 0
    for field in ("name", "namespace", "environments", "image", "repository.url"):
        assert f"{field} is " in outcome.words
    assert "pw@" not in outcome.output
    assert project.commits() == []


def test_symlinked_folder_is_refused(grounds: Grounds, tmp_path: Path) -> None:
    project = grounds.project()
    project.edit("docs/x", "x\n")
    copy = Checkout(project, tmp_path / "checkout")
    (copy.folder / "kustomize").symlink_to("docs")
    copy.commit("link")
    before = project.commits()
    for arguments in (["--check"], []):
        outcome = run(project, *arguments)
        assert outcome.code != 0, outcome.output
        assert "would go through kustomize, which is a symbolic link" in outcome.words
    assert project.commits() == before
