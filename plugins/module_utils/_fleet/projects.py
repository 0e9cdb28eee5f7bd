# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What ``projects/`` holds of tenants, and a planned change of it, tenant by tenant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import messages
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import TOMBSTONE, Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import EDITED, Change, Plan, plan_files
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot


@dataclass(frozen=True)
class Scope:
    """What a run is for, in one repository: its members, and environment → clusters of the whole inventory."""

    members: Sequence[Member]
    inventory: Mapping[str, frozenset[str]] = field(default_factory=dict)
    hand_edits: str = "hold"
    allow: Sequence[str] = ()
    layout: Layout = field(default_factory=Layout)

    @cached_property
    def environments(self) -> tuple[str, ...]:
        """The environments that the run writes."""
        return tuple(sorted({one.environment for one in self.members}))

    def clusters(self, environment: str) -> frozenset[str]:
        """All clusters that are known to be of an environment."""
        members = {one.name for one in self.members if one.environment == environment}
        return self.inventory.get(environment, frozenset()) | members


class Places:
    """Where the repository has which tenant."""

    def __init__(self, snapshot: Snapshot, scope: Scope) -> None:
        self._scope, self._layout = scope, scope.layout
        self._paths = frozenset(snapshot.paths(self._layout.projects))
        self._own: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        self._tombstones: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        endings = {".yaml": self._own, TOMBSTONE: self._tombstones}
        for path in self._paths:
            parts = path.removeprefix(f"{self._layout.projects}/").split("/")
            if len(parts) == _OWN_SYNC_PARTS and parts[1] == "clusters":
                stem, dot, ending = parts[3].rpartition(".")
                if dot + ending in endings:
                    endings[dot + ending][parts[0], stem][parts[2]] = path

    def has(self, path: str) -> bool:
        """Whether there is a file of this path."""
        return path in self._paths

    def by_hand(self, environment: str) -> list[str]:
        """What people keep there: all files of an environment that are not of the kinds that runs write."""
        prefix, taken = f"{self._layout.projects}/{environment}/", ("namespaces/", "sync/", "clusters/")
        below = (path.removeprefix(prefix) for path in self._paths if path.startswith(prefix))
        return sorted(prefix + one for one in below if not one.startswith(taken) and not one.endswith("/tenant.yaml"))

    def tenants(self, environment: str) -> list[str]:
        """All tenants that have files of ours in an environment."""
        prefix, name = f"{self._layout.projects}/{environment}/", "/tenant.yaml"
        named = (path.removeprefix(prefix) for path in self._paths if path.startswith(prefix) and path.endswith(name))
        return sorted(one.removesuffix(name) for one in named if one.count("/") == 1)

    def extra(self) -> Iterator[tuple[tuple[str, str], str]]:
        """Environment and tenant, and path, of each file that people keep for a tenant."""
        for path in self._paths:
            parts = path.removeprefix(f"{self._layout.projects}/").split("/")
            if len(parts) > _EXTRA_PARTS and parts[2] == EXTRA:
                yield (parts[0], parts[1]), path

    def claims(self, environment: str) -> list[str]:
        """The claims of all namespaces of an environment."""
        prefix = self._layout.claim(environment, "")
        return sorted(path for path in self._paths if path.startswith(prefix))

    def own(self, environment: str, tenant: str) -> Mapping[str, str]:
        """Cluster → sync file, for a tenant that chose its clusters."""
        return self._own.get((environment, tenant), {})

    def tombstones(self, environment: str, tenant: str) -> Mapping[str, str]:
        """Cluster → the file that says that the tenant left and is still to be taken off it."""
        return self._tombstones.get((environment, tenant), {})

    def departed(self, environment: str) -> list[str]:
        """The tenants that some cluster of an environment is still to be rid of."""
        return sorted(tenant for place, tenant in self._tombstones if place == environment)

    def syncs(self, environment: str, tenant: str) -> list[str]:
        """The sync files that a tenant has."""
        shared = self._layout.sync_file(environment, tenant)
        return [*([shared] if self.has(shared) else []), *self.own(environment, tenant).values()]

    def clusters(self, environment: str, tenant: str) -> frozenset[str]:
        """The clusters that have a tenant."""
        everywhere = self.has(self._layout.sync_file(environment, tenant))
        shared = self._scope.clusters(environment) if everywhere else frozenset()
        return shared | set(self.own(environment, tenant))


EXTRA = "extra"
_EXTRA_PARTS = len(("environment", "tenant", "extra"))
_OWN_SYNC_PARTS = len(("environment", "clusters", "cluster", "tenant.yaml"))


@dataclass(frozen=True)
class Part:
    """The planned change of one tenant in one environment; ``before`` and ``after`` are clusters that have it."""

    tenant: str
    environment: str
    plan: Plan
    verb: str
    before: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()
    keys: Sequence[Mapping[str, str]] = ()
    leaves: frozenset[str] = frozenset()
    """Clusters that keep the tenant only until it is ready where it moved to."""

    def concerns(self, path: str, cluster: str, layout: Layout) -> bool:
        """Whether a path of this change matters to a cluster: not what lies among another one's own."""
        own = layout.own_tenants(self.environment, cluster)
        others = own.removesuffix(f"/{cluster}")
        return cluster in self.before | self.after and (not path.startswith(f"{others}/") or path.startswith(f"{own}/"))


@dataclass(frozen=True)
class ProjectsPlan:
    """The files to write, tenant by tenant, and what the cluster side needs to know of them."""

    parts: Sequence[Part] = ()
    layout: Layout = field(default_factory=Layout)
    beside: Sequence[Change] = ()
    """Changes of files that are no tenant's."""
    unfinished: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """Cluster → the tenants that left while it was away, as ``tombstones.Departing``."""
    handovers: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """Cluster → the tenants that come from other people's files, as ``old_tenants.Old``."""
    staying: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Tenant → why it stays in other people's files."""

    @cached_property
    def plan(self) -> Plan:
        """All changes in one."""
        held = {path: why for one in self.parts for path, why in one.plan.held.items()}
        return Plan((*(change for one in self.parts for change in one.plan.changes), *self.beside), held)

    @property
    def message(self) -> str:
        """The commit's message."""
        changed = [one for one in self.parts if one.plan.changes]
        names: dict[str, set[str]] = defaultdict(set)
        for one in changed:
            names[one.verb].add(one.tenant)
        environments = {one.environment for one in changed}
        return messages.tenants_message(names, environments, self.plan.paths) if self.plan.changes else ""

    def outcome(self, member: Member) -> dict[str, Any]:
        """What was planned for one cluster: files, held, tenants (that it is to have), …."""
        found: dict[str, Any] = {"files": [], "held": {}}
        found |= {"tenants": [], "source_keys": [], "moves": []}
        for one in self.parts:
            if one.environment != member.environment:
                continue
            matters = [path for path in one.plan.paths if one.concerns(path, member.name, self.layout)]
            found["files"] += matters
            held = {path: why for path, why in one.plan.held.items() if one.concerns(path, member.name, self.layout)}
            found["held"] |= held
            if member.name in one.leaves:
                found["moves"].append(one.tenant)
            if member.name in one.after:
                found["tenants"].append(one.tenant)
                found["source_keys"] += [dict(key) for key in one.keys]
        unfinished = [dict(one) for one in self.unfinished.get(member.name, ())]
        found |= {"unfinished": unfinished, "handover": [dict(one) for one in self.handovers.get(member.name, ())]}
        found["staying"] = {tenant: list(why) for tenant, why in self.staying.items()}
        return {**found, "files": sorted(found["files"])}


def plan_together(desired: Mapping[str, str | None], actual: Mapping[str, str], hand_edits: str) -> tuple[Plan, bool]:
    """A plan for files that only make sense together: where one of them is held, all are left as they are.

    Also whether they were left, which ``held`` does not say of edits that are kept.
    """
    plan = plan_files(desired, actual, "overwrite" if hand_edits == "overwrite" else "hold")
    if not plan.held:
        return plan, False
    reported = {path: why for path, why in plan.held.items() if hand_edits != "keep" or why != EDITED}
    return Plan((), reported), True
