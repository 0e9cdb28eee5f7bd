# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody changed in a real cluster, found and named: each kind of difference is provoked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Grounds
from tests.integration.project import CLUSTERS, PRODUCTION, STAGING, Outcome, eventually
from tests.lab import Lab, charts

QUOTAS = "infrastructure/base/quotas"
QUOTA = 'apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: quota, namespace: default}\nspec: {hard: {pods: "%s"}}\n'


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data}


READER = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: drift-reader}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: drift-reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: drift-reader}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: reader}]
"""


class Story:
    """Both clusters with components of all kinds; staging's is where people lay hands on."""

    def __init__(self, grounds: Grounds, lab: Lab) -> None:
        self.project, self.clusters, self.lab = grounds.clean(), grounds.clusters, lab
        ca_cert = Path(lab.forge.facts["ca_cert"]).read_text()
        self.project.variables["fleet_secrets"] = [{"name": "forge-ca", "data": {"ca.crt": ca_cert}}]
        helm = {"repository": charts.publish(lab.forge), "version": "0.1.0", "ca_secret": "forge-ca"}
        facts = [config_map("facts", cluster="${cluster_name}", zone="${zone:=a}"), config_map("more", a="b")]
        limits = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "limits", "namespace": "default"}}
        limits["spec"] = {"limits": [{"type": "Container", "max": {"cpu": "2000m"}}]}
        self.project.variables["fleet_components"] = {
            "greeter": {"layer": "controllers", "helm": helm, "values": {"greeting": "hello from ${cluster_name}"}},
            "facts": {"layer": "configs", "manifests": [*facts, limits]},
            "quotas": {"layer": "configs", "kustomize": {"path": QUOTAS}},
        }
        outcome = self.project.run()
        assert outcome.code == 0, outcome.output
        self.project.edit(f"{QUOTAS}/quota.yaml", QUOTA % "100")
        outcome = self.project.run(playbook="infrastructure")
        assert outcome.code == 0, outcome.output
        self.settle(*CLUSTERS)

    def settle(self, *names: str) -> None:
        self.project.settle(*(self.clusters[name] for name in names))

    def drift(self, **variables: Any) -> Outcome:
        return self.project.run(playbook="drift", **variables)

    def findings(self) -> dict[str, list[dict[str, str]]]:
        """Cluster → findings, as the last run's report has them."""
        found: dict[str, list[dict[str, str]]] = {name: [] for name in CLUSTERS}
        for one in json.loads((self.project.folder / "report.json").read_text())["drift"]:
            found[one.pop("cluster")].append(one)
        return found


@pytest.fixture(scope="module")
def story(grounds: Grounds, lab: Lab) -> Iterator[Story]:
    yield Story(grounds, lab)
    grounds.forget()


def test_nothing_differs_after_a_run(story: Story) -> None:
    before = {name: one.writes() for name, one in story.clusters.items()}
    outcome = story.drift()
    assert outcome.code == 0, outcome.output
    assert {name: row["ready"] for name, row in outcome.rows.items()} == dict.fromkeys(CLUSTERS, True)
    assert outcome.changed == dict.fromkeys(CLUSTERS, 0)
    assert {name: one.writes() - before[name] for name, one in story.clusters.items()} == {
        name: Counter() for name in CLUSTERS
    }


def test_each_difference_is_named(story: Story) -> None:
    cluster = story.clusters[STAGING]
    # Flux mends what people changed with each commit that it applies, so what needs one comes first.
    lost = {**config_map("lost"), "metadata": {"name": "lost", "namespace": "nowhere"}}
    wrong = {"layer": "configs", "manifests": [lost]}
    hosts = {STAGING: {"fleet_components_environment": {"wrong": wrong}}}
    assert story.project.run("--limit", STAGING, playbook="infrastructure", hosts=hosts).code != 0
    # As `flux suspend` does: what kubectl sets, Flux takes away with the next commit.
    cluster.kubectl("-n", "flux-system", "patch", "kustomization", "infrastructure-quotas", "--type=merge",
                    "--field-manager=flux", "-p", '{"spec": {"suspend": true}}')  # fmt: skip
    story.project.edit(f"{QUOTAS}/quota.yaml", QUOTA % "90")
    story.settle(PRODUCTION)
    head = story.project.commits()[0]
    eventually(
        lambda: head in cluster.flux("kustomization", "infrastructure-facts")["status"]["lastAppliedRevision"],
        "staging has applied the last commit",
    )
    cluster.kubectl("-n", "default", "patch", "configmap", "facts", "--type=merge", "-p", '{"data": {"zone": "b"}}')
    cluster.kubectl("-n", "greeter", "patch", "configmap", "greeter", "--type=merge",
                    "-p", '{"data": {"greeting": "hello from me"}}')  # fmt: skip
    cluster.kubectl("-n", "default", "delete", "configmap", "more")
    labels = {"name": "infrastructure-facts", "namespace": "flux-system"}
    copied = config_map("copied")
    copied["metadata"]["labels"] = {f"kustomize.toolkit.fluxcd.io/{key}": text for key, text in labels.items()}
    cluster.kubectl("apply", "-f", "-", text=json.dumps(copied))

    before = cluster.writes()
    outcome = story.drift()
    assert outcome.code != 0
    assert cluster.writes() - before == Counter()
    found = story.findings()
    assert found[PRODUCTION] == [], outcome.output
    said = {(one["component"], one["finding"], one["object"]): one["why"] for one in found[STAGING]}
    assert said.keys() == {
        ("facts", "edited", "ConfigMap default/facts"),
        ("facts", "extra", "ConfigMap default/copied"),
        ("facts", "missing", "ConfigMap default/more"),
        ("greeter", "edited", "ConfigMap greeter/greeter"),
        ("quotas", "not yet applied", "Kustomization flux-system/infrastructure-quotas"),
        ("quotas", "suspended", "Kustomization flux-system/infrastructure-quotas"),
        ("wrong", "failing", "Kustomization flux-system/infrastructure-wrong"),
    }, outcome.output
    assert said["facts", "edited", "ConfigMap default/facts"] == "data.zone, by kubectl-patch"
    assert said["greeter", "edited", "ConfigMap greeter/greeter"] == "data.greeting, by kubectl-patch"
    assert (
        'namespaces "nowhere" not found' in said["wrong", "failing", "Kustomization flux-system/infrastructure-wrong"]
    )
    assert f"{STAGING}  facts      edited           ConfigMap default/facts" in outcome.output
    assert outcome.failure(STAGING) == "drift in 4 of 4 components"


def test_reading_is_enough(story: Story, lab: Lab) -> None:
    story.clusters[STAGING].kubectl("apply", "-f", "-", text=READER)
    known = story.findings()[STAGING]
    auth = {"kubeconfig": str(lab.kubeconfig), "context": STAGING, "impersonate_user": "reader"}
    outcome = story.drift(hosts={STAGING: {"fleet_cluster_auth": auth}})
    assert outcome.code != 0
    edited = [one for one in story.findings()[STAGING] if one["finding"] == "edited"]
    assert [one for one in edited if one["object"] != "LimitRange default/limits"] == [
        one for one in known if one["finding"] == "edited"
    ]
    assert "compared field by field, since these credentials may not ask for a dry run" in outcome.failure(STAGING)


def test_without_the_repository_flux_and_its_releases_are_compared(story: Story) -> None:
    outcome = story.drift(fleet_repository_url="")
    assert outcome.code != 0
    said = {(one["component"], one["finding"]) for one in story.findings()[STAGING]}
    assert said == {
        ("facts", "extra"),
        ("facts", "missing"),
        ("greeter", "edited"),
        ("quotas", "suspended"),
        ("wrong", "failing"),
    }
