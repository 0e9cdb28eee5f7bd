# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Flux is set: as the inventory says, from the first install on, and nothing is lost where less is wanted."""

from __future__ import annotations

import os
from typing import Any

from tests.integration.conftest import Grounds
from tests.integration.project import STAGING, eventually

SETTINGS: dict[str, Any] = {
    "fleet_flux_registry": "registry.example/mirror",
    "fleet_flux_log_level": "debug",
    "fleet_flux_network_policy": False,
    "fleet_flux_tolerations": [{"key": "dedicated", "operator": "Exists"}],
    "fleet_flux_controllers": {
        "all": {"env": {"NO_PROXY": ".svc"}},
        "kustomize-controller": {"args": ["--concurrent=7"], "resources": {"limits": {"memory": "2Gi"}}},
    },
    "fleet_flux_patches": [
        {
            "target": {"kind": "Deployment", "name": "helm-controller"},
            "patch": [{"op": "add", "path": "/metadata/annotations", "value": {"example/mine": "yes"}}],
        }
    ],
}
LESS = ["source-controller", "kustomize-controller", "helm-controller"]


# What the platform team had in the repository before Flux was on the cluster.
OWN = {
    "kustomization.yaml": """\
resources: [gotk-components.yaml, gotk-sync.yaml]
patches:
- path: own.yaml
  target: {kind: Deployment, name: kustomize-controller}
""",
    "own.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: any}
spec: {template: {metadata: {annotations: {example/own: "yes"}}}}
""",
}


def test_settings_hold_from_the_first_install_and_removal_needs_a_word(grounds: Grounds) -> None:
    project = grounds.clean([STAGING])
    project.variables |= SETTINGS
    project.environment["PATH"] = f"{project.lab.settings.bin}:{os.environ['PATH']}"
    for name, text in OWN.items():
        project.edit(f"clusters/{STAGING}/flux-system/{name}", text)
    first = project.run("--limit", STAGING)
    assert first.code == 0, first.output
    assert "takes effect when Flux applies" not in first.words
    cluster = grounds.clusters[STAGING]
    versions = {key: one for key, one in cluster.versions().items() if key[0] in ("Deployment", "NetworkPolicy")}
    assert not [key for key in versions if key[0] == "NetworkPolicy"]
    deployment = cluster.flux("deployment", "kustomize-controller")
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"].startswith("registry.example/mirror/kustomize-controller:")
    assert container["resources"]["limits"]["memory"] == "2Gi"
    assert {"name": "NO_PROXY", "value": ".svc"} in container["env"]
    assert pod["tolerations"] == SETTINGS["fleet_flux_tolerations"]
    assert {"--concurrent=7", "--log-level=debug"} <= set(cluster.arguments("kustomize-controller"))
    assert cluster.flux("deployment", "helm-controller")["metadata"]["annotations"]["example/mine"] == "yes"
    assert deployment["spec"]["template"]["metadata"]["annotations"]["example/own"] == "yes"
    # Flux applied the same: it changed nothing of what we had installed, and owns it alone.
    assert deployment["metadata"]["generation"] == 1
    appliers = {one["manager"] for one in deployment["metadata"]["managedFields"] if one["operation"] == "Apply"}
    assert appliers == {"kustomize-controller"}
    commits = project.commits()
    again = project.run("--limit", STAGING)
    assert (again.code, again.changed[STAGING], project.commits()) == (0, 0, commits), again.output

    cluster.kubectl("apply", "-f", "-", text=PROVIDER)
    refused = project.run("--limit", STAGING, fleet_flux_components=LESS)
    assert refused.code != 0
    assert "CustomResourceDefinition is 'providers.notification.toolkit.fluxcd.io'" in refused.words
    assert "all of its 1 object(s)" in refused.words
    assert "fleet_allow: [remove_flux_component]" in refused.words
    assert project.commits() == commits
    allowed = project.run("--limit", STAGING, fleet_flux_components=LESS, fleet_allow=["remove_flux_component"])
    assert allowed.code == 0, allowed.output
    gone = ("crd", "providers.notification.toolkit.fluxcd.io")
    eventually(lambda: cluster.get(*gone) is None, "the definition goes")
    assert cluster.get("deployment", "-n", "flux-system", "notification-controller") is None
    grounds.forget()


PROVIDER = """\
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: mine, namespace: default}
spec: {type: slack, address: "https://slack.example/hook"}
"""


def test_what_can_not_be_is_refused_before_anything_is_written(grounds: Grounds) -> None:
    project = grounds.project()
    asked = project.run(
        "--limit",
        STAGING,
        fleet_flux_components=[*LESS, "notification-controller", "source-watcher"],
        fleet_flux_controllers={"all": {"memory": "1Gi"}},
        fleet_flux_patches=[{"target": {"kind": "Deployment"}, "patch": "spec: {replicas: 2}"}],
        fleet_allow=["move_sync"],
    )
    assert asked.code != 0
    for said in ("fleet_flux_controllers.all.memory", "fleet_flux_patches[0]: of merge patches only '$patch: delete'"):
        assert f"{STAGING}: {said}" in asked.words
    lacking = project.run(
        "--limit",
        STAGING,
        fleet_flux_components=[*LESS, "notification-controller", "source-watcher"],
        fleet_allow=["move_sync"],
    )
    assert f"{STAGING}: fleet_flux_components is 'source-watcher'" in lacking.words
    assert project.commits() == []
