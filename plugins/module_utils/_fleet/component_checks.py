# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What can be wrong with the components of a fleet before the repository is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import (
    component_clusters,
    component_collisions,
    component_fields,
    component_rules,
    documents,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_clusters import FIELD, Place
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_fields import KINDS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_layers import Layers, cycle
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import (
    VARIABLES,
    Declared,
    Fields,
    dependencies,
    kinds_of,
    lacking,
    present,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Request


def problems(
    declared: Mapping[str, Declared],
    environments: Mapping[str, str],
    layers: Layers,
    inventory: Mapping[str, Place] | None = None,
) -> list[Problem]:
    """All that is wrong with what the inventory says: host → Declared, host → environment, and the layers.

    ``inventory``: host → Place, also of hosts that are not among those of the run.
    """
    found = [*layers.problems]
    for host, one in declared.items():
        for variable, fragment in zip(VARIABLES, one.layers, strict=True):
            found += component_fields.problems(host, variable, fragment)
    if found:
        return together(found)
    for host, one in declared.items():
        incomplete = [problem for name, fields in one.present.items() for problem in _whole(host, name, fields, layers)]
        found += incomplete or _between(host, one, layers)
    places = {**(inventory or {}), **{host: one.place for host, one in declared.items()}}
    wanted = {host: one.wanted for host, one in declared.items()}
    found += component_clusters.problems(wanted, places, VARIABLES[0])
    return together([*found, *_disagreements(declared, environments)])


def together(found: Iterable[Problem]) -> list[Problem]:
    """One problem in place of those that are the same on several hosts."""
    hosts: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for problem in found:
        hosts[problem.field, problem.value, problem.hint].append(problem.where)
    return [Problem(_said(sorted(set(where))), *rest) for rest, where in hosts.items()]


def _said(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:2])} and {len(names) - 2} more"


def _whole(host: str, name: str, fields: Fields, layers: Layers) -> Iterator[Problem]:
    where, kinds = f"{VARIABLES[0]}.{name}", kinds_of(fields)
    if len(kinds) != 1:
        hint = f"must have one of {', '.join(KINDS)}" + (f", and has {' and '.join(kinds)}" if kinds else "")
        yield Problem(host, where, "", hint)
    else:
        missing = lacking(kinds[0], fields)
        yield from (Problem(host, f"{where}.{key}", "", hint) for key, hint in missing.items())
        faults = component_rules.faults(kinds[0], fields, (VARIABLES[0], name)) if not missing else ()
        yield from (Request({}, host).problem(*fault) for fault in faults)
    if fields.get("layer") not in layers.waits:
        hint = f"one of fleet_layers: {', '.join(layers.names)}"
        yield Problem(host, f"{where}.layer", fields.get("layer") or "empty", hint)


def _between(host: str, declared: Declared, layers: Layers) -> list[Problem]:
    """What is wrong between the components of one cluster."""
    components = present(declared, layers)
    names, found = {one.name for one in components}, []
    for one in components:
        for missing in sorted(set(one.depends_on) - names):
            hint = f"this cluster has no such component; it has {', '.join(sorted(names))}"
            if missing in declared.wanted:
                hint = (
                    f"this is for {component_clusters.said(declared.wanted[missing][FIELD])}, and not for this cluster"
                )
            found.append(Problem(host, f"{VARIABLES[0]}.{one.name}.depends_on", missing, hint))
    if not found and (path := cycle(dependencies(components, layers))):
        hint = f"waits for itself: {' → '.join(path)} ({layers.rule})"
        found.append(Problem(host, f"{VARIABLES[0]}.{path[0]}.depends_on", "", hint))
    return [*found, *component_collisions.problems(host, components)]


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
