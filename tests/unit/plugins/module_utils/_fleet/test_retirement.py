# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters that leave the repository: all that is theirs alone goes, nothing else, and only by the word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import UID_ANNOTATION
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.retirement import (
    CLUSTER_GONE,
    DECOMMISSION,
    Retirement,
    RetirementPlan,
    plan_retirement,
)
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import Files
from ansible_collections.fluxops.fleet.tests.unit.plugins.tenant_samples import (
    FLEET,
    URL,
    after,
    content,
    leave,
    member,
    onboard,
)

TENANTS = after(FLEET, onboard(FLEET, [content()]))
OWN = {
    "clusters/stg-1/flux-system/gotk-sync.yaml": "x",
    "clusters/stg-1/people.yaml": "y",
    "projects/staging/clusters/stg-1/.gitkeep": "",
    "infrastructure/staging/clusters/stg-1/greeter/greeter.yaml": "z",
}
REPOSITORY = {**TENANTS, **OWN}
FLEET_URL = "ssh://git@git.example/platform/fleet.git"


def plan(
    *members: Member,
    files: Mapping[str, str] | None = None,
    allow: tuple[str, ...] = (DECOMMISSION,),
    waiting: Mapping[str, str] | None = None,
) -> RetirementPlan:
    return plan_retirement(Retirement(members, allow, waiting or {}), Files(files or REPOSITORY))


def test_all_that_is_the_clusters_alone_goes() -> None:
    change = plan(member("stg-1"))
    assert change.plan.paths == sorted([*OWN, "clusters/stg-1/cluster.yaml"])
    assert change.outcome(member("stg-1")) == {"files": change.plan.paths, "held": {}, "gone": False}
    assert change.message.startswith("decommission stg-1\n")
    assert "Fleet-Cluster: stg-1" in change.message


def test_its_keys_go_and_those_of_its_tenants_sources_there() -> None:
    keys = plan(member("stg-1")).keys
    assert keys[FLEET_URL] == {"stg-1/flux-system/flux-system", "stg-1/flux-system/flux-system/rotated"}
    assert keys[URL] == {"stg-1/payments/deploy", "stg-1/payments/deploy/rotated"}


def test_keys_that_nothing_tells_of_without_the_files() -> None:
    own = {f"projects/staging/clusters/stg-1/{path}": text for path, text in TENANTS.items() if "tenant.yaml" in path}
    moved = {path: text for path, text in REPOSITORY.items() if not path.endswith("/tenant.yaml")}
    assert plan(member("stg-1")).untold == {}
    change = plan(member("stg-1"), files={**moved, **own})
    assert change.keys == plan(member("stg-1")).keys
    assert change.untold == {URL: {"stg-1/payments/deploy", "stg-1/payments/deploy/rotated"}}


def test_second_run_does_nothing() -> None:
    left = {path: text for path, text in REPOSITORY.items() if "stg-1" not in path}
    assert plan(member("stg-1"), files=left, allow=()).plan.changes == ()


def test_word_is_needed() -> None:
    with pytest.raises(InvalidInput, match="decommission") as caught:
        plan(member("stg-1"), member("stg-2"), allow=(CLUSTER_GONE,))
    assert [problem.value for problem in caught.value.problems] == ["stg-1", "stg-2"]


def test_cluster_that_flux_has_not_left_stays() -> None:
    change = plan(member("stg-1"), member("stg-2"), waiting={"stg-1": "timed out"})
    assert change.outcome(member("stg-1")) == {"files": [], "held": {"clusters/stg-1/": "timed out"}, "gone": False}
    assert change.plan.paths == ["clusters/stg-2/cluster.yaml"]
    assert all("stg-1" not in title for titles in change.keys.values() for title in titles)


@pytest.mark.parametrize(("allow", "goes"), [((DECOMMISSION,), False), ((CLUSTER_GONE,), True)])
def test_cluster_that_is_away_needs_another_word(allow: tuple[str, ...], goes: bool) -> None:
    away = replace(member("stg-1"), reachable=False, failure="no route")
    found = plan(away, allow=allow).outcome(away)
    assert (bool(found["files"]), found["gone"], bool(found["held"])) == (goes, goes, not goes)
    assert goes or f"fleet_allow: [{CLUSTER_GONE}]" in str(found["held"])


def test_wrong_cluster_is_refused() -> None:
    pinned = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: fleet-cluster\n  annotations:\n"
        f"    {UID_ANNOTATION}: u-2\n"
    )
    files = {**REPOSITORY, "clusters/stg-2/cluster.yaml": pinned}
    with pytest.raises(InvalidInput, match="knows as stg-2"):
        plan(replace(member("stg-1"), uid="u-2"), files=files)


def test_what_was_still_to_be_taken_off_it_is_nobodys() -> None:
    away = after(REPOSITORY, leave(REPOSITORY, ["payments"], "!stg-1", "!stg-2", "prd-1"))
    claims = {f"projects/staging/namespaces/{one}" for one in ("payments", "payments-jobs")}
    gone = plan(member("stg-1"), files=away)
    assert "projects/staging/clusters/stg-1/payments.leaving" in gone.plan.paths
    assert not claims & set(gone.plan.paths), "stg-2 still has them"
    assert claims < set(plan(member("stg-1"), member("stg-2"), files=away).plan.paths)
