# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waves: who comes when, what a list of waves may not say, and what is planned for whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import waves
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.waves import Fleet, Turn, Wave
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import Files

HOSTS = [f"h{number}" for number in range(8)]
GROUPS = {"all": HOSTS, "staging": HOSTS[:3], "eu": ["h2", "h5"], "empty": []}
FLEET = Fleet(HOSTS, HOSTS, GROUPS)


def hosts(wanted: list[Any], fleet: Fleet = FLEET) -> list[list[str]]:
    return [list(wave.hosts) for wave in waves.divide(wanted, fleet)]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([["staging"], ["100%"]], [HOSTS[:3], HOSTS[3:]]),
        (["staging", "100%"], [HOSTS[:3], HOSTS[3:]]),
        ([["h7"], ["staging"], ["100%"]], [["h7"], HOSTS[:3], HOSTS[3:7]]),
        ([["h1"], ["staging"]], [["h1"], ["h0", "h2"]]),
        (["25%", "25%", "50%"], [HOSTS[:2], HOSTS[2:4], HOSTS[4:]]),
        (["10%", "100%"], [HOSTS[:1], HOSTS[1:]]),
        ([["staging", "25%"]], [HOSTS[:5]]),
        ([["eu", "staging"]], [["h2", "h5", "h0", "h1"]]),
        (["empty", "staging"], [HOSTS[:3]]),
        ([["nobody"]], []),
    ],
)
def test_division(wanted: list[Any], expected: list[list[str]]) -> None:
    assert hosts(wanted) == expected


def test_limit_moves_no_host_to_another_wave() -> None:
    limited = Fleet(["h6", "h2"], HOSTS, GROUPS)
    assert waves.divide(["staging", "25%", "100%"], limited) == [
        Wave("1 (staging)", ("h2",)),
        Wave("3 (100%)", ("h6",)),
    ]


entry = st.sampled_from([*HOSTS, *GROUPS, "25%", "1%", "100%", "0%", "what"])


@given(st.lists(st.one_of(entry, st.lists(entry, max_size=3)), max_size=5), st.sets(st.sampled_from(HOSTS)))
def test_each_host_has_one_turn_or_is_named(wanted: list[Any], mine: set[str]) -> None:
    fleet = Fleet(sorted(mine), HOSTS, GROUPS)
    found = waves.divide(wanted, fleet)
    placed = [host for wave in found for host in wave.hosts]
    forgotten = {one.where for one in waves.problems(wanted, fleet, found) if one.where != "run"}
    assert len(placed) == len(set(placed))
    assert set(placed) | (forgotten if wanted else mine) == mine
    assert not set(placed) & forgotten


def test_problems_name_what_is_unknown_and_who_is_forgotten() -> None:
    wanted = ["stagin", ["staging", "0%"], "101%"]
    found = list(waves.problems(wanted, FLEET, waves.divide(wanted, FLEET)))
    assert [one.value for one in found if one.where == "run"] == ["stagin", "0%", "101%"]
    assert [one.where for one in found if one.where != "run"] == HOSTS[3:]


def test_divided_environments() -> None:
    environments = {host: "staging" if host in GROUPS["staging"] else "production" for host in HOSTS}
    assert not list(waves.divided(waves.divide(["staging", "100%"], FLEET), environments, "x_waves"))
    [one] = waves.divided(waves.divide(["staging", "h5", "100%"], FLEET), environments, "x_waves")
    assert (one.field, one.value) == ("fleet_waves", "production")
    assert "set x_waves" in one.hint
    assert "2 (h5), 3 (100%)" in one.hint


@pytest.mark.parametrize(
    ("count", "tasks", "gated", "expected"),
    [
        (2, {"wave": "w", "gate": "g"}, False, ["w", "g", "w"]),
        (2, {"wave": "w", "gate": "g", "before": "b"}, True, ["b", "w", "g", "b", "w", "g"]),
        (2, {"wave": "w", "gate": "g", "before": ""}, False, ["w", "g", "w"]),
        (1, {"wave": "w", "gate": "g"}, False, ["w"]),
        (1, {"wave": "w", "gate": "g"}, True, ["w", "g"]),
        (0, {"wave": "w"}, True, []),
    ],
)
def test_steps(count: int, tasks: dict[str, str], gated: bool, expected: list[str]) -> None:
    found = waves.steps([Wave(str(number), (f"h{number}",)) for number in range(count)], tasks, gated=gated)
    assert [one["tasks"] for one in found] == expected


@dataclass(frozen=True)
class One:
    host: str
    name: str


@dataclass(frozen=True)
class Planned:
    """A plan that has a file for each cluster."""

    names: tuple[str, ...]

    def outcome(self, one: One) -> dict[str, Any]:
        return {"files": [one.name] if one.name != "c-h2" else []}


GROUP = [One(host, f"c-{host}") for host in HOSTS[:3]]


@pytest.mark.parametrize(
    ("wave", "earlier", "planned", "pending"),
    [
        (None, {}, [HOSTS[:3]], []),
        (["h0"], {}, [HOSTS[:3], ["h0"]], ["c-h1"]),  # the first wave looks at all; h2 has nothing to come
        (["h1"], {"clusters": {"c-h0": {}}, "pending": ["c-h1"]}, [["h1"]], []),
        (["h0"], {"clusters": {"x": {}}, "pending": ["c-h1"]}, [["h0"]], ["c-h1"]),
    ],
)
def test_turn(wave: list[str] | None, earlier: dict[str, Any], planned: list[list[str]], pending: list[str]) -> None:
    seen: list[list[str]] = []

    def thought(members: list[One]) -> Any:
        def think(_snapshot: Any) -> Planned:
            seen.append([one.host for one in members])
            return Planned(tuple(one.name for one in members))

        return think

    turn = Turn({"wave": wave, "earlier": earlier})
    mine, think = turn.of(GROUP, thought)
    change = think(Files({}))
    assert seen == planned
    assert [one.host for one in mine] == planned[-1]
    assert change.names == tuple(one.name for one in mine)
    assert turn.pending == pending
