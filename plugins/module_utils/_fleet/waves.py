# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The clusters of a run in waves: who comes when, and what a list of waves may not say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot

_FIELD = "fleet_waves"
_SHARE = re.compile(r"([0-9]+)%")
_WHOLE = 100
_LISTED = 5


@dataclass(frozen=True)
class Wave:
    """One wave of a run: what the inventory calls it, and its hosts."""

    name: str
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class Fleet:
    """Who there is: hosts of the run and of the whole fleet, and group → hosts, all in the inventory's order."""

    hosts: Sequence[str]
    inventory: Sequence[str]
    groups: Mapping[str, Sequence[str]]

    def named(self, entry: str, taken: set[str]) -> list[str] | None:
        """The hosts that an entry of a wave names: a host, a group, or a share of the fleet; None for nothing known.

        A share counts all of the fleet, as Ansible's ``serial`` does, and takes from those that no wave has yet.
        """
        share = _SHARE.fullmatch(entry)
        if share and 0 < int(share[1]) <= _WHOLE:
            count = -(-len(self.inventory) * int(share[1]) // _WHOLE)
            return [host for host in self.inventory if host not in taken][:count]
        if entry in self.groups:
            return list(self.groups[entry])
        return [entry] if entry in self.inventory or entry in self.hosts else None


def entries(wave: Any) -> list[str]:
    """The entries of one wave; a wave of one may be written without a list."""
    return [str(one) for one in (wave if isinstance(wave, (list, tuple)) else [wave])]


def divide(wanted: Sequence[Any], fleet: Fleet) -> list[Wave]:
    """The waves of a run, in order. The first that names a host has it; waves with no host of the run are left out.

    Shares and groups are counted over the whole fleet, so that ``--limit`` moves no cluster to another wave.
    """
    taken: set[str] = set()
    waves, mine = [], set(fleet.hosts)
    for number, wave in enumerate(wanted, 1):
        found: list[str] = []
        for entry in entries(wave):
            found += [host for host in fleet.named(entry, taken) or [] if host not in taken]
            taken.update(found)
        hosts = tuple(host for host in found if host in mine)
        if hosts:
            waves.append(Wave(f"{number} ({', '.join(entries(wave))})", hosts))
    return waves


def problems(wanted: Sequence[Any], fleet: Fleet, waves: Sequence[Wave]) -> Iterator[Problem]:
    """What is wrong with a list of waves, and which hosts of the run it forgets."""
    for entry in (entry for wave in wanted for entry in entries(wave)):
        if fleet.named(entry, set()) is None:
            hint = 'neither a host nor a group of this inventory, nor a share such as "25%"'
            yield Problem("run", _FIELD, entry, hint)
    hosts = {host for wave in waves for host in wave.hosts}
    for host in fleet.hosts if wanted else ():
        if host not in hosts:
            yield Problem(host, _FIELD, "", 'in no wave: name it or a group of it; "100%" stands for all that are left')


def divided(waves: Sequence[Wave], environments: Mapping[str, str], field: str) -> Iterator[Problem]:
    """Environments (host → its environment) whose hosts are in several waves, where one commit reaches all of these."""
    for environment in sorted(set(environments.values())):
        places = [wave.name for wave in waves if environment in {environments.get(host) for host in wave.hosts}]
        if len(places) > 1:
            hint = (
                f"divides environment {environment} (waves {', '.join(places[:_LISTED])}): what this run writes for an "
                f"environment reaches all its clusters by one commit, so waves are whole environments here: set {field}"
            )
            yield Problem("run", _FIELD, environment, hint)


def steps(waves: Sequence[Wave], tasks: Mapping[str, str], *, gated: bool) -> list[dict[str, Any]]:
    """What a run does, in order: the tasks (a file's path) ``before`` each wave, its ``wave``, and its ``gate``.

    Nothing but the ``wave`` is a must. The last wave has a gate where it was asked for (``gated``).
    """
    found = []
    for number, wave in enumerate(waves, 1):
        last = number == len(waves)
        kinds = ["before", "wave", *(["gate"] if gated or not last else [])]
        about = {"name": wave.name, "hosts": list(wave.hosts), "number": number, "last": last}
        found += [{"kind": kind, "tasks": tasks[kind], **about} for kind in kinds if tasks.get(kind)]
    return found


class Named(Protocol):
    """A cluster of a run."""

    @property
    def host(self) -> str:
        """The inventory host."""

    @property
    def name(self) -> str:
        """The cluster's name."""


class Told(Protocol):
    """A planned change that says what of it concerns one cluster."""

    def outcome(self, one: Any) -> dict[str, Any]:
        """What was planned for a cluster, as plain data."""


One = TypeVar("One", bound=Named)
Change = TypeVar("Change", bound=Told)


class Turn:
    """Whose turn it is by a noun's parameters ``wave`` and ``earlier``, and for whom more is to come."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._wave: Sequence[str] | None = parameters["wave"]
        self._earlier: Mapping[str, Any] = parameters["earlier"].get("clusters") or {}
        self._pending: set[str] = set(parameters["earlier"].get("pending") or [])

    @property
    def pending(self) -> list[str]:
        """The clusters of later waves for which something is to be published."""
        return sorted(self._pending)

    def of(
        self, group: Sequence[One], thought: Callable[[list[One]], Callable[[Snapshot], Change]]
    ) -> tuple[list[One], Callable[[Snapshot], Change]]:
        """Those of a group whose turn it is, and what plans for them; ``thought`` makes that for some clusters.

        The first wave also plans for all, so that what the repository shows to be wrong with any of them is known
        before anything is written.
        """
        mine = [one for one in group if self._wave is None or one.host in self._wave]
        think = thought(mine)
        self._pending -= {one.name for one in mine}
        if self._earlier or len(mine) == len(group):
            return mine, think
        everyone, later = thought(list(group)), [one for one in group if one not in mine]

        def checked(snapshot: Snapshot) -> Change:
            found = everyone(snapshot)
            self._pending = {one.name for one in later if found.outcome(one)["files"]}
            return think(snapshot)

        return mine, checked
