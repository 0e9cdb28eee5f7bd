# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From one Flux to another: what is refused, by which word it is let through, and what is rewritten."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, upgrade
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.controllers import COMPONENTS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.manifest import Manifest
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import cluster


def crd(name: str, component: str, *versions: str) -> documents.Document:
    """A definition as far as it matters here; a version with a minus is there and no longer served."""
    every = [{"name": one.removeprefix("-"), "served": not one.startswith("-")} for one in versions]
    labels = {"app.kubernetes.io/component": component}
    metadata = {"name": name, "labels": labels}
    kind = "CustomResourceDefinition"
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": kind, "metadata": metadata, "spec": {"versions": every}}


RELEASE = Manifest(
    "# Components: " + ",".join([*COMPONENTS, "image-reflector-controller"]) + "\n---\n"
    + documents.write([
        crd("helmreleases.helm", "helm-controller", "v2", "-v2beta2"),
        crd("kustomizations.kustomize", "kustomize-controller", "v1"),
        crd("imagepolicies.image", "image-reflector-controller", "v1"),
    ])
)  # fmt: skip


def definition(name: str, *stored: str, storage: str = "", objects: int = 0) -> dict[str, Any]:
    """How objects are stored in a cluster."""
    return {"name": name, "stored": list(stored), "storage": storage or stored[-1], "objects": objects}


def problems(*definitions: dict[str, Any], allow: tuple[str, ...] = (), migrates: bool = False) -> list[Problem]:
    """What is wrong with these, for what is installed by default."""
    return upgrade.definition_problems(cluster(), definitions, RELEASE, allow, migrates=migrates)


def test_definitions_that_stay_are_no_problem() -> None:
    assert problems(definition("helmreleases.helm", "v2"), definition("kustomizations.kustomize", "v1")) == []
    assert problems() == []


@pytest.mark.parametrize("name", ["imagepolicies.image", "receivers.other"])
def test_definitions_that_would_go_are_named_with_all_that_goes_with_them(name: str) -> None:
    (problem,) = problems(definition(name, "v1", objects=7))
    assert (problem.where, problem.value) == ("stg-1", name)
    assert "all of its 7 object(s)" in problem.hint
    assert "fleet_allow: [remove_flux_component]" in problem.hint
    assert problems(definition(name, "v1", objects=7), allow=("remove_flux_component",)) == []


def test_a_chosen_component_keeps_its_definitions() -> None:
    one = cluster(components=[*COMPONENTS, "image-reflector-controller"])
    assert upgrade.definition_problems(one, [definition("imagepolicies.image", "v1")], RELEASE, ()) == []


def test_versions_that_are_stored_and_no_longer_served_want_the_upgrade() -> None:
    old = definition("helmreleases.helm", "v2beta2", "v2")
    (problem,) = problems(old)
    assert (problem.field, problem.value) == ("status.storedVersions", "v2beta2")
    assert "playbook upgrade" in problem.hint
    assert problems(old, migrates=True) == []


@pytest.mark.parametrize("migrates", [False, True])
def test_what_today_is_stored_in_a_version_that_is_gone_wants_a_step_between(migrates: bool) -> None:
    (problem,) = problems(definition("helmreleases.helm", "v2beta1", storage="v2beta1"), migrates=migrates)
    assert "an earlier minor of Flux first" in problem.hint


def test_each_cluster_is_held_against_its_manifest() -> None:
    patch = {"target": {"kind": "CustomResourceDefinition"}, "patch": [{"op": "remove", "path": "/spec/nothing"}]}
    every = [cluster("a", components=[*COMPONENTS, "source-watcher"]), cluster("b", patches=[patch]), cluster("c")]
    facts = {"c": {"definitions": [definition("imagepolicies.image", "v1")]}, "a": {}}
    manifests = {every[0].distribution: RELEASE}
    refused = upgrade.manifest_problems(every, facts, manifests, [])
    assert [(one.where, one.field, one.value) for one in sorted(refused)] == [
        ("a", "fleet_flux_components", "source-watcher"),
        ("b", "path", "/spec/nothing"),
        ("c", "CustomResourceDefinition", "imagepolicies.image"),
    ]
    assert upgrade.manifest_problems([cluster("c")], {}, manifests, []) == []


def test_a_manifest_of_another_version_is_refused() -> None:
    other = Manifest("# Flux Version: v2.8.0\n" + RELEASE.text, "install.yaml")
    (problem,) = upgrade.manifest_problems([cluster()], {}, {cluster().distribution: other}, [])
    assert (problem.field, problem.value) == ("fleet_flux_version", "v2.9.4")
    assert "install.yaml is Flux v2.8.0" in problem.hint


def found(version: str = "v2.9.4", kubernetes: str = "v1.36.3", **more: Any) -> dict[str, Any]:
    """What preflight finds in a cluster."""
    return {"version": version, "kubernetes_version": kubernetes, "controllers": list(COMPONENTS), **more}


STEPS = [
    ("v2.9.4", "v2.9.4", "", ""),
    ("v2.9.3", "v2.9.4", "", ""),
    ("v2.8.0", "v2.9.4", "", ""),
    ("", "v2.9.4", "", ""),
    ("v2.9.5", "v2.9.4", "a step back", "downgrade_flux"),
    ("v2.10.0", "v2.9.4", "a step back", "downgrade_flux"),
    ("v2.7.9", "v2.9.4", "playbook upgrade", "skip_flux_minor"),
    ("v2.9.4", "2.8", "", ""),
    ("v2.9.4", "v2.11.0", "minor by minor", "skip_flux_minor"),
]


@pytest.mark.parametrize(("before", "after", "hint", "word"), STEPS)
def test_steps_back_and_over_a_minor_need_a_word(before: str, after: str, hint: str, word: str) -> None:
    one = cluster(version=after)
    refused = upgrade.version_problems(one, found(before), (), migrates=False)
    assert [hint in problem.hint and word in problem.hint for problem in refused] == [True] * bool(hint)
    assert upgrade.version_problems(one, found(before), (word,), migrates=False) == []
    skips = word == "skip_flux_minor"
    assert bool(upgrade.version_problems(one, found(before), (), migrates=True)) == (bool(hint) and not skips)


@pytest.mark.parametrize(
    ("kubernetes", "flux", "fine"),
    [
        ("v1.33.0", "v2.9.4", True),
        ("v1.32.9", "v2.9.4", False),
        ("v1.32.9-eks-1234", "v2.9.4", False),
        ("v1.30.0+k3s1", "v2.5.0", True),
        ("v1.20.0", "v2.99.0", True),
        ("strange", "v2.9.4", True),
        ("v1.33.0", "strange", True),
    ],
)
def test_kubernetes_is_as_new_as_flux_wants_it(kubernetes: str, flux: str, fine: bool) -> None:
    refused = upgrade.version_problems(cluster(version=flux), found("", kubernetes), (), migrates=False)
    assert (refused == []) == fine
    assert all("1.33 or later" in problem.hint for problem in refused)


def test_definitions_matter_where_flux_changes() -> None:
    assert not upgrade.matters(found(), cluster())
    assert not upgrade.matters(found("", controllers=[]), cluster())
    assert upgrade.matters(found("v2.9.3"), cluster())
    assert upgrade.matters(found(controllers=[*COMPONENTS, "source-watcher"]), cluster())
    assert upgrade.matters(found(), cluster(components=list(COMPONENTS[:3])))


def test_outdated_are_those_with_another_version_in_store() -> None:
    every = [definition("a", "v1"), definition("b", "v1", "v2"), definition("c", "v1", storage="v2")]
    assert [one["name"] for one in upgrade.outdated(every)] == ["b", "c"]


def test_rewritten_objects_name_the_new_version_everywhere() -> None:
    managers = [
        {"manager": "a", "apiVersion": "x.io/v1beta1", "fieldsV1": {}},
        {"manager": "b", "apiVersion": "x.io/v1"},
        {"manager": "c", "apiVersion": "v1"},
    ]
    before = {"metadata": {"name": "n", "resourceVersion": "7", "managedFields": managers}}
    assert upgrade.rewritten(before, "v1") == {
        "metadata": {
            "resourceVersion": "7",
            "managedFields": [managers[0] | {"apiVersion": "x.io/v1"}, managers[1], managers[2]],
        }
    }


def test_skew_names_the_clusters_that_stay_at_other_versions() -> None:
    locks = {
        "a": ("v2.8.0", "x"),
        "b": ("v2.9.4", "y"),
        "d": ("v2.8.0", "x"),
        "stg-1": ("v2.8.0", "x"),
        "c": ("v2.7.0", "z"),
    }
    assert upgrade.skew([cluster()], locks) == [
        "Flux v2.7.0 is still meant for c",
        "Flux v2.8.0 is still meant for a, d",
    ]
    assert upgrade.skew([cluster()], {"b": ("v2.9.4", "y")}) == []
