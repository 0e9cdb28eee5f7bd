# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence of tenants that left: what went, what is left and why."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import departures

PLAN = {"names": ["shop"], "clusters": {"stg-1": {"unfinished": []}}}
FIRST = {
    "removed": {"shop": ["Kustomization shop/shop", "Deployment shop/web", "Deployment shop/api"]},
    "left": {},
    "started": "2026-11-23T14:00:00Z",
    "ended": "2026-11-23T14:00:07Z",
}
LAST = {
    "removed": {"shop": ["ServiceAccount shop/fleet-tenant", "Namespace shop"]},
    "left": {},
    "started": "2026-11-23T14:00:09Z",
    "ended": "2026-11-23T14:00:20Z",
}
PUBLISHED = {
    "clusters": {"stg-1": {"files": ["projects/staging/shop/tenant.yaml"], "revision": "abc", "held": {}}},
    "withdrawn": [{"url": "u", "title": "stg-1/shop/deploy"}, {"url": "u", "title": "stg-10/shop/deploy"}],
}


def found(first: dict[str, Any], last: dict[str, Any], **own: Any) -> dict[str, Any]:
    """The evidence of one cluster, with changes of what was published for it."""
    changed = {**PUBLISHED, "clusters": {"stg-1": {**PUBLISHED["clusters"]["stg-1"], **own}}}  # type: ignore[index]
    return departures.evidence(PLAN, changed, (first, last), "stg-1")


def test_what_went() -> None:
    evidence = found(FIRST, LAST)
    assert (evidence["started"], evidence["ended"]) == ("2026-11-23T14:00:00Z", "2026-11-23T14:00:20Z")
    assert (evidence["commit"], evidence["deploy_keys"]) == ("abc", ["stg-1/shop/deploy"])
    (tenant,) = evidence["tenants"]
    assert tenant["complete"]
    assert tenant["removed"] == {"Deployment": 2, "Kustomization": 1, "Namespace": 1, "ServiceAccount": 1}
    assert tenant["remains"] == []


@pytest.mark.parametrize(
    ("first", "last", "own", "said"),
    [
        ({}, {}, {}, "was not asked"),
        ({**FIRST, "failed": True, "msg": "held by a finalizer"}, {}, {"files": []}, "held by a finalizer"),
        (FIRST, {**LAST, "failed": True, "msg": "still there"}, {}, "still there"),
        (FIRST, {}, {"awaits": "https://x/pulls/1: merge"}, "pulls/1"),
        (FIRST, {}, {"files": [], "held": {"path": "another cluster failed"}}, "another cluster failed"),
    ],
)
def test_what_remains_and_why(first: dict[str, Any], last: dict[str, Any], own: dict[str, Any], said: str) -> None:
    (tenant,) = found(first, last, **own)["tenants"]
    assert not tenant["complete"]
    assert said in tenant["remains"][0]
    assert "Namespace" not in tenant["removed"]


def test_what_stays_by_intention_was_not_removed() -> None:
    (tenant,) = found({**FIRST, "left": {"shop": ["Deployment shop/web", "PersistentVolumeClaim shop/data"]}}, LAST)[
        "tenants"
    ]
    assert tenant["complete"]
    assert tenant["removed"]["Deployment"] == 1
    assert tenant["remains"] == ["Deployment shop/web: kept", "PersistentVolumeClaim shop/data: kept"]


def test_nobody_left_and_who_left_before() -> None:
    nothing = {"removed": {"shop": []}, "left": {}}
    published = {"clusters": {"stg-1": {"files": []}}, "withdrawn": []}
    assert departures.evidence(PLAN, published, (nothing, nothing), "stg-1") == {}
    assert departures.evidence(PLAN, published, ({}, {}), "stg-1") == {}, "away, and it never had it"
    before = {"names": [], "clusters": {"stg-1": {"unfinished": [{"tenant": "shop"}]}}}
    (tenant,) = departures.evidence(before, PUBLISHED, (FIRST, LAST), "stg-1")["tenants"]
    assert tenant["removed"]["Namespace"] == 1


def test_rows_of_a_table() -> None:
    rows = departures.rows([{"cluster": "stg-1", "offboarding": found(FIRST, LAST)}, {"cluster": "stg-2"}])
    (row,) = rows
    assert row["removed"] == "2 Deployment, 1 Kustomization, 1 Namespace, 1 ServiceAccount"
    many = [{"tenant": "a", "complete": False, "removed": {}, "remains": [str(number) for number in range(9)]}]
    (row,) = departures.rows([{"cluster": "c", "offboarding": {"tenants": many}}])
    assert row["remains"].endswith("5; 3 more")
