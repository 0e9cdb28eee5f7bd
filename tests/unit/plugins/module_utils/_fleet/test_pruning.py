# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tenants that no request lists any more: who they are, who is never among them, and how many may leave."""

from __future__ import annotations

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.pruning import Pruning
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import Files
from ansible_collections.fluxops.fleet.tests.unit.plugins.tenant_samples import (
    FLEET,
    after,
    content,
    onboard,
    scope,
    small,
)

THREE = after(FLEET, onboard(FLEET, [content(), small("shop"), small("blog")]))
BY_HAND = "# by hand\nkind: Namespace\n"


@pytest.mark.parametrize(
    ("listed", "files", "spaces", "expected"),
    [
        ({"payments", "shop", "blog"}, {}, {}, []),
        ({"payments"}, {}, {}, ["blog", "shop"]),
        ({"payments", "shop", "blog", "to-come"}, {}, {}, []),
        ({"payments", "blog"}, {"projects/staging/shop/tenant.yaml": BY_HAND}, {}, []),
        ({"payments", "shop", "blog"}, {"projects/staging/ours/app.yaml": BY_HAND}, {}, []),
        ({"payments", "shop", "blog"}, {"projects/staging/ours/app.yaml": BY_HAND}, {"x": "ours"}, []),
        ({"payments", "shop", "blog"}, {"projects/staging/README.md": ""}, {"x": "", "y": "blog"}, []),
        ({"payments", "shop", "blog"}, {}, {"left": "killed", "default": "../x"}, ["killed"]),
    ],
)
def test_who_is_listed_by_no_request(
    listed: set[str], files: dict[str, str], spaces: dict[str, str], expected: list[str]
) -> None:
    pruning = Pruning(frozenset(listed), 5, {"stg-1": spaces})
    assert pruning.names(scope(), Files(THREE | files)) == expected


def test_other_environments_are_not_the_runs() -> None:
    repository = {path: text for path, text in THREE.items() if not path.startswith("projects/production/")}
    pruning = Pruning(frozenset({"payments"}), 5, {"stg-1": {"left": "killed"}})
    assert pruning.names(scope("prd-1"), Files(repository)) == []


@pytest.mark.parametrize(
    ("listed", "names", "said"),
    [
        (["a"], [], []),
        (["a"], ["b", "c"], []),
        (["a"], ["b", "c", "d"], ["at most 2 leave by one run: b, c, d; list those who stay"]),
        ([], ["b"], ["needs fleet_requests or fleet_tenants that list those who stay"]),
        ([], [], ["needs fleet_requests or fleet_tenants that list those who stay"]),
    ],
)
def test_how_many_may_leave(listed: list[str], names: list[str], said: list[str]) -> None:
    found = Pruning(frozenset(listed), 2).problems(names)
    assert [part in str(one) for one, part in zip(found, said, strict=True)] == [True] * len(said)
