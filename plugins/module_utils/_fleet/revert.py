# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""A commit of a run taken back by another one: its paths as they were before, where nobody has changed them since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import FleetError, some
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.messages import compose
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Sync
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import Change, Plan

_LISTED = 3
_TRAILER = "Fleet-Reverts"
REVERTS = f"\n{_TRAILER}: "
_BY_GIT = "\nThis reverts commit "  # git-revert(1), and the buttons of forges


@dataclass(frozen=True)
class Commit:
    """One commit that this run made: what it is in, the branch's head before it, and the paths that it changed."""

    sync: Sync
    revision: str
    previous: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Made:
    """A commit of a branch, found by what it changed: its id, its parent's, its message, its paths."""

    revision: str
    previous: str
    message: str
    paths: tuple[str, ...]

    @property
    def is_revert(self) -> bool:
        """Whether it took another one back."""
        return REVERTS in self.message or _BY_GIT in self.message


@dataclass(frozen=True)
class Reverted:
    """What takes a commit back."""

    plan: Plan = field(default_factory=Plan)
    message: str = ""


def commits(clusters: Iterable[Mapping[str, Any]], published: Mapping[str, Mapping[str, Any]]) -> list[Commit]:
    """The commits that were made for some clusters: as ``preflight`` found them, and name → what was published."""
    paths: dict[tuple[Sync, str, str], set[str]] = {}
    for one in clusters:
        mine = published.get(one["name"]) or {}
        for previous in mine.get("superseded") or []:
            sync = Sync(one["repository"]["url"], one["repository"]["branch"])
            paths.setdefault((sync, mine["revision"], previous), set()).update(mine.get("files") or [])
    return [Commit(*key, tuple(sorted(found))) for key, found in paths.items() if found]


def for_later(clusters: Iterable[Mapping[str, Any]], published: Mapping[str, Mapping[str, Any]]) -> str:
    """What must happen before the branch has what was published for some clusters; empty where it has it."""
    found = (str((published.get(one["name"]) or {}).get("awaits") or "") for one in clusters)
    return next((one for one in found if one), "")


def plan_revert(
    commit: Commit, now: Mapping[str, str], ours: Mapping[str, str], before: Mapping[str, str], why: str
) -> Reverted:
    """The paths as they were ``before``; FleetError where ``now`` differs from what was ``ours`` (path → text each)."""
    back = [path for path in commit.paths if now.get(path) != before.get(path)]
    others = [path for path in back if now.get(path) != ours.get(path)]
    if others:
        said = f"{some(others, _LISTED)} changed since: revert {commit.revision} by hand"
        raise FleetError(f"not taken back, since others work there: {said}")
    changes = tuple(Change(path, now.get(path), before.get(path)) for path in back)
    message = compose(f"revert {commit.revision[:12]}", back, {_TRAILER: [commit.revision], "Fleet-Reason": [why]})
    return Reverted(Plan(changes), message)
