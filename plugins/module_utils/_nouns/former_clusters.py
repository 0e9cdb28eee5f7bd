# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``former_clusters``: clusters that have left, out of the fleet repository by one commit, their keys from forges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import (
    ALLOW,
    FORGES,
    MEMBERS,
    REPOSITORY,
    Specification,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import preflight, retirement
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member, Sync
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._io import forge
from ansible_collections.fluxops.fleet.plugins.module_utils._io.publishing import by_sync, publish_all
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **REPOSITORY,
    **ALLOW,
    **FORGES,
    **MEMBERS,
    "waiting": {"type": "dict", "default": {}},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Take clusters out of the repository; see the module's documentation for parameters and result."""
    members = preflight.checked_members(parameters["clusters"])
    departures = Departures(parameters, forge.Withdrawal(parameters["forges"], check_mode=check_mode))
    withdrawal, groups = departures.withdrawal, by_sync(members)
    thoughts = {sync: (group, partial(departures.think, sync, group)) for sync, group in groups.items()}
    result = publish_all(parameters, "decommission", thoughts, check_mode=check_mode, say=say)
    for sync, group in groups.items():
        departures.end(sync, [result["clusters"][one.name]["awaits"] for one in group], say)
    result["diff"] += withdrawal.diff
    for line in withdrawal.by_hand:
        say(f"by hand: {line}")
    keys = [title for _url, title in withdrawal.removed]
    return {**result, "keys_removed": keys, "by_hand": withdrawal.by_hand, "changed": result["changed"] or bool(keys)}


class Departures:
    """What is planned for clusters that leave, and their deploy keys, which go when the files are sure to go.

    By a push both go at once, keys first, since the files are what tells of tenants' keys. By pull request or in a
    checkout the keys wait for the merge, but for those that nothing tells of then.
    """

    def __init__(self, parameters: Mapping[str, Any], withdrawal: forge.Withdrawal) -> None:
        self._parameters, self.withdrawal = parameters, withdrawal
        self._by_push = parameters["repository"]["publish"] == "push"
        self._first: dict[Sync, retirement.RetirementPlan] = {}

    def think(self, sync: Sync, group: Sequence[Member], snapshot: Snapshot) -> retirement.RetirementPlan:
        """The change over a snapshot. The first is the branch's, later ones may be of a topic or of a checkout."""
        wishes = retirement.Retirement(group, self._parameters["allow"], self._parameters["waiting"])
        change = retirement.plan_retirement(wishes, snapshot)
        self._first.setdefault(sync, change)
        self.withdrawal.withdraw(change.keys if self._by_push else change.untold)
        return change

    def end(self, sync: Sync, awaits: Sequence[str], say: Say) -> None:
        """The keys that waited go, where the branch has the change."""
        if self._by_push:
            return
        if not any(awaits):
            self.withdrawal.withdraw(self._first[sync].keys)
        else:
            say(f"{sync.url}: deploy keys stay until the directories are gone from {sync.branch}: then run this again")
