# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run waits for, whom it asks, and when it gives up."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import standing, state
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.health import Health, View
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.standing import Stalled, Standing, Wish
from ansible_collections.fluxops.fleet.tests.unit.plugins.flux_samples import (
    NEW,
    OLD,
    component_sync,
    flux,
    found,
    sync,
    tenant_sync,
)

OWNERS = {"shop": "shop", "bank": "bank"}


def wish(**changes: Any) -> Wish:
    values: dict[str, Any] = {"commit": "ccc", "rejected": (), "components": False, "tenants": []}
    return Wish(**values | changes)


def stand(objects: dict[str, list[dict[str, Any]]], wished: Wish) -> Standing:
    return standing.stand(View(objects, OWNERS), state.of(objects), wished)


@pytest.mark.parametrize(
    ("objects", "rejected", "expected", "said"),
    [
        ([], (), "ready", ""),
        ([], ("aaa",), "ready", ""),
        ([], ("bbb",), "waiting", "does not contain commit ccc"),
        ([sync("flux-system", "False")], (), "failed", "Kustomization flux-system/flux-system: "),
        (
            [flux("GitRepository", "flux-system/flux-system", "False")],
            (),
            "failed",
            "GitRepository flux-system/flux-system: ",
        ),
        ([sync("flux-system", revision=OLD)], (), "waiting", f"applied {OLD}, its source holds {NEW}"),
        ([sync("flux-system", suspend=True)], (), "suspended", "resume"),
    ],
)
def test_root_truth_table(objects: list[dict[str, Any]], rejected: tuple[str, ...], expected: str, said: str) -> None:
    one = stand(found(*objects), wish(rejected=rejected))
    assert one.root.state == expected
    assert said in one.root.failure
    assert bool(one.pending) == (expected != "ready")


def test_root_of_a_cluster_without_flux() -> None:
    nothing: dict[str, list[dict[str, Any]]] = {kind: [] for kind in found()}
    assert stand(nothing, wish()).root.state == "missing"
    assert "not installed" in stand(nothing, wish()).root.failure
    assert "run bootstrap" in stand(found() | {"GitRepository": []}, wish()).root.failure


@pytest.mark.parametrize(
    ("root", "state"),
    [
        (sync("flux-system"), "failed"),
        (sync("flux-system", "False"), "failed"),
        (sync("flux-system", revision=OLD), "waiting"),
    ],
)
def test_what_failed_by_the_revision_before_the_wished_one_has_not_failed_yet(root: dict[str, Any], state: str) -> None:
    objects = found(root, component_sync("certs", "False"), tenant_sync("shop", "False"))
    one = stand(objects, wish(components=True, tenants=["shop", "gone"]))
    assert [each.state for each in (*one.components, *one.tenants)] == [
        state,
        state,
        state.replace("failed", "missing"),
    ]
    assert all(each in one.pending and each.failure for each in (*one.components, *one.tenants))


def test_only_what_is_wished_is_looked_at() -> None:
    objects = found(component_sync("certs", "False"), tenant_sync("shop", "False"), tenant_sync("bank"))
    assert stand(objects, wish()).pending == []
    assert [one.name for one in stand(objects, wish(components=True)).pending] == ["certs"]
    assert [one.name for one in stand(objects, wish(tenants=["bank", "nobody"])).pending] == ["nobody"]
    assert [one.name for one in stand(objects, wish(tenants=None)).pending] == ["shop"]


def test_all_that_is_not_ready_is_said() -> None:
    objects = found(component_sync("certs", "False"), tenant_sync("shop", "False"), tenant_sync("bank", suspend=True))
    one = stand(objects, wish(components=True, tenants=None))
    assert one.explain().splitlines() == [
        "",
        "  - component certs: Kustomization flux-system/infrastructure-certs: infrastructure-certs in Flux's words",
        "  - tenant shop: Kustomization flux-system/tenant-shop: tenant-shop in Flux's words",
    ]
    assert stand(objects, wish(tenants=["shop"])).explain().startswith("tenant shop: Kustomization")
    assert one.as_dict()["tenants"]["bank"]["suspended"] is True
    assert one.as_dict()["revision"] == NEW


def asked(objects: dict[str, list[dict[str, Any]]], wished: Wish, *, all_of_them: bool) -> list[str]:
    view, now = View(objects, OWNERS), state.of(objects)
    wanted = standing.to_ask(view, now, wished, standing.stand(view, now, wished), all_of_them=all_of_them)
    return [f"{one['metadata']['namespace']}/{one['metadata']['name']}" for one in wanted]


def test_who_is_asked() -> None:
    objects = found(
        component_sync("certs"),
        tenant_sync("shop"),
        tenant_sync("bank"),
        flux("GitRepository", "shop/late", "False"),
        flux("GitRepository", "bank/fine"),
        flux("Kustomization", "bank/held", suspend=True),
        flux("HelmRepository", "bank/charts", type="oci"),
    )
    root = ["flux-system/flux-system"] * 2
    late = ["flux-system/tenant-shop", "shop/late"]
    both = wish(tenants=["shop", "bank"], components=True)
    assert asked(objects, both, all_of_them=False) == root + late
    assert asked(objects, both, all_of_them=True) == [
        *root, "flux-system/infrastructure-certs", "flux-system/tenant-bank", "bank/fine", *late
    ]  # fmt: skip
    assert asked(objects, wish(tenants=None), all_of_them=True) == root + late


FAILED, WAITS, MISSING = (
    Health("a", "failed", "", "why"),
    Health("b", "waiting", "", "x"),
    Health("c", "missing", "", "no"),
)


def test_gives_up_when_all_that_is_left_has_failed_for_a_while() -> None:
    stalled = Stalled(20)
    assert not stalled([FAILED, WAITS], 0)
    assert not stalled([FAILED, MISSING], 10)
    assert not stalled([FAILED, MISSING], 29)
    assert stalled([FAILED, MISSING], 30)
    assert not stalled([FAILED, WAITS], 100)
    assert stalled([FAILED], 100)
    assert not stalled([], 100)


def test_other_words_begin_anew_and_the_same_but_for_numbers_do_not() -> None:
    stalled = Stalled(20)
    assert not stalled([Health("a", "failed", "", "/tmp/kustomization-123/x: broken")], 0)
    assert not stalled([Health("a", "failed", "", "something else")], 19)
    assert stalled([Health("a", "failed", "", "/tmp/kustomization-98765/x: broken")], 20)
    assert not stalled([Health("a", "failed", "", "something else")], 38)
    assert stalled([Health("a", "failed", "", "something else")], 39)
