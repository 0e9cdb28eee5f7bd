# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Names that two tenants want: within a run, in the repository, and in the clusters themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import tenants
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.projects import Places, Scope
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Path
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenant import Tenant
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenants import Rendered

ADOPT_NAMESPACE = "adopt_namespace"

Claim = tuple[str, str, Tenant]
"""Environment, namespace, and the tenant that wants it there."""


def claims(asking: Iterable[Tenant], rendered: Iterable[Rendered] = ()) -> list[Claim]:
    """What tenants claim: by their requests in all environments, and by templates in those of the run."""
    found = [(one, space, tenant) for tenant in asking for one in tenant.environments for space in tenant.namespaces]
    found += [(one.environment, space, one.tenant) for one in rendered for space in one.namespaces]
    return list(
        {
            (environment, space, id(tenant)): (environment, space, tenant) for environment, space, tenant in found
        }.values()
    )


def in_run(asking: Sequence[Tenant], rendered: Iterable[Rendered] = ()) -> Iterator[Problem]:
    """Tenants of one name, and tenants that want the same namespace in the same environment."""
    names: dict[str, Tenant] = {}
    for tenant in asking:
        first = names.setdefault(tenant.name, tenant)
        if first is not tenant:
            yield tenant.request.problem(("tenant",), tenant.name, f"this tenant stands twice, see {_place(first)}")
    owners: dict[tuple[str, str], Tenant] = {}
    for environment, space, tenant in claims(asking, rendered):
        first = owners.setdefault((environment, space), tenant)
        if first.name != tenant.name:
            hint = f"tenant {first.name} ({_place(first)}) wants this namespace in {environment} too"
            yield tenant.request.problem(_path(tenant, space), space, hint)


def in_repository(
    asking: Sequence[Tenant], rendered: Sequence[Rendered], texts: Mapping[str, str], places: Places, scope: Scope
) -> Iterator[Problem]:
    """Namespaces that the repository gives to somebody else, and clusters that still have what a tenant was before.

    ``texts``: the files of the namespaces that are claimed.
    """
    for one in rendered:
        yield from _departed(one, places, scope)
    for environment, space, tenant in claims(asking, rendered):
        path = scope.layout.claim(environment, space)
        text = texts.get(path)
        if text is None or text == tenants.claim(tenant.name):
            continue
        try:
            owner = tenants.owner(text, path)
        except InvalidInput as error:
            yield from error.problems
            continue
        if owner != tenant.name:
            stones = places.tombstones(environment, owner)
            left = f", which has left but is still to be taken off {', '.join(sorted(stones))}" if stones else ""
            hint = f"in {environment} this namespace is tenant {owner}'s{left}: choose another"
            yield tenant.request.problem(_path(tenant, space), space, hint)


def in_clusters(
    rendered: Iterable[Rendered], found: Mapping[str, Mapping[str, str]], places: Places, scope: Scope
) -> Iterator[Problem]:
    """Namespaces that a cluster has already. ``found``: cluster → namespace → the tenant of its label, or nothing.

    The label is to be trusted: only administrators of the cluster can set it.
    """
    for one in rendered:
        tenant, environment = one.tenant, one.environment
        wanted = frozenset(one.placement.clusters) or scope.clusters(environment)
        for cluster in sorted(wanted & found.keys()):
            for space in one.namespaces:
                owner = found[cluster].get(space, tenant.name)
                known = places.has(scope.layout.claim(environment, space))
                if owner and owner != tenant.name:
                    hint = f"on cluster {cluster} this namespace is tenant {owner}'s: choose another"
                    yield tenant.request.problem(_path(tenant, space), space, hint)
                elif not owner and not known and ADOPT_NAMESPACE not in scope.allow:
                    hint = (
                        f"cluster {cluster} has this namespace, and it is no tenant's: choose another, or, "
                        f"if it is to become {tenant.name}'s, run again with fleet_allow: [{ADOPT_NAMESPACE}]"
                    )
                    yield tenant.request.problem(_path(tenant, space), space, hint)


def _departed(one: Rendered, places: Places, scope: Scope) -> Iterator[Problem]:
    """Clusters that still have what the tenant was before it left."""
    wanted = frozenset(one.placement.clusters) or scope.clusters(one.environment)
    for cluster in sorted(wanted & places.tombstones(one.environment, one.tenant.name).keys()):
        hint = (
            f"{one.tenant.name} left while cluster {cluster} was away, which still has what it ran: run the playbook "
            "offboard when that answers, or name other clusters"
        )
        yield one.tenant.request.problem(("environments", one.environment, "clusters"), "", hint)


def _place(tenant: Tenant) -> str:
    return tenant.request.place(("tenant",))


def _path(tenant: Tenant, space: str) -> Path:
    """Where a request names a namespace; the tenant's name where it names none."""
    named = tenant.request.content.get("namespaces")
    return ("namespaces", named.index(space)) if named and space in named else ("tenant",)
