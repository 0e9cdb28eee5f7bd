# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What can be wrong with the components of a fleet before the repository is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import component_fields, documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_fields import KINDS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import (
    VARIABLES,
    Component,
    Declared,
    Fields,
    dependencies,
    kinds_of,
    lacking,
    present,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import check_label

# What the directories of single clusters are called beside those of the layers.
RESERVED_LAYERS = ("clusters",)


def problems(declared: Mapping[str, Declared], environments: Mapping[str, str], layers: Sequence[str]) -> list[Problem]:
    """All that is wrong with what the inventory says: host → Declared, host → environment, and the layers' names."""
    found = _layer_problems(layers)
    for host, one in declared.items():
        for variable, fragment in zip(VARIABLES, one.layers, strict=True):
            found += component_fields.problems(host, variable, fragment)
    if found:
        return together(found)
    for host, one in declared.items():
        incomplete = [problem for name, fields in one.present.items() for problem in _whole(host, name, fields, layers)]
        found += incomplete or _between(host, present(one, layers), layers)
    return together([*found, *_disagreements(declared, environments)])


def _layer_problems(layers: Sequence[str]) -> list[Problem]:
    found = [problem for layer in layers for problem in check_label("run", "fleet_layers", layer)]
    hint = "each layer stands once, and none of them is called " + ", ".join(RESERVED_LAYERS)
    twice = {layer for layer in layers if layers.count(layer) > 1}
    return found + [Problem("run", "fleet_layers", layer, hint) for layer in {*RESERVED_LAYERS, *twice} & set(layers)]


def together(found: Iterable[Problem]) -> list[Problem]:
    """One problem in place of those that are the same on several hosts."""
    hosts: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for problem in found:
        hosts[problem.field, problem.value, problem.hint].append(problem.where)
    return [Problem(_said(sorted(set(where))), *rest) for rest, where in hosts.items()]


def _said(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:2])} and {len(names) - 2} more"


def _whole(host: str, name: str, fields: Fields, layers: Sequence[str]) -> Iterator[Problem]:
    where, kinds = f"{VARIABLES[0]}.{name}", kinds_of(fields)
    if len(kinds) != 1:
        hint = f"must have one of {', '.join(KINDS)}" + (f", and has {' and '.join(kinds)}" if kinds else "")
        yield Problem(host, where, "", hint)
    else:
        for key in lacking(kinds[0], fields):
            yield Problem(host, f"{where}.{key}", "", "is missing")
    if fields.get("layer") not in layers:
        hint = f"one of fleet_layers: {', '.join(layers)}"
        yield Problem(host, f"{where}.layer", fields.get("layer") or "empty", hint)
    if kinds != ["helm"]:
        for key in ("namespace", "values"):
            if key in fields and len(kinds) == 1:
                yield Problem(host, f"{where}.{key}", "", f"is for helm, and this component is of {kinds[0]}")


def _between(host: str, components: Sequence[Component], layers: Sequence[str]) -> list[Problem]:
    """What is wrong between the components of one cluster."""
    names, found = {one.name for one in components}, []
    for one in components:
        for missing in sorted(set(one.depends_on) - names):
            hint = f"this cluster has no such component; it has {', '.join(sorted(names))}"
            found.append(Problem(host, f"{VARIABLES[0]}.{one.name}.depends_on", missing, hint))
    if not found and (path := _cycle(dependencies(components, layers))):
        hint = f"waits for itself: {' → '.join(path)} (each layer waits for the one before it)"
        found.append(Problem(host, f"{VARIABLES[0]}.{path[0]}.depends_on", "", hint))
    return [*found, *_same_releases(host, components)]


def _cycle(waits: Mapping[str, Sequence[str]]) -> list[str]:
    left = dict(waits)
    while free := [name for name, needed in left.items() if not any(one in left for one in needed)]:
        for name in free:
            del left[name]
    path: list[str] = []
    name = min(left, default="")
    while left and name not in path:
        path.append(name)
        name = next(one for one in left[name] if one in left)
    return [*path[path.index(name) :], name] if path else []


def _same_releases(host: str, components: Sequence[Component]) -> Iterator[Problem]:
    names = defaultdict(list)
    for one in components:
        if one.kind == "helm":
            names[one.namespace, one.helm["release"]].append(one.name)
    for (namespace, release), sharing in names.items():
        for name in sharing[1:]:
            hint = f"is the release of {sharing[0]} too: choose another helm.release or namespace"
            yield Problem(host, f"{VARIABLES[0]}.{name}.helm.release", f"{namespace}/{release}", hint)


def _disagreements(declared: Mapping[str, Declared], environments: Mapping[str, str]) -> Iterator[Problem]:
    """Components of which the hosts of one environment say different things where they must agree."""
    said: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    names = {name for one in declared.values() for name in one.shared}
    for host, one in sorted(declared.items()):
        for name in names:
            said[environments[host], name][documents.digest([one.shared.get(name, {})])].append(host)
    for (environment, name), variants in said.items():
        first, *others = variants.values()
        for hosts in others:
            hint = (
                f"must be the same on all hosts of {environment}, and differs from that of {_said(first)}: "
                f"what differs belongs into {VARIABLES[2]} or {VARIABLES[3]}"
            )
            yield Problem(_said(hosts), f"{VARIABLES[0]} with {VARIABLES[1]}: {name}", "", hint)
