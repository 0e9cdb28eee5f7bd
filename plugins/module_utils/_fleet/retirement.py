# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The change of the fleet repository when clusters leave: from their names and a snapshot to a plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import messages, preflight, tenants, tombstones
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout, deploy_key_titles
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import Change, Plan
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot

DECOMMISSION = "decommission"
CLUSTER_GONE = "cluster_gone"
_AWAY = f"can't be reached: if this cluster no longer exists, run again with fleet_allow: [{CLUSTER_GONE}]"


@dataclass(frozen=True)
class Retirement:
    """Clusters that leave one repository; ``waiting``: cluster → why its files stay for now."""

    members: Sequence[Member]
    allow: Sequence[str] = ()
    waiting: Mapping[str, str] = field(default_factory=dict)
    layout: Layout = field(default_factory=Layout)

    def prefixes(self, one: Member) -> tuple[str, ...]:
        """The directories that are one cluster's alone."""
        own = self.layout.own_component(one.environment, one.name, "")
        return self.layout.cluster(one.name), self.layout.own_tenants(one.environment, one.name), own.rstrip("/")

    def why(self, one: Member) -> str:
        """Why the files of a cluster stay; empty where they go."""
        away = "" if one.reachable or CLUSTER_GONE in self.allow else _AWAY
        return self.waiting.get(one.name, "") or away


@dataclass(frozen=True)
class RetirementPlan:
    """The files that go, and the deploy keys (repository URL → titles) that go with them.

    ``untold``: those of the keys that nothing tells of once the files are gone.
    """

    wishes: Retirement
    plan: Plan = field(default_factory=Plan)
    keys: Mapping[str, set[str]] = field(default_factory=dict)
    untold: Mapping[str, set[str]] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """The commit's message."""
        names = [one.name for one in self.wishes.members if self.outcome(one)["files"]]
        return messages.compose(messages.retirement_subject(names), self.plan.paths, {"Fleet-Cluster": names})

    def outcome(self, one: Member) -> dict[str, Any]:
        """What was planned for one cluster. ``gone``: it is taken for gone, and nobody asked it."""
        prefixes = tuple(f"{prefix}/" for prefix in self.wishes.prefixes(one))
        why = self.wishes.why(one)
        return {
            "files": [path for path in self.plan.paths if path.startswith(prefixes)],
            "held": {prefixes[0]: why} if prefixes[0] in self.plan.held else {},
            "gone": not one.reachable and not why,
        }


def plan_retirement(wishes: Retirement, snapshot: Snapshot) -> RetirementPlan:
    """Plan against a snapshot of the repository. A cluster that it does not have is no problem, and no change."""
    paths = wishes.layout.pins(snapshot.paths(wishes.layout.clusters))
    pins = preflight.pinned_uids(snapshot.read(paths), wishes.layout)
    raise_if(preflight.identity([one for one in wishes.members if one.uid], pins, ()))
    changes: list[Change] = []
    held: dict[str, str] = {}
    going = []
    for one in wishes.members:
        files = [path for prefix in wishes.prefixes(one) for path in snapshot.paths(prefix)]
        if files and wishes.why(one):
            held[f"{wishes.layout.cluster(one.name)}/"] = wishes.why(one)
        elif not wishes.why(one):
            texts = snapshot.read(files)
            changes += [Change(path, texts.get(path, ""), None) for path in files]
            going.append((one, bool(files)))
    changes += _freed(wishes, {change.path for change in changes}, snapshot)
    if DECOMMISSION not in wishes.allow:
        raise_if(_unasked(one) for one, known in going if known and one.reachable)
    leaving = [one for one, _known in going]
    gone = {change.path for change in changes}
    keys, told = (_keys(wishes, leaving, snapshot, without) for without in (set[str](), gone))
    untold = {url: titles - told.get(url, set()) for url, titles in keys.items() if titles - told.get(url, set())}
    return RetirementPlan(wishes, Plan(tuple(changes), held), keys, untold)


def _freed(wishes: Retirement, gone: Collection[str], snapshot: Snapshot) -> list[Change]:
    """The namespaces of tenants that were still to be taken off these clusters, and off no other."""
    environments = sorted({one.environment for one in wishes.members})
    claims = [path for one in environments for path in tombstones.freed(wishes.layout, one, gone, snapshot)]
    return [Change(path, text, None) for path, text in snapshot.read(claims).items()]


def _unasked(one: Member) -> Problem:
    hint = "Flux would leave this cluster, and its directory the fleet repository; "
    hint += f"if that is meant, run again with fleet_allow: [{DECOMMISSION}]"
    return Problem(one.host, "cluster", one.name, hint)


def _keys(
    wishes: Retirement, going: Sequence[Member], snapshot: Snapshot, without: Collection[str]
) -> dict[str, set[str]]:
    """The titles of the keys that clusters have: their own at the fleet repository, and those of tenants' sources.

    ``without``: files that are not asked.
    """
    titles: dict[str, set[str]] = defaultdict(set)
    for one in going:
        titles[one.sync.url] |= {*deploy_key_titles(one.name)}
    for environment in {one.environment for one in going}:
        names = [one.name for one in going if one.environment == environment]
        for key in _source_keys(wishes.layout, environment, snapshot, without):
            for name in names:
                titles[key["url"]] |= {*deploy_key_titles(name, key["namespace"], key["source"])}
    return dict(titles)


def _source_keys(
    layout: Layout, environment: str, snapshot: Snapshot, without: Collection[str]
) -> list[dict[str, str]]:
    paths = [path for path in snapshot.paths(f"{layout.projects}/{environment}") if path.endswith("/tenant.yaml")]
    return tenants.keys_in(snapshot, [path for path in paths if path not in without])
