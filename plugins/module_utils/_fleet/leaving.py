# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The change of ``projects/`` when tenants leave: from their names and a snapshot of the repository to a plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import (
    dependents,
    preflight,
    tenants,
    tombstones,
    volumes,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.keeping import Keep
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import deploy_key_titles
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.offboarding import REMOVE_TENANT, name_problems
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import Plan
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.projects import (
    Part,
    Places,
    ProjectsPlan,
    Scope,
    plan_together,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tombstones import Departing, Tombstone
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.volumes import REMOVE_VOLUMES

VERB = "offboard"


@dataclass(frozen=True)
class Leaving:
    """Tenants that are to leave the environments of a run; ``waiting``: environment → why it is left as it is;
    ``found``: what ``preflight`` found of each cluster."""

    scope: Scope
    names: Sequence[str]
    waiting: Mapping[str, str] = field(default_factory=dict)
    found: Sequence[Mapping[str, Any]] = ()
    keep: Keep = field(default_factory=Keep)


def plan_leaving(wishes: Leaving, snapshot: Snapshot) -> ProjectsPlan:
    """Plan against a snapshot of the repository. A tenant that it does not have is no problem, and no change."""
    scope = wishes.scope
    raise_if(name_problems(wishes.names))
    preflight.check_known(scope.members, snapshot, scope.layout, scope.allow)
    places = Places(snapshot, scope)
    environments = [_Environment(wishes, one, places, snapshot) for one in scope.environments]
    parts = [part for environment in environments for part in environment.parts()]
    unfinished: dict[str, list[Departing]] = defaultdict(list)
    for cluster, departing in (found for environment in environments for found in environment.unfinished()):
        unfinished[cluster].append(departing)
    leaving = sorted({one.tenant for one in parts if one.plan.changes} & set(wishes.names))
    hint = (
        "all that this tenant runs and has would be deleted; "
        f"if that is meant, run again with fleet_allow: [{REMOVE_TENANT}]"
    )
    unsaid = leaving if REMOVE_TENANT not in scope.allow else ()
    held = _volumes(wishes, unfinished)
    waiting = dependents.problems(leaving, scope, places, snapshot)
    raise_if([*(Problem("run", "tenant", name, hint) for name in unsaid), *held, *waiting])
    return ProjectsPlan(parts, scope.layout, unfinished=unfinished)


def _volumes(wishes: Leaving, unfinished: Mapping[str, Sequence[Departing]]) -> Iterator[Problem]:
    """The volumes that nobody said the word for, of tenants that leave now and of those that left."""
    for one in wishes.found:
        own = volumes.of_tenants(one)
        now = [(name, wishes.keep, wishes.scope.allow) for name in wishes.names]
        rest = [(two["tenant"], Keep.from_params(two), two["allow"]) for two in unfinished.get(one.get("name", ""), ())]
        for name, keep, allow in (*now, *rest):
            words = {*allow, *wishes.scope.allow}
            yield from volumes.problems(one["host"], name, keep.going(own.get(name, [])), words)


def key_titles(change: ProjectsPlan, scope: Scope) -> dict[str, set[str]]:
    """Repository URL → the titles of the deploy keys that the leaving tenants have there, on any cluster."""
    titles: dict[str, set[str]] = defaultdict(set)
    for part in change.parts:
        for key in part.keys:
            for cluster in part.before | scope.clusters(part.environment):
                titles[key["url"]] |= {*deploy_key_titles(cluster, key["namespace"], key["source"])}
    return titles


def moved_titles(change: ProjectsPlan, scope: Scope) -> dict[str, set[str]]:
    """The same, of the clusters alone that tenants have moved away from."""
    gone = [replace(one, before=one.before - one.after) for one in change.parts if one.before - one.after]
    alone = replace(scope, members=(), inventory={})
    return key_titles(ProjectsPlan(gone, change.layout), alone)


class _Environment:
    """What one environment has of the tenants that leave it, or left it while a cluster was away."""

    def __init__(self, wishes: Leaving, environment: str, places: Places, snapshot: Snapshot) -> None:
        self._wishes, self._scope, self._environment = wishes, wishes.scope, environment
        self._layout, self._places = wishes.scope.layout, places
        self._why = wishes.waiting.get(environment, "")
        members = [one for one in wishes.scope.members if one.environment == environment]
        self._reached = frozenset(one.name for one in members if one.reachable)
        self._named = sorted(set(wishes.names))
        departed = [
            one for one in places.departed(environment) if self._reached & places.tombstones(environment, one).keys()
        ]
        names = sorted({*self._named, *departed})
        self._files = {name: self._layout.tenant_file(environment, name) for name in names}
        stones = [path for name in names for path in places.tombstones(environment, name).values()]
        wanted = {*self._files.values(), *(path for name in names for path in places.syncs(environment, name)), *stones}
        self._texts = snapshot.read(path for path in wanted if places.has(path))
        self._stones = {path: tombstones.read(self._texts[path], path) for path in stones}
        self._objects = {name: tenants.objects(self._texts.get(path, ""), path) for name, path in self._files.items()}
        self._claims = self._claimed(snapshot)

    def _claimed(self, snapshot: Snapshot) -> dict[str, list[str]]:
        """Tenant → its claims. Whose file is gone, or can't be read, is looked for in all of the environment's."""
        spaces = {space for found in self._objects.values() for space in tenants.namespaces(found)}
        spaces |= {space for stone in self._stones.values() for space in stone.namespaces}
        wanted = [self._layout.claim(self._environment, space) for space in spaces]
        if not all(self._objects[name] for name in self._named):
            wanted = self._places.claims(self._environment)
        claims: dict[str, list[str]] = defaultdict(list)
        for path, text in snapshot.read(path for path in wanted if self._places.has(path)).items():
            name = tenants.claimant(text, path)
            if name in self._objects:
                claims[name].append(path)
                self._texts[path] = text
        return claims

    def unfinished(self) -> Iterator[tuple[str, Departing]]:
        """Cluster that can be reached, and who left while it was away."""
        for name in self._objects:
            for cluster, path in self._places.tombstones(self._environment, name).items():
                if cluster in self._reached and name not in self._named:
                    yield cluster, self._stones[path].departing

    def parts(self) -> Iterator[Part]:
        """The change of each tenant that is there, or is still to be taken off a cluster."""
        for name, objects in self._objects.items():
            stones = self._places.tombstones(self._environment, name)
            known = self._places.clusters(self._environment, name)
            before = known | stones.keys() or self._scope.clusters(self._environment)
            leaves = name in self._named
            desired = self._left(name, before if leaves else frozenset(stones), leaves=leaves)
            if not desired:
                continue
            if self._why:
                plan = Plan((), {self._files[name]: self._why})
            else:
                plan, _left = plan_together(desired, self._texts, self._scope.hand_edits)
            keys = tenants.keys(name, objects) if plan.changes and leaves else []
            yield Part(name, self._environment, plan, VERB, before if leaves else frozenset(stones), frozenset(), keys)

    def _left(self, name: str, clusters: frozenset[str], *, leaves: bool) -> dict[str, str | None]:
        """The files as they are to be: tombstones for clusters that can't be seen to now, and the claims with them."""
        own = [self._files[name], *self._places.syncs(self._environment, name)] if leaves else []
        there = [*own, *self._claims[name], *self._places.tombstones(self._environment, name).values()]
        desired: dict[str, str | None] = dict.fromkeys(path for path in there if self._places.has(path))
        if not desired:
            return {}
        behind = clusters - self._reached
        stays = set() if leaves else {self._layout.claim(self._environment, one) for one in self._spaces(name)}
        for path in self._claims[name]:
            if behind or path in stays:
                desired[path] = self._texts[path]
        for cluster in behind:
            path = self._layout.tombstone(self._environment, cluster, name)
            desired[path] = self._texts.get(path) or self._stone(name)
        return desired

    def _spaces(self, name: str) -> list[str]:
        return tenants.namespaces(self._objects[name])

    def _stone(self, name: str) -> str:
        claimed = [path.rpartition("/")[2] for path in self._claims[name]]
        spaces = tuple({*self._spaces(name), *claimed})
        return Tombstone(name, spaces, self._wishes.keep, REMOVE_VOLUMES in self._scope.allow).text
