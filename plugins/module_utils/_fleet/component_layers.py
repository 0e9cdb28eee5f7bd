# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The layers of components: which waits for which."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import check_label
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.structures import did_you_mean

VARIABLE = "fleet_layers"
# What the directories of single clusters are called beside those of the layers.
RESERVED = ("clusters",)
_IN_ORDER = "each layer waits for the one before it"
_AS_SAID = f"layers wait for one another as {VARIABLE} says"


@dataclass(frozen=True)
class Layers:
    """``waits``: layer → the layers that it waits for, each after those; empty where there are ``problems``."""

    waits: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rule: str = _IN_ORDER
    problems: tuple[Problem, ...] = ()

    @classmethod
    def of(cls, given: Any) -> Layers:
        """What ``fleet_layers`` says: a list, in which each waits for the one before it, or layer → such layers."""
        given = _text(given)
        problems = tuple(_problems(given))
        if problems:
            return cls(problems=problems)
        if isinstance(given, Mapping):
            return cls(_in_order(given), _AS_SAID)
        before = [[], *([one] for one in given)]
        return cls(dict(zip(given, before, strict=False)))

    @property
    def names(self) -> list[str]:
        """The layers, each after those that it waits for."""
        return list(self.waits)

    def before(self, layer: str, existing: Collection[str]) -> set[str]:
        """The layers of ``existing`` that a layer waits for; one that does not exist leads on to those before it."""
        found: set[str] = set()
        for one in self.waits[layer]:
            found |= {one} if one in existing else self.before(one, existing)
        return found


def cycle(waits: Mapping[str, Collection[str]]) -> list[str]:
    """A way from a name back to itself, such as ``[a, b, a]``; empty where nothing waits for itself."""
    left = dict(waits)
    while free := [name for name, needed in left.items() if not any(one in left for one in needed)]:
        for name in free:
            del left[name]
    path: list[str] = []
    name = min(left, default="")
    while left and name not in path:
        path.append(name)
        name = min(one for one in left[name] if one in left)
    return [*path[path.index(name) :], name] if path else []


def _text(given: Any) -> Any:
    """Names as text: YAML reads ``1`` as a number."""
    if isinstance(given, Mapping):
        return {str(name): _text(others) for name, others in given.items()}
    return [str(one) for one in given] if isinstance(given, list) else given


def _in_order(waits: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """The same, each after those that it waits for, and as given where that leaves a choice."""
    found: dict[str, Sequence[str]] = {}
    while len(found) < len(waits):
        name, *_later = (one for one in waits if one not in found and found.keys() >= set(waits[one]))
        found[name] = waits[name]
    return found


def _problems(given: Any) -> Iterator[Problem]:
    if not given or not isinstance(given, (list, Mapping)):
        hint = "a list of layers in their order, or a mapping of each layer to the list of those that it waits for"
        yield Problem("run", VARIABLE, "", hint)
        return
    yield from _names(list(given))
    if isinstance(given, Mapping):
        yield from _waits(given)


def _names(names: Sequence[str]) -> Iterator[Problem]:
    for name in names:
        yield from check_label("run", VARIABLE, name)
    hint = "each layer stands once, and none of them is called " + ", ".join(RESERVED)
    for name in sorted({name for name in names if name in RESERVED or names.count(name) > 1}):
        yield Problem("run", VARIABLE, name, hint)


def _waits(given: Mapping[str, Any]) -> Iterator[Problem]:
    unknown = False
    for name, others in given.items():
        if not isinstance(others, list):
            yield Problem("run", f"{VARIABLE}.{name}", "", "a list of the layers that it waits for, [] where of none")
            unknown = True
            continue
        for other in (one for one in others if one not in given):
            hint = f"there is no such layer{did_you_mean(other, list(given))} ({VARIABLE} has: "
            yield Problem("run", f"{VARIABLE}.{name}", other, f"{hint}{', '.join(given)})")
            unknown = True
    path = [] if unknown else cycle(given)
    if path:
        yield Problem("run", f"{VARIABLE}.{path[0]}", "", f"waits for itself: {' → '.join(path)}")
