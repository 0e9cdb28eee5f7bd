# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""A promotion: the versions that run in one environment become those of another one, by one change of its files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import promoted
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_helm import PROMOTED
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import VARIABLES
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, raise_if, some
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.infrastructure import Wishes, plan_infrastructure
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.messages import promotion_message
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import Change, Plan
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.promoted import Versions
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot

Running = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Host → component → how it is there, as ``Health.as_dict`` says it."""
_LISTED = 3
GATE = "the health gate"


@dataclass(frozen=True)
class Move:
    """What is asked for: from which environment to which, and of which components (none named: of all promoted)."""

    source: str
    target: str
    components: Sequence[str] = ()
    rollback: bool = False
    """Whether the target's last promotion is taken back; then there is no source."""

    def problems(self, members: Iterable[Member]) -> Iterator[Problem]:
        """What is wrong with it, where these are the clusters of the run."""
        known = sorted({one.environment for one in members})
        given = {"fleet_to": self.target, **({} if self.rollback else {"fleet_from": self.source})}
        for field, name in given.items():
            if name not in known:
                hint = f"no cluster of this run is in it; there are {', '.join(known) or 'none'}"
                yield Problem("run", field, name or "empty", hint)
        if self.source == self.target:
            yield Problem("run", "fleet_to", self.target, "is fleet_from too: name two environments")


@dataclass(frozen=True)
class Step:
    """One component's step from a version to another; empty where there is none."""

    component: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.component}: {self.before or 'nothing'} → {self.after or 'no version promoted any more'}"

    def as_dict(self) -> dict[str, str]:
        """The same as plain data."""
        return {"component": self.component, "before": self.before, "after": self.after}


@dataclass(frozen=True)
class Promotion:
    """The files to write, the steps that they are for, and components that were left out, each with the reason."""

    plan: Plan
    message: str = ""
    steps: Sequence[Step] = ()
    skipped: Sequence[str] = ()

    def outcome(self, member: Member) -> dict[str, Any]:
        """What was planned for one cluster: the environment's files, and its own."""
        own, clusters = f"clusters/{member.name}/", "clusters/"
        files = [path for path in self.plan.paths if path.startswith(own) or not path.startswith(clusters)]
        return {"files": files, "held": {}}


def source_problems(move: Move, members: Iterable[Member], failures: Mapping[str, str]) -> list[Problem]:
    """Clusters of the source where something failed (host → why), or that can't be asked."""
    found = []
    for one in members:
        why = failures.get(one.host, "" if one.reachable else "can't be reached")
        if one.environment == move.source and why:
            hint = f"{why}: {move.target} gets what is ready on all clusters of {move.source} alone"
            found.append(Problem(one.host, f"{GATE} of {move.source}", "", hint))
    return found


def plan_promotion(wishes: Wishes, move: Move, running: Running, snapshot: Snapshot) -> Promotion:
    """Plan against a snapshot; ``wishes``: of the target's clusters. InvalidInput with all that is wrong."""
    layout = wishes.layout
    before = promoted.read(snapshot, layout, move.target, wishes.hand_edits)
    asked, skipped = _asked(wishes, move)
    after = _after(asked, move, before, running)
    steps = [
        Step(name, before.get(name, ""), after.get(name, ""))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
    if not steps:
        return Promotion(Plan(), skipped=skipped)
    plan = plan_infrastructure(_with(wishes, after), snapshot).plan
    raise_if(Problem(path, "promotion", "", why) for path, why in plan.held.items())
    raise_if(_unpublished(wishes, move, before, snapshot))
    path = layout.versions(move.target)
    plan = plan.with_changes([Change(path, snapshot.read([path]).get(path), promoted.written(after))])
    subject = f"promote {move.source} to {move.target}"
    message = promotion_message(subject, [str(one) for one in steps], [one.component for one in steps], plan.paths)
    return Promotion(plan, message, steps, skipped)


def _with(wishes: Wishes, versions: Versions) -> Wishes:
    return replace(wishes, declared={host: promoted.filled(one, versions) for host, one in wishes.declared.items()})


def _asked(wishes: Wishes, move: Move) -> tuple[dict[str, bool], list[str]]:
    """Each promoted component of the target → whether it is to be moved; and words for those of other versions."""
    there = {name for one in wishes.declared.values() for name in one.present}
    ours = {name for one in wishes.declared.values() for name in promoted.names(one)}
    problems = []
    for name in sorted(set(move.components) - ours):
        hint = (
            f"{move.target} has a version of its own of it: say helm.version: {PROMOTED} there first"
            if name in there
            else f"{move.target} has no such component; promoted are {', '.join(sorted(ours)) or 'none'}"
        )
        problems.append(Problem("run", "fleet_component", name, hint))
    raise_if(problems)
    skipped = [] if move.components else [f"{name}: its version is the inventory's" for name in sorted(there - ours)]
    return {name: not move.components or name in move.components for name in sorted(ours)}, skipped


def _after(asked: Mapping[str, bool], move: Move, before: Versions, running: Running) -> dict[str, str]:
    """The target's versions after the promotion; what is promoted no more has none."""
    after = {name: before[name] for name in asked if name in before}
    problems = []
    for name in [name for name, wanted in asked.items() if wanted]:
        found = {
            host: promoted.exact(str(ones[name].get("revision", ""))) for host, ones in running.items() if name in ones
        }
        versions = set(found.values())
        if len(versions) == 1 and "" not in versions:
            after |= dict.fromkeys([name], *versions)
        elif found or name in move.components or name not in before:
            problems.append(Problem("run", f"{VARIABLES[0]}.{name}", "", _disagreement(move, found)))
    raise_if(problems)
    return after


def _disagreement(move: Move, found: Mapping[str, str]) -> str:
    if not found:
        return f"{move.source} has no such component, so there is no version to promote"
    said = [f"{host} runs {version or 'no Helm release of it'}" for host, version in sorted(found.items())]
    return f"{move.source} has no one version to promote: {some(said, _LISTED)}"


def _unpublished(wishes: Wishes, move: Move, before: Versions, snapshot: Snapshot) -> list[Problem]:
    """What else the inventory says than the target's files: a promotion changes versions and nothing besides.

    It can't be told where a component comes with this promotion for the first time.
    """
    now = _with(wishes, before)
    if promoted.missing(now.declared, now.members, now.layout):
        return []
    paths = plan_infrastructure(now, snapshot).plan.paths
    hint = f"differs from what the inventory says ({some(paths, _LISTED)}): run infrastructure for {move.target} first"
    return [Problem("run", f"infrastructure of {move.target}", "", hint)] if paths else []
