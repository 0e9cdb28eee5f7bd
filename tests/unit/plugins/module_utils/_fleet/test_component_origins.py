# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variable each value comes from, and that nothing secret is shown with it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import component_origins
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import VARIABLES, Declared, merged
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.scrub import MASK
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import mappings

FLEET, ENVIRONMENT, REGION, CLUSTER = VARIABLES


def origins(*layers: Any) -> dict[str, tuple[Any, str, tuple[str, ...]]]:
    """Field → value, variable, and those it lies over."""
    declared = Declared.from_layers([{"x": layer} if layer is not None else {} for layer in layers])
    found = [(one, one.as_dict()) for one in component_origins.of(declared, "x")]
    return {said["field"]: (said["value"], one.variable, one.over) for one, said in found}


def test_each_value_with_its_variable() -> None:
    weak = {"helm": {"version": "1.x"}, "values": {"replicas": 1, "list": [1, 2], "deep": {"a": 1}}}
    found = origins(
        weak, {"helm": {"version": "2.x"}, "values": {"list": [3]}}, None, {"values": {"replicas": 1, "deep": "flat"}}
    )
    assert found == {
        "helm.version": ("2.x", ENVIRONMENT, (FLEET,)),
        "values.replicas": (1, CLUSTER, ()),
        "values.list": ([3], ENVIRONMENT, (FLEET,)),
        "values.deep": ("flat", CLUSTER, (FLEET,)),
    }


def test_a_mapping_over_a_value_is_all_its_own() -> None:
    assert origins({"values": {"a": 1}}, {"values": {"a": {"b": 2}}}) == {"values.a.b": (2, ENVIRONMENT, ())}
    assert origins({"values": {}}, {"values": {}}) == {"values": ({}, ENVIRONMENT, ())}


@given(st.lists(mappings, min_size=1, max_size=4))
def test_the_values_are_what_merging_gives(layers: list[dict[str, Any]]) -> None:
    declared = Declared.from_layers([{"x": layer} for layer in layers])
    found = component_origins.of(declared, "x")
    nested: dict[str, Any] = {}
    for one in found:
        value = one.value
        for step in reversed(one.path):
            value = {step: value}
        nested = merged([nested, value]) if one.path else nested
        source = declared.layers[VARIABLES.index(one.variable)]["x"]
        for step in one.path:
            source = source[step]
        assert source == one.value
    assert nested == declared.own["x"]


SECRETS = [
    {"values": {"adminPassword": "hunter2"}},
    {"values": {"auth": {"token": "hunter2"}}},
    {"values": {"apiKey": "hunter2"}},
    {"values": {"credentials": {"user": "hunter2"}}},
    {"values": {"env": [{"name": "DB_PASSWORD", "value": "hunter2"}]}},
    {"values": {"secrets": ["hunter2"]}},
    {"values": {"url": "postgres://me:hunter2@db.example/x"}},
    {"values": {"text": "a\n-----BEGIN RSA PRIVATE KEY-----\nhunter2"}},
    {"manifests": [{"kind": "Secret", "metadata": {"name": "x"}, "stringData": {"a": "hunter2", "b": ["hunter2"]}}]},
]


@pytest.mark.parametrize("fields", SECRETS, ids=lambda fields: json.dumps(fields)[:40])
def test_what_looks_secret_is_masked(fields: dict[str, Any]) -> None:
    assert "hunter2" not in json.dumps(origins(fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"helm": {"secret": "forge-login", "ca_secret": "forge-ca"}},
        {"values": {"existingSecret": "door", "imagePullSecrets": ["door"], "tokenSecretName": "door"}},
        {"values": {"password": "${db_password}", "secret": {"create": True}}},
        {"manifests": [{"kind": "Secret", "stringData": {"a": "ENC[AES256_GCM,data:x]"}}]},
        {"helm": {"repository": "https://charts.example/x", "version": "1.2"}},
    ],
    ids=lambda fields: json.dumps(fields)[:40],
)
def test_what_only_names_a_secret_is_shown(fields: dict[str, Any]) -> None:
    assert MASK not in json.dumps(origins(fields))


def test_table() -> None:
    declared = Declared.from_layers([{"x": {"layer": "configs", "values": {"a": "b " * 50}}}, {"x": {"layer": "apps"}}])
    rows = [one.as_dict() for one in component_origins.of(declared, "x")]
    head, layer, value = component_origins.table("x", "absent", rows).splitlines()
    assert head == "x (absent)"
    assert layer.split() == ["layer", "apps", ENVIRONMENT, "(over", f"{FLEET})"]
    assert value.startswith("  values.a  b b b")
    assert value.endswith(f"…  {FLEET}")
    objects = [
        {
            "field": "manifests",
            "value": [{"kind": "Namespace", "metadata": {"name": "a"}}],
            "variable": FLEET,
            "over": [],
        }
    ]
    assert "Namespace a" in component_origins.table("x", "", objects)
