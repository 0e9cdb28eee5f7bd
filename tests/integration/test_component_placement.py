# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Components for some clusters, in a graph of layers, with people's access and Secrets, on real clusters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.clusters import Cluster
from tests.integration.conftest import Grounds
from tests.integration.project import CLUSTERS, PRODUCTION, STAGING, Outcome, eventually
from tests.integration.sealing import new_key, sealed

KUSTOMIZATION = "kustomizations.kustomize.toolkit.fluxcd.io"
CANARY = "canary-of-a-door"
LAYERS = {"configs": ["controllers", "policies"], "crds": [], "controllers": ["crds"], "policies": ["crds"]}
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "externalsecrets.external-secrets.io"},
    "spec": {
        "group": "external-secrets.io",
        "names": {"kind": "ExternalSecret", "plural": "externalsecrets"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}


def config(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data}


class Story:
    """What the tests hand on to each other: a fleet with a key of SOPS's, a region, and its components."""

    def __init__(self, grounds: Grounds) -> None:
        self.project, self.clusters, key = grounds.fleet(), grounds.clusters, new_key()
        self.project.variables |= {
            "fleet_sops": {"age": [key.recipient]},
            "fleet_secrets": [{"name": "sops-age", "data": {"age.agekey": key.identity}}],
            "fleet_region": "eu",
            "fleet_layers": LAYERS,
        }
        self.project.hosts[STAGING]["fleet_labels"] = {"tier": "edge", "gpu": True}
        door = sealed("door", key.recipient, key=CANARY)
        door["metadata"]["namespace"] = "default"
        self.components: dict[str, Any] = {
            "definitions": {"layer": "crds", "manifests": [DEFINITION]},
            "controller": {"layer": "controllers", "manifests": [config("controller", region="${cluster_region}")]},
            "policy": {"layer": "policies", "manifests": [config("policy")]},
            "people": {
                "layer": "configs",
                "access": {"view": ["oidc:developers"], "cluster-admin": [{"user": "boss"}]},
            },
            "door": {"layer": "configs", "manifests": [door], "clusters": {"labels": {"tier": "edge", "gpu": True}}},
            "ledger": {
                "layer": "configs",
                "manifests": [config("ledger")],
                "clusters": {"environments": ["production"], "groups": ["production"]},
            },
            "registry": {
                "layer": "configs",
                "external_secrets": [{"name": "registry", "store": "vault", "key": "platform/registry"}],
                "depends_on": ["people"],
            },
        }

    def run(self, *arguments: str, **changes: Any) -> Outcome:
        """A run with the story's components, some of them with other fields."""
        layers = changes.pop("fleet_layers", LAYERS)
        allow = changes.pop("fleet_allow", [])
        found = {**self.components, **{name: {**self.components[name], **one} for name, one in changes.items()}}
        return self.project.run(
            *arguments, playbook="infrastructure", fleet_components=found, fleet_layers=layers, fleet_allow=allow
        )


@pytest.fixture(scope="module")
def story(grounds: Grounds) -> Iterator[Story]:
    yield Story(grounds)
    grounds.forget()


def waits(cluster: Cluster) -> dict[str, set[str]]:
    """Kustomization → those that it waits for, by the names of components."""
    prefix = "infrastructure-"
    return {
        one["metadata"]["name"].removeprefix(prefix): {
            other["name"].removeprefix(prefix) for other in one["spec"].get("dependsOn", [])
        }
        for one in cluster.get(KUSTOMIZATION, "-n", "flux-system")
    }


def test_each_cluster_gets_what_is_for_it(story: Story) -> None:
    bootstrap = story.project.run()
    assert bootstrap.code == 0, bootstrap.output
    login = {"name": "registry-login", "data": {"password": CANARY}}
    story.project.variables["fleet_secrets"] = [*story.project.variables["fleet_secrets"], login]
    run = story.run()
    assert run.code == 0, run.output
    assert {name: row["ready"] for name, row in run.rows.items()} == dict.fromkeys(CLUSTERS, True)
    staging, production = story.clusters[STAGING], story.clusters[PRODUCTION]
    assert staging.secret("door", "default") == {"key": CANARY}
    assert production.get("secret", "-n", "default", "door") is None
    assert production.get("configmap", "-n", "default", "ledger") is not None
    assert staging.get("configmap", "-n", "default", "ledger") is None
    assert CANARY not in run.output
    for one in (staging, production):
        assert one.secret("registry-login") == {"password": CANARY}
        assert one.get("configmap", "-n", "default", "controller")["data"] == {"region": "eu"}
        secret = one.get("externalsecrets.external-secrets.io", "-n", "flux-system", "registry")
        assert secret["spec"]["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "vault"}


@pytest.mark.parametrize(("name", "own"), [(STAGING, "door"), (PRODUCTION, "ledger")])
def test_layers_are_a_graph_and_tenants_wait_for_its_ends(story: Story, name: str, own: str) -> None:
    found = waits(story.clusters[name])
    tenants = {frozenset(others) for one, others in found.items() if one.startswith("projects-")}
    assert tenants == {frozenset({"people", "registry", own})}
    assert {one: others for one, others in found.items() if one in story.components} == {
        "definitions": set(),
        "controller": {"definitions"},
        "policy": {"definitions"},
        "people": {"controller", "policy"},
        own: {"controller", "policy"},
        "registry": {"controller", "policy", "people"},
    }


def test_people_may_what_their_role_may(story: Story) -> None:
    for one in story.clusters.values():
        assert one.may("anna", "list", "pods", "-A", group="oidc:developers")
        assert not one.may("anna", "delete", "pods", "-A", group="oidc:developers")
        assert not one.may("anna", "list", "pods", "-A")
        assert one.may("boss", "delete", "nodes")


def test_second_run_does_nothing(story: Story) -> None:
    commits = story.project.commits()
    again = story.run()
    assert (again.code, again.changed) == (0, dict.fromkeys(CLUSTERS, 0)), again.output
    assert story.project.commits() == commits


def test_bad_input_is_told_at_once_and_judged_by_the_whole_inventory(story: Story) -> None:
    commits = story.project.commits()
    run = story.run(
        "--limit",
        STAGING,
        door={"clusters": {"labels": {"tier": "egde"}}},
        ledger={"clusters": {"names": [PRODUCTION], "environments": ["staging"]}},
        policy={"clusters": {"names": ["stagin-1"]}},
        people={"access": {"view": ["oidc:developers"]}, "depends_on": ["policy"]},
    )
    assert run.code != 0
    for words in (
        "fleet_components.door.clusters.labels is 'tier: egde': the inventory has no such label, did you mean",
        "fleet_components.ledger.clusters is 'environments: staging; names: production-1': no cluster of the inventory",
        "fleet_components.policy.clusters.names is 'stagin-1': the inventory has no such cluster, did you mean",
        "fleet_components.people.depends_on is 'policy': this is for names: stagin-1, and not for this cluster",
    ):
        assert words in run.words
    layers = {**LAYERS, "crds": ["configs"]}
    run = story.run("--limit", STAGING, fleet_layers=layers, people={"access": {"view": ["system:authenticated"]}})
    assert "fleet_layers.configs: waits for itself: configs → controllers → crds → configs" in run.words
    assert "fleet_components.people.access.view[0] is 'system:authenticated': what begins with 'system:'" in run.words
    assert story.project.commits() == commits


def test_a_cluster_loses_what_is_no_longer_for_it_by_the_word_for_it(story: Story) -> None:
    elsewhere = {"clusters": {"names": [PRODUCTION]}}
    refused = story.run("--limit", STAGING, door=elsewhere)
    assert f"{STAGING}: fleet_components.door: takes all of it (1 object (Secret default/door)) away" in refused.words
    assert "run again with fleet_allow: [remove_component]" in refused.words
    run = story.run("--limit", STAGING, door=elsewhere, fleet_allow=["remove_component"])
    assert run.code == 0, run.output
    staging = story.clusters[STAGING]
    eventually(lambda: "door" not in waits(staging), "the component leaves")
    assert staging.get("secret", "-n", "default", "door") is None
    assert story.clusters[PRODUCTION].get("configmap", "-n", "default", "ledger") is not None
