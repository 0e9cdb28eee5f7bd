# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values against the schema of their chart: which are asked about, what is judged, and what is said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import chart_values, subcharts
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.chart_values import Release
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.charts import Chart
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import VARIABLES, Declared
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.subcharts import Contents, Subchart
from ansible_collections.fluxops.fleet.plugins.module_utils._io import value_schemas
from ansible_collections.fluxops.fleet.tests.unit.plugins.infrastructure_samples import (
    Variables,
    bootstrapped,
    plan,
    published,
)

URL = "https://charts.example/stable"
CHART = Chart(URL, "app", "1.x")
APP: dict[str, Any] = {"layer": "controllers", "helm": {"repository": URL, "version": "1.x"}}
FROM = [{"kind": "ConfigMap", "name": "more"}]
SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "required": ["host"],
    "additionalProperties": False,
    "patternProperties": {"^x-": {}},
    "properties": {
        "host": {"type": "string", "minLength": 1},
        "replicas": {"type": "integer", "minimum": 1, "maximum": 9},
        "level": {"enum": ["info", "debug"]},
        "mode": {"type": ["string", "null"], "pattern": "^[a-z]+$"},
        "port": {"oneOf": [{"type": "integer", "exclusiveMinimum": 0}, {"type": "string", "pattern": "^[a-z]+$"}]},
        "hosts": {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "minItems": 1},
        "auth": {"type": "object", "required": ["user"], "properties": {"password": {"type": "string"}}},
        "tls": {
            "type": "object",
            "if": {"properties": {"enabled": {"const": True}}},
            "then": {"required": ["secretName"]},
        },
        "kind": {"const": "Deployment"},
        "even": {"multipleOf": 2},
        "never": {"not": {"type": "integer"}},
    },
}


def releases(repository: dict[str, str], *layers: dict[str, Any]) -> list[Release]:
    """The releases that one run finds to change."""
    variables: Variables = tuple(layers)
    return list(plan(repository, {"stg-1": variables}).brought.releases)


def test_releases_that_change() -> None:
    (first,) = releases(bootstrapped(), {"app": {**APP, "values": {"a": 1}}})
    assert (first.chart, first.component, first.host, first.values) == (CHART, "app", "stg-1", {"a": 1})
    repository = published({"stg-1": ({"app": {**APP, "values": {"a": 1}}},)})
    assert releases(repository, {"app": {**APP, "values": {"a": 1}, "interval": "3m"}}) == []
    (changed,) = releases(repository, {"app": {**APP, "values": {"a": 2}}})
    assert (changed.values, changed.more) == ({"a": 2}, False)
    (own,) = releases(repository, {"app": {**APP, "values": {"a": 1}}}, {}, {}, {"app": {"values": {"b": 3}}})
    assert own.values == {"a": 1, "b": 3}
    (more,) = releases(repository, {"app": {**APP, "values": {"a": 1}, "values_from": FROM}})
    assert more.more
    (newer,) = releases(repository, {"app": {**APP, "helm": {**APP["helm"], "version": "2.x"}, "values": {"a": 1}}})
    assert newer.chart.version == "2.x"


def test_what_helm_does_not_judge_is_not_judged() -> None:
    helm = {**APP["helm"], "upgrade": {"disableSchemaValidation": True}}
    assert releases(bootstrapped(), {"app": {**APP, "helm": helm}}) == []


_HOST = {"host": "a"}


def said(
    *layers: dict[str, Any],
    own: dict[str, Any] | None = None,
    more: bool = False,
    schema: Any = None,
    charts: Sequence[Subchart] = (),
) -> list[str]:
    """What is wrong with values, said by one variable after the other; ``own``: the chart's."""
    pytest.importorskip("jsonschema")
    declared = Declared.from_layers([{"app": {"values": one}} for one in layers])
    release = Release(CHART, "app", "stg-1", declared.own["app"]["values"], more, declared)
    contents = Contents(
        SCHEMA if schema is None else schema, {"host": "a"} if own is None else own, bool(charts), charts
    )
    asked = subcharts.asked(contents, release.values, more=more)
    violations = [(one, each) for one in asked for each in value_schemas.violations(one.schema, one.values)]
    found = chart_values.problems(release, "chart app 1.2.0", violations)
    tail, words = "chart app 1.2.0", sorted(str(one) for one in found)
    assert all(one.startswith("stg-1: fleet_components") and one.endswith(tail) for one in words)
    whole = f", says values.schema.json of {tail}"
    return [one.removeprefix("stg-1: ").removesuffix(whole) for one in words]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"replicas": "three"}, "replicas is 'three': must be integer"),
        ({"replicas": True}, "replicas is 'true': must be integer"),
        ({"replicas": 0}, "replicas is '0': must be at least 1"),
        ({"replicas": 10}, "replicas is '10': must be at most 9"),
        ({"replicas": {"min": 1}}, "replicas: must be integer"),
        ({"level": "trace"}, "level is 'trace': must be one of info, debug"),
        ({"mode": 7}, "mode is '7': must be string or null"),
        ({"mode": "A"}, "mode is 'A': must match ^[a-z]+$"),
        ({"host": ""}, "host: must have at least 1 character(s)"),
        ({"host": None}, "host: must be given"),
        ({"port": 0}, "port is '0': must be greater than 0"),
        ({"port": "80"}, "port is '80': must match ^[a-z]+$"),
        ({"port": False}, "port is 'false': must be integer or must be string"),
        ({"hosts": ["a", 1]}, "hosts[1] is '1': must be string"),
        ({"hosts": ["a", "a"]}, "hosts: no item may stand twice"),
        ({"hosts": []}, "hosts: must have at least 1 item(s)"),
        ({"replcas": 1}, "replcas: there is no such field, did you mean replicas?"),
        ({"auth": {}}, "auth.user: must be given"),
        ({"auth": {"user": "u", "password": 1234}}, "auth.password is '********': must be string"),
        ({"tls": {"enabled": True}}, "tls.secretName: must be given"),
        ({"kind": "DaemonSet"}, "kind is 'DaemonSet': must be Deployment"),
        ({"even": 3}, "even is '3': must be a multiple of 2"),
        ({"never": 3}, 'never is \'3\': must fit not: {"type": "integer"}'),
    ],
)
def test_what_is_wrong_is_said_in_the_schemas_words(values: dict[str, Any], words: str) -> None:
    assert said(values) == [f"fleet_components.app.values.{words}"]


@pytest.mark.parametrize("values", [{}, {"replicas": 3, "x-any": 1, "mode": "a", "tls": {"enabled": False}}])
def test_what_fits(values: dict[str, Any]) -> None:
    assert said(values) == []


def test_the_variable_that_said_it_is_named() -> None:
    assert said({"replicas": 1, "level": "no"}, {"replicas": "x"}, {}, {"auth": {"password": "p"}}) == [
        f"{VARIABLES[0]}.app.values.level is 'no': must be one of info, debug",
        f"{VARIABLES[3]}.app.values.auth.user: must be given",
        f"{VARIABLES[1]}.app.values.replicas is 'x': must be integer",
    ]


def test_what_a_chart_asks_for_by_its_own_values() -> None:
    assert said({}, own={"host": ""}) == ["fleet_components.app.values.host: must have at least 1 character(s)"]
    assert said({}, own={}) == ["fleet_components.app.values.host: must be given"]
    # What Helm's versions make of a null of the chart's own is not the same.
    assert said({}, own={"host": None}) == []


@pytest.mark.parametrize(
    "values",
    [
        {"replicas": "${replicas}"},
        {"hosts": ["${first}", "${first}"]},
        {"level": "${level:-info}"},
        {"${name}": 1},
        {"tls": {"enabled": True}, "mode": "${mode}"},
    ],
)
def test_what_flux_substitutes_is_not_judged(values: dict[str, Any]) -> None:
    assert said(values) == []


def test_beside_what_flux_substitutes_the_rest_is_judged() -> None:
    assert said({"auth": {"password": "${password}"}, "replicas": "3"}) == [
        "fleet_components.app.values.auth.user: must be given",
        "fleet_components.app.values.replicas is '3': must be integer",
    ]


def test_values_from_elsewhere_may_bring_what_is_missing() -> None:
    values = {"auth": {"password": "p"}, "tls": {"enabled": True}, "replicas": "x", "replcas": 1}
    assert said(values, own={"mode": 7}, more=True) == [
        "fleet_components.app.values.replcas: there is no such field, did you mean replicas?",
        "fleet_components.app.values.replicas is 'x': must be integer",
    ]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "int"},
        {"$ref": "https://schemas.example/app.json"},
        {"properties": {"host": {"$ref": "#/definitions/none"}}},
        {"properties": {"host": {"$ref": "#/properties/host"}}},
        "text",
    ],
)
def test_schema_that_can_not_be_used_judges_nothing(schema: Any) -> None:
    with pytest.raises(ValueError, match=r"it is no JSON Schema|it refers to|it can't be used here"):
        said({"host": "a"}, schema=schema)


@pytest.mark.parametrize(
    ("draft", "words"),
    [
        ("http://json-schema.org/draft-04/schema#", ["fleet_components.app.values.replicas is '1.0': must be integer"]),
        ("https://json-schema.org/draft-07/schema#", []),
        ("https://json-schema.org/draft/2019-09/schema", []),
        ("", []),
    ],
)
def test_schema_of_each_draft(draft: str, words: list[str]) -> None:
    schema = {"$schema": draft} if draft else {}
    assert said({"replicas": 1.0}, schema={**schema, "properties": {"replicas": {"type": "integer"}}}) == words


CACHE = Contents({"type": "object", "required": ["host"], "properties": {"replicas": {"type": "integer"}}})


def test_what_a_subchart_says_is_said_of_the_variable_too() -> None:
    inner = Contents(None, {"size": 1}, more=True, subcharts=[Subchart("cache", CACHE)])
    charts = [Subchart("cache", CACHE), Subchart("queue", inner)]
    first, second = said(
        {"cache": {"replicas": "x"}}, {"queue": {"cache": {"replicas": "y"}}}, charts=charts, schema={}
    )
    by, whose = "must be integer, says values.schema.json of", "of chart app 1.2.0"
    assert first == f"{VARIABLES[0]}.app.values.cache.replicas is 'x': {by} subchart cache {whose}"
    assert second == (
        f"{VARIABLES[1]}.app.values.queue.cache.replicas is 'y': {by} subchart cache of subchart queue {whose}"
    )


def test_of_a_subchart_what_may_come_from_elsewhere_is_not_missed() -> None:
    """Its global values come from all charts around it."""
    assert said({"cache": {"port": 1}}, charts=[Subchart("cache", CACHE)], schema={}) == []
