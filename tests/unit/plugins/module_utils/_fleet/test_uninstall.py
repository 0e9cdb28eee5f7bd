# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flux leaves a cluster: what stands in the way, what goes first, and what must not be lost."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import uninstall
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import TENANT_LABEL
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.uninstall import FINALIZER, KEEP, PRUNE, Remains
from ansible_collections.fluxops.fleet.tests.unit.plugins.flux_samples import flux, sync, tenant_sync

WORD = ["decommission"]
FLUX = {"app.kubernetes.io/part-of": "flux"}


def workload(name: str, space: str, **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": space, "uid": f"{space}/{name}", "labels": labels}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata}


def definition(kind: str, group: str = "kustomize.toolkit.fluxcd.io") -> dict[str, Any]:
    versions = [
        {"name": "v1beta1", "served": False, "storage": False},
        {"name": "v1beta2", "served": True, "storage": False},
        {"name": "v1", "served": True, "storage": True},
    ]
    name = f"{kind.lower()}s.{group}"
    return {
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {"group": group, "versions": versions},
    }


NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "flux-system"}}
CONTROLLER = workload("kustomize-controller", "flux-system", **FLUX)
WEB = workload("web", "shop")
INVENTORY = [
    {"id": "_flux-system__Namespace", "v": "v1"},
    {"id": "_kustomizations.kustomize.toolkit.fluxcd.io_apiextensions.k8s.io_CustomResourceDefinition", "v": "v1"},
    {"id": "flux-system_projects-0_kustomize.toolkit.fluxcd.io_Kustomization", "v": "v1"},
    {"id": "_fleet-tenant_rbac.authorization.k8s.io_ClusterRole", "v": "v1"},
]
ROOT = {**sync("flux-system"), "status": {"inventory": {"entries": INVENTORY}}}


def remains(*workloads: dict[str, Any], syncs: tuple[dict[str, Any], ...] = (ROOT,)) -> Remains:
    return Remains(NAMESPACE, (definition("Kustomization"),), (), syncs, workloads)


@pytest.mark.parametrize(
    ("found", "workloads", "allow", "words"),
    [
        (remains(CONTROLLER, WEB), KEEP, WORD, []),
        (remains(CONTROLLER, WEB), KEEP, [], ["fleet_allow: [decommission]"]),
        (Remains(workloads=(WEB,)), KEEP, [], []),
        (remains(CONTROLLER, workload("ui", "flux-system")), KEEP, WORD, ["not Flux's"]),
        (remains(CONTROLLER, workload("source-controller", "other", **FLUX)), KEEP, WORD, ["another installation"]),
        (remains(WEB, syncs=(ROOT, tenant_sync("shop"))), PRUNE, WORD, ["nobody can prune"]),
        (remains(WEB, syncs=(ROOT,)), PRUNE, WORD, []),
    ],
)
def test_problems_truth_table(found: Remains, workloads: str, allow: list[str], words: list[str]) -> None:
    said = [str(problem) for problem in found.problems("stg-1", workloads, allow)]
    assert len(said) == len(words)
    assert all(word in line for word, line in zip(words, said, strict=True))


def test_what_the_root_sync_made_beside_flux() -> None:
    assert [str(one) for one in remains(CONTROLLER).made] == ["ClusterRole fleet-tenant"]
    assert "ClusterRole fleet-tenant" in remains(CONTROLLER).names(PRUNE)
    assert remains(CONTROLLER).names(KEEP) == [
        "Deployment flux-system/kustomize-controller",
        "CustomResourceDefinition kustomizations.kustomize.toolkit.fluxcd.io",
        "Namespace flux-system",
    ]


def test_prune_begins_with_what_applies_nothing_and_wakes_what_is_suspended() -> None:
    applied = {
        "kustomize.toolkit.fluxcd.io/name": "tenant-shop",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    }
    app = flux("Kustomization", "shop/app", labels=applied, suspend=True)
    first = uninstall.prune_step(remains(CONTROLLER, syncs=(ROOT, tenant_sync("shop"), app)))
    assert [one["metadata"]["name"] for one in first[1]] == ["app"]
    patches = {one["metadata"]["name"]: spec for one, spec in first[0]}
    assert patches["app"]["suspend"] is None
    assert patches["app"]["dependsOn"], "it applies nothing once more"
    assert patches["tenant-shop"] == {"suspend": True}
    second = uninstall.prune_step(remains(CONTROLLER, syncs=(ROOT, tenant_sync("shop", suspend=True))))
    [(one, spec)] = second[0]
    assert one["metadata"]["labels"] == {TENANT_LABEL: "shop"}
    assert (spec["suspend"], spec["deletionPolicy"]) == (None, "WaitForTermination")
    assert second[1] == [one]


def test_root_sync_is_never_pruned_since_it_applied_flux_itself() -> None:
    assert uninstall.prune_step(remains(CONTROLLER)) == ([], [])


@pytest.mark.parametrize(
    ("finalizers", "left"),
    [([FINALIZER], []), ([FINALIZER, "other/one"], ["other/one"]), (["other/one"], None), (None, None)],
)
def test_only_fluxs_own_finalizer_is_taken_off(finalizers: list[str] | None, left: list[str] | None) -> None:
    assert uninstall.stripped({"metadata": {"finalizers": finalizers}}) == left


def test_objects_are_read_by_a_version_that_is_served() -> None:
    assert uninstall.version(definition("Kustomization")) == "kustomize.toolkit.fluxcd.io/v1"
    assert uninstall.is_definition(definition("Kustomization"))
    assert not uninstall.is_definition(definition("FluxInstance", "fluxcd.controlplane.io"))


def test_what_is_lost_is_known_by_uid() -> None:
    before = remains(CONTROLLER, WEB, workload("api", "shop")).own
    anew = {**WEB, "metadata": {**WEB["metadata"], "uid": "another"}}
    assert uninstall.lost(before, remains(anew, workload("api", "shop")).own) == ["Deployment shop/web"]
    assert uninstall.counted(before) == {"Deployment": 2}


def test_releases_whose_records_go_are_named() -> None:
    apart = flux("HelmRelease", "flux-system/fine", storageNamespace="apps")
    assert uninstall.unmanaged([flux("HelmRelease", "flux-system/web"), apart, ROOT]) == ["HelmRelease flux-system/web"]
