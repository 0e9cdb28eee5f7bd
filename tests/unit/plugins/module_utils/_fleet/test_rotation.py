# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a rotation is, what stands in its way, and which keys come and go at the forge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import rotation
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import TENANT_LABEL, deploy_key_titles
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rotation import Place, Turn
from ansible_collections.fluxops.fleet.tests.unit.plugins.flux_samples import flux

TITLES = deploy_key_titles("stg-1")
FIRST, SECOND = TITLES
MADE = "2026-01-02T03:04:05Z"
SOURCE = flux("GitRepository", "flux-system/flux-system", url="ssh://git@h/f.git", secretRef={"name": "flux-system"})


@dataclass(frozen=True)
class Key:
    """A key at the forge."""

    title: str
    public: str
    read_only: bool = True


def a_secret(name: str = "flux-system", data: str = "old", **annotations: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "flux-system", "creationTimestamp": MADE, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"identity": data}}


def staged(data: str) -> dict[str, Any]:
    return rotation.staged_secret(a_secret(data=data), "flux-system")


@pytest.mark.parametrize(
    ("turn", "swapped", "count"),
    [
        (Turn(SOURCE, a_secret(), None), False, 0),
        (Turn(SOURCE, a_secret(), staged("new")), False, 0),
        (Turn(SOURCE, a_secret(data="new"), staged("new")), True, 0),
        (Turn(SOURCE, None, None), False, 1),
        (Turn(None, None, None), False, 1),
        (Turn(flux("GitRepository", "flux-system/flux-system"), None, None), False, 1),
        (Turn({**SOURCE, "spec": {**SOURCE["spec"], "suspend": True}}, a_secret(), None), False, 1),
        (Turn(SOURCE, a_secret(), a_secret("flux-system-next", "mine")), False, 1),
    ],
)
def test_turn_truth_table(turn: Turn, swapped: bool, count: int) -> None:
    assert turn.swapped == swapped
    assert len(turn.problems("stg-1")) == count


@pytest.mark.parametrize(
    ("annotations", "limit", "due"),
    [
        ({}, "", True),
        ({}, "2026-01-02T03:04:06Z", True),
        ({}, "2026-01-02T03:04:05Z", False),
        ({rotation.ROTATED: "2026-06-01T00:00:00Z"}, "2026-05-01T00:00:00Z", False),
        ({rotation.ROTATED: "2026-06-01T00:00:00Z"}, "2026-07-01T00:00:00Z", True),
    ],
)
def test_due_truth_table(annotations: dict[str, str], limit: str, due: bool) -> None:
    assert Turn(SOURCE, a_secret(**annotations), None).is_due(limit) == due


@pytest.mark.parametrize(
    ("keys", "title", "stale"),
    [
        ([Key(FIRST, "old")], SECOND, []),
        ([Key(SECOND, "old")], FIRST, []),
        ([Key(FIRST, "old"), Key(SECOND, "new")], "", []),
        ([Key(FIRST, "old"), Key(SECOND, "killed")], SECOND, ["killed"]),
        ([Key(FIRST, "old"), Key(SECOND, "new", read_only=False)], SECOND, ["new"]),
        ([], FIRST, []),
        ([Key("stg-10/flux-system/flux-system", "other"), Key("people's", "theirs")], FIRST, []),
    ],
)
def test_new_key_is_registered_beside_the_old_one(keys: list[Key], title: str, stale: list[str]) -> None:
    found = rotation.arrival(keys, TITLES, "old", "new")
    assert (found.title, [key.public for key in found.stale]) == (title, stale)


def test_only_the_clusters_own_other_keys_go() -> None:
    keys = [Key(FIRST, "old"), Key(SECOND, "new"), Key("stg-10/flux-system/flux-system", "other"), Key("x", "old")]
    assert rotation.departure(keys, TITLES, "new") == [keys[0]]


def test_swap_changes_the_data_and_says_when() -> None:
    after = rotation.swapped_secret(a_secret(mine="kept"), staged("new"), "2026-06-01T00:00:00Z")
    assert after["data"] == {"identity": "new"}
    assert after["metadata"]["annotations"] == {"mine": "kept", rotation.ROTATED: "2026-06-01T00:00:00Z"}
    assert Turn(SOURCE, after, staged("new")).swapped


def test_proof_fetches_what_the_root_sync_fetches() -> None:
    found = rotation.proof(SOURCE, "flux-system")
    assert found["metadata"]["name"] == "flux-system-next"
    assert found["spec"] == {"url": "ssh://git@h/f.git", "secretRef": {"name": "flux-system-next"}, "interval": "1h"}


@pytest.mark.parametrize(("followed", "count"), [(("u", "b", "p"), 0), (("", "", ""), 0), (("u", "b", "q"), 1)])
def test_cluster_that_follows_something_else_is_named(followed: tuple[str, ...], count: int) -> None:
    assert len(rotation.strangers("stg-1", followed, ("u", "b", "p"))) == count


KEY = {
    "tenant": "payments",
    "namespace": "pay",
    "secret": "source-deploy",
    "source": "deploy",
    "url": "ssh://git@h/p.git",
}
PLACE = Place.of_key(KEY)
OWN = {TENANT_LABEL: "payments"}
DEPLOY = flux("GitRepository", "pay/deploy", labels=OWN, url=KEY["url"], secretRef={"name": "source-deploy"})


def tenants_secret(name: str = "source-deploy", data: str = "old") -> dict[str, Any]:
    found = a_secret(name, data)
    return {**found, "metadata": {**found["metadata"], "namespace": "pay", "labels": OWN}}


def test_tenants_source_has_titles_and_words_of_its_own() -> None:
    assert PLACE.titles("stg-1") == ("stg-1/pay/deploy", "stg-1/pay/deploy/rotated")
    [problem] = Turn(None, None, None, PLACE).problems("stg-1")
    assert str(problem).startswith("stg-1: tenant payments: GitRepository pay/deploy: is not there")
    assert "run the playbook onboard" in problem.hint


def test_what_lies_beside_a_tenants_source_leaves_with_the_tenant() -> None:
    secret = rotation.staged_secret(tenants_secret(), "source-deploy")
    proof = rotation.proof(DEPLOY, "source-deploy")
    for found, name in ((secret, "source-deploy-next"), (proof, "deploy-next")):
        assert (found["metadata"]["namespace"], found["metadata"]["name"]) == ("pay", name)
        assert found["metadata"]["labels"] == OWN
    assert Turn(DEPLOY, tenants_secret(), secret, PLACE, proof).problems("stg-1") == []


def test_a_tenants_own_source_of_that_name_is_not_taken() -> None:
    own = flux("GitRepository", "pay/deploy-next", labels=OWN, url=KEY["url"])
    [problem] = Turn(DEPLOY, tenants_secret(), None, PLACE, own).problems("stg-1")
    assert (problem.field, "not ours" in problem.hint) == ("GitRepository pay/deploy-next", True)


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({}, 0),
        ({"url": "ssh://git@evil/p.git"}, 1),
        ({"secretRef": {"name": "another"}}, 1),
        ({"secretRef": None}, 1),
    ],
)
def test_source_that_is_not_as_published_gets_no_key(changes: dict[str, Any], count: int) -> None:
    source = {**DEPLOY, "spec": {**DEPLOY["spec"], **changes}}
    assert len(rotation.unlike("stg-1", Turn(source, tenants_secret(), None, PLACE), KEY)) == count
    assert rotation.unlike("stg-1", Turn(None, None, None, PLACE), KEY) == []


def answering(word: str, status: str) -> dict[str, Any]:
    found = flux("GitRepository", "pay/deploy", status)
    return {**found, "status": {**found["status"], "lastHandledReconcileAt": word}}


@pytest.mark.parametrize(
    ("found", "fetched", "state"),
    [
        (answering("now", "True"), True, "ready"),
        (answering("before", "True"), False, "waiting"),
        (answering("now", "False"), False, "failed"),
        (answering("before", "False"), False, "waiting"),
        (None, False, "missing"),
    ],
)
def test_only_what_was_fetched_since_it_was_asked_counts(found: Any, fetched: bool, state: str) -> None:
    assert rotation.fetched(found, "now") == fetched
    assert rotation.health("pay/deploy", found, "now").state == state


def test_diff_names_the_source_of_a_tenant() -> None:
    [root] = rotation.diff("stg-1", rotation.ROOT, {"deploy_key": "old"}, {"deploy_key": "new"})
    [own] = rotation.diff("stg-1", PLACE, {"deploy_key": "old"}, {"deploy_key": "new"})
    assert root["before_header"] == "credential by which stg-1 pulls"
    assert own["after_header"] == "credential by which stg-1 pulls pay/deploy of tenant payments"
    assert (own["before"], own["after"]) == ("deploy_key: old\n", "deploy_key: new\n")
