# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories that Flux's own tools began: what stays, for how long, and what is said."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import kustomization, takeover
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Cluster
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.publication import (
    ClustersPlan,
    Wishes,
    plan_clusters,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import COMPONENTS, MANIFEST, TEMPLATES, Files, cluster

FOLDER = "clusters/stg-1/flux-system"
THEIRS = "resources:\n- gotk-components.yaml\n- gotk-sync.yaml\n"
BEGUN = {
    f"{FOLDER}/gotk-components.yaml": COMPONENTS,
    f"{FOLDER}/gotk-sync.yaml": "kind: GitRepository\nmetadata: {name: flux-system}\n",
    f"{FOLDER}/kustomization.yaml": THEIRS,
}


def planned(files: dict[str, str], **changes: Any) -> tuple[ClustersPlan, dict[str, str]]:
    """The plan for one cluster, and the files after it."""
    one = cluster(**{"lockdown": None, **changes})
    plan = plan_clusters(Wishes([one], {one.distribution: MANIFEST}, Renderer(TEMPLATES)), Files(files))
    return plan, {**files, **{change.path: change.after or "" for change in plan.plan.changes}}


def outcome(plan: ClustersPlan, one: Cluster | None = None) -> dict[str, Any]:
    return plan.outcome(one or cluster())


def test_lockdown_and_checkout_of_a_takeover_stay() -> None:
    plan, after = planned(BEGUN)
    text = after[f"{FOLDER}/kustomization.yaml"]
    assert text.startswith(THEIRS)
    assert kustomization.TAKEN_OVER in text
    assert "sparseCheckout" not in text
    assert "--no-remote-bases" not in text
    assert (outcome(plan)["takeover"], outcome(plan)["lockdown"]) == (True, "none")
    again, same = planned(after)
    assert same == after
    assert again.plan.changes == ()
    assert (outcome(again)["takeover"], outcome(again)["taken_over"]) == (False, True)


def test_enforce_on_a_takeover_stays_until_told_otherwise() -> None:
    _plan, after = planned(BEGUN)
    _plan, locked = planned(after, lockdown="enforce")
    text = locked[f"{FOLDER}/kustomization.yaml"]
    assert "--no-remote-bases" in text
    assert "sparseCheckout" not in text
    for wish in (None, "keep", "enforce"):
        assert planned(locked, lockdown=wish)[1] == locked
    assert planned(locked, lockdown="none")[1] == after


@pytest.mark.parametrize(
    "files",
    [
        {},
        {path: "" if path.endswith("gotk-sync.yaml") else text for path, text in BEGUN.items()},
        {f"{FOLDER}/kustomization.yaml": THEIRS},
    ],
    ids=["nothing", "prepared as Flux's guide says", "patches alone"],
)
def test_what_nobody_bootstrapped_is_locked_down(files: dict[str, str]) -> None:
    plan, after = planned(files)
    assert "--no-remote-bases" in after[f"{FOLDER}/kustomization.yaml"]
    assert "sparseCheckout" in after[f"{FOLDER}/kustomization.yaml"]
    assert outcome(plan)["takeover"] is False


def test_a_block_that_people_removed_comes_back_whole() -> None:
    _plan, ours = planned({})
    mended = {**ours, f"{FOLDER}/kustomization.yaml": THEIRS}
    assert "--no-remote-bases" in planned(mended)[1][f"{FOLDER}/kustomization.yaml"]


def test_keep_keeps_what_we_enforced() -> None:
    _plan, ours = planned({}, lockdown="enforce")
    assert planned(ours, lockdown="keep")[1] == ours


@pytest.mark.parametrize("listed", ["", "- apps.yaml\n", "- cluster.yaml\n"])
def test_a_list_without_our_files_is_refused(listed: str) -> None:
    files = {**BEGUN, "clusters/stg-1/kustomization.yaml": f"resources:\n- flux-system\n{listed}"}
    with pytest.raises(InvalidInput, match=r"clusters/stg-1/kustomization.yaml: resources.*projects\.yaml"):
        planned(files)


def test_a_list_with_our_files_is_fine() -> None:
    listed = "resources:\n- flux-system\n- ./cluster.yaml\n- projects.yaml\n"
    assert outcome(planned({**BEGUN, "clusters/stg-1/kustomization.yaml": listed})[0])["takeover"]


def test_remote_bases_are_looked_for_once_and_not_in_other_clusters() -> None:
    remote = "resources:\n- https://git.example/base?ref=v1\n"
    files = {**BEGUN, "apps/kustomization.yaml": remote, "clusters/other/kustomization.yaml": remote}
    plan, after = planned(files)
    assert [one["object"] for one in outcome(plan)["remote_bases"]] == ["apps/kustomization.yaml"]
    assert outcome(planned(after)[0])["remote_bases"] == []


FOUND = {"missing": ["kustomize-controller: --no-remote-bases=true"], "would_break": []}
BROKEN = {"object": "Kustomization a/b", "field": "spec.serviceAccountName", "why": "names none"}


@pytest.mark.parametrize(
    ("wish", "takeover_now", "broken", "says"),
    [
        (None, True, [BROKEN], "enforce breaks 1: Kustomization a/b: spec.serviceAccountName: names none"),
        (None, False, [], "enforce breaks nothing"),
        ("keep", False, [BROKEN], ""),
        ("keep", True, [BROKEN], "enforce breaks 1"),
        ("enforce", True, [BROKEN], "what stops to work under lockdown: Kustomization a/b"),
    ],
)
def test_warnings(wish: str | None, takeover_now: bool, broken: list[dict[str, str]], says: str) -> None:
    facts = {"name": "a", "flux": {"lockdown": wish}, "lockdown": {**FOUND, "would_break": broken}}
    locked = "enforce" if wish == "enforce" else "none"
    planned_for = {"takeover": takeover_now, "taken_over": True, "lockdown": locked, "remote_bases": []}
    said = " ".join(takeover.warnings([facts], {"a": planned_for}))
    assert says in said
    assert bool(said) is bool(says)
    assert ("taken over" in said) is takeover_now


def test_settled_reads_what_was_published() -> None:
    _plan, after = planned(BEGUN)
    one = takeover.settled(cluster(lockdown=None), after[f"{FOLDER}/kustomization.yaml"])
    assert (one.taken_over, one.lockdown) == (True, "none")
    assert takeover.as_found(cluster(lockdown=None), Layout(), after) == one
