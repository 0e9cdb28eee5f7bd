# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters that Flux's own tools bootstrapped, with patches and workloads of people's own, become ours."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml

from tests.integration import fluxcli
from tests.integration.clusters import Cluster, Key, is_ready
from tests.integration.conftest import Grounds
from tests.integration.project import CLUSTERS, PRODUCTION, STAGING, Outcome, eventually

USERS = """# ours: by hand
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- gotk-components.yaml
- gotk-sync.yaml
patches:
# more of them at once
- target: {kind: Deployment, name: kustomize-controller}
  patch: |
    - op: add
      path: /spec/template/spec/containers/0/args/-
      value: --concurrent=7
"""
APP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "namespace": "default"}, "data": {"a": "b"}}
APPS = {
    "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
    "kind": "Kustomization",
    "metadata": {"name": "apps", "namespace": "flux-system"},
    "spec": {
        "interval": "10m0s",
        "path": "./apps/web",
        "prune": True,
        "sourceRef": {"kind": "GitRepository", "name": "flux-system"},
    },
}
BREAKS = "Kustomization flux-system/apps: spec.serviceAccountName: names none"


class Story:
    """What the tests hand on to each other."""

    def __init__(self, grounds: Grounds, folder: Path) -> None:
        self.project, self.clusters = grounds.clean(), grounds.clusters
        self.key = fluxcli.pull_key(self.project)
        self.has_program = bool(fluxcli.program(grounds.lab.settings.bin))
        self.checked = self.run = Outcome(-1, "", {})
        components = requests.get(grounds.lab.facts["flux"]["url"], timeout=30).text
        if self.has_program:
            components = fluxcli.flux(self.clusters[STAGING], self.project, "install", "--export")
            manifest = folder / "install.yaml"
            manifest.write_text(components)
            digest = hashlib.sha256(manifest.read_bytes()).hexdigest()
            self.project.variables |= {"fleet_flux_manifest": str(manifest), "fleet_flux_digest": digest}
        self.project.edit("apps/web/web.yaml", yaml.safe_dump(APP))
        for name, one in self.clusters.items():
            if self.has_program and name == PRODUCTION:
                fluxcli.bootstrap(one, self.project, self.key)
            else:
                fluxcli.as_bootstrapped(one, self.project, self.key, components)
            users = {"flux-system/kustomization.yaml": USERS, "apps.yaml": yaml.safe_dump(APPS)}
            self.project.commit({f"clusters/{name}/{path}": text for path, text in users.items()})
        for one in self.clusters.values():
            one.kubectl(
                "annotate", "-n", "flux-system", "gitrepository/flux-system", "reconcile.fluxcd.io/requestedAt=now"
            )
        for one in self.clusters.values():
            eventually(lambda one=one: one.get("configmap", "-n", "default", "web"), f"{one.name} runs its app")
            eventually(lambda one=one: "--concurrent=7" in one.arguments("kustomize-controller"), "their patch works")
        self.project.settle(*self.clusters.values())
        self.uids = {name: uids(one) for name, one in self.clusters.items()}


def uids(cluster: Cluster) -> dict[Key, str]:
    """What tells each object from another one of its name."""
    return {key: one["metadata"]["uid"] for key, one in cluster.objects().items()}


@pytest.fixture(scope="module")
def story(grounds: Grounds, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    yield Story(grounds, tmp_path_factory.mktemp("takeover"))
    grounds.forget()


@pytest.fixture(params=CLUSTERS)
def cluster(story: Story, request: pytest.FixtureRequest) -> Cluster:
    return story.clusters[request.param]


def test_check_mode_shows_what_is_taken_over(story: Story) -> None:
    project = story.project
    commits = project.commits()
    before = {name: one.writes() for name, one in story.clusters.items()}
    story.checked = project.run("--check", "--diff")
    assert story.checked.code == 0, story.checked.output
    for name in CLUSTERS:
        assert f"{name}: taken over from Flux's own tools" in story.checked.words
        assert f"clusters/{name}/flux-system/kustomization.yaml" in story.checked.headers
        assert f"clusters/{name}/flux-system/gotk-components.yaml" not in story.checked.headers
    assert "fleet_lockdown: enforce breaks 1" in story.checked.words
    assert BREAKS in story.checked.words
    assert project.commits() == commits
    assert {name: one.writes() for name, one in story.clusters.items()} == before


def test_takeover_keeps_what_people_wrote(story: Story) -> None:
    commits = story.project.commits()
    story.run = story.project.run("--diff")
    assert story.run.code == 0, story.run.output
    assert story.run.changed == story.checked.changed
    assert len(story.project.commits()) == len(commits) + 1
    for name in CLUSTERS:
        text = story.project.file(f"clusters/{name}/flux-system/kustomization.yaml")
        before, _begin, rest = text.partition("# BEGIN fluxops.fleet")
        assert before + rest.partition("# END fluxops.fleet\n")[2] == USERS
        assert "--no-remote-bases" not in text


def test_no_object_is_made_anew(story: Story, cluster: Cluster) -> None:
    story.project.settle(cluster)
    now = uids(cluster)
    assert {key: now.get(key) for key in story.uids[cluster.name]} == story.uids[cluster.name]


def test_their_lockdown_and_workloads_go_on(cluster: Cluster) -> None:
    def rolled() -> bool:
        arguments = cluster.arguments("kustomize-controller")
        return arguments.count("--concurrent=7") == 1 and "--requeue-dependency=5s" in arguments

    eventually(rolled, "both patches work")
    assert "--no-remote-bases=true" not in cluster.arguments("kustomize-controller")
    assert "sparseCheckout" not in cluster.flux("gitrepository")["spec"]
    root, apps = cluster.flux("kustomization"), cluster.flux("kustomization", "apps")
    assert root["spec"]["serviceAccountName"] == "kustomize-controller"
    assert is_ready(cluster.syncs("-n", "flux-system", "apps"))
    assert apps["metadata"]["generation"] == 1
    assert apps["status"]["lastAppliedRevision"] == root["status"]["lastAppliedRevision"]


def test_their_key_stays_and_hosts_are_pinned(story: Story, cluster: Cluster) -> None:
    secret = cluster.secret("flux-system")
    assert secret["identity"] == story.key.read_text()
    assert secret["known_hosts"] == story.project.lab.facts["forge"]["known_hosts"]
    assert story.project.key_titles() == ["flux"]


def test_status_says_what_lockdown_would_break(story: Story) -> None:
    ask = {"fluxops.fleet.flux_info": {"name": STAGING, "auth": "{{ fleet_cluster_auth }}"}, "register": "found"}
    show = {"ansible.builtin.debug": {"msg": "{{ found.lockdown | to_json }}"}}
    said = story.project.run("--limit", STAGING, playbook=story.project.playbook("lockdown", ask, show))
    assert '"enforced": false' in said.words
    assert "kustomize-controller: --no-remote-bases=true" in said.words
    assert '"object": "Kustomization flux-system/apps"' in said.words


def test_second_run_does_nothing(story: Story) -> None:
    commits = story.project.commits()
    before = {name: one.writes() for name, one in story.clusters.items()}
    second = story.project.run(fleet_lockdown="keep")
    assert second.code == 0, second.output
    assert second.changed == dict.fromkeys(CLUSTERS, 0)
    assert story.project.commits() == commits
    assert {name: one.writes() for name, one in story.clusters.items()} == before


def test_flux_bootstrap_after_us_changes_nothing(story: Story) -> None:
    if not story.has_program:
        pytest.skip("Flux's own command line is not here: name it in FLUX, or put it on PATH")
    cluster, tree = story.clusters[PRODUCTION], story.project.tree()
    fluxcli.bootstrap(cluster, story.project, story.key)
    assert story.project.tree() == tree
    story.project.settle(cluster)
    run = story.project.run("--diff")
    assert run.code == 0, run.output
    assert story.project.tree() == tree
    # The program scans host keys anew and writes what it saw.
    assert run.headers in ([], ["Secret flux-system/flux-system (changed)"])
    assert fluxcli.flux(cluster, story.project, "check")
