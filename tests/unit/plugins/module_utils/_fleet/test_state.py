# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Flux on one cluster is doing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.state import FLUX_KINDS, FluxState, facts, managed_by
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import cluster

URL = "ssh://git@git.example/platform/fleet.git"
OURS = {"type": "Ready", "status": "True", "message": "fine"}


def deployment(name: str, version: str = "v2.9.4") -> dict[str, Any]:
    """A controller that runs."""
    return {
        "metadata": {
            "name": name,
            "generation": 1,
            "labels": {"app.kubernetes.io/version": version} if version else {},
        },
        "spec": {},
        "status": {"observedGeneration": 1, "updatedReplicas": 1, "availableReplicas": 1},
    }


def synced(kind: str, status: str = "True", **spec: Any) -> dict[str, Any]:
    """One of the root sync's two objects."""
    return {
        "kind": kind,
        "metadata": {"name": "flux-system", "namespace": "flux-system", "generation": 1},
        "spec": spec,
        "status": {
            "observedGeneration": 1,
            "lastAppliedRevision": "main@sha1:aaa",
            "conditions": [{"type": "Ready", "status": status, "message": "in Flux's words"}],
        },
    }


SOURCE = synced("GitRepository", url=URL, ref={"branch": "main"})
SYNC = synced("Kustomization", path="./clusters/stg-1")
CONTROLLERS = {name: deployment(name) for name in ("source-controller", "kustomize-controller", "helm-controller")}
WELL = FluxState(CONTROLLERS, SOURCE, SYNC)
NOTHING = FluxState({}, None, None)


def test_state_of_a_cluster_that_is_well() -> None:
    assert (WELL.version, WELL.revision, WELL.ready) == ("v2.9.4", "main@sha1:aaa", True)
    assert WELL.follows(cluster(), Layout())
    assert WELL.followed == FluxState.wanted(cluster(), Layout()) == (URL, "main", "clusters/stg-1")


def test_state_of_a_cluster_without_flux() -> None:
    assert (NOTHING.version, NOTHING.revision, NOTHING.ready) == ("", "", False)
    assert not NOTHING.follows(cluster(), Layout())
    assert NOTHING.followed == ("", "", "")
    assert NOTHING.explain("bbb") == "source-controller, kustomize-controller not installed"


def test_version_of_the_first_controller_that_says_one() -> None:
    assert FluxState({"a": deployment("a", ""), "b": deployment("b", "v2.9.5")}, None, None).version == "v2.9.5"


@pytest.mark.parametrize(
    "state",
    [
        replace(WELL, deployments={}),
        replace(WELL, deployments=CONTROLLERS | {"x": {**deployment("x"), "status": {}}}),
        replace(WELL, source=None),
        replace(WELL, sync=None),
        replace(WELL, source=synced("GitRepository", "False")),
        replace(WELL, sync=synced("Kustomization", "Unknown")),
        replace(WELL, sync=synced("Kustomization", suspend=True)),
    ],
)
def test_ready_needs_controllers_and_both_objects(state: FluxState) -> None:
    assert not state.ready


@pytest.mark.parametrize(
    "state",
    [
        replace(WELL, source=None),
        replace(WELL, sync=None),
        replace(WELL, sync={**SYNC, "status": {}}),
        replace(WELL, deployments={"source-controller": deployment("source-controller")}),
        replace(WELL, deployments={"kustomize-controller": deployment("kustomize-controller")}),
        replace(WELL, source=synced("GitRepository", url=URL, ref={"branch": "other"})),
        replace(WELL, source=synced("GitRepository", url=URL, ref={"tag": "main"})),
        replace(WELL, source=synced("GitRepository", url=URL)),
        replace(WELL, source=synced("GitRepository", url=URL + "x", ref={"branch": "main"})),
        replace(WELL, sync=synced("Kustomization", path="./clusters/stg-10")),
        replace(WELL, sync=synced("Kustomization")),
    ],
)
def test_follows_needs_the_same_repository_branch_and_path(state: FluxState) -> None:
    assert not state.follows(cluster(), Layout())


@pytest.mark.parametrize("path", ["clusters/stg-1", "./clusters/stg-1", "./clusters/stg-1/", "clusters/stg-1/"])
def test_follows_however_the_path_is_written(path: str) -> None:
    assert replace(WELL, sync=synced("Kustomization", path=path)).follows(cluster(), Layout())


def test_follows_needs_the_way_to_sign_in_that_its_secret_is_for() -> None:
    source = WELL.source
    assert source is not None
    by_app = replace(WELL, source={**source, "spec": {**source["spec"], "provider": "github"}})
    elsewhere = replace(WELL, source={**source, "spec": {**source["spec"], "provider": "azure"}})
    app = replace(cluster(), provider="github")
    assert (WELL.follows(app, Layout()), by_app.follows(app, Layout())) == (False, True)
    assert (by_app.follows(cluster(), Layout()), elsewhere.follows(cluster(), Layout())) == (False, True)


def test_follows_while_it_is_not_ready() -> None:
    assert replace(WELL, sync=synced("Kustomization", "False", path="./clusters/stg-1")).follows(cluster(), Layout())


@pytest.mark.parametrize(
    ("state", "rejected", "settled"),
    [
        (WELL, (), True),
        (WELL, ("bbb",), True),
        (WELL, ("aaa",), False),
        (WELL, ("bbb", "aaa"), False),
        (NOTHING, (), False),
        (replace(WELL, sync=synced("Kustomization", "False")), ("bbb",), False),
    ],
)
def test_settled_truth_table(state: FluxState, rejected: tuple[str, ...], settled: bool) -> None:
    assert state.settled(rejected) == settled


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (WELL, "applied main@sha1:aaa, which does not contain commit bbb"),
        (
            replace(WELL, source=synced("GitRepository", "False")),
            "GitRepository flux-system/flux-system: in Flux's words",
        ),
        (
            replace(WELL, sync=synced("Kustomization", "False")),
            "Kustomization flux-system/flux-system: in Flux's words",
        ),
        (FluxState(CONTROLLERS, None, None), "applied nothing, which does not contain commit bbb"),
    ],
)
def test_explain(state: FluxState, said: str) -> None:
    assert state.explain("bbb") == said


def test_explain_names_what_people_suspended() -> None:
    held = replace(WELL, sync=synced("Kustomization", suspend=True))
    assert held.explain("bbb").startswith("Kustomization flux-system/flux-system suspended")
    assert WELL.suspended == ""


def test_facts_suspended_is_no_failure_and_a_missing_controller_is() -> None:
    kinds: dict[str, list[dict[str, Any]]] = {kind: [] for _version, kind in FLUX_KINDS}
    held = synced("Kustomization", suspend=True)
    kinds |= {"Deployment": list(CONTROLLERS.values()), "GitRepository": [WELL.source or {}], "Kustomization": [held]}
    found = facts(kinds)
    assert (found["ready"], found["failure"]) == (True, "")
    assert found["suspended"] == ["Kustomization flux-system/flux-system"]
    without = facts(kinds | {"Deployment": []})
    assert not without["ready"]
    assert "not installed" in without["failure"]


@pytest.mark.parametrize(
    ("name", "spec", "status", "stuck"),
    [
        ("source-controller", {}, {"availableReplicas": 1}, False),
        ("source-controller", {}, {}, True),
        ("kustomize-controller", {"replicas": 2}, {"updatedReplicas": 2}, True),
        ("kustomize-controller", {"replicas": 2}, {"availableReplicas": 1}, False),
        ("kustomize-controller", {"replicas": 0}, {}, False),
        ("helm-controller", {}, {}, False),
    ],
)
def test_stuck_is_what_flux_can_not_mend_itself(
    name: str, spec: dict[str, Any], status: dict[str, Any], stuck: bool
) -> None:
    changed = {**deployment(name), "spec": spec, "status": status}
    assert replace(WELL, deployments={**CONTROLLERS, name: changed}).stuck is stuck
    assert not NOTHING.stuck


@pytest.mark.parametrize(
    ("metadata", "manager"),
    [
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, "Helm"),
        ({"labels": {"app.kubernetes.io/managed-by": "flux-operator"}}, "flux-operator"),
        ({"labels": {"app.kubernetes.io/managed-by": "flux"}}, ""),
        ({"annotations": {"meta.helm.sh/release-name": "flux"}}, "Helm"),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "flux:apps/Deployment"}}, "Argo CD"),
        ({"managedFields": [{"manager": "flux"}, {"manager": "helm"}]}, "Helm"),
        ({"managedFields": [{"manager": "kustomize-controller"}, {"manager": "flux"}]}, ""),
        ({}, ""),
    ],
)
def test_managed_by(metadata: dict[str, Any], manager: str) -> None:
    assert managed_by([{"metadata": {"name": "first"}}, {"metadata": metadata}]) == manager
