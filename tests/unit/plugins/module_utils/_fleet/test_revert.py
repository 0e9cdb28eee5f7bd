# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wave's commit taken back: its paths as they were, and never over the work of others."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import revert
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import FleetError
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Sync
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.revert import Commit

SYNC = Sync("ssh://git@git.example/fleet.git", "main")
COMMIT = Commit(SYNC, "b" * 40, "a" * 40, ("changed", "gone", "new"))
BEFORE = {"changed": "1", "gone": "1"}
OURS = {"changed": "2", "new": "2"}


def member(name: str, url: str = SYNC.url) -> dict[str, Any]:
    return {"name": name, "repository": {"url": url, "branch": "main"}}


def test_paths_are_as_they_were() -> None:
    found = revert.plan_revert(COMMIT, {**OURS, "other": "3"}, OURS, BEFORE, "wave 1 failed")
    assert found.plan.contents == {"changed": b"1", "gone": b"1", "new": None}
    assert found.message.startswith("revert bbbbbbbbbbbb\n")
    assert f"Fleet-Reverts: {'b' * 40}\nFleet-Reason: wave 1 failed\n" in found.message


@pytest.mark.parametrize("now", [{**OURS, "changed": "3"}, {"changed": "2"}, {**OURS, "gone": "3"}])
def test_work_of_others_is_left(now: dict[str, str]) -> None:
    if now == {"changed": "2"}:  # what is as it was before is no work to lose
        assert revert.plan_revert(COMMIT, now, OURS, BEFORE, "why").plan.paths == ["changed", "gone"]
        return
    with pytest.raises(FleetError, match=f"changed since: revert {'b' * 40} by hand"):
        revert.plan_revert(COMMIT, now, OURS, BEFORE, "why")


def test_what_was_taken_back_already_needs_nothing() -> None:
    assert not revert.plan_revert(COMMIT, BEFORE, OURS, BEFORE, "why").plan.changes


def test_commits_of_a_wave() -> None:
    mine = {"revision": "b", "superseded": ["a"]}
    published = {
        "one": {**mine, "files": ["x", "z"]},
        "two": {**mine, "files": ["x", "y"]},
        "three": {"revision": "a", "superseded": [], "files": []},
        "four": {**mine, "files": ["w"]},
    }
    found = revert.commits([member("one"), member("two"), member("three"), member("absent")], published)
    assert found == [Commit(SYNC, "b", "a", ("x", "y", "z"))]
    assert len(revert.commits([member("one"), member("four", "ssh://git@git.example/other.git")], published)) == 2


def test_what_awaits_its_merge() -> None:
    assert revert.for_later([member("one")], {"one": {"awaits": "merge it"}}) == "merge it"
    assert revert.for_later([member("one"), member("two")], {"one": {"awaits": ""}}) == ""
