# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``promote``: the versions that run in one environment become another one's, or its last promotion is taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import (
    ALLOW,
    FORGE,
    MEMBERS,
    REPOSITORY,
    SOPS,
    VERIFY,
    Specification,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member, Sync
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import Plan
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.preflight import checked_members
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.promotion import (
    Move,
    Promotion,
    plan_promotion,
    source_problems,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rollback import Rollback
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._io import publishing
from ansible_collections.fluxops.fleet.plugins.module_utils._io.verifying import Verifier
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import infrastructure

_LIKE = ("layers", "inventory", "unreachable", "hand_edits", "templates")
ARGUMENTS: Specification = {
    **REPOSITORY,
    **ALLOW,
    **FORGE,
    **MEMBERS,
    **SOPS,
    **VERIFY,
    **{name: infrastructure.ARGUMENTS[name] for name in _LIKE},
    "source": {"type": "str", "default": ""},
    "target": {"type": "str", "required": True},
    "components": {"type": "list", "elements": "str", "default": []},
    "running": {"type": "dict", "default": {}},
    "failures": {"type": "dict"},
    "rollback": {"type": "bool", "default": False},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Promote or roll back; see the module's documentation for parameters and result."""
    back, target = parameters["rollback"], parameters["target"]
    move = Move("" if back else parameters["source"], target, parameters["components"], back)
    members = checked_members(parameters["clusters"], parameters["unreachable"])
    failures = [] if back else source_problems(move, members, parameters["failures"] or {})
    raise_if([*move.problems(members), *failures])
    plans: dict[Sync, Promotion] = {}
    say = say if parameters["failures"] is not None else _silent
    verifier = Verifier(parameters, say)

    def thought(sync: Sync, group: list[Member]) -> Callable[[Snapshot], Promotion]:
        think = (
            _rollback(move, sync, parameters)
            if back  # what ran before is not held up by what is looked at now
            else verifier.checking(group, _promotion(move, group, parameters))
        )

        def kept(snapshot: Snapshot) -> Promotion:
            plans[sync] = think(snapshot)
            return plans[sync]

        return kept

    groups = publishing.by_sync(one for one in members if one.environment == target)
    thoughts = {sync: (group, thought(sync, group)) for sync, group in groups.items()}
    result = publishing.publish_all(
        parameters, "roll-back" if back else "promote", thoughts, check_mode=check_mode, say=say
    )
    for line in (line for one in plans.values() for line in (*map(str, one.steps), *one.skipped)):
        say(f"{target}: {line}")
    steps = [step.as_dict() for one in plans.values() for step in one.steps]
    return {**verifier.tell(result, check_mode=check_mode), "steps": steps}


def _silent(_text: str) -> None:
    """A look ahead says what is wrong, and nothing else."""


def _promotion(move: Move, group: list[Member], parameters: Mapping[str, Any]) -> Callable[[Snapshot], Promotion]:
    wishes = infrastructure.wishes(group, parameters)
    raise_if(infrastructure.problems(wishes, parameters))
    return partial(plan_promotion, wishes, move, parameters["running"])


def _rollback(move: Move, sync: Sync, parameters: Mapping[str, Any]) -> Callable[[Snapshot], Promotion]:
    made = publishing.last_change(parameters, sync, Layout().versions(move.target))
    if made is None or made.is_revert:
        return lambda _snapshot: Promotion(Plan(), skipped=["there is no promotion to take back"])
    both = (made.revision, made.previous)
    ours, before = (publishing.texts_at(parameters, sync, one, made.paths) for one in both)
    return Rollback(move.target, sync, made, ours, before, parameters["allow"]).plan
