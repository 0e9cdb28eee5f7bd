# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controllers' settings: no patch without one, what kustomize builds with them, and what is wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import (
    controllers,
    documents,
    kustomization,
    patching,
    render,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.controllers import COMPONENTS, EXTRA, Settings
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.manifest import Manifest
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import cluster
from ansible_collections.fluxops.fleet.tests.unit.plugins.tools import kustomize


def object_of(component: str, kind: str, api_version: str, **rest: Any) -> documents.Document:
    """An object of a component, labelled as Flux labels it."""
    labels = {"app.kubernetes.io/component": component, "app.kubernetes.io/part-of": "flux"}
    names = {"metadata": {"labels": labels, "name": component, "namespace": "flux-system"}}
    return {"apiVersion": api_version, "kind": kind, **names, **rest}


def deployment(component: str) -> documents.Document:
    """A controller as Flux' releases have it, as far as it matters here."""
    container = {
        "name": "manager",
        "image": f"ghcr.io/fluxcd/{component}:v1.2.3",
        "args": ["--watch-all-namespaces=true", "--log-level=info"],
        "env": [{"name": "RUNTIME_NAMESPACE", "value": "flux-system"}, {"name": "GOMEMLIMIT", "value": "1"}],
        "resources": {"limits": {"cpu": "1000m", "memory": "1Gi"}, "requests": {"cpu": "100m"}},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    pod = {
        "containers": [container],
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    return object_of(component, "Deployment", "apps/v1", spec={"template": {"spec": pod}})


def release(*names: str) -> Manifest:
    """An install manifest without header that has these components."""
    parts = [{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "allow-egress"}}]
    for name in names:
        parts += [object_of(name, "ServiceAccount", "v1"), deployment(name)]
    return Manifest(documents.write(parts), "install.yaml")


FULL = release(*COMPONENTS, *EXTRA)
FOUR = release(*COMPONENTS)


def settings(**given: Any) -> Settings:
    """Settings as an inventory gives them."""
    return Settings.from_params(given)


def built(given: Settings, manifest: Manifest = FOUR) -> dict[str, Any]:
    """Deployment → its pod template's spec, as we patch it."""
    found = patching.apply(manifest.documents, controllers.patches(given, manifest))
    return {one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in found if one["kind"] == "Deployment"}


def test_nothing_is_patched_where_nothing_is_set() -> None:
    assert controllers.patches(settings(), FOUR) == []
    assert Settings.from_params({"components": None, "registry": "", "patches": []}) == Settings()


@pytest.mark.parametrize("manifest", [FULL, release(*EXTRA, *COMPONENTS)])
def test_what_is_not_chosen_is_left_out_with_all_that_belongs_to_it(manifest: Manifest) -> None:
    patched = patching.apply(manifest.documents, controllers.patches(settings(), manifest))
    assert {one["metadata"]["name"] for one in patched} == {"allow-egress", *COMPONENTS}
    more = settings(components=[*COMPONENTS, "image-reflector-controller"])
    assert set(built(more, manifest)) == {*COMPONENTS, "image-reflector-controller"}


def test_components_that_the_manifest_lacks_are_named() -> None:
    (problem,) = settings(components=[*COMPONENTS, "source-watcher"]).missing(FOUR, "h")
    assert "install.yaml has helm-controller, kustomize-controller" in str(problem)
    assert "source-watcher" in str(problem)
    assert FOUR.components == tuple(sorted(COMPONENTS))


def test_without_notifications_nobody_sends_any() -> None:
    found = built(settings(components=["source-controller", "kustomize-controller"]))
    assert set(found) == {"source-controller", "kustomize-controller"}
    assert all(pod["containers"][0]["args"][-1] == "--events-addr=" for pod in found.values())


def test_a_domain_of_its_own_reaches_every_address() -> None:
    found = built(settings(cluster_domain="corp.local"))
    events = "--events-addr=http://notification-controller.flux-system.svc.corp.local./"
    last = {name: pod["containers"][0]["args"][2:] for name, pod in found.items()}
    storage = "--storage-adv-addr=source-controller.$(RUNTIME_NAMESPACE).svc.corp.local."
    assert last["source-controller"] == [events, storage]
    assert last["kustomize-controller"] == last["helm-controller"] == [events]
    assert last["notification-controller"] == []


EVERYTHING: dict[str, Any] = {
    "components": [*COMPONENTS, "source-watcher"],
    "registry": "registry.example:5000/mirror/fluxcd",
    "pull_secret": "pull",
    "log_level": "debug",
    "tolerations": [{"key": "dedicated", "operator": "Exists"}],
    "network_policy": False,
    "watch_all_namespaces": False,
    "ca_secret": "corp-ca",
    "controllers": {
        "all": {"env": {"HTTPS_PROXY": "http://proxy.example:3128", "GOMEMLIMIT": 2}},
        "kustomize-controller": {
            "args": ["--concurrent=20"],
            "resources": {"limits": {"memory": "2Gi", "cpu": None}},
            "node_selector": {"example/pool": "infra"},
            "affinity": {"nodeAffinity": {"x": []}},
        },
    },
    "patches": [
        {
            "target": {"kind": "Deployment", "name": "(source|helm)-controller", "group": "apps", "version": "v1"},
            "patch": "- op: replace\n  path: /spec/template/spec/containers/0/args/1\n  value: --log-level=error\n",
        },
        {
            "target": {"labelSelector": "app.kubernetes.io/component=source-watcher", "kind": "Deployment"},
            "patch": [{"op": "remove", "path": "/spec/template/spec/nodeSelector/kubernetes.io~1os"}],
        },
        {
            "target": {"kind": "ServiceAccount", "name": "notification-controller", "namespace": "flux-system"},
            "patch": "$patch: delete\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: x}\n",
        },
    ],
}


def test_each_setting_is_where_it_belongs() -> None:
    found = built(settings(**EVERYTHING), FULL)
    pod = found["kustomize-controller"]
    (container,) = pod["containers"]
    assert container["image"] == "registry.example:5000/mirror/fluxcd/kustomize-controller:v1.2.3"
    assert pod["imagePullSecrets"] == [{"name": "pull"}]
    assert pod["tolerations"] == EVERYTHING["tolerations"]
    flags = ["--log-level=debug", "--watch-all-namespaces=false", "--feature-gates=ExternalArtifact=true"]
    assert container["args"][2:] == [*flags, "--concurrent=20"]
    assert container["resources"] == {"limits": {"memory": "2Gi"}, "requests": {"cpu": "100m"}}
    assert pod["nodeSelector"] == {"kubernetes.io/os": "linux", "example/pool": "infra"}
    variables = {one["name"]: one["value"] for one in container["env"]}
    assert len(variables) == len(container["env"])
    assert variables["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert variables["GOMEMLIMIT"] == "2"
    assert container["volumeMounts"][-1]["mountPath"] in variables["SSL_CERT_DIR"].split(":")
    assert found["source-controller"]["containers"][0]["args"][1] == "--log-level=error"
    assert found["source-watcher"]["nodeSelector"] == {}


def test_artifacts_outlive_the_time_that_making_all_of_them_takes() -> None:
    watched = [*COMPONENTS, "source-watcher"]
    own = {"source-watcher": {"args": ["--artifact-retention-ttl=48h"]}}
    for given, expected in (
        ({}, ["--artifact-retention-ttl=24h"]),
        (own, ["--artifact-retention-ttl=24h", *own["source-watcher"]["args"]]),
    ):
        found = built(settings(components=watched, tenant_artifacts=True, controllers=given), FULL)
        flags = [one for one in found["source-watcher"]["containers"][0]["args"] if "retention" in one]
        assert flags == expected
    found = built(settings(components=watched), FULL)
    assert not [one for one in found["source-watcher"]["containers"][0]["args"] if "retention" in one]


def test_settings_build_what_kustomize_builds(tmp_path: Path) -> None:
    one = cluster(**EVERYTHING)
    assert one.problems() == []
    text = kustomization.fresh(render.patches(one, Layout(), FULL))
    sync = documents.write(render.sync_documents(one, Layout()))
    for name, content in {"kustomization": text, "gotk-components": FULL.text, "gotk-sync": sync}.items():
        (tmp_path / f"{name}.yaml").write_text(content, encoding="utf-8")
    done = subprocess.run([*kustomize(), str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ours = render.flux_objects(one, Layout(), FULL)
    assert by_name(yaml.safe_load_all(done.stdout)) == by_name(ours)


def by_name(found: Any) -> dict[tuple[str, str], Any]:
    """Objects by kind and name."""
    return {(document["kind"], document["metadata"]["name"]): document for document in found}


PATCH = {"target": {"kind": "Deployment"}, "patch": [{"op": "add", "path": "/a", "value": 1}]}
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"components": ["source-controller", "kustomise-controller"]}, "fleet_flux_components", "image-reflector"),
    ({"components": ["source-controller"]}, "fleet_flux_components", "add kustomize-controller"),
    ({"registry": "https://registry.example"}, "fleet_flux_registry", "no scheme"),
    ({"registry": "registry.example/fluxcd:v1"}, "fleet_flux_registry", "no tag"),
    ({"pull_secret": "Pull_Secret"}, "fleet_flux_pull_secret", "fleet_secrets"),
    ({"ca_secret": "a b"}, "fleet_flux_ca_secret", "ca.crt"),
    ({"cluster_domain": "-x"}, "fleet_flux_cluster_domain", "cluster.local"),
    ({"tolerations": ["dedicated"]}, "fleet_flux_tolerations", "operator: Exists"),
    ({"controllers": {"helm": {}}}, "fleet_flux_controllers.helm", "helm-controller"),
    ({"controllers": {"all": []}}, "fleet_flux_controllers.all", "node_selector"),
    ({"controllers": {"all": {"memory": "1Gi"}}}, "fleet_flux_controllers.all.memory", "resources"),
    ({"controllers": {"all": {"args": "--x"}}}, "fleet_flux_controllers.all.args", "a list"),
    ({"controllers": {"all": {"args": ["x"]}}}, "fleet_flux_controllers.all.args", "--name=value"),
    ({"controllers": {"all": {"env": {"A B": "x"}}}}, "fleet_flux_controllers.all.env", "name"),
    ({"patches": [PATCH, {"target": {}, "patch": ""}]}, "fleet_flux_patches[1]", "nothing"),
    ({"patches": [{"path": "x.yaml"}]}, "fleet_flux_patches[0]", "two fields"),
    ({"patches": [PATCH | {"target": {"kin": "x"}}]}, "fleet_flux_patches[0]", "kin"),
    ({"patches": [PATCH | {"target": {"name": "("}}]}, "fleet_flux_patches[0]", "regular expression"),
    ({"patches": [PATCH | {"target": {"labelSelector": "a in (b)"}}]}, "fleet_flux_patches[0]", "key=value"),
    ({"patches": [PATCH | {"patch": "- ["}]}, "fleet_flux_patches[0]", "no YAML"),
    ({"patches": [PATCH | {"patch": "spec: {}"}]}, "fleet_flux_patches[0]", "kustomization.yaml"),
    ({"patches": [PATCH | {"patch": [{"op": "move", "path": "/a", "from": "/b"}]}]}, "fleet_flux_patches[0]", "add"),
    ({"patches": [PATCH | {"patch": [{"op": "add", "path": "/a"}]}]}, "fleet_flux_patches[0]", "value"),
    ({"patches": [PATCH | {"patch": []}]}, "fleet_flux_patches[0]", "list of operations"),
]


@pytest.mark.parametrize(("given", "field", "hint"), WRONG)
def test_what_is_wrong_is_named(given: dict[str, Any], field: str, hint: str) -> None:
    found = [one for one in cluster(**given).problems() if one.field == field]
    assert found
    assert any(hint in one.hint for one in found)
    assert {one.where for one in found} == {"stg-1"}


def test_a_patch_of_what_is_not_there_is_refused_by_name() -> None:
    patch = {
        "target": {"kind": "Deployment", "name": "helm-controller"},
        "patch": [{"op": "remove", "path": "/spec/x"}],
    }
    with pytest.raises(InvalidInput) as caught:
        built(settings(patches=[patch]))
    assert "/spec/x" in str(caught.value)
    assert "Deployment helm-controller has no such place" in str(caught.value)
