# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The clusters that a component is for: by name, environment, group of the inventory, and label."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, some
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_values import CLUSTER, ENVIRONMENT_NAME, LINE
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Plain, Text, plain
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.structures import Items, Record, Table, did_you_mean

FIELD = "clusters"
CLUSTERS = Record(
    "The clusters that it is for, those that all of this holds for; all of them where it is left out.",
    {
        "names": Items("Clusters.", CLUSTER, most=1000),
        "environments": Items("Environments, one of which the cluster is of.", ENVIRONMENT_NAME),
        "groups": Items("Groups of the inventory, one of which its host is in.", Text("", LINE, "a group's name")),
        "labels": Table(
            "Labels of its host, fleet_labels, all of which it has.",
            Text("", LINE, "a label's name"),
            Plain(Text("", f"({LINE})?", "a label's value")),
        ),
    },
)
_WHAT = {"names": "cluster", "environments": "environment", "groups": "group of a cluster", "labels": "label"}
_SHOWN = 8


@dataclass(frozen=True)
class Place:
    """What one cluster is known by in the inventory; labels as text."""

    name: str
    environment: str
    groups: frozenset[str] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_params(cls, given: Mapping[str, Any]) -> Place:
        """From what the inventory says of a host: ``name``, ``environment``, ``groups`` and ``labels``."""
        labels = given.get("labels")
        found = {str(key): plain(value) for key, value in labels.items()} if isinstance(labels, Mapping) else {}
        return cls(str(given["name"]), str(given["environment"]), frozenset(given.get("groups") or ()), found)

    def known(self, kind: str) -> Iterable[str]:
        """What this cluster has of a field of ``clusters``; a label as ``name: value``."""
        if kind == "labels":
            return (_label(*one) for one in self.labels.items())
        return self.groups if kind == "groups" else (self.name,) if kind == "names" else (self.environment,)


def _label(name: str, value: Any) -> str:
    return f"{name}: {plain(value)}"


def _asked(selector: Mapping[str, Any], kind: str) -> list[str]:
    asked = selector[kind]
    return [_label(*one) for one in asked.items()] if kind == "labels" else list(asked)


def is_for(selector: Mapping[str, Any] | None, place: Place) -> bool:
    """Whether a cluster is one of those; ``selector`` is the field ``clusters``, which must be well formed."""
    for kind in selector or ():
        has, asked = set(place.known(kind)), _asked(selector or {}, kind)
        if not (has.issuperset(asked) if kind == "labels" else has.intersection(asked)):
            return False
    return True


def problems(
    wanted: Mapping[str, Mapping[str, Mapping[str, Any]]], places: Mapping[str, Place], variable: str
) -> Iterator[Problem]:
    """Names that the inventory does not know, and components for none of its clusters.

    ``wanted``: host of this run → component → its fields. ``places``: host → Place, of the whole inventory. What hosts
    outside of this run declare is not known: they count as having what this run's declare.
    """
    known = {kind: {one for place in places.values() for one in place.known(kind)} for kind in _WHAT}
    unknown = set()
    for host, components in wanted.items():
        for name, fields in components.items():
            for problem in _unknown(fields.get(FIELD) or {}, known):
                unknown.add(name)
                yield Problem(host, f"{variable}.{name}.{FIELD}.{problem[0]}", *problem[1:])
    yield from _for_none({host: _without(one, unknown) for host, one in wanted.items()}, places, variable)


def _without(components: Mapping[str, Mapping[str, Any]], names: Collection[str]) -> dict[str, Mapping[str, Any]]:
    return {name: fields for name, fields in components.items() if name not in names}


def _unknown(selector: Mapping[str, Any], known: Mapping[str, Collection[str]]) -> Iterator[tuple[str, str, str]]:
    """Field, value and hint of each name that no cluster of the inventory answers to."""
    for kind in selector:
        for asked in (one for one in _asked(selector, kind) if one not in known[kind]):
            meant = did_you_mean(asked, sorted(known[kind]))
            has = some(sorted(known[kind]), _SHOWN) or "none"
            yield kind, asked, f"the inventory has no such {_WHAT[kind]}{meant} (it has: {has})"


def _for_none(
    wanted: Mapping[str, Mapping[str, Mapping[str, Any]]], places: Mapping[str, Place], variable: str
) -> Iterator[Problem]:
    others = [place for host, place in places.items() if host not in wanted]
    hosts: dict[str, list[str]] = defaultdict(list)
    served = set()
    for host, components in wanted.items():
        for name, fields in components.items():
            hosts[name].append(host)
            if any(is_for(fields.get(FIELD), place) for place in (places[host], *others)):
                served.add(name)
    for name in hosts.keys() - served:
        hint = "no cluster of the inventory that has this component is one of these: change them, or say state: absent"
        for host in hosts[name]:
            yield Problem(host, f"{variable}.{name}.{FIELD}", said(wanted[host][name][FIELD]), hint)


def said(selector: Mapping[str, Any]) -> str:
    """The clusters as people read them: ``environments: staging, labels: tier: edge``."""
    parts: Sequence[str] = [f"{kind}: {', '.join(_asked(selector, kind))}" for kind in selector]
    return "; ".join(parts)
