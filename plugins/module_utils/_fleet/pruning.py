# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Tenants that no request lists any more: who they are, and whether so many may leave by one run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, some
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form import is_tenant_name
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.projects import Scope
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot

_NAMED = 20


@dataclass(frozen=True)
class Pruning:
    """A wish that all leave whom no request lists. ``found``: cluster → namespace that is there → the tenant of its
    label, so that one is known too whose files went by a run that was killed."""

    listed: frozenset[str]
    limit: int
    found: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def names(self, scope: Scope, snapshot: Snapshot) -> list[str]:
        """The tenants of the run's environments that no request lists; never one whose directory people made."""
        spaces = (self.found.get(one.name) or {} for one in scope.members)
        labelled = {tenant for owners in spaces for tenant in owners.values()}
        places = {place for place in _directories(scope, snapshot) if place[1] not in self.listed}
        files = {scope.layout.tenant_file(*place): place for place in places}
        texts = snapshot.read(path for path in files if snapshot.paths(path))
        ours = {files[path] for path, text in texts.items() if documents.recorded_digest(text) is not None}
        foreign = {tenant for _environment, tenant in places - ours}
        known = {tenant for _environment, tenant in ours} | labelled
        return sorted(one for one in known - foreign - self.listed if is_tenant_name(one))

    def problems(self, names: list[str]) -> list[Problem]:
        """What is said against so many."""
        if not self.listed:
            hint = "needs fleet_requests or fleet_tenants that list those who stay: without them all would leave"
            return [Problem("run", "fleet_prune", "true", hint)]
        if len(names) <= self.limit:
            return []
        hint = (
            f"so many tenants are listed by no request, and at most {self.limit} leave by one run: "
            f"{some(names, _NAMED)}; list those who stay, or raise fleet_prune_limit"
        )
        return [Problem("run", "fleet_prune", str(len(names)), hint)]


def _directories(scope: Scope, snapshot: Snapshot) -> Iterable[tuple[str, str]]:
    """Environment and name of each directory that is a tenant's, or may be."""
    for environment in scope.environments:
        prefix = f"{scope.layout.projects}/{environment}"
        for path in snapshot.paths(prefix):
            name, slash, _rest = path.removeprefix(f"{prefix}/").partition("/")
            if slash and is_tenant_name(name):
                yield environment, name
