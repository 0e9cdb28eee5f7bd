# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The change of ``projects/`` when tenants leave: from their names and a snapshot of the repository to a plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import preflight, tenants, volumes
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, raise_if
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

VERB = "offboard"


@dataclass(frozen=True)
class Leaving:
    """Tenants that are to leave the environments of a run; ``waiting``: environment → why it is left as it is;
    ``found``: what ``preflight`` found of each cluster, with those volumes that would go."""

    scope: Scope
    names: Sequence[str]
    waiting: Mapping[str, str] = field(default_factory=dict)
    found: Sequence[Mapping[str, Any]] = ()


def plan_leaving(wishes: Leaving, snapshot: Snapshot) -> ProjectsPlan:
    """Plan against a snapshot of the repository. A tenant that it does not have is no problem, and no change."""
    scope = wishes.scope
    raise_if(name_problems(wishes.names))
    preflight.check_known(scope.members, snapshot, scope.layout, scope.allow)
    places = Places(snapshot, scope)
    parts = [
        part
        for environment in scope.environments
        for part in _Environment(wishes, environment, places, snapshot).parts()
    ]
    leaving = sorted({one.tenant for one in parts if one.plan.changes})
    hint = (
        "all that this tenant runs and has would be deleted; "
        f"if that is meant, run again with fleet_allow: [{REMOVE_TENANT}]"
    )
    unsaid = leaving if REMOVE_TENANT not in scope.allow else ()
    held = volumes.leaving(wishes.found, wishes.names, scope.allow)
    raise_if([*(Problem("run", "tenant", name, hint) for name in unsaid), *held])
    return ProjectsPlan(parts, scope.layout)


def key_titles(change: ProjectsPlan, scope: Scope) -> dict[str, set[str]]:
    """Repository URL → the titles of the deploy keys that the leaving tenants have there, on any cluster."""
    titles: dict[str, set[str]] = defaultdict(set)
    for part in change.parts:
        for key in part.keys:
            for cluster in part.before | scope.clusters(part.environment):
                titles[key["url"]] |= {*deploy_key_titles(cluster, key["namespace"], key["source"])}
    return titles


class _Environment:
    """What one environment has of the tenants that leave it."""

    def __init__(self, wishes: Leaving, environment: str, places: Places, snapshot: Snapshot) -> None:
        self._scope, self._layout, self._environment = wishes.scope, wishes.scope.layout, environment
        self._why = wishes.waiting.get(environment, "")
        self._places = places
        names = sorted(set(wishes.names))
        files = {name: self._layout.tenant_file(environment, name) for name in names}
        wanted = {*files.values(), *(path for name in names for path in places.syncs(environment, name))}
        self._texts = snapshot.read(path for path in wanted if places.has(path))
        self._objects = {name: tenants.objects(self._texts.get(path, ""), path) for name, path in files.items()}
        self._claims = self._claimed(snapshot)
        self._files = files

    def _claimed(self, snapshot: Snapshot) -> dict[str, list[str]]:
        """Tenant → its claims. Whose file is gone, or can't be read, is looked for in all of the environment's."""
        spaces = {space for found in self._objects.values() for space in tenants.namespaces(found)}
        wanted = [self._layout.claim(self._environment, space) for space in spaces]
        if not all(self._objects.values()):
            wanted = self._places.claims(self._environment)
        claims: dict[str, list[str]] = defaultdict(list)
        for path, text in snapshot.read(path for path in wanted if self._places.has(path)).items():
            name = tenants.claimant(text, path)
            if name in self._objects:
                claims[name].append(path)
                self._texts[path] = text
        return claims

    def parts(self) -> Iterator[Part]:
        """The change of each tenant that is there."""
        for name, objects in self._objects.items():
            paths = [self._files[name], *self._places.syncs(self._environment, name), *self._claims[name]]
            desired = dict.fromkeys(path for path in paths if self._places.has(path))
            before = self._places.clusters(self._environment, name) or self._scope.clusters(self._environment)
            if not desired:
                continue
            if self._why:
                plan = Plan((), {self._files[name]: self._why})
            else:
                plan, _left = plan_together(desired, self._texts, self._scope.hand_edits)
            keys = tenants.keys(name, objects) if plan.changes else []
            yield Part(name, self._environment, plan, VERB, before, frozenset(), keys)
