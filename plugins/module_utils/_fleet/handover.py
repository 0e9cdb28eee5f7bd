# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Tenants of a layout that others made move to ours: one commit writes their files and takes the old entries away.

Flux deletes what leaves a Kustomization unless its labels name another one by then, or it is told not to:
https://fluxcd.io/flux/components/kustomize/kustomizations/#prune. Whoever comes first is chance, so all that moves is
kept by an annotation in the clusters before the commit, until the new Kustomizations own it (_io/handover.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import (
    documents,
    letting_go,
    old_tenants,
    onboarding,
    tenants,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.adopted_clusters import Seen, is_sync, key
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.adoption import Repository
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.letting_go import Mark, mark
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.old_tenants import Old
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.onboarding import Onboarding
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import Change
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.projects import ProjectsPlan
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenants import Rendered

_FOREIGN = (
    "is not of this collection: give that file another name (Flux keeps all that it applies, whatever its file is "
    "called), and run the playbook bootstrap"
)


@dataclass(frozen=True)
class Taking:
    """The tenants that move, by cluster, and the changes of files that are not ours."""

    olds: Sequence[Old]
    changes: Sequence[Change]
    gone: Mapping[str, Sequence[tuple[str, str]]]
    """Cluster → the Kustomizations (namespace, name) that go with their directories."""

    def of(self, cluster: str) -> list[dict[str, Any]]:
        """What the cluster side has to keep, for each tenant, as plain data."""
        return [one.as_dict(self.gone.get(cluster, ())) for one in self.olds if one.cluster == cluster]


def plan_handover(wishes: Onboarding, snapshot: Snapshot, refused: Mapping[str, str]) -> ProjectsPlan:
    """The change, and who stays where it is. ``refused``: tenant → what clusters have said against it already.

    InvalidInput as of ``plan_onboarding``, and where a cluster is not ours yet, or not reached.
    """
    repository = _Repository(wishes, snapshot)
    raise_if(repository.problems())
    staying = {name: [why] for name, why in refused.items()}
    olds: list[Old] = []
    for one in repository.rendered:
        found = repository.olds(one) if one.tenant.name not in staying else []
        reasons = [why for old in found for why in old.reasons()] + old_tenants.between(found, one)
        if reasons:
            staying.setdefault(one.tenant.name, []).extend(dict.fromkeys(reasons))
        olds += found
    taking = repository.taken([one for one in olds if one.tenant not in staying], staying)
    moving = [one for one in wishes.tenants if one.name not in staying]
    change = onboarding.plan_onboarding(replace(wishes, tenants=moving, found=_known(wishes, taking)), snapshot)
    rows = {one.name: taking.of(one.name) for one in wishes.scope.members}
    return replace(change, beside=[*change.beside, *taking.changes], handovers=rows, staying=staying)


def _known(wishes: Onboarding, taking: Taking) -> dict[str, dict[str, str]]:
    """The namespaces of clusters, less those that their tenants bring with them."""
    brought = {(one.cluster, space) for one in taking.olds for space in one.rendered.namespaces}
    return {
        cluster: {space: owner for space, owner in found.items() if owner or (cluster, space) not in brought}
        for cluster, found in wishes.found.items()
    }


@dataclass(frozen=True)
class _Repository:
    """The repository as Flux reads it for each cluster."""

    wishes: Onboarding
    snapshot: Snapshot

    @cached_property
    def read(self) -> Repository:
        """All files."""
        return Repository(self.wishes.scope.members[0].sync.url, self.snapshot)

    @cached_property
    def seen(self) -> dict[str, Seen]:
        """Cluster → what it applies; all clusters that the repository has, by the names of their directories."""
        prefix = f"{self.wishes.scope.layout.clusters}/"
        return {one.directory.removeprefix(prefix): one for one in self.read.clusters}

    @cached_property
    def rendered(self) -> list[Rendered]:
        """What the tenants are to get, whoever they wait for."""
        scope, renderer = self.wishes.scope, self.wishes.renderer
        return [
            tenants.render(tenant, placement, renderer, scope.layout, {})
            for tenant in self.wishes.tenants
            for placement in tenant.placements
            if placement.environment in scope.environments
        ]

    def problems(self) -> Iterable[Problem]:
        """Clusters that nothing can move on."""
        scope = self.wishes.scope
        members = {one.name for one in scope.members}
        for environment in scope.environments:
            for cluster in sorted(scope.clusters(environment) - members):
                hint = "is not in this run, or not reached, and its environment's files are its own too: run for all"
                yield Problem(cluster, "environment", environment, hint)
        paths = {one: scope.layout.cluster_file(one, "projects") for one in members}
        for path, text in sorted(self.snapshot.read(paths.values()).items()):
            if documents.recorded_digest(text) is None:
                yield Problem(path, "file", "", _FOREIGN)

    def olds(self, one: Rendered) -> list[Old]:
        """What other people's files give a tenant of one environment, on each cluster that has any of it."""
        found = []
        for cluster in sorted(self.wishes.scope.clusters(one.environment)):
            if cluster in self.seen:
                old = old_tenants.find(one, cluster, self.seen[cluster], self.read, self.wishes.scope.layout)
                found += [old] if old else []
        return found

    def taken(self, olds: Sequence[Old], staying: dict[str, list[str]]) -> Taking:
        """The old entries go, for all tenants at once, or for those for whom it can be done."""
        names = sorted({one.tenant for one in olds})
        try:
            return self._taken(olds)
        except InvalidInput as error:
            if len(names) <= 1:
                staying |= {name: [str(each) for each in error.problems] for name in names}
                return Taking((), (), {})
        for name in names:
            try:
                self._taken([one for one in olds if one.tenant == name])
            except InvalidInput as error:
                staying[name] = [str(each) for each in error.problems]
        return self._taken([one for one in olds if one.tenant not in staying])

    def _taken(self, olds: Sequence[Old]) -> Taking:
        if not olds:
            return Taking((), (), {})
        leaving: dict[str, set[Mark]] = {way: set() for seen in self.seen.values() for way in seen.ways}
        for old in olds:
            for one, way in old.objects:
                leaving[way].add(mark(one))
        self._check_shared(olds, leaving)
        gone = self._emptied(olds, leaving)
        changed = letting_go.without(self.read.tree, leaving)
        raise_if(
            Problem(path, "file", "", "is not in UTF-8: write it anew") for path in changed if path in self.read.garbled
        )
        texts = self.read.tree.texts
        changes = [Change(path, texts[path], text) for path, text in sorted(changed.items())]
        raise_if(self._left_in_the_way(olds, changes))
        return Taking(olds, [*changes, *self._extra(olds)], gone)

    def _check_shared(self, olds: Sequence[Old], leaving: Mapping[str, set[Mark]]) -> None:
        """What a directory loses, all clusters lose that apply it."""
        having = defaultdict(set)
        for old in olds:
            for one, way in old.objects:
                having[way, mark(one)].add(old.cluster)
        raise_if(
            Problem(way, "cluster", name, "applies this too, and is not in this run: run for it as well")
            for (way, _mark), clusters in sorted(having.items())
            for name, seen in self.seen.items()
            if way in seen.ways and leaving[way] and name not in clusters
        )

    def _emptied(self, olds: Sequence[Old], leaving: dict[str, set[Mark]]) -> dict[str, list[tuple[str, str]]]:
        """The Kustomizations that lead to what holds nothing any more; they leave their own directories."""
        gone: dict[str, list[tuple[str, str]]] = defaultdict(list)
        known: set[str] = set()
        while new := letting_go.emptied(self.read.tree, leaving) - known:
            known |= new
            for cluster in sorted({one.cluster for one in olds}):
                seen = self.seen[cluster]
                for one, way in seen.objects:
                    named = "/".join(key(one.document)[1:])
                    if is_sync(one.document) and named in {seen.ways.get(each) for each in new}:
                        leaving[way].add(mark(one))
                        gone[cluster].append(key(one.document)[1:])
        return gone

    def _left_in_the_way(self, olds: Sequence[Old], changes: Sequence[Change]) -> Iterable[Problem]:
        """Files of people's that Flux would read with ours, or in place of them."""
        layout, deleted = self.wishes.scope.layout, {one.path for one in changes if one.after is None}
        for place in sorted({(one.rendered.environment, one.tenant) for one in olds}):
            directory = layout.tenant(*place)
            for path in self.snapshot.paths(directory):
                if path not in deleted and not path.startswith(f"{directory}/{old_tenants.EXTRA}/"):
                    yield Problem(path, "file", "", f"lies where the files of {place[1]} are to be: move it away")
        for cluster, environment in sorted({(one.cluster, one.rendered.environment) for one in olds}):
            ours = f"{layout.projects}/{environment}/"
            for way, named in self.seen[cluster].ways.items():
                plain = way and ours.startswith(f"{way}/") and not self.read.tree.kustomization(way)
                if plain and named.partition("/")[0] == FLUX_NAMESPACE:
                    hint = f"is applied whole by Kustomization {named}, our files with it: give it a kustomization.yaml"
                    yield Problem(way, "directory", "", hint)

    def _extra(self, olds: Sequence[Old]) -> Iterable[Change]:
        """What our form does not have is kept beside it, and is people's own."""
        found = {(one.rendered.environment, one.tenant): one for one in olds}
        for place, old in sorted(found.items()):
            path = f"{self.wishes.scope.layout.tenant(*place)}/{old_tenants.EXTRA}/{old_tenants.ADOPTED}"
            if old.extra:
                yield Change(path, None, old_tenants.HEAD + documents.write(old.extra))
