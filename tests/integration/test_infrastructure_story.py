# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three clusters in two environments, components of every kind in a graph of layers, through what a year brings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.integration.clusters import KUSTOMIZATIONS, Cluster, is_ready
from tests.integration.conftest import Grounds
from tests.integration.project import PRODUCTION, STAGING, Outcome, eventually
from tests.integration.sealing import new_key, sealed
from tests.integration.teams import Teams
from tests.lab import Lab, artifacts, charts

SECOND = "staging-2"
NAMES = (STAGING, SECOND, PRODUCTION)
ENVIRONMENTS = {STAGING: "staging", SECOND: "staging", PRODUCTION: "production"}
RELEASES = "helmreleases.helm.toolkit.fluxcd.io"
PREFIX = "infrastructure-"
# Configs and extras come side by side, and tenants after both.
LAYERS = {"platform": [], "controllers": ["platform"], "configs": ["controllers"], "extras": ["platform"]}
# The order of installing it, whatever else waits.
CHAIN = ("definitions", "greeter", "widgets")
CHART = Path(charts.__file__).with_name(charts.CHART)
HAND = {
    "infrastructure/base/quotas/kustomization.yaml": "# since 2019\nresources:   [quota.yaml]\nnamespace: default\n",
    "infrastructure/base/quotas/quota.yaml": (
        'apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: "${cluster_name}"}   # by hand\n'
        'spec:\n    hard: {pods: "100"}\n'
    ),
    "infrastructure/legacy/notes.txt": "nobody knows\twhat this is for \n",
}
DEFINITION: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.demo.example"},
    "spec": {
        "group": "demo.example",
        "scope": "Namespaced",
        "names": {"kind": "Widget", "listKind": "WidgetList", "plural": "widgets", "singular": "widget"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {"type": "object", "properties": {"size": {"type": "integer"}}},
                        },
                    }
                },
            }
        ],
    },
}
WIDGET = {
    "apiVersion": "demo.example/v1",
    "kind": "Widget",
    "metadata": {"name": "first", "namespace": "team-space"},
    "spec": {"size": 3},
}


class Story:
    """What the tests hand on to each other: a fleet with a tenant, its components, and how the inventory has them."""

    def __init__(self, grounds: Grounds, teams: Teams, folder: Path) -> None:
        self.lab, self.teams = grounds.lab, teams
        self.clusters = {**grounds.clusters, SECOND: Cluster(grounds.lab, SECOND)}
        self.project = grounds.clean()
        if self.clusters[SECOND].has_flux():
            self.lab.reset(SECOND)
        self.project.hosts = {name: {"fleet_environment": ENVIRONMENTS[name]} for name in NAMES}
        self.key = new_key()
        forge = self.lab.forge.facts
        login = {"username": forge["user"], "password": forge["token"], "ca.crt": Path(forge["ca_cert"]).read_text()}
        self.project.variables |= {
            "fleet_layers": LAYERS,
            "fleet_secrets": [
                {"name": "forge", "data": login},
                {"name": "sops-age", "data": {"age.agekey": self.key.identity}},
            ],
        }
        outcome = self.project.run()
        assert outcome.code == 0, outcome.output
        self.project.commit(HAND)
        self.components = self._components()
        self.hosts: dict[str, dict[str, Any]] = {}
        self.request = teams.request("payments", teams.deployment("app"))

    def _components(self) -> dict[str, Any]:
        forge = self.lab.forge
        for version in ("0.1.0", "0.2.0"):
            repository = charts.publish(forge, version=version)
        known = {"secret": "forge", "ca_secret": "forge"}
        files = {
            f"charts/greeter/{one.relative_to(CHART)}": one.read_text() for one in CHART.rglob("*") if one.is_file()
        }
        name = self.teams.repository(files).rpartition("/")[2].removesuffix(".git")
        note = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shared", "namespace": "default"}}
        shared = {"note.yaml": json.dumps({**note, "data": {"cluster": "${cluster_name}"}})}
        url, digest = artifacts.pinned(forge, "shared-notes", shared)
        registry, chart = artifacts.publish_chart(forge, "story", "greeter", "0.1.0")
        seal = sealed("sealed", self.key.recipient, word="the password")
        seal["metadata"]["namespace"] = "default"
        return {
            "spaces": {
                "layer": "platform",
                "manifests": [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-space"}}],
            },
            "definitions": {"layer": "platform", "manifests": [DEFINITION]},
            "viewers": {"layer": "platform", "access": {"view": ["oidc:sre"], "edit": [{"user": "breakglass"}]}},
            "greeter": {
                "layer": "controllers",
                "helm": {"repository": repository, "version": "0.1.x", **known},
                "values": {"greeting": "hello from ${cluster_name}"},
            },
            "greeter-git": {
                "layer": "controllers",
                "helm": {
                    "git": forge.urls(name)["https_url"],
                    "ref": {"branch": "main"},
                    "path": "charts/greeter",
                    "secret": "forge",
                },
                "depends_on": ["greeter"],
            },
            "greeter-pinned": {
                "layer": "controllers",
                "helm": {"repository": registry, "chart": "greeter", "digest": chart, **known},
            },
            "widgets": {"layer": "configs", "manifests": [WIDGET]},
            "quotas": {"layer": "configs", "kustomize": {"path": "infrastructure/base/quotas"}},
            "sealed": {"layer": "configs", "manifests": [seal], "decryption": {"secret": "sops-age"}},
            "shared": {
                "layer": "extras",
                "kustomize": {"oci": url, "digest": digest, **known},
            },
            "only-production": {
                "layer": "extras",
                "clusters": {"environments": ["production"]},
                "manifests": [
                    {
                        "apiVersion": "v1",
                        "kind": "ConfigMap",
                        "metadata": {"name": "audited", "namespace": "default"},
                        "data": {"region": "${region:=everywhere}"},
                    }
                ],
            },
        }

    def run(self, *arguments: str, playbook: str = "infrastructure", **variables: Any) -> Outcome:
        """A run of a playbook with the story's components."""
        given = {"fleet_components": self.components, **variables}
        return self.project.run(*arguments, playbook=playbook, hosts=self.hosts, **given)

    def onboard(self, clusters: list[str], more: Mapping[str, Any] | None = None, **variables: Any) -> Outcome:
        """A run that has the tenant on these clusters of staging, with more fields, and on production's."""
        asked = self.request["environments"]
        staging = {**asked["staging"], "clusters": clusters, **(more or {})}
        requests = self.teams.write({**self.request, "environments": {**asked, "staging": staging}})
        return self.run(playbook="onboard", fleet_requests=requests, **variables)

    def wants(self, name: str) -> set[str]:
        """The components of a cluster."""
        others = set() if name == PRODUCTION else {"only-production"}
        return self.components.keys() - others

    def kustomizations(self, name: str) -> dict[str, dict[str, Any]]:
        """Component → its Flux Kustomization on a cluster."""
        every = self.clusters[name].syncs("-n", "flux-system")
        named = {one["metadata"]["name"]: one for one in every}
        return {key.removeprefix(PREFIX): one for key, one in named.items() if key.startswith(PREFIX)}

    def version(self, name: str) -> str:
        """Of the chart that a cluster runs as the release `greeter`."""
        found = self.clusters[name].get(RELEASES, "-n", "flux-system", "greeter")
        return str(found["status"]["history"][0]["chartVersion"])

    def everywhere(self, *kind: str) -> Mapping[str, Any]:
        """What each cluster has of something."""
        return {name: one.get(*kind) for name, one in self.clusters.items()}


@pytest.fixture(scope="module")
def story(grounds: Grounds, lab: Lab, teams: Teams, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    lab.up([SECOND])
    try:
        yield Story(grounds, teams, tmp_path_factory.mktemp("story"))
    finally:
        grounds.forget()
        lab.stop_cluster(SECOND)


def since(one: Mapping[str, Any]) -> datetime:
    """When an object became ready."""
    (found,) = (condition for condition in one["status"]["conditions"] if condition["type"] == "Ready")
    assert found["status"] == "True", one
    return datetime.fromisoformat(found["lastTransitionTime"])


def made(one: Mapping[str, Any]) -> datetime:
    """When an object was made."""
    return datetime.fromisoformat(one["metadata"]["creationTimestamp"])


def test_all_become_ready_in_their_order(story: Story) -> None:
    run = story.run()
    assert run.code == 0, run.output
    for name in NAMES:
        found = story.kustomizations(name)
        assert found.keys() == story.wants(name)
        assert all(is_ready(one) for one in found.values())
        waited = 0
        for one in found.values():
            for other in one["spec"].get("dependsOn", ()):
                waited += 1
                assert since(one) >= since(found[other["name"].removeprefix(PREFIX)])
        assert waited > len(found)
        # Not the conditions alone: what a component made came after what it waits for was there.
        cluster = story.clusters[name]
        definition = cluster.get("crd", "widgets.demo.example")
        release = cluster.get("deployment", "-n", "greeter", "greeter")
        widget = cluster.get("widgets.demo.example", "-n", "team-space", "first")
        assert made(definition) <= made(release) <= made(widget)
        assert since(found["greeter"]) <= made(widget)


def test_each_kind_has_done_its_work(story: Story) -> None:
    for name, cluster in story.clusters.items():
        assert cluster.get("configmap", "-n", "greeter", "greeter")["data"]["greeting"] == f"hello from {name}"
        assert cluster.get("deployment", "-n", "greeter-git", "greeter-git")["status"]["readyReplicas"]
        assert cluster.get("resourcequota", "-n", "default", name)["spec"]["hard"] == {"pods": "100"}
        assert cluster.get("configmap", "-n", "default", "shared")["data"] == {"cluster": name}
        assert cluster.secret("sealed", "default") == {"word": "the password"}
        assert cluster.may("someone", "list", "pods", "-A", group="oidc:sre")
        assert not cluster.may("someone", "delete", "pods", "-n", "default", group="oidc:sre")
        assert cluster.may("breakglass", "delete", "pods", "-n", "default")
        audited = cluster.get("configmap", "-n", "default", "audited")
        assert (audited["data"] if audited else None) == ({"region": "everywhere"} if name == PRODUCTION else None)


def test_tenants_come_after_the_last_layers(story: Story) -> None:
    last = {f"{PREFIX}{name}" for name in ("widgets", "quotas", "sealed", "shared")}
    for name, cluster in story.clusters.items():
        shards = [one for one in cluster.get(KUSTOMIZATIONS, "-n", "flux-system") if _named(one, "projects-")]
        wanted = last | ({f"{PREFIX}only-production"} if name == PRODUCTION else set())
        assert shards
        assert {frozenset(other["name"] for other in one["spec"]["dependsOn"]) for one in shards} == {frozenset(wanted)}


def _named(one: Mapping[str, Any], prefix: str) -> bool:
    return str(one["metadata"]["name"]).startswith(prefix)


def test_second_run_does_nothing_and_hand_written_files_are_as_they_were(story: Story) -> None:
    commits = story.project.commits()
    run = story.run()
    assert run.code == 0, run.output
    assert run.changed == dict.fromkeys(NAMES, 0)
    assert story.project.commits() == commits
    assert {path: story.project.file(path) for path in HAND} == HAND
    there = {
        path for path in story.project.tree() if path.startswith(("infrastructure/base/", "infrastructure/legacy/"))
    }
    assert there - {"infrastructure/base/.gitkeep"} == HAND.keys()


def test_release_that_fails_in_staging_leaves_production_untouched(story: Story) -> None:
    production, tree = story.clusters[PRODUCTION], story.project.tree()
    writes, release = production.writes(), production.get(RELEASES, "-n", "flux-system", "greeter")["spec"]
    before = story.components["greeter"]
    story.components["greeter"] = {**before, "values": {"replicas": "${replicas:-three}"}}
    run = story.run(fleet_waves=[[STAGING, SECOND], [PRODUCTION]], fleet_gate={"revert": True})
    story.components["greeter"] = before
    assert run.code != 0
    for name in (STAGING, SECOND):
        assert "greeter" in run.failure(name)
        assert "at '/replicas': got string, want integer" in run.words
    assert run.rows[PRODUCTION]["ready"] == "not started"
    assert story.project.tree() == tree, "the wave was taken back"
    assert production.writes() == writes
    assert production.get(RELEASES, "-n", "flux-system", "greeter")["spec"] == release
    again = story.run()
    assert again.code == 0, again.output
    assert {name: row["ready"] for name, row in again.rows.items()} == dict.fromkeys(NAMES, True)


def test_version_goes_to_production_and_comes_back(story: Story) -> None:
    story.components["greeter"] = _with_version(story.components["greeter"], "promoted")
    for version in ("0.1.x", "0.2.x"):
        own = {"fleet_components_environment": {"greeter": {"helm": {"version": version}}}}
        story.hosts = {STAGING: own, SECOND: own}
        run = story.run("--limit", f"{STAGING},{SECOND}")
        assert run.code == 0, run.output
        run = story.run(playbook="promote", fleet_from="staging", fleet_to="production", fleet_gate={"hold": 2})
        assert run.code == 0, run.output
    assert {name: story.version(name) for name in NAMES} == dict.fromkeys(NAMES, "0.2.0")
    assert "greeter: 0.1.0 → 0.2.0" in str(story.lab.forge.commits(story.project.repository)[0]["message"])
    run = story.run(playbook="promote", fleet_to="production", fleet_rollback=True)
    assert run.code == 0, run.output
    assert {name: story.version(name) for name in NAMES} == {STAGING: "0.2.0", SECOND: "0.2.0", PRODUCTION: "0.1.0"}
    again = story.run()
    assert again.code == 0, again.output
    assert again.changed == dict.fromkeys(NAMES, 0)
    assert story.version(PRODUCTION) == "0.1.0"


def _with_version(component: Mapping[str, Any], version: str) -> dict[str, Any]:
    return {**component, "helm": {**component["helm"], "version": version}}


def test_cluster_made_anew_has_all_of_it_by_one_run(story: Story) -> None:
    run = story.onboard([SECOND])
    assert run.code == 0, run.output
    assert story.clusters[STAGING].get("namespace", "payments") is None
    story.lab.reset(SECOND)
    run = story.run("--limit", SECOND, playbook="bootstrap", fleet_allow=["replace_cluster"])
    assert run.code == 0, run.output
    cluster = story.clusters[SECOND]

    def whole() -> bool:
        found, tenant = story.kustomizations(SECOND), cluster.get(KUSTOMIZATIONS, "-n", "payments", "payments")
        there = found.keys() == story.wants(SECOND) and tenant is not None
        return there and all(map(is_ready, [*found.values(), tenant]))

    eventually(whole, "infrastructure and tenant are back")
    assert cluster.secret("sealed", "default") == {"word": "the password"}


def test_tenant_moves_from_one_cluster_of_an_environment_to_the_other(story: Story) -> None:
    """Nothing goes from the old one before it runs on the new one."""
    commits, word = story.project.commits(), ["move_tenant"]
    refused = story.onboard([STAGING])
    assert refused.code != 0
    assert "[move_tenant] has it taken off a cluster" in refused.words
    assert story.project.commits() == commits
    old, new = story.clusters[SECOND], story.clusters[STAGING]
    running = old.get("deployment", "-n", "payments", "app")["metadata"]["uid"]
    broken = story.onboard([STAGING], {"exceptions": {STAGING: {"path": "./nowhere"}}}, fleet_allow=word)
    assert broken.code != 0
    assert old.get("deployment", "-n", "payments", "app")["metadata"]["uid"] == running
    assert is_ready(old.syncs("-n", "payments", "payments"))
    commits = story.project.commits()
    moved = story.onboard([STAGING], fleet_allow=word)
    assert moved.code == 0, moved.output
    assert len(story.project.commits()) == len(commits) + 2
    assert is_ready(new.syncs("-n", "payments", "payments"))
    assert new.get("deployment", "-n", "payments", "app") is not None
    assert not [key for key in old.objects() if "payments" in str(key)]
    keys = story.teams.key_titles(story.request["sources"][0]["url"])
    assert keys == [f"{name}/payments/deploy" for name in (PRODUCTION, STAGING)]
    again = story.onboard([STAGING], fleet_allow=word)
    assert (again.code, again.changed) == (0, dict.fromkeys(NAMES, 0)), again.output


def test_component_leaves_all_clusters(story: Story) -> None:
    story.components["widgets"] = {**story.components["widgets"], "state": "absent"}
    commits = story.project.commits()
    refused = story.run()
    assert refused.code != 0
    assert "fleet_components.widgets" in refused.words
    assert "remove_component" in refused.words
    assert story.project.commits() == commits
    run = story.run(fleet_allow=["remove_component"])
    assert run.code == 0, run.output
    for name, cluster in story.clusters.items():
        eventually(lambda cluster=cluster: not cluster.get("widgets.demo.example", "-A"), f"{name} has no widget")
        assert cluster.get("crd", "widgets.demo.example") is not None
