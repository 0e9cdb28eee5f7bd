# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bootstrap from nothing, and what it leaves alone afterwards: one story, test after test."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.integration.clusters import Cluster, Key, is_ready
from tests.integration.conftest import Grounds
from tests.integration.project import CLUSTERS, PRODUCTION, STAGING, Outcome, Project, eventually

ENVIRONMENTS = {STAGING: "staging", PRODUCTION: "production"}
SHARDS = "0123456789abcdef"
FLUX = ("source-controller", "kustomize-controller", "helm-controller", "notification-controller")
# What Kubernetes itself puts into a namespace, and into its own roles when CRDs come.
BY_KUBERNETES = {
    *(("ConfigMap", "flux-system", name) for name in ("kube-root-ca.crt",)),
    *(("ServiceAccount", "flux-system", name) for name in ("default",)),
}


class Story:
    """What the tests hand on to each other."""

    def __init__(self, grounds: Grounds) -> None:
        self.project = grounds.clean()
        self.clusters = grounds.clusters
        self.before = {name: one.objects() for name, one in self.clusters.items()}
        self.checked = self.first = Outcome(-1, "", {})

    def writes(self) -> dict[str, Counter[str]]:
        return {name: one.writes() for name, one in self.clusters.items()}

    def settle(self) -> None:
        self.project.settle(*self.clusters.values())


@pytest.fixture(scope="module")
def story(grounds: Grounds) -> Iterator[Story]:
    made = Story(grounds)
    yield made
    grounds.keep(made.project)


@pytest.fixture
def project(story: Story) -> Project:
    return story.project


@pytest.fixture(params=CLUSTERS)
def cluster(story: Story, request: pytest.FixtureRequest) -> Cluster:
    return story.clusters[request.param]


OURS, FLUXS = "objects in", "Flux will apply in"


def shown_objects(outcome: Outcome, cluster: str, *who: str) -> set[Key]:
    """The objects that a run shows for a cluster: those that it writes, those that Flux will write."""
    # What credentials writes is the same everywhere.
    found = {key_of(header) for header in outcome.headers if header.endswith(" (new)")}
    for title in (f"{one} {cluster}" for one in who):
        found |= {key_of(line) for line in outcome.diff(title).splitlines()}
        full = (header.removeprefix(f"{title}: ") for header in outcome.headers if header.startswith(f"{title}: "))
        found |= {key_of(name) for name in full}
    return found


def key_of(text: str) -> Key:
    """The object that a plan names."""
    kind, full, *_rest = text.split()
    namespace, _slash, name = full.rpartition("/")
    return kind, namespace, name


def test_check_mode_writes_nothing(story: Story) -> None:
    project, before = story.project, story.writes()
    versions = {name: one.versions() for name, one in story.clusters.items()}
    story.checked = project.run("--check", "--diff")
    assert story.checked.code == 0, story.checked.output
    assert story.writes() == before
    assert {name: one.versions() for name, one in story.clusters.items()} == versions
    assert not any(one.has_flux() for one in story.clusters.values())
    assert project.commits() == []
    assert project.key_titles() == []
    assert {row["ready"] for row in story.checked.rows.values()} == {"planned"}


def test_status_of_nothing(story: Story) -> None:
    status = story.project.run(playbook="status")
    assert status.code != 0
    assert {row["failure"] for row in status.rows.values()} == {"Flux is not installed"}


def test_run_makes_both_clusters_ready(story: Story) -> None:
    story.first = story.project.run("--diff")
    assert story.first.code == 0, story.first.output
    assert len(story.project.commits()) == 1
    assert {name: row["ready"] for name, row in story.first.rows.items()} == dict.fromkeys(CLUSTERS, True)
    story.settle()


def test_check_mode_had_shown_the_files(story: Story) -> None:
    files = {name for name in story.checked.headers if " " not in name}
    kept = set(story.checked.diff("empty files that make directories exist").splitlines())
    assert files | kept == set(story.project.tree())
    assert {"README.md", "requests/README.md", ".gitea/workflows/validate.yaml"} <= files  # it was empty
    keys = {story.checked.diff(name) for name in story.checked.headers if name.startswith("deploy key of ")}
    assert keys  # of all hosts' diffs of this name the first is found
    assert all(text.endswith("/flux-system/flux-system (read-only)") for text in keys)


def test_check_mode_had_shown_the_objects(story: Story, cluster: Cluster) -> None:
    made = cluster.objects().keys() - story.before[cluster.name].keys()
    assert shown_objects(story.checked, cluster.name, OURS, FLUXS) == made - BY_KUBERNETES


def test_check_mode_and_run_count_the_same(story: Story) -> None:
    assert story.checked.changed == story.first.changed
    assert set(story.first.changed) == set(CLUSTERS)
    assert all(story.first.changed.values())
    for name in CLUSTERS:
        assert shown_objects(story.checked, name, OURS) == shown_objects(story.first, name, OURS)


def test_commit_says_what_it_is(project: Project) -> None:
    [commit] = project.lab.forge.commits(project.repository)
    subject, _blank, body = commit["message"].partition("\n\n")
    assert subject == f"bootstrap {PRODUCTION}, {STAGING}"
    assert f"Fleet-Cluster: {STAGING}" in body


def test_keys_may_only_read(project: Project) -> None:
    keys = project.lab.forge.deploy_keys(project.repository)
    assert {key["title"] for key in keys} == {f"{name}/flux-system/flux-system" for name in CLUSTERS}
    assert all(key["read_only"] for key in keys)
    assert len({key["key"] for key in keys}) == len(CLUSTERS)


def test_key_in_the_cluster_is_the_registered_one(project: Project, cluster: Cluster) -> None:
    registered = {key["title"]: key["key"].split()[:2] for key in project.lab.forge.deploy_keys(project.repository)}
    secret = cluster.secret("flux-system")
    assert secret["identity.pub"].split()[:2] == registered[f"{cluster.name}/flux-system/flux-system"]
    assert secret["identity"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert secret["known_hosts"] == project.lab.facts["forge"]["known_hosts"]


def test_running_controllers_are_locked_down(cluster: Cluster) -> None:
    arguments = {name: set(cluster.arguments(name)) for name in FLUX}
    for name in FLUX[1:]:
        assert "--no-cross-namespace-refs=true" in arguments[name], name
    for name in ("kustomize-controller", "helm-controller"):
        assert "--default-service-account=fleet-tenant" in arguments[name], name
    assert "--no-remote-bases=true" in arguments["kustomize-controller"]


def test_root_sync_is_its_own_and_sparse(cluster: Cluster) -> None:
    assert cluster.flux("kustomization")["spec"]["serviceAccountName"] == "kustomize-controller"
    environment = ENVIRONMENTS[cluster.name]
    assert cluster.flux("gitrepository")["spec"]["sparseCheckout"] == [
        f"clusters/{cluster.name}/",
        f"infrastructure/{environment}/",
        "infrastructure/base/",
        f"projects/{environment}/",
    ]


def test_facts_and_shards_are_applied(cluster: Cluster) -> None:
    facts = cluster.flux("configmap", "fleet-cluster")
    assert facts["data"] == {"cluster_name": cluster.name, "cluster_environment": ENVIRONMENTS[cluster.name]}
    assert facts["metadata"]["annotations"]["fleet.fluxops.io/cluster-uid"] == cluster.identity()
    found = {one["metadata"]["name"]: one for one in cluster.syncs("-A")}
    assert set(found) == {"flux-system", "projects-own", *(f"projects-{shard}" for shard in SHARDS)}
    assert [name for name, one in found.items() if not is_ready(one)] == []


def test_nothing_of_ours_keeps_fields_alive(cluster: Cluster) -> None:
    for name in FLUX:
        managers = {one["manager"] for one in cluster.flux("deployment", name)["metadata"]["managedFields"]}
        assert "fluxops-fleet" not in managers, name
        assert "kustomize-controller" in managers, name


def test_second_run_does_nothing(story: Story) -> None:
    commits, before = story.project.commits(), story.writes()
    versions = {name: one.versions() for name, one in story.clusters.items()}
    second = story.project.run()
    assert second.code == 0, second.output
    assert second.changed == dict.fromkeys(CLUSTERS, 0)
    assert story.project.commits() == commits
    assert story.writes() == before
    assert {name: one.versions() for name, one in story.clusters.items()} == versions
    checked = story.project.run("--check", "--diff")
    assert checked.code == 0, checked.output
    assert checked.changed == dict.fromkeys(CLUSTERS, 0)
    assert checked.headers == []


def _flux_program(lab_programs: Path) -> str:
    for candidate in (os.environ.get("FLUX"), lab_programs / "flux", shutil.which("flux")):
        if candidate and os.access(candidate, os.X_OK):
            return str(candidate)
    pytest.skip("Flux's own command line is not here: name it in FLUX, or put it on PATH")


def test_flux_command_line_agrees(story: Story, cluster: Cluster, tmp_path: Path) -> None:
    program = _flux_program(cluster.lab.settings.bin)
    connection = ["--kubeconfig", str(cluster.lab.kubeconfig), "--context", cluster.name]

    def flux(*arguments: str) -> str:
        command = [program, *arguments, *connection]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    flux("check")
    listed = [line.split("\t") for line in flux("get", "all", "-A").splitlines() if line.strip()]
    ready = {line[1].strip(): line[4].strip() for line in listed if len(line) > 4 and line[0].strip() != "NAMESPACE"}
    assert len(ready) >= 19
    assert set(ready.values()) == {"True"}
    checkout = tmp_path / "checkout"
    for path in story.project.tree():
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout / path).write_text(story.project.file(path))
    path = str(checkout / "clusters" / cluster.name)
    assert flux("diff", "kustomization", "flux-system", "--path", path, "--progress-bar=false").strip() == ""


def test_secrets_are_put_in_place(story: Story) -> None:
    value = "first\nand second line"
    secret = {"name": "sops-age", "namespace": "flux-system", "data": {"age.agekey": value}}
    other = {"name": "registry", "namespace": "platform", "data": {"password": "not-shown-1"}}
    story.project.variables["fleet_secrets"] = [secret, other]
    commits = story.project.commits()
    checked, run = story.project.run("--check", "--diff"), story.project.run("--diff")
    for outcome in (checked, run):
        assert outcome.code == 0, outcome.output
        assert outcome.changed == dict.fromkeys(CLUSTERS, 1)
        assert "Secret platform/registry (new)" in outcome.headers
        assert "second line" not in outcome.output
        assert "not-shown-1" not in outcome.output
    assert checked.headers == run.headers
    assert story.project.commits() == commits
    for one in story.clusters.values():
        assert one.secret("sops-age")["age.agekey"] == value
        assert one.secret("registry", "platform")["password"] == "not-shown-1"
    before = story.writes()
    assert story.project.run().changed == dict.fromkeys(CLUSTERS, 0)
    assert story.writes() == before


def test_changed_secret_is_updated(story: Story) -> None:
    other = {"name": "registry", "namespace": "platform", "data": {"password": "not-shown-2"}}
    story.project.variables["fleet_secrets"][1] = other
    run = story.project.run("--diff")
    assert run.changed == dict.fromkeys(CLUSTERS, 1)
    assert set(run.headers) == {"Secret platform/registry (changed)"}
    assert "not-shown-2" not in run.output
    for one in story.clusters.values():
        assert one.secret("registry", "platform")["password"] == "not-shown-2"
    assert story.project.run().changed == dict.fromkeys(CLUSTERS, 0)


USERS_PATCH = """- target:
    kind: Deployment
    name: source-controller
  patch: |
    - op: add
      path: /metadata/annotations/team
      value: platform
"""


def test_users_patch_survives_and_works(story: Story) -> None:
    path = f"clusters/{STAGING}/flux-system/kustomization.yaml"
    base = story.project.file(path)
    patch = USERS_PATCH
    if "annotations" not in story.clusters[STAGING].flux("deployment", "source-controller")["metadata"]:
        patch = patch.replace("/team\n      value: platform", "\n      value: {team: platform}")
    mine = "# ours: keep\n" + base.replace("# END fluxops.fleet\n", f"# END fluxops.fleet\n# a word of ours\n{patch}")
    story.project.edit(path, mine)
    # Our block changes at the same time: no lockdown patches, one more fact.
    hosts = {STAGING: {"fleet_lockdown": "none"}}
    run = story.project.run("--diff", hosts=hosts)
    assert run.code == 0, run.output
    assert run.changed[PRODUCTION] == 0
    after = story.project.file(path)
    assert "--no-remote-bases" not in after
    before_block, _begin, rest = mine.partition("# BEGIN fluxops.fleet")
    assert after.startswith(before_block)
    assert after.endswith(rest.partition("# END fluxops.fleet")[2])
    annotation = eventually(lambda: _team(story.clusters[STAGING]), "the patch takes effect")
    assert annotation == "platform"
    cluster, flag = story.clusters[STAGING], "--no-remote-bases=true"
    eventually(lambda: flag not in cluster.arguments("kustomize-controller"), "lockdown is off")
    again = story.project.run()
    assert again.code == 0, again.output
    assert "--no-remote-bases" in story.project.file(path)
    assert story.project.file(path).endswith(rest.partition("# END fluxops.fleet")[2])
    story.settle()
    assert _team(story.clusters[STAGING]) == "platform"
    assert story.project.run().changed == dict.fromkeys(CLUSTERS, 0)


def _team(cluster: Cluster) -> str:
    metadata: Mapping[str, Mapping[str, str]] = cluster.flux("deployment", "source-controller")["metadata"]
    return metadata.get("annotations", {}).get("team", "")


def test_hand_edit_is_held(story: Story) -> None:
    path = f"clusters/{STAGING}/cluster.yaml"
    edited = story.project.file(path).replace("\ndata:\n", "\ndata:\n  by_hand: 'yes'\n")
    story.project.edit(path, edited)
    story.project.variables["fleet_substitutions"] = {"region": "north"}
    run = story.project.run()
    assert run.code != 0
    assert "edited by hand" in run.failure(STAGING)
    assert path in run.failure(STAGING)
    assert run.rows[PRODUCTION]["ready"] is True
    assert story.project.file(path) == edited
    assert "region: north" in story.project.file(f"clusters/{PRODUCTION}/cluster.yaml")
    for check in ([], ["--check"]):
        kept = story.project.run(*check, fleet_hand_edits="keep")
        assert kept.code == 0, kept.output
        assert kept.changed == dict.fromkeys(CLUSTERS, 0)
    assert story.project.file(path) == edited


def test_hand_edit_is_overwritten_when_told(story: Story) -> None:
    path = f"clusters/{STAGING}/cluster.yaml"
    run = story.project.run("--diff", fleet_hand_edits="overwrite")
    assert run.code == 0, run.output
    assert run.headers == [path]
    assert "by_hand" not in story.project.file(path)
    assert "region: north" in story.project.file(path)
    story.settle()
    assert story.clusters[STAGING].flux("configmap", "fleet-cluster")["data"]["region"] == "north"
    assert story.project.run().changed == dict.fromkeys(CLUSTERS, 0)


def test_foreign_file_is_left_and_reported(story: Story) -> None:
    path = f"clusters/{STAGING}/cluster.yaml"
    ours = story.project.file(path)
    foreign = "# mine\n" + ours.partition("---\n")[2]
    story.project.edit(path, foreign)
    run = story.project.run(fleet_substitutions={"region": "south"}, fleet_hand_edits="overwrite")
    assert run.code != 0
    assert path in run.failure(STAGING)
    assert "not written by this collection" in run.failure(STAGING)
    assert run.rows[PRODUCTION]["ready"] is True
    assert story.project.file(path) == foreign
    story.project.edit(path, ours)
    run = story.project.run()
    assert run.code == 0, run.output
    assert run.changed[STAGING] == 0
