# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers: a list, or any graph that has no way back to itself."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_layers import Layers, cycle

GRAPH = {"configs": ["controllers"], "policies": ["controllers"], "controllers": [], "apps": ["configs", "policies"]}
NAMES = ("a", "b", "c", "d")


def said(value: Any) -> list[str]:
    """What is wrong, as people read it."""
    return [str(problem) for problem in Layers.of(value).problems]


def test_list() -> None:
    found = Layers.of(["first", "second", "third"])
    assert (found.names, found.problems) == (["first", "second", "third"], ())
    assert found.before("third", {"first", "second", "third"}) == {"second"}
    assert found.before("third", {"first", "third"}) == {"first"}
    assert found.before("first", {"first"}) == set()
    assert Layers.of([1, 2]).names == ["1", "2"]


def test_graph() -> None:
    found = Layers.of(GRAPH)
    assert (found.names, found.problems) == (["controllers", "configs", "policies", "apps"], ())
    assert found.before("apps", GRAPH) == {"configs", "policies"}
    assert found.before("apps", {"apps", "policies", "controllers"}) == {"policies", "controllers"}
    assert found.before("policies", {"configs", "policies"}) == set()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "run: fleet_layers: a list of layers in their order, or a mapping"),
        ([], "fleet_layers: a list of layers"),
        ("controllers", "fleet_layers: a list of layers"),
        (["a", "a"], "fleet_layers is 'a': each layer stands once"),
        (["clusters"], "fleet_layers is 'clusters': each layer stands once, and none of them is called clusters"),
        (["A"], "fleet_layers is 'A': lower-case letters"),
        ([["a"]], "lower-case letters"),
        ({"a": None}, "fleet_layers.a: a list of the layers that it waits for, [] where of none"),
        ({"a": "b", "b": []}, "fleet_layers.a: a list of the layers that it waits for"),
        (
            {"controllers": [], "configs": ["controler"]},
            "fleet_layers.configs is 'controler': there is no such layer, did you mean controllers? (fleet_layers has",
        ),
        ({"a": [["b"]]}, "fleet_layers.a is \"['b']\": there is no such layer"),
        ({"a": ["a"]}, "fleet_layers.a: waits for itself: a → a"),
        ({"a": [], "b": ["a", "d"], "c": ["b"], "d": ["c"]}, "fleet_layers.b: waits for itself: b → d → c → b"),
    ],
)
def test_bad_input(value: Any, words: str) -> None:
    (found,) = [text for text in said(value) if words in text]
    assert found
    assert Layers.of(value).names == []


@given(st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), unique=True)))
def test_any_graph_has_an_order_or_a_way_back(given: dict[str, list[str]]) -> None:
    whole = {name: given.get(name, []) for name in NAMES}
    found, path = Layers.of(whole), cycle(whole)
    assert bool(path) == bool(found.problems)
    if path:
        assert path[0] == path[-1]
        assert all(after in whole[before] for before, after in pairwise(path))
    else:
        assert sorted(found.names) == sorted(NAMES)
        assert all(found.names.index(other) < found.names.index(name) for name in NAMES for other in whole[name])
