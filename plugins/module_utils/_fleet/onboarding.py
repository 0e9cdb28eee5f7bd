# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The change of ``projects/`` that onboarding makes: from tenants and a snapshot of the repository to a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import (
    artifacts,
    collisions,
    extra,
    fence,
    plain_secrets,
    preflight,
    tenant_moves,
    tenants,
    volumes,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.dependencies import Dependencies
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.projects import (
    Part,
    Places,
    ProjectsPlan,
    Scope,
    plan_together,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Path
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rules import Rules
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.sops import Sops
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenant import Tenant
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenants import Rendered

REMOVE_NAMESPACE = "remove_namespace"
ORPHAN_TENANT = "orphan_tenant"


@dataclass(frozen=True)
class Onboarding:
    """What a run wants of one repository. ``found``: cluster → namespace that is there → the tenant of its label;
    ``volumes``: cluster → the volumes of tenants there, as ``volumes.Volume``; ``moved``: those who move are ready."""

    scope: Scope
    tenants: Sequence[Tenant]
    renderer: Renderer
    rules: Rules = field(default_factory=Rules)
    found: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    volumes: Mapping[str, Sequence[volumes.Volume]] = field(default_factory=dict)
    sops: Sops = field(default_factory=Sops)
    moved: bool = False

    def rendered(self, dependencies: Dependencies) -> list[Rendered]:
        """The files of all tenants in the environments of the run."""
        homes = {one: dependencies.homes(one) for one in self.scope.environments}
        return [
            tenants.render(tenant, placement, self.renderer, self.scope.layout, homes[placement.environment])
            for tenant in self.tenants
            for placement in tenant.placements
            if placement.environment in self.scope.environments
        ]


def plan_onboarding(wishes: Onboarding, snapshot: Snapshot) -> ProjectsPlan:
    """Plan against a snapshot of the repository. InvalidInput names everything that stands in the way."""
    scope = wishes.scope
    preflight.check_known(scope.members, snapshot, scope.layout, scope.allow)
    places = Places(snapshot, scope)
    dependencies = Dependencies(wishes.tenants, scope, places, snapshot)
    clusters = {one: scope.clusters(one) for one in scope.environments}
    wishes.renderer.know(artifacts=artifacts.environments(clusters, snapshot, scope.layout))
    rendered = wishes.rendered(dependencies)
    texts = _texts(wishes, rendered, places, snapshot)
    cases = [_case(one, wishes, places, texts) for one in rendered]
    parts = [*(one.part for one in cases), *tenant_moves.parts(wishes.tenants, places, scope, moved=wishes.moved)]
    problems = [
        *(problem for one in rendered for problem in fence.problems(one, wishes.rules)),
        *collisions.in_run(wishes.tenants, rendered),
        *collisions.in_repository(wishes.tenants, rendered, texts, places, scope),
        *collisions.in_clusters(rendered, wishes.found, places, scope),
        *(problem for one in wishes.tenants for problem in _placement_problems(one, scope)),
        *(problem for one in wishes.tenants for problem in tenant_moves.unnamed(one, places, scope)),
        *dependencies.problems(),
        *(problem for one in rendered for problem in _unheard(one)),
        *(problem for case in cases for problem in case.words(scope.allow, moved=wishes.moved)),
        *tenant_moves.problems(wishes.tenants, parts, scope, wishes.found, wishes.volumes),
        *(problem for case in cases for problem in case.volumes(wishes)),
        *wishes.rules.policy.unknown(scope.inventory),
        *_plain_secrets(wishes, places, texts, snapshot),
        *extra.problems({(one.environment, one.tenant.name) for one in rendered}, places, snapshot),
    ]
    raise_if(problems)
    parts += tenant_moves.departures(wishes.tenants, scope, snapshot, moved=wishes.moved)
    return ProjectsPlan(parts, scope.layout, wishes.sops.change(snapshot, scope.layout))


@dataclass(frozen=True)
class _Case:
    """One tenant in one environment: what it is to have, what it has, and the change."""

    rendered: Rendered
    part: Part
    gone: tuple[str, ...]

    def words(self, allow: Sequence[str], *, moved: bool) -> Iterator[Problem]:
        """What the change takes away, where nobody said the word for it."""
        tenant, environment = self.rendered.tenant, self.rendered.environment
        if not self.part.plan.changes:
            return
        for space in self.gone if REMOVE_NAMESPACE not in allow else ():
            hint = (
                f"{tenant.name} has namespace {space} in {environment}, and this request does not name it: all that is "
                f"in it would be deleted; if that is meant, run again with fleet_allow: [{REMOVE_NAMESPACE}]"
            )
            yield tenant.request.problem(("namespaces",), "", hint)
        for cluster in sorted(self.part.before - self.part.after) if not (moved or ORPHAN_TENANT in allow) else ():
            hint = (
                f"{tenant.name} is on cluster {cluster}, which this request leaves out: its objects would stay there, "
                f"and nobody would keep them; if that is meant, run again with fleet_allow: [{ORPHAN_TENANT}]; "
                f"[{tenant_moves.MOVE_TENANT}] has it taken off a cluster that it chose once it is ready elsewhere"
            )
            yield tenant.request.problem(("environments", environment, "clusters"), "", hint)

    def volumes(self, wishes: Onboarding) -> Iterator[Problem]:
        """The volumes in namespaces that the tenant loses, where nobody said the word for them."""
        tenant, allow = self.rendered.tenant, wishes.scope.allow
        staying = self.part.before & self.part.after
        if not self.part.plan.changes or not staying:
            return
        for space in self.gone:
            for cluster in sorted(staying & wishes.found.keys()):
                own = [one for one in wishes.volumes.get(cluster, ()) if one["namespace"] == space]
                yield from volumes.problems(f"cluster {cluster}", tenant.name, own, allow)
            if hint := volumes.unasked(staying, wishes.found, allow):
                yield tenant.request.problem(("namespaces",), "", f"{tenant.name} loses {space}: {hint}")


def _plain_secrets(
    wishes: Onboarding, places: Places, texts: Mapping[str, str], snapshot: Snapshot
) -> Iterator[Problem]:
    """Values in clear that people wrote where the run writes; what templates make is held against the fence."""
    yield from plain_secrets.in_texts(texts, snapshot, wishes.scope.allow)
    for environment in wishes.scope.environments:
        yield from plain_secrets.in_files(snapshot, places.by_hand(environment), wishes.scope.allow)


def _texts(wishes: Onboarding, rendered: Sequence[Rendered], places: Places, snapshot: Snapshot) -> dict[str, str]:
    """The files of the repository that the plan has to see."""
    layout = wishes.scope.layout
    wanted = {layout.claim(environment, space) for environment, space, _who in collisions.claims(wishes.tenants)}
    for one in rendered:
        name, environment = one.tenant.name, one.environment
        wanted |= {layout.tenant_file(environment, name), layout.sync_file(environment, name)}
        wanted |= {layout.claim(environment, space) for space in one.namespaces}
        chosen = one.placement.chosen(wishes.scope.clusters(environment))
        wanted |= {layout.own_sync_file(environment, cluster, name) for cluster in chosen}
        wanted |= set(places.syncs(environment, name))
    texts = snapshot.read(path for path in wanted if places.has(path))
    former = {layout.claim(one.environment, space) for one in rendered for space in _gone(one, texts, layout)}
    return texts | snapshot.read(path for path in former if places.has(path))


def _case(one: Rendered, wishes: Onboarding, places: Places, texts: Mapping[str, str]) -> _Case:
    scope = wishes.scope
    name, environment, layout = one.tenant.name, one.environment, scope.layout
    staying = {} if wishes.moved else tenant_moves.staying(one, places, scope)
    file, gone = layout.tenant_file(environment, name), _gone(one, texts, layout)
    desired: dict[str, str | None] = {file: one.text}
    desired |= {layout.claim(environment, space): one.claim for space in one.namespaces}
    claims = {layout.claim(environment, space) for space in gone}
    desired |= {path: None for path in claims if tenants.claimant(texts.get(path, ""), path) == name}
    desired |= dict.fromkeys(path for path in places.syncs(environment, name) if path not in staying.values())
    chosen = one.placement.chosen(scope.clusters(environment))
    desired |= {
        layout.own_sync_file(environment, cluster, name): one.exceptions.get(cluster, one.sync) for cluster in chosen
    }
    desired |= {} if chosen else {layout.sync_file(environment, name): one.sync}
    plan, left = plan_together(desired, texts, scope.hand_edits)
    before = places.clusters(environment, name)
    after = before if left else (frozenset(one.placement.clusters) or scope.clusters(environment)) | staying.keys()
    objects = tenants.objects(texts.get(file, ""), file) if left else one.documents
    verb = "update" if places.has(file) else "onboard"
    leaves, keys = frozenset(staying), tenants.keys(name, objects)
    return _Case(one, Part(name, environment, plan, verb, before, after, keys, leaves), gone)


def _gone(one: Rendered, texts: Mapping[str, str], layout: Layout) -> tuple[str, ...]:
    """Namespaces that the repository gives to the tenant, and that it is no longer to have."""
    path = layout.tenant_file(one.environment, one.tenant.name)
    text = texts.get(path, "")
    if text in ("", one.text):
        return ()
    return tuple(space for space in tenants.namespaces(tenants.objects(text, path)) if space not in one.namespaces)


def _unheard(one: Rendered) -> Iterator[Problem]:
    """Exceptions that a user's template leaves out."""
    hint = f"leaves sync.patches out, by which {one.tenant.name} has its exception on"
    for cluster, text in one.exceptions.items():
        if text == one.sync and one.placement.exceptions[cluster] != one.placement.delivery:
            yield Problem(tenants.SYNC_TEMPLATE, "spec.patches", "", f"{hint} {cluster}")


def _placement_problems(tenant: Tenant, scope: Scope) -> Iterator[Problem]:
    """Clusters that the inventory does not have."""
    for placement in tenant.placements:
        known, asked = scope.clusters(placement.environment), ("environments", placement.environment)
        named: list[tuple[str, Path]] = [(one, (*asked, "clusters")) for one in placement.clusters]
        named += [(one, (*asked, "exceptions", one)) for one in placement.exceptions if one not in placement.clusters]
        for cluster, path in named:
            if known and cluster not in known:
                hint = f"no cluster of {placement.environment} is called so (there are {', '.join(sorted(known))})"
                yield tenant.request.problem(path, cluster, hint)
