# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``former_clusters``: clusters that have left, out of the fleet repository by one commit, their keys from forges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import (
    ALLOW,
    FORGES,
    MEMBERS,
    REPOSITORY,
    Specification,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import preflight, retirement
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member
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
    withdrawal = forge.Withdrawal(parameters["forges"], check_mode=check_mode)
    thoughts = {sync: (group, _think(group, parameters, withdrawal)) for sync, group in by_sync(members).items()}
    result = publish_all(parameters, "decommission", thoughts, check_mode=check_mode, say=say)
    result["diff"] += withdrawal.diff
    for line in withdrawal.by_hand:
        say(f"by hand: {line}")
    keys = [title for _url, title in withdrawal.removed]
    return {**result, "keys_removed": keys, "by_hand": withdrawal.by_hand, "changed": result["changed"] or bool(keys)}


def _think(
    group: Sequence[Member], parameters: Mapping[str, Any], withdrawal: forge.Withdrawal
) -> Callable[[Snapshot], retirement.RetirementPlan]:
    wishes = retirement.Retirement(group, parameters["allow"], parameters["waiting"])

    def think(snapshot: Snapshot) -> retirement.RetirementPlan:
        """The keys lose their rights before the files go, which are all that tells of tenants' keys."""
        change = retirement.plan_retirement(wishes, snapshot)
        withdrawal.withdraw(change.keys)
        return change

    return think
