# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is suspended and resumed, for which reason, and how people read it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import pause
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.pause import Mark
from ansible_collections.fluxops.fleet.tests.unit.plugins.flux_samples import flux, found, sync, tenant_sync

OF_CLUSTER = Mark("cluster", "moving", "alice", "2026-11-23T01:00:00+00:00")
OF_TENANT = Mark("tenant", "data base", "bob", "2026-11-23T02:00:00+00:00")
EVERYTHING = found(
    tenant_sync("shop"),
    flux("Kustomization", "shop/app"),
    flux("HelmRelease", "shop/web"),
    flux("Kustomization", "other/app"),
    sync("projects-0"),
)


def held(mark: Mark | None) -> dict[str, Any]:
    """A Kustomization that is suspended, with a mark of ours or without."""
    one = sync("some", suspend=True)
    return pause.patched(one, pause.suspend(sync("some"), mark)) if mark else one


def named(objects: list[dict[str, Any]]) -> list[str]:
    return [f"{one['metadata']['namespace']}/{one['metadata']['name']}" for one in objects]


def test_cluster_is_all_that_changes_it_with_the_root_sync_first() -> None:
    wanted = ["flux-system/flux-system", "flux-system/projects-0", "flux-system/tenant-shop"]
    assert named(pause.targets(EVERYTHING, {}, ""))[:3] == wanted
    assert named(pause.targets(EVERYTHING, {}, ""))[3:] == ["other/app", "shop/web", "shop/app"] or named(
        pause.targets(EVERYTHING, {}, "")
    )[3:] == ["shop/web", "other/app", "shop/app"]


def test_tenant_is_its_sync_and_what_lies_in_its_namespaces() -> None:
    assert sorted(named(pause.targets(EVERYTHING, {"shop": "shop", "other": "other"}, "shop"))) == [
        "flux-system/tenant-shop",
        "shop/app",
        "shop/web",
    ]
    assert pause.targets(EVERYTHING, {"shop": "shop"}, "nobody") == []


@pytest.mark.parametrize(
    ("one", "new", "reason", "since"),
    [
        (sync("some"), OF_CLUSTER, "moving", OF_CLUSTER.since),
        (held(OF_CLUSTER), OF_CLUSTER, None, None),
        (held(OF_CLUSTER), Mark("cluster", "more", "carol", "later"), "more", OF_CLUSTER.since),
        (held(OF_CLUSTER), OF_TENANT, "data base", OF_CLUSTER.since),
        (held(OF_TENANT), OF_CLUSTER, None, None),
        (held(None), OF_CLUSTER, None, None),
    ],
)
def test_suspend_truth_table(one: dict[str, Any], new: Mark, reason: str | None, since: str | None) -> None:
    patch = pause.suspend(one, new)
    assert (patch is None) == (reason is None)
    after = pause.patched(one, patch)
    assert pause.suspended(after)
    if patch:
        assert (pause.mark(after).reason, pause.mark(after).since) == (reason, since)
        assert pause.suspend(after, new) is None


@pytest.mark.parametrize(
    ("one", "scope", "resumed"),
    [
        (held(OF_CLUSTER), "cluster", True),
        (held(OF_TENANT), "tenant", True),
        (held(OF_CLUSTER), "tenant", False),
        (held(OF_TENANT), "cluster", False),
        (held(None), "cluster", False),
        (sync("some"), "cluster", False),
    ],
)
def test_resume_truth_table(one: dict[str, Any], scope: str, resumed: bool) -> None:
    patch = pause.resume(one, scope)
    assert bool(patch) == resumed
    after = pause.patched(one, patch)
    if resumed:
        assert (pause.suspended(after), pause.mark(after)) == (False, Mark())
        assert pause.resume(after, scope) is None


def test_mark_that_somebody_left_behind_by_resuming_is_taken_off() -> None:
    left = held(OF_TENANT)
    left["spec"]["suspend"] = False
    assert pause.mark(pause.patched(left, pause.resume(left, "cluster"))) == Mark()


def test_suspensions_are_told_by_reason() -> None:
    many = [pause.patched(sync(f"s{number}"), pause.suspend(sync("x"), OF_CLUSTER)) for number in range(5)]
    told = pause.suspensions([*many, held(None), sync("running")])
    assert [len(one["objects"]) for one in told] == [5, 1]
    said = pause.said(told)
    assert said.startswith(f"suspended by alice since {OF_CLUSTER.since}: moving (Kustomization flux-system/s0, ")
    assert "and 2 more); suspended (Kustomization flux-system/some)" in said


@pytest.mark.parametrize(
    ("state", "reason", "count"), [("suspended", " ", 1), ("suspended", "why", 0), ("resumed", "", 0)]
)
def test_reason_has_to_be_given(state: str, reason: str, count: int) -> None:
    assert len(pause.problems("stg-1", state, reason)) == count


def test_diff_is_empty_where_nothing_changes() -> None:
    assert pause.diff("stg-1", [held(OF_CLUSTER)], [held(OF_CLUSTER)]) == []
    [shown] = pause.diff("stg-1", [sync("some")], [held(OF_CLUSTER)])
    assert shown["before"] == ""
    assert shown["after"].startswith("Kustomization flux-system/some suspended by alice")
