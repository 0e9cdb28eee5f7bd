# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Tenants that move: by a first commit they come to their new clusters, by a second one, once they are ready there,
they leave the old ones. Where a run is in between is seen from the request and the repository alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import leaving, volumes
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.offboarding import REMOVE_TENANT
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import Plan
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.projects import Part, Places, Scope
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenant import Tenant
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenants import Rendered

MOVE_TENANT = "move_tenant"


def staying(one: Rendered, places: Places, scope: Scope) -> Mapping[str, str]:
    """Cluster → sync file, of the clusters that a request leaves out, and that keep the tenant until it has moved."""
    if MOVE_TENANT not in scope.allow or not one.placement.clusters:
        return {}
    own = places.own(one.environment, one.tenant.name)
    return {cluster: path for cluster, path in own.items() if cluster not in one.placement.clusters}


def environments(tenant: Tenant, places: Places, scope: Scope) -> list[str]:
    """The environments of a run that the repository has a tenant in, and its request does not name."""
    found = [one for one in scope.environments if one not in tenant.environments]
    return [one for one in found if places.has(scope.layout.tenant_file(one, tenant.name)) and not tenant.leaving]


def unnamed(tenant: Tenant, places: Places, scope: Scope) -> Iterator[Problem]:
    """Environments that a request no longer names, where nobody said the word for a move."""
    for environment in environments(tenant, places, scope) if MOVE_TENANT not in scope.allow else ():
        hint = (
            f"the repository has {tenant.name} in {environment}: name that environment again, or take the tenant out "
            f"of it with the playbook offboard and --limit {environment}, or, if it is to be ready elsewhere first, "
            f"run again with fleet_allow: [{MOVE_TENANT}]"
        )
        yield tenant.request.problem(("environments",), "", hint)


def parts(asking: Iterable[Tenant], places: Places, scope: Scope, *, moved: bool) -> Iterator[Part]:
    """Whole environments that tenants leave once they run where they moved to."""
    for tenant in asking if MOVE_TENANT in scope.allow and not moved else ():
        for environment in environments(tenant, places, scope):
            there = places.clusters(environment, tenant.name)
            yield Part(tenant.name, environment, Plan(), leaving.VERB, there, there, leaves=there)


def departures(asking: Iterable[Tenant], scope: Scope, snapshot: Snapshot, *, moved: bool) -> Iterator[Part]:
    """The same when they do: their files there go."""
    if not moved or MOVE_TENANT not in scope.allow:
        return
    places = Places(snapshot, scope)
    names: dict[str, list[str]] = {}
    for tenant in asking:
        for environment in environments(tenant, places, scope):
            names.setdefault(environment, []).append(tenant.name)
    for environment, leaves in names.items():
        members = [one for one in scope.members if one.environment == environment]
        own = replace(scope, members=members, allow=[*scope.allow, REMOVE_TENANT])
        yield from leaving.plan_leaving(leaving.Leaving(own, leaves), snapshot).parts


def problems(
    asking: Iterable[Tenant],
    planned: Iterable[Part],
    scope: Scope,
    found: Mapping[str, Mapping[str, str]],
    claimed: Mapping[str, Sequence[volumes.Volume]],
) -> Iterator[Problem]:
    """What stands in the way of moves. ``found`` and ``claimed``: namespaces and volumes, as of ``Onboarding``."""
    tenants, members = {one.name: one for one in asking}, {one.name for one in scope.members}
    for part in planned:
        tenant = tenants[part.tenant]
        for placement in tenant.placements if part.leaves else ():
            wanted = frozenset(placement.clusters) or scope.clusters(placement.environment)
            for cluster in sorted(wanted - members):
                hint = f"{tenant.name} moves, and has to be ready on {cluster} first: run again with that cluster too"
                yield tenant.request.problem(("environments", placement.environment), "", hint)
        for cluster in sorted(part.leaves):
            owners = found.get(cluster, {})
            own = [one for one in claimed.get(cluster, ()) if owners.get(one["namespace"]) == tenant.name]
            yield from volumes.problems(f"cluster {cluster}", tenant.name, own, scope.allow)
