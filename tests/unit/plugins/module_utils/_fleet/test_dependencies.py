# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tenants that wait for others: where these lie, and every wait that would never end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import dependencies, documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.tests.unit.plugins.tenant_samples import FLEET, after, onboard, small, tenant

FILE = Layout().tenant_file("staging", "shop")


def waiting(name: str, *others: str, **fields: Any) -> dict[str, Any]:
    """A request that waits for other tenants in staging."""
    return small(name, environments={"staging": {"dependsOn": list(others)} if others else {}}, **fields)


def waits(files: Mapping[str, str]) -> Any:
    """What the shop's Kustomization waits for, by the repository."""
    found = [one for one in documents.read(files[FILE], FILE) if one["kind"] == "Kustomization"]
    return found[0]["spec"].get("dependsOn")


def refused(repository: Mapping[str, str], *asking: dict[str, Any], **settings: Any) -> list[str]:
    """What stands in the way of a run."""
    with pytest.raises(InvalidInput) as caught:
        onboard(repository, asking, **settings)
    return [str(one) for one in caught.value.problems]


def test_tenant_of_the_same_run() -> None:
    asking = [waiting("shop", "ledger"), waiting("ledger", namespaces=["books", "ledger"])]
    assert waits(after(FLEET, onboard(FLEET, asking))) == [{"name": "ledger", "namespace": "books"}]


def test_tenant_that_the_repository_has() -> None:
    fleet = after(FLEET, onboard(FLEET, [waiting("ledger", namespaces=["books"])]))
    found = after(fleet, onboard(fleet, [waiting("shop", "ledger")]))
    assert waits(found) == [{"name": "ledger", "namespace": "books"}]
    assert onboard(found, [waiting("shop", "ledger")]).plan.changes == ()


def test_unknown_tenant() -> None:
    (said,) = refused(FLEET, waiting("shop", "ledger"))
    assert said == (
        "requests/0.yml: environments.staging.dependsOn[0] is 'ledger': there is no tenant of this name in staging: "
        "neither this run nor the repository has it"
    )
    elsewhere = small("ledger", environments={"production": {}})
    assert "no tenant of this name in staging" in refused(FLEET, waiting("shop", "ledger"), elsewhere)[0]
    leaving = {"tenant": "ledger", "state": "absent"}
    fleet = after(FLEET, onboard(FLEET, [waiting("ledger")]))
    assert "no tenant of this name in staging" in refused(fleet, waiting("shop", "ledger"), leaving)[0]


def test_file_that_nobody_can_read_is_no_tenant() -> None:
    for text in ("{", "kind: Kustomization\nmetadata: [ledger]\nspec: 1\n", "kind: ConfigMap\n"):
        fleet = {**FLEET, Layout().tenant_file("staging", "ledger"): text}
        assert "no tenant of this name" in refused(fleet, waiting("shop", "ledger"))[0]


def test_tenant_that_is_not_on_all_clusters() -> None:
    one = small("ledger", environments={"staging": {"clusters": ["stg-1"]}})
    (said,) = refused(FLEET, waiting("shop", "ledger"), one)
    assert "this tenant is not on stg-2, where shop would wait for it for ever" in said
    fleet = after(FLEET, onboard(FLEET, [one]))
    assert "not on stg-2" in refused(fleet, waiting("shop", "ledger"))[0]
    together = small("shop", environments={"staging": {"clusters": ["stg-1"], "dependsOn": ["ledger"]}})
    assert onboard(fleet, [together]).plan.changes


def test_cycle_in_a_run() -> None:
    asking = [tenant(waiting(*names)) for names in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("e", "e"))]
    said = [(one.field, one.hint) for one in dependencies.in_run(asking)]
    where = "environments.staging.dependsOn"
    assert said == [
        (where, "the wait never ends: a waits for b waits for c waits for a"),
        (where, "the wait never ends: b waits for c waits for a waits for b"),
        (where, "the wait never ends: c waits for a waits for b waits for c"),
        (where, "the wait never ends: e waits for e"),
    ]


def test_cycle_through_the_repository() -> None:
    fleet = after(FLEET, onboard(FLEET, [waiting("shop")]))
    fleet = after(fleet, onboard(fleet, [waiting("b", "shop"), waiting("a", "b")]))
    (said,) = refused(fleet, waiting("shop", "a"))
    where = "requests/0.yml: environments.staging.dependsOn"
    assert said == f"{where}: the wait never ends: shop waits for a waits for b waits for shop"


NAMES = tuple("abcdef")


@given(st.dictionaries(st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES))))
def test_a_run_is_refused_exactly_when_there_is_no_order(graph: dict[str, set[str]]) -> None:
    asking = [waiting(name, *sorted(graph.get(name, ()))) for name in NAMES]
    left, done = set(NAMES), set()
    while ready := {name for name in left if graph.get(name, set()) <= done}:
        left, done = left - ready, done | ready
    assert bool(list(dependencies.in_run([tenant(one) for one in asking]))) == bool(left)
