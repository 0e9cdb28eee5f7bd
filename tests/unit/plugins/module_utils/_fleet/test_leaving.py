# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The change of projects/ when tenants leave: all that is theirs goes, nothing else, and only by the word."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import leaving, tombstones
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.keeping import Keep
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import shard_of
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import EDITED
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tombstones import Tombstone
from ansible_collections.fluxops.fleet.tests.unit.plugins.tenant_samples import (
    FLEET,
    URL,
    after,
    content,
    hostile,
    leave,
    member,
    onboard,
    scope,
    small,
)

CLUSTERS = ("environments", "staging", "clusters")
FILE = "projects/staging/payments/tenant.yaml"
OTHERS = after(FLEET, onboard(FLEET, [small("shop"), small("payments-x")]))
BOTH = after(OTHERS, onboard(OTHERS, [content()]))


def both(cluster: str) -> set[str]:
    """The titles that a cluster's key for the tenant's source may have."""
    return {f"{cluster}/payments/deploy", f"{cluster}/payments/deploy/rotated"}


def test_all_that_is_theirs_goes_and_nothing_else() -> None:
    change = leave(BOTH, ["payments"])
    assert after(BOTH, change) == OTHERS
    assert change.message.startswith("offboard payments in production and staging\n")


def test_who_is_waited_for_leaves_with_those_who_wait_or_not_at_all() -> None:
    waits = content({("environments", "staging", "dependsOn"): ["shop"]})
    files = after(OTHERS, onboard(OTHERS, [waits]))
    with pytest.raises(InvalidInput, match=r"shop.*payments waits for it in staging"):
        leave(files, ["shop"])
    assert leave(files, ["shop", "payments"]).plan.changes
    assert leave(files, ["payments-x"]).plan.changes
    assert leave(after(files, onboard(files, [content()])), ["shop"]).plan.changes


def test_second_run_does_nothing() -> None:
    second = leave(OTHERS, ["payments"])
    assert (second.plan.changes, second.plan.held, second.message) == ((), {}, "")
    assert leave(OTHERS, ["payments"], allow=[]).plan.changes == (), "who is gone needs no word"


def test_only_the_environments_of_the_run() -> None:
    change = leave(BOTH, ["payments"], "stg-1")
    assert all(path.startswith("projects/staging/") for path in change.plan.paths)
    assert change.outcome(member("stg-2"))["files"] == change.plan.paths
    assert change.outcome(member("prd-1"))["files"] == []


def test_tenant_that_chose_its_clusters() -> None:
    repository = after(OTHERS, onboard(OTHERS, [content({CLUSTERS: ["stg-2"]})]))
    change = leave(repository, ["payments"])
    assert after(repository, change) == OTHERS
    assert "projects/staging/clusters/stg-2/payments.yaml" in change.outcome(member("stg-2"))["files"]
    assert change.outcome(member("stg-1"))["files"] == []


def test_needs_its_word() -> None:
    with pytest.raises(InvalidInput, match="remove_tenant") as caught:
        leave(BOTH, ["payments", "shop", "nobody"], allow=["remove_namespace"])
    assert [one.value for one in caught.value.problems] == ["payments", "shop"]


@pytest.mark.parametrize("name", ["../x", "sync", "namespaces", "", "Foo", "a/b", ".", "*", "x" * 57])
def test_name_of_nobody(name: str) -> None:
    with pytest.raises(InvalidInput, match="the name of a tenant"):
        leave(BOTH, [name])


@given(hostile)
@settings(max_examples=400)
def test_hostile_names_take_nothing_away(name: str) -> None:
    if name in {"shop", "payments-x"}:
        return
    try:
        assert leave(OTHERS, [name]).plan.changes == ()
    except InvalidInput:
        return


def test_environment_that_waits() -> None:
    change = leave(BOTH, ["payments"], waiting={"staging": "stg-1: workloads are still there"})
    assert all(path.startswith("projects/production/") for path in change.plan.paths)
    assert change.plan.held == {FILE: "stg-1: workloads are still there"}
    assert change.outcome(member("stg-1"))["held"] == change.plan.held
    assert leave(OTHERS, ["payments"], waiting={"staging": "x"}).plan.held == {}


def edited(path: str) -> dict[str, str]:
    """The repository after somebody's edit."""
    return {**BOTH, path: BOTH[path].replace("prune: true", "prune: false")}


@pytest.mark.parametrize("path", [FILE, f"projects/staging/sync/{shard_of('payments')}/payments.yaml"])
def test_edit_holds_all_files_of_that_tenant_there(path: str) -> None:
    change = leave(edited(path), ["payments"])
    assert change.plan.held == {path: EDITED}
    assert all(one.startswith("projects/production/") for one in change.plan.paths)
    assert leaving.key_titles(change, scope()) == {URL: both("prd-1")}, "what stays keeps its key"
    assert after(BOTH, leave(edited(path), ["payments"], hand_edits="overwrite")) == OTHERS


def without(*paths: str) -> dict[str, str]:
    """The repository after somebody removed files by hand."""
    return {path: text for path, text in BOTH.items() if path not in paths}


@pytest.mark.parametrize(
    "paths",
    [
        (FILE,),
        (f"projects/staging/sync/{shard_of('payments')}/payments.yaml",),
        ("projects/staging/namespaces/payments-jobs",),
        (FILE, f"projects/staging/sync/{shard_of('payments')}/payments.yaml"),
    ],
)
def test_what_somebody_has_begun_is_finished(paths: tuple[str, ...]) -> None:
    repository = without(*paths)
    assert after(repository, leave(repository, ["payments"])) == OTHERS


def test_claim_of_another_tenant_stays() -> None:
    path = "projects/staging/namespaces/payments-jobs"
    repository = {**BOTH, path: OTHERS["projects/staging/namespaces/shop"]}
    assert path in after(repository, leave(repository, ["payments"]))


def test_titles_of_the_keys() -> None:
    def titles(*asking: dict[str, Any]) -> dict[str, set[str]]:
        repository = after(FLEET, onboard(FLEET, asking))
        change = leave(repository, [one["tenant"] for one in asking], "stg-1")
        return leaving.key_titles(change, scope("stg-1"))

    assert titles(content()) == {URL: both("stg-1") | both("stg-2")}
    assert titles(content({CLUSTERS: ["stg-1"]})) == {URL: both("stg-1") | both("stg-2")}
    assert titles(small()) == {}


STONE = "projects/staging/clusters/stg-2/payments.leaving"
CLAIMS = ("projects/staging/namespaces/payments", "projects/staging/namespaces/payments-jobs")
AWAY = ("stg-1", "!stg-2", "prd-1")
NOW_AWAY = after(BOTH, leave(BOTH, ["payments"], *AWAY))


def test_cluster_that_is_away_keeps_a_tombstone_and_the_claims() -> None:
    assert NOW_AWAY.keys() - OTHERS.keys() == {STONE, *CLAIMS}
    assert tombstones.read(NOW_AWAY[STONE], STONE) == Tombstone("payments", ("payments", "payments-jobs"))
    again = leave(NOW_AWAY, ["payments"], *AWAY)
    assert again.plan.changes == (), "as long as it is away"
    assert leave(NOW_AWAY, ["shop"], *AWAY).unfinished == {}
    assert leave(NOW_AWAY, ["payments"], "!stg-1", "!stg-2", "prd-1").plan.changes == (), "no cluster more than had it"


def test_cluster_that_is_not_in_the_run_is_as_one_that_is_away() -> None:
    assert after(BOTH, leave(BOTH, ["payments"], "stg-1", "prd-1")) == NOW_AWAY


@pytest.mark.parametrize("names", [[], ["shop"], ["nobody"], ["payments"]])
def test_next_run_finishes_it_whoever_leaves_then(names: list[str]) -> None:
    change = leave(NOW_AWAY, names, "stg-2")
    left = after(NOW_AWAY, change)
    assert not [path for path in left if "payments" in path and "payments-x" not in path]
    departing = {"tenant": "payments", "keep_workloads": False, "keep_namespace": False, "allow": []}
    expected = [] if names == ["payments"] else [departing]
    assert change.outcome(member("stg-2"))["unfinished"] == expected
    assert leave(NOW_AWAY, [], "stg-2", allow=[]).plan.changes, "its word was said"
    assert leave(NOW_AWAY, [], "stg-1", "prd-1").plan.changes == ()
    waits = leave(NOW_AWAY, [], "stg-2", waiting={"staging": "stg-2: still there"})
    assert waits.plan.changes == ()


def test_what_was_said_is_kept_for_the_next_run() -> None:
    words = ["remove_tenant", "remove_volumes"]
    repository = after(BOTH, leave(BOTH, ["payments"], *AWAY, keep=Keep(namespace=True), allow=words))
    found = {"host": "stg-2", "name": "stg-2", "namespaces": {"payments": "payments"}}
    held = {**found, "volumes": [{"namespace": "payments", "name": "data", "size": "1Gi", "by": "Kustomization x"}]}
    (departing,) = leave(repository, [], "stg-2", found=[held], allow=[]).unfinished["stg-2"]
    assert departing == {
        "tenant": "payments", "keep_workloads": False, "keep_namespace": True, "allow": ["remove_volumes"]
    }  # fmt: skip
    with pytest.raises(InvalidInput, match="remove_volumes"):
        leave(NOW_AWAY, [], "stg-2", found=[held])


def test_two_clusters_away_come_back_one_by_one() -> None:
    both_away = after(BOTH, leave(BOTH, ["payments"], "!stg-1", "!stg-2", "prd-1"))
    first = after(both_away, leave(both_away, [], "stg-1"))
    assert first.keys() == NOW_AWAY.keys()
    assert after(first, leave(first, [], "stg-2")) == OTHERS


def test_another_tenant_can_not_claim_what_is_still_there() -> None:
    with pytest.raises(InvalidInput, match="which has left but is still to be taken off stg-2"):
        onboard(NOW_AWAY, [small("blog", namespaces=["payments-jobs"])])


def test_the_same_tenant_comes_back_elsewhere_only() -> None:
    with pytest.raises(InvalidInput, match="left while cluster stg-2 was away"):
        onboard(NOW_AWAY, [content()])
    elsewhere = content({CLUSTERS: ["stg-1"]}, namespaces=["payments"])
    back = after(NOW_AWAY, onboard(NOW_AWAY, [elsewhere]))
    done = after(back, leave(back, [], "stg-2"))
    assert done.keys() == back.keys() - {STONE, CLAIMS[1]}, "what it has anew is its own"


def test_tombstone_that_can_not_be_read() -> None:
    with pytest.raises(InvalidInput, match="does not say who has left"):
        leave({**NOW_AWAY, STONE: "namespaces: []\n"}, [], "stg-2")
