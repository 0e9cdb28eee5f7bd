# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which schemas Helm asks about a release's values, and about which of them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import subcharts
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.subcharts import Contents, Question, Subchart

OWN, INNER = {"title": "own"}, {"title": "inner"}


def test_values_lie_over_the_charts_own_as_helm_merges_them() -> None:
    own = {"a": 1, "b": {"c": 2, "d": 3}, "e": {"f": 4}, "g": 5, "h": [1]}
    values = {"b": {"c": None, "x": 6}, "e": None, "g": {"y": 7}, "h": [], "z": None}
    assert subcharts.beneath(own, values) == {"a": 1, "b": {"d": 3, "x": 6}, "g": {"y": 7}, "h": []}


def questions(values: dict[str, Any], *inner: Subchart, more: bool = False, **defaults: Any) -> list[Question]:
    """What is asked of a chart with these charts in it."""
    return list(subcharts.asked(Contents(OWN, defaults, bool(inner), inner), values, more=more))


def paths(*given: Any, **defaults: Any) -> list[str]:
    """Which subcharts are asked."""
    return ["/".join(map(str, one.path)) for one in questions(*given, **defaults) if one.path]


def test_chart_alone_is_asked_about_all() -> None:
    assert questions({"a": 1}, b=2) == [Question((), OWN, {"a": 1, "b": 2}, more=False)]
    assert questions({"a": 1}, more=True) == [Question((), OWN, {"a": 1}, more=True)]


def test_subchart_gets_what_stands_under_its_name() -> None:
    cache = Contents(INNER, {"size": 1, "mode": "slow"})
    (_own, found) = questions({"cache": {"size": 3}}, Subchart("cache", cache), cache={"port": 7})
    assert found == Question(("cache",), INNER, {"size": 3, "mode": "slow", "port": 7}, more=True)
    (_own, bare) = questions({"cache": "no mapping"}, Subchart("cache", cache))
    assert bare.values == cache.defaults


def test_charts_without_a_schema_are_passed_through() -> None:
    deep = Contents(None, {}, more=True, subcharts=[Subchart("cache", Contents(INNER))])
    assert deep.has_schema
    assert not Contents(None, {}, more=True, subcharts=[Subchart("cache", Contents())]).has_schema
    assert paths({"queue": {"cache": {"size": 3}}}, Subchart("queue", deep)) == ["queue/cache"]


@pytest.mark.parametrize(
    ("values", "more", "expected"),
    [
        ({}, False, True),
        ({"cache": {"enabled": True}}, False, True),
        ({"cache": {"enabled": False}}, False, False),
        # The first path that says something counts.
        ({"cache": {"enabled": True}, "caching": False}, False, True),
        ({"caching": False}, False, False),
        ({"cache": {"enabled": "${cache}"}}, False, False),
        ({"cache": {"enabled": True}}, True, False),
        ({}, True, False),
        ({"tags": {"fast": False}}, False, False),
        ({"tags": {"fast": False, "memory": True}}, False, True),
        ({"tags": {"fast": False}, "cache": {"enabled": True}}, False, True),
    ],
)
def test_switches(values: dict[str, Any], more: bool, expected: bool) -> None:
    """``more``: whether there are values that only the cluster knows; what they may switch off is not judged."""
    switched = Subchart("cache", Contents(INNER), ["cache.enabled", "caching"], ["fast", "memory"])
    assert bool(paths(values, switched, more=more)) is expected


def test_what_a_chart_says_by_itself_switches_too() -> None:
    assert paths({}, Subchart("cache", Contents(INNER, {"enabled": False}), ["cache.enabled"])) == []
    assert paths({}, Subchart("cache", Contents(INNER), ["cache.enabled"]), cache={"enabled": False}) == []


def test_tags_are_the_whole_releases() -> None:
    deep = Contents(None, {"tags": {"fast": False}}, True, [Subchart("cache", Contents(INNER), (), ["fast"])])
    assert paths({}, Subchart("queue", deep)) == ["queue/cache"]
    assert paths({"tags": {"fast": False}}, Subchart("queue", deep)) == []


def test_what_is_global_is_handed_on() -> None:
    cache = Contents(INNER, {"global": {"zone": "a", "tier": 1}})
    deep = Contents(None, {}, more=True, subcharts=[Subchart("cache", cache, ["global.caches"])])
    (_own, found) = questions({"global": {"zone": "b", "caches": True}}, Subchart("queue", deep))
    assert found.values == {"global": {"zone": "b", "tier": 1, "caches": True}}
    assert paths({"global": {"caches": False}}, Subchart("queue", deep)) == []


def test_chart_that_is_listed_by_several_names() -> None:
    contents = Contents(INNER)
    dependencies: list[dict[str, Any]] = [
        {"name": "cache", "alias": "first", "condition": "first.enabled, caching"},
        {"name": "cache", "alias": "second", "tags": ["fast"]},
        {"name": "queue", "condition": "queue.enabled"},
    ]
    assert list(subcharts.listed("cache", dependencies, contents)) == [
        Subchart("first", contents, ["first.enabled", "caching"], []),
        Subchart("second", contents, [], ["fast"]),
    ]
    assert list(subcharts.listed("other", dependencies, contents)) == [Subchart("other", contents, [], [])]
    odd: list[dict[str, Any]] = [{"name": "other", "condition": None, "tags": "fast"}]
    assert list(subcharts.listed("other", odd, contents)) == [Subchart("other", contents, [], [])]
