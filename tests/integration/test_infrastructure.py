# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Infrastructure on real clusters, charts from a real registry: the run, its repetition, faults, what is taken away."""

from __future__ import annotations

import os
import re
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.clusters import Cluster, Key, is_ready
from tests.integration.component_kinds import JUDGED, Kinds
from tests.integration.conftest import Grounds
from tests.integration.project import CLUSTERS, PRODUCTION, STAGING, Outcome, eventually
from tests.lab import Lab, charts, manifest
from tests.unit.plugins import flux_schemas

KUSTOMIZATION, RELEASE = "kustomizations.kustomize.toolkit.fluxcd.io", "helmreleases.helm.toolkit.fluxcd.io"
REMOVE = ["remove_component"]
QUOTAS = {
    "infrastructure/base/quotas/kustomization.yaml": "resources: [quota.yaml]\nnamespace: default\n",
    "infrastructure/base/quotas/quota.yaml": """\
# Written by people.
apiVersion: v1
kind: ResourceQuota
metadata: {name: "${cluster_name}"}
spec: {hard: {pods: "100"}}
""",
}
FACTS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: facts, namespace: default}
data:
  cluster: ${cluster_name}
  literal: $${cluster_name}
---
apiVersion: v1
kind: Namespace
metadata: {name: platform}
"""


class Registry:
    """Two owners of charts at the forge: one whose charts all may fetch, one whose charts need a password."""

    def __init__(self, lab: Lab) -> None:
        forge = lab.forge
        self.owner = f"charts-{secrets.token_hex(3)}"
        self.token = forge.create_user(self.owner)
        forge.call(
            "PATCH",
            f"/admin/users/{self.owner}",
            json={"login_name": self.owner, "source_id": 0, "visibility": "private"},
        )
        for version in ("0.1.0", "0.2.0"):
            self.open = charts.publish(forge, version=version)
        self.private = charts.publish(forge, owner=self.owner)
        self.ca_cert = Path(forge.facts["ca_cert"]).read_text()
        self.kinds = Kinds(forge)

    @property
    def secrets(self) -> list[dict[str, Any]]:
        """What clusters need to fetch from it."""
        login = {"username": self.owner, "password": self.token}
        own = {"name": "forge-ca", "data": {"ca.crt": self.ca_cert}}, {"name": "forge-login", "data": login}
        return [*own, *self.kinds.secrets]

    def helm(self, version: str = "0.1.x", chart: str = charts.CHART) -> dict[str, str]:
        """The field `helm` of a component whose chart all may fetch."""
        return {"repository": self.open, "chart": chart, "version": version, "ca_secret": "forge-ca"}


class Story:
    """What the tests hand on to each other: a fleet, its components, and what the inventory says of them."""

    def __init__(self, grounds: Grounds, registry: Registry, folder: Path) -> None:
        self.project, self.clusters, self.registry = grounds.clean(), grounds.clusters, registry
        self.project.variables["fleet_secrets"] = registry.secrets
        outcome = self.project.run()
        assert outcome.code == 0, outcome.output
        self.project.commit(QUOTAS)
        (folder / "facts.yaml").write_text(FACTS)
        private = {"repository": registry.private, "chart": charts.CHART, "version": "0.1.0"}
        self.components: dict[str, Any] = {
            "greeter": {
                "layer": "controllers",
                "helm": registry.helm(),
                "values": {"greeting": "hello from ${cluster_name}"},
            },
            "private": {
                "layer": "controllers",
                "namespace": "private-charts",
                "helm": {**private, "secret": "forge-login", "ca_secret": "forge-ca"},
                "depends_on": ["greeter"],
            },
            "quotas": {"layer": "configs", "kustomize": {"path": "infrastructure/base/quotas"}},
            "facts": {"layer": "configs", "manifests": str(folder / "facts.yaml")},
        }
        self.hosts: dict[str, dict[str, Any]] = {
            STAGING: {"fleet_components_cluster": {"greeter": {"values": {"greeting": "hi from ${cluster_name}"}}}},
            PRODUCTION: {"fleet_components_environment": {"greeter": {"values": {"replicas": 2}}}},
        }
        self.checked = self.first = Outcome(-1, "", {})

    def run(self, *arguments: str, components: Mapping[str, Any] | None = None, **variables: Any) -> Outcome:
        """A run of the playbook with the story's components, or with others."""
        hosts = variables.pop("hosts", self.hosts)
        found = self.components if components is None else components
        return self.project.run(*arguments, playbook="infrastructure", hosts=hosts, fleet_components=found, **variables)

    def changed(self, name: str, **fields: Any) -> dict[str, Any]:
        """The story's components, one of them with other fields, or new."""
        return {**self.components, name: {**self.components.get(name, {}), **fields}}

    def writes(self) -> dict[str, Counter[str]]:
        return {name: one.writes() for name, one in self.clusters.items()}

    def versions(self) -> dict[str, dict[Key, str]]:
        """But of what Flux writes its status into, whenever it looks anew."""
        own = {"Kustomization", "GitRepository"}
        every = {name: one.versions().items() for name, one in self.clusters.items()}
        return {name: {key: found for key, found in items if key[0] not in own} for name, items in every.items()}

    def settle(self) -> None:
        self.project.settle(*self.clusters.values())


@pytest.fixture(scope="module")
def story(grounds: Grounds, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    made = Story(grounds, Registry(lab), tmp_path_factory.mktemp("manifests"))
    yield made
    lab.forge.call("DELETE", f"/admin/users/{made.registry.owner}?purge=true", missing=None)
    lab.forge.delete_repository(made.registry.kinds.repository)
    grounds.forget()


@pytest.fixture(params=CLUSTERS)
def cluster(story: Story, request: pytest.FixtureRequest) -> Cluster:
    return story.clusters[request.param]


def test_check_mode_writes_nothing(story: Story) -> None:
    story.settle()
    before, commits = story.writes(), story.project.commits()
    versions = story.versions()
    story.checked = story.run("--check", "--diff")
    assert story.checked.code == 0, story.checked.output
    assert story.writes() == before
    assert story.project.commits() == commits
    assert story.versions() == versions


def test_run_makes_all_components_ready(story: Story) -> None:
    before = story.project.commits()
    story.first = story.run("--diff")
    assert story.first.code == 0, story.first.output
    assert len(story.project.commits()) == len(before) + 1
    assert {name: row["ready"] for name, row in story.first.rows.items()} == dict.fromkeys(CLUSTERS, True)
    assert {name: row["changed"] for name, row in story.first.rows.items()} == dict.fromkeys(CLUSTERS, True)


def test_check_mode_had_shown_the_files(story: Story) -> None:
    assert story.checked.headers == story.first.headers
    assert story.checked.changed == story.first.changed
    assert "infrastructure/staging/controllers/greeter/helm.yaml" in story.checked.headers
    assert not [path for path in story.checked.headers if path not in story.project.tree()]


def test_commit_says_what_it_is(story: Story) -> None:
    message = story.project.lab.forge.commits(story.project.repository)[0]["message"]
    assert message.startswith("infrastructure in production, staging: facts, greeter, private\n\n")
    assert "Fleet-Component: greeter\n" in message


def test_releases_are_ready_under_lockdown(cluster: Cluster) -> None:
    for program in ("kustomize-controller", "helm-controller"):
        assert "--default-service-account=fleet-tenant" in cluster.arguments(program)
    assert {one["metadata"]["name"] for one in cluster.get(RELEASE, "-A") if is_ready(one)} == {"greeter", "private"}
    assert cluster.get("deployment", "-n", "greeter", "greeter")["status"]["readyReplicas"]
    assert cluster.get("deployment", "-n", "private-charts", "private")["status"]["readyReplicas"]
    assert cluster.get("secret", "-n", "greeter", "sh.helm.release.v1.greeter.v1") is not None


def test_each_cluster_has_its_facts_and_its_own_values(story: Story) -> None:
    greetings = {STAGING: (f"hi from {STAGING}", 1), PRODUCTION: (f"hello from {PRODUCTION}", 2)}
    for name, one in story.clusters.items():
        assert one.get("configmap", "-n", "default", "facts")["data"] == {"cluster": name, "literal": "${cluster_name}"}
        assert one.get("resourcequota", "-n", "default", name) is not None
        greeting = one.get("configmap", "-n", "greeter", "greeter")["data"]["greeting"]
        assert (greeting, one.get("deployment", "-n", "greeter", "greeter")["spec"]["replicas"]) == greetings[name]


def test_layer_waits_for_layer_and_tenants_for_the_last(story: Story, cluster: Cluster) -> None:
    found = {one["metadata"]["name"]: one for one in cluster.get(KUSTOMIZATION, "-n", "flux-system")}
    waits = {name: {other["name"] for other in one["spec"].get("dependsOn", [])} for name, one in found.items()}
    controllers, configs = (
        {f"infrastructure-{name}" for name in names} for names in (("greeter", "private"), ("quotas", "facts"))
    )
    assert waits["infrastructure-greeter"] == set()
    assert waits["infrastructure-private"] == {"infrastructure-greeter"}
    assert waits["infrastructure-quotas"] == waits["infrastructure-facts"] == controllers
    assert {frozenset(waits[name]) for name in waits if name.startswith("projects-")} == {frozenset(configs)}
    # The tenants' Kustomizations follow.
    story.project.settle(cluster)


def test_second_run_does_nothing(story: Story) -> None:
    story.settle()
    before, commits = story.writes(), story.project.commits()
    again = story.run()
    assert again.code == 0, again.output
    assert again.changed == dict.fromkeys(CLUSTERS, 0)
    assert story.project.commits() == commits
    assert story.writes() == before


def test_bootstrap_leaves_it_alone(story: Story) -> None:
    commits = story.project.commits()
    again = story.project.run()
    assert again.code == 0, again.output
    assert again.changed == dict.fromkeys(CLUSTERS, 0)
    assert story.project.commits() == commits


def test_status_counts_components(story: Story) -> None:
    story.settle()
    status = story.project.run(playbook="status")
    assert status.code == 0, status.output
    assert len(re.findall(rf"^(?:{'|'.join(CLUSTERS)}) .* 4/4 ", status.output, re.MULTILINE)) == len(CLUSTERS)


def test_limit_to_staging_leaves_production_untouched(story: Story) -> None:
    production = story.clusters[PRODUCTION]
    files = {path: blob for path, blob in story.project.tree().items() if "production" in path}
    story.settle()
    before, versions = production.writes(), story.versions()[PRODUCTION]
    story.components = story.changed("greeter", helm=story.registry.helm("0.2.0"))
    outcome = story.run("--limit", STAGING)
    assert outcome.code == 0, outcome.output
    assert set(outcome.rows) == {STAGING}
    assert (
        story.clusters[STAGING]
        .get(RELEASE, "-n", "flux-system", "greeter")["status"]["history"][0]["chartVersion"]
        .startswith("0.2.0")
    )
    story.settle()
    assert {path: blob for path, blob in story.project.tree().items() if "production" in path} == files
    assert story.versions()[PRODUCTION] == versions
    assert production.writes() - before == Counter()


def test_cluster_that_is_down_is_finished_by_the_next_run(story: Story, lab: Lab) -> None:
    lab.stop_cluster(PRODUCTION)
    try:
        story.components = story.changed("greeter", interval="20m")
        outcome = story.run()
    finally:
        lab.start_cluster(PRODUCTION)
    assert outcome.code != 0
    assert outcome.rows[STAGING]["ready"] is True
    assert "does not answer" in outcome.failure(PRODUCTION)
    assert "interval: 20m" in story.project.file("infrastructure/production/controllers/greeter/helm.yaml")
    assert "interval: 20m" not in story.project.file(f"clusters/{PRODUCTION}/infrastructure.yaml")
    outcome = story.run()
    assert outcome.code == 0, outcome.output
    assert "interval: 20m" in story.project.file(f"clusters/{PRODUCTION}/infrastructure.yaml")
    assert story.clusters[PRODUCTION].get(RELEASE, "-n", "flux-system", "greeter")["spec"]["interval"] == "20m"


def test_what_flux_refuses_is_told_in_its_words_and_a_fix_is_taken_at_once(story: Story) -> None:
    wrong = story.changed("greeter", values={"replicas": "many"})
    wrong["nothing"] = {"layer": "controllers", "helm": story.registry.helm("1.x", "no-such-chart")}
    wrong["judged"] = JUDGED
    outcome = story.run("--limit", STAGING, components=wrong, fleet_check_charts=False)
    assert outcome.code != 0
    said = outcome.failure(STAGING)
    assert "HelmRelease flux-system/greeter: Helm upgrade failed" in said
    assert "at '/replicas': got string, want integer" in said
    assert "HelmChart 'flux-system/flux-system-nothing' is not ready: invalid chart reference" in said
    assert "Kustomization flux-system/infrastructure-judged: health check failed" in said
    story.components = {**story.changed("nothing", state="absent"), "judged": {**JUDGED, "state": "absent"}}
    outcome = story.run("--limit", STAGING, fleet_allow=REMOVE)
    assert outcome.code == 0, outcome.output
    assert story.clusters[STAGING].get(RELEASE, "-n", "flux-system", "nothing") is None


BAD = [
    (
        {"helms": {}},
        "fleet_components.greeter.helms: there is no such field, did you mean helm? (known: layer, state, namespace",
    ),
    ({"values": ["a"]}, "fleet_components.greeter.values: a mapping, found a list"),
    ({"depends_on": ["private"]}, "fleet_components.greeter.depends_on: waits for itself: greeter → private → greeter"),
    ({"depends_on": ["facts"]}, "waits for itself: facts → greeter → facts (each layer waits for the one before it)"),
    ({"depends_on": ["nothing-there"]}, "greeter.depends_on is 'nothing-there': this cluster has no such component"),
    ({"layer": "apps"}, "fleet_components.greeter.layer is 'apps': one of fleet_layers: controllers, configs"),
    ({"values": {"a": "${zone}"}}, "has no such fact, and Flux would put nothing in its place"),
    ({"namespace": "Bad_Name"}, "fleet_components.greeter.namespace is 'Bad_Name': lower-case letters"),
    ({"namespace": "other"}, "takes release greeter/greeter of chart greeter away from staging-1: run again with"),
    ({"state": "absent", "depends_on": []}, "takes all of it ("),
]


@pytest.mark.parametrize(("fields", "words"), BAD, ids=[words[-30:] for _fields, words in BAD])
def test_bad_input_is_refused_before_anything_is_written(story: Story, fields: dict[str, Any], words: str) -> None:
    commits = story.project.commits()
    wrong = story.changed("greeter", **fields)
    if fields.get("state") == "absent":
        wrong["private"] = {**wrong["private"], "depends_on": []}
    outcome = story.run("--limit", STAGING, components=wrong)
    assert outcome.code != 0
    assert words in outcome.words
    assert story.project.commits() == commits


def test_bad_input_is_told_all_at_once(story: Story) -> None:
    commits = story.project.commits()
    twice = {"layer": "configs", "namespace": "greeter", "helm": {**story.registry.helm(), "release": "greeter"}}
    paths = {
        name: {"layer": "configs", "kustomize": {"path": f"infrastructure/base/{name}"}} for name in ("no", "such")
    }
    outcome = story.run(components={**story.components, "twice": twice}, hosts={})
    assert "is the release of greeter too" in outcome.words
    left = {name: fields for name, fields in story.components.items() if name != "private"}
    outcome = story.run(components={**left, **paths}, hosts={})
    assert outcome.code != 0
    missing = "the fleet repository has no such directory on main: commit it first"
    for words in (
        f"fleet_components.no.kustomize.path is 'infrastructure/base/no': {missing}",
        f"fleet_components.such.kustomize.path is 'infrastructure/base/such': {missing}",
        f"{STAGING}: fleet_components.private: {STAGING} has this component, and the inventory names it no more",
        f"{PRODUCTION}: fleet_components.private: {PRODUCTION} has this component, and the inventory names it no more",
    ):
        assert words in outcome.words
    outcome = story.run(components=story.changed("facts", manifests="/no/such/path.yaml"), hosts={})
    assert "no file or directory of manifests on the controller" in outcome.words
    assert story.project.commits() == commits


def test_components_of_all_kinds_are_ready_and_stay_as_they_are(story: Story) -> None:
    """Charts and directories from Git and from a registry, pinned; values from elsewhere; health; patches."""
    kinds = story.registry.kinds
    story.components = {**story.components, **kinds.components()}
    story.hosts = {**story.hosts, PRODUCTION: {**story.hosts[PRODUCTION], "fleet_components_region": kinds.region()}}
    outcome = story.run()
    assert outcome.code == 0, outcome.output
    assert {name: row["ready"] for name, row in outcome.rows.items()} == dict.fromkeys(CLUSTERS, True)
    for name, cluster in story.clusters.items():
        kinds.holds(cluster, {STAGING: "a", PRODUCTION: "b"}[name])
    story.settle()
    before, commits = story.writes(), story.project.commits()
    again = story.run()
    assert again.code == 0, again.output
    assert again.changed == dict.fromkeys(CLUSTERS, 0)
    assert (story.project.commits(), story.writes()) == (commits, before)


def test_unit_tests_have_the_definitions_of_the_lab(lab: Lab) -> None:
    path = lab.settings.share / "www" / manifest.PATH
    text = flux_schemas.extracted([one for one in yaml.safe_load_all(path.read_text()) if one])
    if os.environ.get("FLEET_WRITE_GOLDEN"):
        flux_schemas.FILE.write_text(text)
    assert flux_schemas.FILE.read_text() == text


def test_edited_file_is_held_and_the_rest_goes_on(story: Story) -> None:
    path = "infrastructure/staging/configs/facts/manifests.yaml"
    text = story.project.file(path)
    story.project.edit(path, text.replace("name: platform", "name: platform-by-hand"))
    outcome = story.run(components=story.changed("greeter", timeout="4m"))
    assert outcome.code != 0
    assert outcome.rows[PRODUCTION]["ready"] is True
    assert f"{path}: edited by hand" in outcome.failure(STAGING)
    assert "timeout: 4m" in story.project.file("infrastructure/staging/controllers/greeter/helm.yaml")
    story.components = story.changed("greeter", timeout="4m")
    refused = story.run(fleet_hand_edits="overwrite")
    assert "takes Namespace platform-by-hand away from staging-1" in refused.words
    outcome = story.run(fleet_hand_edits="overwrite", fleet_allow=REMOVE)
    assert outcome.code == 0, outcome.output
    assert story.project.file(path) == text


def test_everything_can_leave(story: Story) -> None:
    story.components = {name: {**fields, "state": "absent"} for name, fields in story.components.items()}
    refused = story.run()
    assert refused.code != 0
    assert refused.words.count("fleet_allow: [remove_component]") >= 4
    outcome = story.run(fleet_allow=REMOVE)
    assert outcome.code == 0, outcome.output
    story.settle()
    for one in story.clusters.values():
        eventually(lambda one=one: not one.get(RELEASE, "-A"), "the releases are gone")
        assert one.get("deployment", "-n", "greeter", "greeter") is None
        assert one.get("configmap", "-n", "default", "facts") is None
    assert not [path for path in story.project.tree() if path.endswith(("/helm.yaml", "/manifests.yaml"))]
    assert set(QUOTAS) <= set(story.project.tree())
    again = story.run()
    assert again.code == 0, again.output
    assert again.changed == dict.fromkeys(CLUSTERS, 0)
