# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How components and tenants are: which objects count, whose words are told, what waits and what has failed."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import health, ready
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.health import View
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import COMPONENT_LABEL, TENANT_LABEL, shard_of
from ansible_collections.fluxops.fleet.tests.unit.plugins.flux_samples import (
    NEW,
    OLD,
    component_sync,
    flux,
    found,
    sync,
    tenant_sync,
)

OWNERS = {"shop": "shop", "shop-jobs": "shop"}
SHARD = f"projects-{shard_of('shop')}"
OWN_SOURCE = {"kind": "GitRepository", "name": "deploy"}


def tenant(*objects: dict[str, Any], asked: str = "", with_shard: bool = False) -> health.Health:
    return View(found(*objects), OWNERS, asked).tenant("shop", with_shard=with_shard)


@pytest.mark.parametrize(
    ("objects", "state", "said"),
    [
        ([tenant_sync("shop")], "ready", ""),
        ([], "missing", "there is no Kustomization flux-system/tenant-shop"),
        (
            [tenant_sync("shop", "False")],
            "failed",
            "Kustomization flux-system/tenant-shop: tenant-shop in Flux's words",
        ),
        ([tenant_sync("shop", "Unknown")], "waiting", "tenant-shop in Flux's words"),
        ([tenant_sync("shop", suspend=True)], "suspended", "suspended (Kustomization flux-system/tenant-shop)"),
        ([tenant_sync("shop", revision=OLD)], "waiting", f"applied {OLD}, its source holds {NEW}"),
        ([tenant_sync("shop"), flux("GitRepository", "shop/deploy", "False")], "failed", "GitRepository shop/deploy: "),
        ([tenant_sync("shop"), flux("HelmRelease", "shop-jobs/web", "False")], "failed", "HelmRelease shop-jobs/web: "),
        ([tenant_sync("shop"), flux("GitRepository", "other/deploy", "False")], "ready", ""),
        ([tenant_sync("shop"), tenant_sync("other", "False")], "ready", ""),
        ([flux("GitRepository", "shop/deploy", "False")], "missing", "if it has left, run offboard again"),
        ([flux("GitRepository", "shop/deploy")], "missing", "there is no Kustomization flux-system/tenant-shop"),
        ([tenant_sync("shop"), flux("HelmRepository", "shop/charts", "False", type="oci")], "ready", ""),
        ([tenant_sync("shop"), flux("HelmRelease", "shop/web", suspend=True)], "suspended", "HelmRelease shop/web"),
        (
            [tenant_sync("shop", suspend=True), flux("HelmRelease", "shop/web", "False")],
            "failed",
            "HelmRelease shop/web: ",
        ),
    ],
)
def test_tenant_truth_table(objects: list[dict[str, Any]], state: str, said: str) -> None:
    one = tenant(*objects)
    assert one.state == state
    assert said in one.failure
    assert (one.failure == "") == (state == "ready")
    assert one.as_dict()["ready"] == (state == "ready")
    assert one.as_dict()["suspended"] == (state == "suspended")
    assert one.settled == (state in ("ready", "suspended"))


def test_a_label_within_a_namespace_makes_no_tenant_and_no_component() -> None:
    forged = {TENANT_LABEL: "stranger", COMPONENT_LABEL: "stranger"}
    view = View(found(tenant_sync("shop"), flux("Kustomization", "shop/app", labels=forged)), OWNERS)
    assert view.tenants == ["shop"]
    assert view.components == []


def test_tenants_are_known_by_their_sync_or_by_their_namespace() -> None:
    assert View(found(tenant_sync("a")), {"x": "b"}).tenants == ["a", "b"]


def test_the_cause_is_told_before_its_effect_and_a_failure_before_what_waits() -> None:
    source, app = flux("GitRepository", "shop/deploy", "False"), flux("Kustomization", "shop/app", "False")
    assert "GitRepository shop/deploy" in tenant(app, source, tenant_sync("shop")).failure
    waiting = flux("GitRepository", "shop/deploy", "Unknown")
    assert "Kustomization shop/app" in tenant(app, waiting, tenant_sync("shop")).failure


@pytest.mark.parametrize(
    ("reason", "message", "state"),
    [
        ("DependencyNotReady", "dependency 'flux-system/x' is not ready", "waiting"),
        ("ArtifactFailed", "Source artifact not found, retrying in 30s", "waiting"),
        ("ArtifactFailed", "kustomization path not found: stat /tmp/kustomization-1/nowhere", "failed"),
        ("BuildFailed", "Source artifact not found, retrying in 30s", "failed"),
        ("ReconciliationFailed", 'apply failed: "shop" is forbidden: status unknown for quota: fleet', "waiting"),
        ("ReconciliationFailed", 'apply failed: "shop" is forbidden: exceeded quota: fleet', "failed"),
    ],
)
def test_what_flux_tries_again_has_not_failed(reason: str, message: str, state: str) -> None:
    sync = tenant_sync("shop", "False", reason=reason)
    sync["status"]["conditions"][0]["message"] = message
    assert tenant(sync).state == state


def test_revision_is_what_the_tenants_own_sync_applied() -> None:
    own = flux("Kustomization", "shop/app", revision="main@sha1:ccc", sourceRef=OWN_SOURCE)
    source = flux("GitRepository", "shop/deploy", revision="main@sha1:ccc")
    assert tenant(tenant_sync("shop"), own, source).revision == "main@sha1:ccc"
    assert tenant(tenant_sync("shop")).revision == ""
    behind = tenant(tenant_sync("shop"), own, flux("GitRepository", "shop/deploy", revision="main@sha1:ddd"))
    assert (behind.state, behind.failure) == (
        "waiting",
        "Kustomization shop/app: applied main@sha1:ccc, its source holds main@sha1:ddd",
    )


def test_shard_counts_only_where_something_is_to_come() -> None:
    late = sync(SHARD, "False")
    assert tenant(tenant_sync("shop"), late).state == "ready"
    assert (
        tenant(tenant_sync("shop"), late, with_shard=True).failure
        == f"Kustomization flux-system/{SHARD}: {SHARD} in Flux's words"
    )
    assert tenant(late, with_shard=True).state == "failed"


def test_what_waits_for_a_dependency_tells_why_that_is_not_ready() -> None:
    waits = sync(SHARD, "False", reason="DependencyNotReady", dependsOn=[{"name": "infrastructure-certs"}])
    certs = component_sync("certs", "False")
    one = tenant(waits, certs, with_shard=True)
    assert one.state == "failed"
    assert one.failure == (
        f"Kustomization flux-system/{SHARD}: waits for Kustomization flux-system/infrastructure-certs: "
        "infrastructure-certs in Flux's words"
    )
    assert tenant(waits, component_sync("certs"), with_shard=True).state == "waiting"


def test_dependencies_in_a_circle_end() -> None:
    ring = [
        component_sync("a", "False", reason="DependencyNotReady", dependsOn=[{"name": "infrastructure-b"}]),
        component_sync("b", "False", reason="DependencyNotReady", dependsOn=[{"name": "infrastructure-a"}]),
    ]
    assert View(found(*ring), {}).component("a").state == "waiting"


def test_what_was_asked_has_to_answer() -> None:
    source = flux("GitRepository", "shop/deploy", "False")
    source["metadata"]["annotations"] = {ready.REQUESTED_AT: "now"}
    assert tenant(tenant_sync("shop"), source).state == "failed"
    assert tenant(tenant_sync("shop"), source, asked="now").state == "waiting"
    assert tenant(tenant_sync("shop"), source, asked="later").state == "failed"
    source["status"]["lastHandledReconcileAt"] = "now"
    assert tenant(tenant_sync("shop"), source, asked="now").state == "failed"


def test_what_is_being_deleted_has_not_failed_by_what_it_said_before() -> None:
    sync = tenant_sync("shop", "False")
    going = {**sync, "metadata": {**sync["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    assert (tenant(going).state, tenant(sync).state) == ("waiting", "failed")
    assert tenant(going).failure == "Kustomization flux-system/tenant-shop: is being deleted"


def test_component_is_its_sync_and_what_carries_its_label_beside_it() -> None:
    label = {COMPONENT_LABEL: "certs"}
    release = flux("HelmRelease", "flux-system/certs", "False", labels=label)
    repository = flux("HelmRepository", "flux-system/charts", labels=label)
    view = View(found(component_sync("certs"), release, repository, component_sync("dns")), {})
    assert view.components == ["certs", "dns"]
    assert view.component("certs").failure == "HelmRelease flux-system/certs: certs in Flux's words"
    assert view.component("dns").state == "ready"


def test_components_revision_is_its_charts_version() -> None:
    release = flux("HelmRelease", "flux-system/certs", labels={COMPONENT_LABEL: "certs"})
    release["status"]["history"] = [{"chartVersion": "1.18.2"}, {"chartVersion": "1.18.1"}]
    view = View(found(component_sync("certs"), release, component_sync("dns")), {})
    assert (view.component("certs").revision, view.component("dns").revision) == ("1.18.2", NEW)


@pytest.mark.parametrize(("attempted", "state"), [(NEW, "failed"), (OLD, "waiting")])
def test_a_component_that_waits_for_a_failed_release_has_failed(attempted: str, state: str) -> None:
    waiting = component_sync("certs", "Unknown")
    waiting["status"]["lastAttemptedRevision"] = attempted  # a release fails as it was, until its sync has come to it
    release = flux("HelmRelease", "flux-system/certs", "False", labels={COMPONENT_LABEL: "certs"})
    issuers = component_sync("issuers", "Unknown", dependsOn=[{"name": "infrastructure-certs"}])
    one = View(found(waiting, release, issuers), {}).component("issuers")
    assert one.state == state
    assert one.failure.endswith("waits for HelmRelease flux-system/certs: certs in Flux's words")


OUTDATED = [({}, "failed"), ({"revision": OLD}, "waiting"), ({"revision": OLD, "suspend": True}, "failed")]


@pytest.mark.parametrize(("changes", "state"), OUTDATED)
def test_what_a_tenant_has_failed_as_it_was_until_all_that_brings_it_has_come_to_it(
    changes: dict[str, Any], state: str
) -> None:
    """A shard brings what a cluster says of its own, so the tenant's sync alone tells nothing of that."""
    broken = flux("Kustomization", "shop-jobs/app", "False")
    for bringing in ([tenant_sync("shop", **changes)], [tenant_sync("shop"), sync(SHARD, **changes)]):
        one = tenant(*bringing, broken, with_shard=True)
        assert one.state == state
        assert one.failure
