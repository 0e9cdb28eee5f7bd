# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A planned change of the infrastructure before its commit: what is built, what is refused, what is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.infrastructure import InfrastructurePlan
from ansible_collections.fluxops.fleet.plugins.module_utils._io.verifying import NO_BUILDER, Verifier
from ansible_collections.fluxops.fleet.tests.unit.plugins.infrastructure_samples import (
    Repository,
    Variables,
    after,
    bootstrapped,
    member,
    plan,
)
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import Files
from ansible_collections.fluxops.fleet.tests.unit.plugins.tools import kustomize

SETTINGS = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings", "namespace": "default"},
    "data": {"cluster": "${cluster_name}"},
}
FLEET: dict[str, Any] = {
    "podinfo": {
        "layer": "controllers",
        "helm": {"repository": "https://charts.example", "version": "6.x"},
        "values": {"replicaCount": 2, "ui": {"message": "on ${cluster_name}"}},
    },
    "policies": {"layer": "configs", "kustomize": {"path": "infrastructure/base/policies"}},
    "settings": {"layer": "configs", "manifests": [SETTINGS], "depends_on": ["policies"]},
}
BASE = "infrastructure/base"
POLICY = "kind: Namespace\napiVersion: v1\nmetadata: {name: policies}\n"
BOTH = {"stg-1": (FLEET,), "stg-2": (FLEET,)}


@dataclass
class Run:
    """One run's look at what it plans."""

    repository: Repository
    layers: Mapping[str, Variables]
    options: Mapping[str, Any] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        given = {"verify": "build", "schemas": None, "servers": [], **self.options}
        self.verifier = Verifier(given, self.said.append)

    def look(self) -> InfrastructurePlan:
        """The plan, looked at as before a commit."""
        members = [member(name) for name in self.layers]
        think = self.verifier.checking(
            members, lambda _snapshot: plan(self.repository, self.layers, allow=["remove_component"])
        )
        found: InfrastructurePlan = think(Files(self.repository))
        return found

    def told(self, *, check_mode: bool = True) -> dict[str, Any]:
        """What the noun's result says of it."""
        return self.verifier.tell({"diff": []}, check_mode=check_mode)

    def refusal(self) -> str:
        """What is said where it is refused."""
        with pytest.raises(InvalidInput) as caught:
            self.look()
        return str(caught.value)


def repository(**policies: str) -> Repository:
    """A bootstrapped repository with a directory that people wrote: name (less .yaml) → text."""
    files = {f"{BASE}/policies/{name}.yaml": text for name, text in (policies or {"policy": POLICY}).items()}
    kept = {path: text for path, text in bootstrapped().items() if not path.startswith(f"{BASE}/policies")}
    return {**kept, **files}


def published(layers: Mapping[str, Variables], files: Repository) -> Repository:
    """The repository after a run."""
    return after(files, plan(files, layers))


@pytest.fixture(autouse=True)
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The kustomize or kubectl that is here, alone on PATH."""
    path = Path(kustomize()[0])
    (tmp_path / path.name).symlink_to(path)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch, program: None) -> None:
    """No program that builds."""
    monkeypatch.setenv("PATH", "")


def test_each_directory_is_built_once() -> None:
    run = Run(repository(), BOTH)
    run.look()
    assert run.told()["verified"]["built"] == 3  # podinfo, policies, settings: both clusters share them
    assert run.verifier.plan[0].clusters == ("stg-1", "stg-2")


def test_new_components_are_objects_that_are_created() -> None:
    run = Run(repository(), BOTH)
    run.look()
    text = "\n".join(run.told() and run.said)
    assert "staging (all 2 clusters): policies\n      + Namespace policies\n" in text
    assert "  by clusters/stg-1/infrastructure.yaml, clusters/stg-2/infrastructure.yaml\n" in text
    # The tenants' Kustomizations change alike.
    waits = re.findall(r"~ Kustomization flux-system/projects-0 and \d+ more: spec.dependsOn: \(none\) → ", text)
    assert len(waits) == 1


def test_a_change_of_values_builds_and_shows_what_it_touches() -> None:
    files = published(BOTH, repository())
    fleet = {
        **FLEET,
        "podinfo": {**FLEET["podinfo"], "values": {"replicaCount": 3, "ui": {"message": "on ${cluster_name}"}}},
    }
    run = Run(files, {"stg-1": (fleet,), "stg-2": (fleet,)})
    run.look()
    result = run.told(check_mode=False)
    assert result["verified"]["built"] == 1
    assert result["diff"][0]["prepared"] == (
        "objects that change:\n"
        "staging (all 2 clusters): podinfo\n"
        "  ~ HelmRelease flux-system/podinfo: spec.values.replicaCount: 2 → 3\n"
        "  by infrastructure/staging/controllers/podinfo/helm.yaml\n"
    )
    assert result["objects"] == [
        {
            "environment": "staging", "clusters": ["stg-1", "stg-2"], "component": "podinfo",
            "objects": [{
                "object": "HelmRelease flux-system/podinfo", "action": "changed",
                "fields": [{"field": "spec.values.replicaCount", "before": 2, "after": 3}],
            }],
            "files": ["infrastructure/staging/controllers/podinfo/helm.yaml"],
        }
    ]  # fmt: skip
    assert run.said == []


def test_what_one_cluster_has_otherwise_is_shown_for_it_alone() -> None:
    files = published(BOTH, repository())
    own = {"podinfo": {"values": {"ui": {"message": "here, on ${cluster_name}"}}}}
    run = Run(files, {"stg-1": (FLEET,), "stg-2": (FLEET, {}, {}, own)})
    run.look()
    assert "".join(one.text for one in run.verifier.plan) == (
        "staging (stg-2): podinfo\n"
        "  ~ HelmRelease flux-system/podinfo: spec.values.ui.message: on stg-2 → here, on stg-2\n"
        "  by clusters/stg-2/infrastructure.yaml\n"
    )


def test_a_component_that_goes_takes_its_objects_with_it() -> None:
    files = published(BOTH, repository())
    fleet = {**FLEET, "settings": {"state": "absent"}}
    run = Run(files, {"stg-1": (fleet,), "stg-2": (fleet,)})
    run.look()
    text = "".join(one.text for one in run.verifier.plan)
    assert "  - ConfigMap default/settings\n" in text
    assert "  - Kustomization flux-system/infrastructure-settings\n" in text
    assert run.told()["verified"]["built"] == 0


def test_nothing_to_do_builds_nothing() -> None:
    run = Run(published(BOTH, repository()), BOTH)
    run.look()
    assert run.told() == {"diff": [], "objects": [], "verified": {**run.told()["verified"], "built": 0, "notes": []}}
    assert run.said == []


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            {
                "kustomization": "resources: [policy.yaml]\n",
                "policy": "kind: Namespace\nmetadata:\n  name: a\n bad: b\n",
            },
            "infrastructure/base/policies/policy.yaml:4: component policies of stg-1: is no YAML: ",
        ),
        (
            {"kustomization": "resources: [polcy.yaml]\n", "policy": POLICY},
            "names polcy.yaml, and there is no infrastructure/base/policies/polcy.yaml in the repository",
        ),
        (
            {"kustomization": "resources: [policy.yaml]\npatches: [{path: p.yaml}]\n", "policy": POLICY},
            "names p.yaml, and there is no infrastructure/base/policies/p.yaml in the repository",
        ),
        (
            {"kustomization": "resources: [../../../../../etc]\n"},
            "../../../../../etc leads out of the repository",
        ),
    ],
)
def test_what_can_be_told_without_kustomize_is_told_with_file_and_line(
    files: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_it = Run(repository(**files), {"stg-1": (FLEET,)}).refusal()
    monkeypatch.setenv("PATH", "")
    assert words in with_it
    assert Run(repository(**files), {"stg-1": (FLEET,)}).refusal() == with_it


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"kustomization": "resource: [policy.yaml]\n", "policy": POLICY}, 'unknown field "resource"'),
        ({"one": POLICY, "two": POLICY}, "already registered id: Namespace.v1.[noGrp]/policies.[noNs]"),
        ({"one": "kind: Namespace\napiVersion: v1\n"}, "missing metadata.name"),
    ],
)
def test_what_kustomize_refuses_is_told_in_its_words(files: dict[str, str], words: str) -> None:
    said = Run(repository(**files), BOTH).refusal()
    assert words in said
    assert "infrastructure/base/policies: component policies of stg-1, stg-2: does not build: ku" in said
    assert "is a directory" not in said
    assert "/dev/shm" not in said
    assert "fluxops-fleet-" not in said


@pytest.mark.parametrize("built", [2, 0])
def test_patches_are_built_as_flux_applies_them(built: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that name no object of Flux's own are kustomize's work, and without it nearly what it would do."""
    if not built:
        monkeypatch.setenv("PATH", "")
    patch = {"target": {"kind": "Namespace"}, "patch": "- {op: add, path: /metadata/labels, value: {a: b}}"}
    files = published(BOTH, repository())
    fleet = {**FLEET, "policies": {**FLEET["policies"], "patches": [patch]}}
    run = Run(files, {"stg-1": (fleet,), "stg-2": (fleet,)})
    run.look()
    (one,) = run.verifier.plan
    assert one.objects[0].lines == ['~ Namespace policies: metadata.labels: (none) → {"a": "b"}']
    assert run.told()["verified"]["built"] == built  # before and after


def test_remote_bases_are_told_and_not_fetched() -> None:
    url = "https://user:word@git.example/base?ref=v1"
    run = Run(repository(kustomization=f"resources: ['{url}']\n"), {"stg-1": (FLEET,)})
    run.look()
    (said,) = run.said
    assert said.startswith("infrastructure/base/policies/kustomization.yaml takes in https://")
    assert said.endswith(", and nothing is fetched here")
    assert "word" not in said


@pytest.mark.usefixtures("nothing")
def test_without_a_program_that_is_told_once_and_the_plan_is_near() -> None:
    files = {"kustomization": "resources: [policy.yaml]\nnamePrefix: my-\n", "policy": POLICY}
    run = Run(repository(**files), BOTH)
    run.look()
    run.look()
    assert run.said == [NO_BUILDER]
    assert "  + Namespace " in "".join(one.text for one in run.verifier.plan)
    assert run.told()["verified"] == {"built": 0, "by": "", "notes": [NO_BUILDER]}


DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "gates.example.com"},
    "spec": {
        "group": "example.com", "names": {"kind": "Gate", "plural": "gates"}, "scope": "Namespaced",
        "versions": [{
            "name": "v1", "served": True, "storage": True,
            "schema": {"openAPIV3Schema": {
                "type": "object",
                "properties": {"spec": {"type": "object", "properties": {"wide": {"type": "integer"}}}},
            }},
        }],
    },
}  # fmt: skip
GATE = {"apiVersion": "example.com/v1", "kind": "Gate", "metadata": {"name": "a", "namespace": "default"}}


def gates(**spec: Any) -> dict[str, Variables]:
    """Clusters that get a definition by one component, and an object of its kind by another."""
    own = {"layer": "controllers", "manifests": [DEFINITION]}
    return {"stg-1": ({"definitions": own, "gate": {"layer": "configs", "manifests": [{**GATE, "spec": spec}]}},)}


def test_objects_are_held_against_definitions_that_components_bring() -> None:
    Run(repository(), gates(wide=3)).look()
    said = Run(repository(), gates(wide="${cluster_name}", hihg=1)).refusal()
    where = "infrastructure/staging/configs/gate: component gate of stg-1: Gate default/a: "
    assert f"{where}spec.wide: must be a whole number, and is text" in said
    assert f"{where}spec.hihg: there is no such field; the fields are wide" in said


def test_objects_are_held_against_schemas_of_a_directory(tmp_path: Path) -> None:
    folder = tmp_path / "schemas"
    folder.mkdir()
    (folder / "gate.yaml").write_text(json.dumps(DEFINITION))
    own = {"stg-1": ({"gate": gates(hihg=1)["stg-1"][0]["gate"]},)}
    Run(repository(), own).look()
    assert "spec.hihg: there is no such field" in Run(repository(), own, {"schemas": str(folder)}).refusal()
    (folder / "more.json").write_text("{")
    assert "more.json: fleet_schemas: can't be read" in Run(repository(), own, {"schemas": str(folder)}).refusal()
    assert "fleet_schemas is '/nowhere'" in Run(repository(), own, {"schemas": "/nowhere"}).refusal()
