# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Tenants that wait for others: who they are, in which namespace, and whether the wait could ever end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, tenants
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.projects import Places, Scope
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenant import Tenant

Place = tuple[str, str]
"""An environment, and a tenant's name."""


def in_run(asking: Sequence[Tenant]) -> Iterator[Problem]:
    """Tenants of a run that wait for each other."""
    return _cycles(asking, _waits(asking))


@dataclass(frozen=True)
class Standing:
    """A tenant that the repository has in an environment: where its Kustomization lies, and what that waits for."""

    namespace: str
    depends_on: tuple[str, ...]


@dataclass(frozen=True)
class Dependencies:
    """What the tenants of a run wait for, theirs and those that the repository has."""

    asking: Sequence[Tenant]
    scope: Scope
    places: Places
    snapshot: Snapshot = field(repr=False)

    def homes(self, environment: str) -> Mapping[str, str]:
        """Tenant → the namespace of its Kustomization in an environment, of all that a tenant of the run waits for."""
        return self._homes.get(environment, {})

    def problems(self) -> Iterator[Problem]:
        """Tenants that are not there, or not on all clusters, or wait for who waits for them."""
        for tenant in self.asking:
            for environment in set(tenant.environments).intersection(self.scope.environments):
                asked = tenant.request.content["environments"][environment].get("dependsOn", ())
                for number, name in enumerate(asked):
                    hint = self._fault(tenant, environment, name)
                    if hint:
                        path = ("environments", environment, "dependsOn", number)
                        yield tenant.request.problem(path, name, hint)
        standing = {place: one.depends_on for place, one in self._standing.items()}
        yield from _cycles(self.asking, standing | _waits(self.asking))

    def _fault(self, tenant: Tenant, environment: str, name: str) -> str:
        if name not in self.homes(environment):
            return f"there is no tenant of this name in {environment}: neither this run nor the repository has it"
        mine, its = self._clusters(tenant.name, environment), self._clusters(name, environment)
        missing = ", ".join(sorted(mine - its))
        return f"this tenant is not on {missing}, where {tenant.name} would wait for it for ever" if missing else ""

    def _clusters(self, name: str, environment: str) -> frozenset[str]:
        tenant = self._named.get(name)
        asked = tenant.placement(environment) if tenant else None
        if asked:
            return frozenset(asked.clusters) or self.scope.clusters(environment)
        return self.places.clusters(environment, name)

    @cached_property
    def _named(self) -> dict[str, Tenant]:
        return {one.name: one for one in self.asking}

    @cached_property
    def _homes(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for (environment, name), one in self._standing.items():
            found[environment][name] = one.namespace
        for tenant in self.asking:
            for environment in tenant.environments:
                found[environment][tenant.name] = tenant.namespaces[0]
        return found

    @cached_property
    def _standing(self) -> dict[Place, Standing]:
        """What the repository has of all that is waited for, and of what these wait for in their turn."""
        found: dict[Place, Standing] = {}
        wanted = self._strangers(_waits(self.asking))
        while wanted:
            files = {self.scope.layout.tenant_file(*place): place for place in wanted}
            texts = self.snapshot.read(path for path in files if self.places.has(path))
            new = {files[path]: read(files[path][1], text, path) for path, text in texts.items()}
            found |= {place: one for place, one in new.items() if one}
            wanted = self._strangers({place: one.depends_on for place, one in new.items() if one}) - found.keys()
        return found

    def _strangers(self, waits: Mapping[Place, Sequence[str]]) -> set[Place]:
        """Those that are waited for, and that this run does not ask for."""
        named = {(environment, name) for (environment, _by), names in waits.items() for name in names}
        return {place for place in named if place[1] not in self._named}


def read(name: str, text: str, path: str) -> Standing | None:
    """What a tenant's file says of it; nothing where somebody's edit left nothing to read."""
    for one in tenants.objects(text, path):
        metadata = documents.part(one, "metadata")
        if one.get("kind") == "Kustomization" and metadata.get("name") == name:
            others = documents.part(one, "spec").get("dependsOn")
            named = [other.get("name") for other in others if isinstance(other, Mapping)] if others else []
            return Standing(str(metadata.get("namespace")), tuple(str(other) for other in named))
    return None


def _waits(asking: Iterable[Tenant]) -> dict[Place, tuple[str, ...]]:
    return {(place.environment, one.name): place.depends_on for one in asking for place in one.placements}


def _cycles(asking: Iterable[Tenant], waits: Mapping[Place, Sequence[str]]) -> Iterator[Problem]:
    for tenant in asking:
        for placement in tenant.placements:
            way = _way_back(tenant.name, placement.environment, waits)
            if way:
                hint = f"the wait never ends: {' waits for '.join(way)}"
                yield tenant.request.problem(("environments", placement.environment, "dependsOn"), "", hint)


def _way_back(name: str, environment: str, waits: Mapping[Place, Sequence[str]]) -> list[str]:
    """The tenants from one back to itself; none where it does not wait for itself."""
    ways, seen = [[name]], set()
    while ways:
        way = ways.pop()
        for other in waits.get((environment, way[-1]), ()):
            if other == name:
                return [*way, name]
            if other not in seen:
                seen.add(other)
                ways.append([*way, other])
    return []
