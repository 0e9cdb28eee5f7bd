# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tenants that move: nothing of the old place goes by the first commit, and nothing but it by the second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import leaving
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.tests.unit.plugins.tenant_samples import (
    FLEET,
    REMOVED,
    URL,
    after,
    content,
    member,
    onboard,
    scope,
    small,
)

CLUSTERS = ("environments", "staging", "clusters")
MOVE = ["move_tenant"]
OLD, NEW = (content({CLUSTERS: [one]}) for one in ("stg-1", "stg-2"))
HERE = after(FLEET, onboard(FLEET, [OLD]))
SYNC = "projects/staging/clusters/{}/payments.yaml"
ONLY_PRODUCTION = content({("environments", "staging"): REMOVED})


def test_from_cluster_to_cluster() -> None:
    first = onboard(HERE, [NEW], allow=MOVE)
    between = after(HERE, first)
    assert between == {**HERE, SYNC.format("stg-2"): between[SYNC.format("stg-2")]}
    assert first.outcome(member("stg-1"))["moves"] == ["payments"]
    assert first.outcome(member("stg-2"))["moves"] == first.outcome(member("prd-1"))["moves"] == []
    second = onboard(between, [NEW], allow=MOVE, moved=True)
    assert after(between, second) == after(FLEET, onboard(FLEET, [NEW]))
    titles = {f"stg-1/payments/deploy{one}" for one in ("", "/rotated")}
    assert leaving.moved_titles(second, scope()) == {URL: titles}
    done = after(between, second)
    for moved in (False, True):
        again = onboard(done, [NEW], allow=MOVE, moved=moved)
        assert again.plan.changes == ()
        assert again.outcome(member("stg-1"))["moves"] == []
        assert leaving.moved_titles(again, scope()) == {}


def test_killed_in_between_the_same_run_goes_on_and_another_one_is_told() -> None:
    between = after(HERE, onboard(HERE, [NEW], allow=MOVE))
    again = onboard(between, [NEW], allow=MOVE)
    assert again.plan.changes == ()
    assert again.outcome(member("stg-1"))["moves"] == ["payments"]
    with pytest.raises(InvalidInput, match="is on cluster stg-1, which this request leaves out"):
        onboard(between, [NEW])
    assert onboard(between, [OLD], allow=MOVE).outcome(member("stg-2"))["moves"] == ["payments"], "or back again"


def test_from_environment_to_environment() -> None:
    with pytest.raises(InvalidInput, match="move_tenant"):
        onboard(HERE, [ONLY_PRODUCTION])
    first = onboard(HERE, [ONLY_PRODUCTION], allow=MOVE)
    assert first.plan.changes == ()
    assert first.outcome(member("stg-1"))["moves"] == ["payments"]
    second = onboard(HERE, [ONLY_PRODUCTION], allow=MOVE, moved=True)
    assert after(HERE, second) == after(FLEET, onboard(FLEET, [ONLY_PRODUCTION]))
    assert "stg-1/payments/deploy" in leaving.moved_titles(second, scope())[URL]
    assert "prd-1/payments/deploy" not in leaving.moved_titles(second, scope())[URL]


@pytest.mark.parametrize(
    ("clusters", "settings", "said"),
    [
        (["stg-1", "prd-1"], {}, "has to be ready on stg-2 first"),
        (["stg-1", "stg-2"], {}, "has to be ready on prd-1 first"),
        (
            [],
            {
                "found": {"stg-1": {"payments": "payments"}},
                "volumes": {"stg-1": [{"namespace": "payments", "name": "data", "size": "1Gi", "by": ""}]},
            },
            "remove_volumes",
        ),
    ],
)
def test_what_stands_in_the_way(clusters: list[str], settings: Mapping[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        onboard(HERE, [NEW], *clusters, allow=MOVE, **settings)


def test_who_does_not_move_is_left_alone() -> None:
    repository = after(HERE, onboard(HERE, [small("shop")]))
    second = onboard(repository, [small("shop")], allow=MOVE, moved=True)
    assert second.plan.changes == ()
    assert leaving.moved_titles(second, scope()) == {}
