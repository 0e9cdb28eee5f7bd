# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions that Flux could not fill are found before it empties them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.substitution import substituted, unknown
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import mappings

FACTS = {"cluster_name", "region"}


def found(text: Any) -> list[str]:
    """The unknown expressions in one value."""
    return [expression for expression, _place in unknown([{"kind": "ConfigMap", "data": {"x": text}}], FACTS)]


@pytest.mark.parametrize(
    "text",
    [
        "", "plain", "$plain", "$(plain)", "${cluster_name}",
        "a-${cluster_name}-${region}", "$${anything}", "$${not.a.name}",
        "${zone:=a}", "${zone:-a}", "${zone=a}", "${cluster_name/a/b}",
        "${#region}", "${region^^}", "{region}", 3, None,
    ],
)  # fmt: skip
def test_known(text: Any) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "expressions"),
    [
        ("${zone}", ["${zone}"]),
        ("${cluster_name}${zone}${Region}", ["${zone}", "${Region}"]),
        ("${zone^^}", ["${zone^^}"]),
        ("${}", ["${}"]),
        ("${{ github.ref }}", ["${{ github.ref }"]),
        ("${__from}\n${cluster name}", ["${__from}", "${cluster name}"]),
    ],
)
def test_unknown(text: str, expressions: list[str]) -> None:
    assert found(text) == expressions


def test_unknown_says_where() -> None:
    document = {"kind": "HelmRelease", "spec": {"values": {"hosts": [{"a": "x"}, {"${key}": "${zone}"}]}}}
    assert unknown([document], FACTS) == [
        ("${key}", "HelmRelease.spec.values.hosts[1]"),
        ("${zone}", "HelmRelease.spec.values.hosts[1].${key}"),
    ]


@pytest.mark.parametrize("field", ["annotations", "labels"])
def test_objects_that_flux_leaves_alone(field: str) -> None:
    metadata = {field: {"kustomize.toolkit.fluxcd.io/substitute": "disabled"}}
    assert unknown([{"kind": "ConfigMap", "metadata": metadata, "data": {"x": "${zone}"}}], FACTS) == []


@given(mappings)
def test_escaped_text_is_never_unknown(tree: dict[str, Any]) -> None:
    assert unknown([{"kind": "ConfigMap", "data": escaped(tree)}], FACTS) == []


def escaped(value: Any) -> Any:
    """A tree with every expression written as the text itself."""
    if isinstance(value, dict):
        return {escaped(key): escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [escaped(item) for item in value]
    return value.replace("${", "$${") if isinstance(value, str) else value


@pytest.mark.parametrize(
    ("value", "comes_to"),
    [
        ("${name}", "a-1"),
        ("on ${name}!", "on a-1!"),
        ("${count}", 3),
        ("${count}x", "3x"),
        ("${flag}", True),
        ("a\n${count}\n", "a\n3\n"),
        ("$${name}", "${name}"),
        ("${absent}", "${absent}"),
        ("${absent:-b}", "b"),
        ("${absent:=4}", 4),
        ("${empty:-b}", "b"),
        ("${empty}x", "x"),
        ("${name:-b}", "a-1"),
        ("$HOME and {name}", "$HOME and {name}"),
        (["${name}", {"${name}": "${count}"}], ["a-1", {"a-1": 3}]),
        (7, 7),
    ],
)
def test_substituted_as_flux_does_it_in_yaml(value: Any, comes_to: Any) -> None:
    facts = {"name": "a-1", "count": "3", "flag": "true", "empty": ""}
    assert substituted({"kind": "ConfigMap", "data": value}, facts) == {"kind": "ConfigMap", "data": comes_to}


def test_what_flux_leaves_alone_is_not_substituted() -> None:
    metadata = {"labels": {"kustomize.toolkit.fluxcd.io/substitute": "disabled"}}
    document = {"kind": "ConfigMap", "metadata": metadata, "data": {"x": "${name}"}}
    assert substituted(document, {"name": "a"}) == document


@given(mappings)
def test_what_is_escaped_comes_out_as_it_was(tree: dict[str, Any]) -> None:
    assert substituted({"data": escaped(tree)}, {}) == {"data": tree}
