# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The change of infrastructure/ that a run makes: from nothing to the second run, and what takes something away."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import components, documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_files import overrides, patched
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import EDITED
from ansible_collections.fluxops.fleet.tests.unit.plugins.infrastructure_samples import (
    ENVIRONMENTS,
    Variables,
    after,
    bootstrapped,
    member,
    overlay,
    plan,
    published,
    refused,
)
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import (
    mappings,
)

GOLDEN = Path(__file__).parent / "golden" / "infrastructure.txt"
PODINFO: dict[str, Any] = {"layer": "controllers", "helm": {"repository": "https://charts.example", "version": "6.x"}}
SETTINGS = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings", "namespace": "default"},
    "data": {"cluster": "${cluster_name}", "literal": "$${cluster_name}"},
}
FLEET: dict[str, Any] = {
    "podinfo": {**PODINFO, "values": {"replicaCount": 2, "ui": {"message": "on ${cluster_name}"}}},
    "policies": {"layer": "configs", "kustomize": {"path": "infrastructure/base/policies"}},
    "settings": {"layer": "configs", "manifests": [SETTINGS], "depends_on": ["policies"]},
}


def tenants_wait_for(repository: Mapping[str, str], name: str) -> list[list[str]]:
    """What the tenants' Kustomizations of a cluster depend on, each variant once."""
    found = documents.read(repository[f"clusters/{name}/projects.yaml"], "x")
    waits = [[other["name"] for other in one["spec"].get("dependsOn", [])] for one in found if "spec" in one]
    return [names for index, names in enumerate(waits) if names not in waits[:index]]


EVERYWHERE = {
    "stg-1": (FLEET, {"podinfo": {"values": {"replicaCount": 1}}}),
    "stg-2": (
        FLEET,
        {"podinfo": {"values": {"replicaCount": 1}}},
        {},
        {"podinfo": {"values": {"ui": {"color": "red"}}}},
    ),
    "prd-1": (FLEET, {}),
}


def test_golden() -> None:
    found = plan(bootstrapped(), EVERYWHERE)
    shown = [
        one for one in found.plan.changes if not one.path.endswith("/projects.yaml")
    ]  # other golden files have them
    text = found.message + "".join(f"===== {one.path} =====\n{one.after}" for one in shown)
    if os.environ.get("FLEET_WRITE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_second_run_does_nothing() -> None:
    found = plan(published(EVERYWHERE), EVERYWHERE)
    assert found.plan.changes == ()
    assert found.plan.held == {}


def test_no_components_no_files() -> None:
    assert plan(bootstrapped(), {"stg-1": ({},)}).plan.changes == ()


def test_only_environments_of_the_run_are_written() -> None:
    found = plan(bootstrapped(), {"stg-1": EVERYWHERE["stg-1"]})
    assert all(path.startswith(("clusters/stg-1/", "infrastructure/staging/")) for path in found.plan.paths)
    assert found.message.startswith("infrastructure in staging: podinfo, settings\n")


def test_tenants_wait_for_the_last_layer() -> None:
    assert tenants_wait_for(bootstrapped(), "stg-1") == [[]]
    assert tenants_wait_for(published(EVERYWHERE), "stg-1") == [["infrastructure-policies", "infrastructure-settings"]]
    assert tenants_wait_for(published({"stg-1": ({"podinfo": PODINFO},)}), "stg-1") == [["infrastructure-podinfo"]]


def test_configs_wait_for_controllers() -> None:
    found = overlay(published(EVERYWHERE), "stg-1")
    waits = {name: [other["name"] for other in one["spec"].get("dependsOn", [])] for name, one in found.items()}
    assert waits == {
        "infrastructure-podinfo": [],
        "infrastructure-policies": ["infrastructure-podinfo"],
        "infrastructure-settings": ["infrastructure-podinfo", "infrastructure-policies"],
    }


def test_a_cluster_loses_what_is_no_longer_for_it() -> None:
    """Its environment's files stay, since another cluster has it still."""
    repository = published(EVERYWHERE)
    fleet = {**FLEET, "settings": {**FLEET["settings"], "clusters": {"names": ["stg-2", "prd-1"]}}}
    layers = {name: (fleet, *own[1:]) for name, own in EVERYWHERE.items()}
    (said,) = refused(repository, layers).splitlines()[1:]
    assert said == (
        "  - stg-1: fleet_components.settings: takes all of it away from stg-1: "
        "run again with fleet_allow: [remove_component]"
    )
    found = after(repository, plan(repository, layers, allow=["remove_component"]))
    changed = {path for path in found if found[path] != repository.get(path)}
    assert changed == {"clusters/stg-1/infrastructure.yaml", "clusters/stg-1/projects.yaml"}
    assert "infrastructure-settings" not in overlay(found, "stg-1")
    assert plan(found, layers).plan.changes == ()


def test_everything_at_fleet_level_works_under_lockdown() -> None:
    repository = published(EVERYWHERE)
    for one in overlay(repository, "stg-1").values():
        assert one["metadata"]["namespace"] == "flux-system"
        assert one["spec"]["serviceAccountName"] == "kustomize-controller"
        assert one["spec"]["sourceRef"] == {"kind": "GitRepository", "name": "flux-system"}
        assert one["spec"]["wait"] is one["spec"]["prune"] is True
    _source, release = documents.read(repository["infrastructure/staging/controllers/podinfo/helm.yaml"], "x")
    assert release["metadata"]["namespace"] == "flux-system"
    assert release["spec"]["serviceAccountName"] == "helm-controller"
    assert release["spec"]["targetNamespace"] == "podinfo"


def test_source_with_secrets_and_registry() -> None:
    helm = {
        "repository": "oci://registry.example/charts",
        "version": "1.0.0",
        "secret": "robot",
        "ca_secret": "corp-ca",
    }
    repository = published({"stg-1": ({"podinfo": {"layer": "controllers", "helm": helm}},)})
    source, _release = documents.read(repository["infrastructure/staging/controllers/podinfo/helm.yaml"], "x")
    assert source["spec"] == {
        "interval": "1h", "type": "oci", "url": "oci://registry.example/charts",
        "secretRef": {"name": "robot"}, "certSecretRef": {"name": "corp-ca"},
    }  # fmt: skip


def test_cluster_layer_is_a_patch_of_what_differs() -> None:
    repository = published(EVERYWHERE)
    own, other = (overlay(repository, name)["infrastructure-podinfo"]["spec"] for name in ("stg-2", "stg-1"))
    assert own["path"] == other["path"] == "./infrastructure/staging/controllers/podinfo"
    assert "patches" not in other
    (patch,) = own["patches"]
    assert patch["target"] == {
        "group": "helm.toolkit.fluxcd.io", "kind": "HelmRelease", "namespace": "flux-system", "name": "podinfo",
    }  # fmt: skip
    assert documents.read(patch["patch"], "x") == [
        {
            "apiVersion": "helm.toolkit.fluxcd.io/v2",
            "kind": "HelmRelease",
            "metadata": {"name": "podinfo", "namespace": "flux-system"},
            "spec": {"values": {"ui": {"color": "red"}}},
        }
    ]


@pytest.mark.parametrize(
    "cluster_layer",
    [
        {"podinfo": {"values": {"ui": {"message": None}}}},
        {"podinfo": {"values": {"ui": "none"}}},
        {"podinfo": {"values": {"replicaCount": {"min": 1}}}},
        {"podinfo": {"values": {"$patch": "delete"}}},
        {"settings": {"manifests": [{**SETTINGS, "data": {"x": "1"}}]}},
        {"settings": {"manifests": [{**SETTINGS, "kind": "Thing"}]}},
        {"own": {"layer": "configs", "manifests": [{**SETTINGS, "metadata": {"name": "own"}}]}},
    ],
)
def test_what_patches_can_not_say_gets_a_directory_of_its_own(cluster_layer: dict[str, Any]) -> None:
    (name,) = cluster_layer
    repository = published({"stg-1": (FLEET,), "stg-2": (FLEET, {}, {}, cluster_layer)})
    found = overlay(repository, "stg-2")[f"infrastructure-{name}"]["spec"]
    assert found["path"] == f"./infrastructure/staging/clusters/stg-2/{name}"
    assert "patches" not in found
    written = [path for path in repository if path.startswith(found["path"].removeprefix("./"))]
    assert len(written) == 1
    if name in FLEET:
        other = overlay(repository, "stg-1")[f"infrastructure-{name}"]["spec"]["path"]
        assert f"{other.removeprefix('./')}/{Path(written[0]).name}" in repository


def test_one_cluster_without_what_its_environment_has() -> None:
    layers = {"stg-1": (FLEET,), "stg-2": (FLEET, {}, {}, {"podinfo": {"state": "absent"}})}
    repository = published(layers)
    assert set(overlay(repository, "stg-2")) == {"infrastructure-policies", "infrastructure-settings"}
    assert "dependsOn" not in overlay(repository, "stg-2")["infrastructure-policies"]["spec"]
    assert "infrastructure/staging/controllers/podinfo/helm.yaml" in repository


def test_cluster_that_is_down_keeps_its_own_files() -> None:
    found = plan(bootstrapped(), EVERYWHERE, away=["stg-1"])
    assert not [path for path in found.plan.paths if path.startswith("clusters/stg-1/")]
    assert "infrastructure/staging/controllers/podinfo/helm.yaml" in found.plan.paths
    assert found.outcome(member("stg-1"))["files"] == [
        "infrastructure/staging/configs/settings/manifests.yaml",
        "infrastructure/staging/controllers/podinfo/helm.yaml",
    ]
    repository = after(bootstrapped(), found)
    assert "clusters/stg-1/infrastructure.yaml" in plan(repository, EVERYWHERE).plan.paths


def test_forgotten_component_is_refused() -> None:
    left = {name: fields for name, fields in FLEET.items() if name != "podinfo"}
    said = refused(published(EVERYWHERE), {"stg-1": (left,)})
    assert "stg-1: fleet_components.podinfo: stg-1 has this component, and the inventory names it no more" in said
    assert "put it back, or say state: absent" in said


def absent(name: str) -> Variables:
    """The fleet's layers with one component taken away."""
    return ({**FLEET, name: {**FLEET[name], "state": "absent"}},)


def test_absent_component_needs_its_word() -> None:
    layers = {name: absent("podinfo") for name in ENVIRONMENTS}
    said = refused(published(EVERYWHERE), layers)
    assert "prd-1: fleet_components.podinfo: takes all of it away from prd-1" in said
    assert "fleet_allow: [remove_component]" in said


def test_absent_component_goes_when_nobody_takes_it() -> None:
    file = "infrastructure/staging/controllers/podinfo/helm.yaml"
    first = plan(published(EVERYWHERE), {"stg-1": absent("podinfo")}, allow=["remove_component"])
    repository = after(published(EVERYWHERE), first)
    assert "infrastructure-podinfo" not in overlay(repository, "stg-1")
    assert file in repository  # stg-2 has it still
    last = plan(repository, {"stg-2": absent("podinfo")}, allow=["remove_component"])
    assert file in last.outcome(member("stg-2"))["files"]
    repository = after(repository, last)
    assert file not in repository
    assert "infrastructure/production/controllers/podinfo/helm.yaml" in repository
    assert plan(repository, {"stg-1": absent("podinfo"), "stg-2": absent("podinfo")}).plan.changes == ()


def test_files_that_people_wrote_stay() -> None:
    mine = "infrastructure/staging/controllers/podinfo/mine.yaml"
    foreign = "infrastructure/staging/controllers/old/helm.yaml"
    repository = published(EVERYWHERE) | {mine: "a: b\n", foreign: "c: d\n"}
    layers = {name: absent("podinfo") for name in ENVIRONMENTS}
    found = plan(repository, layers, allow=["remove_component"])
    assert {mine, foreign} <= set(after(repository, found))
    assert found.plan.held == {}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"podinfo": {"namespace": "other"}}, "takes release podinfo/podinfo of chart podinfo away from stg-1"),
        ({"podinfo": {"helm": {"release": "other"}}}, "takes release podinfo/podinfo of chart podinfo away"),
        ({"podinfo": {"helm": {"chart": "other"}}}, "takes release podinfo/podinfo of chart podinfo away"),
        (
            {"settings": {"manifests": [{**SETTINGS, "metadata": {"name": "x"}}]}},
            "takes ConfigMap default/settings away",
        ),
    ],
)
def test_what_would_be_installed_anew_needs_the_word(changes: dict[str, Any], words: str) -> None:
    repository = published({"stg-1": (FLEET,)})
    for layers in ((components.merged([FLEET, changes]),), (FLEET, {}, {}, changes)):
        assert words in refused(repository, {"stg-1": layers})
        assert plan(repository, {"stg-1": layers}, allow=["remove_component"]).plan.changes


def test_another_kind_needs_the_word() -> None:
    repository = published({"stg-1": (FLEET,)})
    directory = {"layer": "configs", "kustomize": FLEET["policies"]["kustomize"], "target_namespace": "settings"}
    other = {**FLEET, "settings": directory}
    assert "takes what infrastructure/staging/configs/settings holds away" in refused(repository, {"stg-1": (other,)})


def test_undoing_a_patch_of_the_target_needs_the_word() -> None:
    repository = published({"stg-1": (FLEET, {}, {}, {"podinfo": {"namespace": "other"}})})
    assert "takes release other/podinfo of chart podinfo away" in refused(repository, {"stg-1": (FLEET,)})


def test_moving_between_directories_takes_nothing_away() -> None:
    own = {"podinfo": {"values": {"ui": None}}}
    repository = published({"stg-1": (FLEET,)})
    there = plan(repository, {"stg-1": (FLEET, {}, {}, own)})
    back = plan(after(repository, there), {"stg-1": (FLEET,)})
    assert after(after(repository, there), back) == repository
    later = {**FLEET, "podinfo": {**FLEET["podinfo"], "layer": "configs"}}
    moved = after(repository, plan(repository, {"stg-1": (later,)}))
    assert "infrastructure/staging/configs/podinfo/helm.yaml" in moved
    assert "infrastructure/staging/controllers/podinfo/helm.yaml" not in moved


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("infrastructure/base/nothing", "the fleet repository has no such directory on main: commit it first"),
        ("infrastructure/base/polic", "no such directory"),
        ("infrastructure/production/x", "must lie in infrastructure/base/ or infrastructure/staging/"),
        ("infrastructure/based", "must lie in infrastructure/base/"),
        ("clusters/stg-1", "must lie in infrastructure/base/"),
    ],
)
def test_kustomize_directory(path: str, words: str) -> None:
    said = refused(bootstrapped(), {"stg-1": ({"x": {"layer": "configs", "kustomize": {"path": path}}},)})
    assert f"fleet_components.x.kustomize.path is '{path}': " in said
    assert words in said


def test_unknown_facts_are_refused() -> None:
    wrong = {**FLEET, "podinfo": {**PODINFO, "values": {"zone": "${zone}"}}}
    said = refused(bootstrapped(), {"stg-1": (wrong,), "stg-2": (wrong,)})
    assert said.count("\n") == 1
    assert (
        "stg-1, stg-2: fleet_components.podinfo: HelmRelease.spec.values.zone is '${zone}': the cluster has no" in said
    )
    assert "write $${zone} for the text itself" in said


def test_unknown_cluster_is_refused() -> None:
    assert "run the playbook bootstrap" in refused({}, {"stg-1": (FLEET,)})


@pytest.mark.parametrize("hand_edits", ["hold", "keep", "overwrite"])
def test_hand_edited_files(hand_edits: str) -> None:
    repository = published(EVERYWHERE)
    file, own = "infrastructure/staging/controllers/podinfo/helm.yaml", "clusters/stg-1/infrastructure.yaml"
    for path in (file, own):
        repository[path] = repository[path].replace("interval: 10m", "interval: 20m")
    changed = {**FLEET, "extra": {**PODINFO, "layer": "configs"}}
    layers = {name: (changed, *own_layers[1:]) for name, own_layers in EVERYWHERE.items()}
    found = plan(repository, layers, hand_edits=hand_edits)
    held = {file: EDITED, own: EDITED} if hand_edits == "hold" else {}
    assert found.plan.held == held
    assert found.outcome(member("stg-1"))["held"] == held
    assert found.outcome(member("stg-2"))["held"] == {path: why for path, why in held.items() if path == file}
    waits = tenants_wait_for(after(repository, found), "stg-1")
    assert ("infrastructure-extra" in waits[0]) == (hand_edits == "overwrite")


def test_what_people_added_by_hand_needs_the_word_only_where_it_goes() -> None:
    file, by_hand = "infrastructure/staging/configs/settings/manifests.yaml", "name: settings-by-hand"
    repository = published(EVERYWHERE)
    repository[file] = repository[file].replace("name: settings", by_hand)
    assert file in plan(repository, EVERYWHERE).plan.held
    assert "takes ConfigMap default/settings-by-hand away" in refused(repository, EVERYWHERE, hand_edits="overwrite")
    found = plan(repository, EVERYWHERE, hand_edits="overwrite", allow=["remove_component"])
    assert after(repository, found) == published(EVERYWHERE)


def test_unreadable_overlay_is_refused() -> None:
    repository = published(EVERYWHERE) | {"clusters/stg-1/infrastructure.yaml": "a: [\n"}
    assert "clusters/stg-1/infrastructure.yaml: YAML" in refused(repository, {"stg-1": (FLEET,)})


RELEASE = {"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": {"name": "x"}}


@given(mappings, mappings)
def test_overrides_give_what_was_asked_for(weak: dict[str, Any], strong: dict[str, Any]) -> None:
    before = {**RELEASE, "spec": {"values": weak}}
    wanted = {**RELEASE, "spec": {"values": components.merged([weak, strong])}}
    patches = overrides([before], [wanted])
    if patches is not None:
        assert documents.digest([patched(before, patches)]) == documents.digest([wanted])
        assert bool(patches) == (documents.digest([before]) != documents.digest([wanted]))


@settings(max_examples=40)
@given(mappings)
def test_values_stay_values(values: dict[str, Any]) -> None:
    fleet = {"podinfo": {**PODINFO, "values": json.loads(json.dumps(values).replace("${", "$${"))}}
    repository = published({"stg-1": (fleet,)})
    file = "infrastructure/staging/controllers/podinfo/helm.yaml"
    assert repository.keys() - bootstrapped().keys() == {"clusters/stg-1/infrastructure.yaml", file}
    _source, release = documents.read(repository[file], "x")
    assert documents.digest([release["spec"]["values"]]) == documents.digest([fleet["podinfo"]["values"]])


def test_secrets_in_clear_are_refused_whoever_wrote_them() -> None:
    """Where the clusters of the run look: not what another environment has."""
    plain = "kind: Secret\ndata: {key: Y2FuYXJ5}\n"
    places = ("infrastructure/base/policies", "infrastructure/staging/configs/mine", "infrastructure/production/x")
    repository = bootstrapped() | {f"{place}/door.yaml": plain for place in places}
    said = refused(repository, {"stg-1": (FLEET,)})
    assert [f"{place}/door.yaml:1: Secret without a name: key" in said for place in places] == [True, True, False]
    assert plan(repository, {"stg-1": (FLEET,)}, allow=["plain_secret"]).plan.changes


@pytest.mark.parametrize(
    ("patch", "target", "said"),
    [
        ("kind: Secret\nmetadata: {name: door}\nstringData: {key: c4nary}\n", None, "Secret door: key"),
        (
            "- {op: add, path: /data/key, value: YzRuYXJ5}\n",
            {"kind": "Secret", "name": "door"},
            "patch of Secret door: /data/key",
        ),
    ],
)
def test_patches_bring_no_secret_in_clear(patch: str, target: dict[str, str] | None, said: str) -> None:
    patches = [{"patch": patch, **({"target": target} if target else {})}]
    fleet = {**FLEET, "policies": {**FLEET["policies"], "patches": patches}}
    repository = published({"stg-1": (FLEET,)})
    found = refused(repository, {"stg-1": (fleet,)})
    assert f"fleet_components.policies.patches: {said}" in found
    assert "c4nary" not in found
    assert "YzRuYXJ5" not in found
    assert plan(repository, {"stg-1": (fleet,)}, allow=["plain_secret"]).plan.changes
