# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects against schemas as API servers publish them, and as definitions hold them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.object_schemas import Schemas

# As an API server has it: references alone, and within allOf beside a default.
OPENAPI = {
    "components": {
        "schemas": {
            "apps.v1.Deployment": {
                "type": "object",
                "properties": {
                    "apiVersion": {"type": "string"},
                    "kind": {"type": "string"},
                    "metadata": {"allOf": [{"$ref": "#/components/schemas/ObjectMeta"}], "default": {}},
                    "spec": {"$ref": "#/components/schemas/Spec"},
                },
                "x-kubernetes-group-version-kind": [{"group": "apps", "kind": "Deployment", "version": "v1"}],
            },
            "ObjectMeta": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "labels": {"type": "object", "additionalProperties": {"type": "string", "default": ""}},
                },
            },
            "Spec": {
                "type": "object",
                "required": ["selector"],
                "properties": {
                    "replicas": {"type": "integer", "format": "int32"},
                    "selector": {"type": "object"},
                    "paused": {"type": "boolean"},
                    "maxSurge": {"oneOf": [{"type": "integer"}, {"type": "string"}], "format": "int-or-string"},
                    "memory": {"oneOf": [{"type": "string"}, {"type": "number"}]},
                    "args": {"type": "array", "items": {"type": "string"}},
                    "containers": {"type": "array", "items": {"allOf": [{"$ref": "#/components/schemas/Container"}]}},
                    "raw": {"type": "object"},
                },
            },
            "Container": {"type": "object", "properties": {"name": {"type": "string"}, "image": {"type": "string"}}},
        }
    }
}


def definition(schema: dict[str, Any]) -> dict[str, Any]:
    """A definition of kind Gate with this schema of its spec."""
    whole = {"type": "object", "properties": {"metadata": {"type": "object"}, "spec": schema}}
    return {
        "kind": "CustomResourceDefinition",
        "spec": {
            "group": "example.com",
            "names": {"kind": "Gate"},
            "versions": [{"name": "v1", "schema": {"openAPIV3Schema": whole}}],
        },
    }


def deployment(**spec: Any) -> list[str]:
    """What is wrong with a Deployment that has this besides a selector."""
    schemas = Schemas()
    schemas.add_openapi(OPENAPI)
    metadata = {"name": "a", **spec.pop("metadata", {})}
    document = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"selector": {}, **spec}}
    return [f"{one.path}: {one.hint}" for one in schemas.faults(document)]


def gate(schema: dict[str, Any], spec: Any) -> list[str]:
    """What is wrong with an object of a kind that is defined so."""
    schemas = Schemas()
    schemas.add_definitions([definition(schema)])
    document = {"apiVersion": "example.com/v1", "kind": "Gate", "metadata": {"name": "a", "labels": {}}, "spec": spec}
    return [f"{one.path}: {one.hint}" for one in schemas.faults(document)]


@pytest.mark.parametrize(
    "spec",
    [
        {"replicas": 2, "paused": False, "maxSurge": "25%", "memory": "1Gi", "args": ["a"]},
        {"replicas": 2.0, "maxSurge": 1, "memory": 0.5, "raw": {"any": {"thing": 1}}},
        {"replicas": None, "containers": [{"name": "a", "image": None}]},
        {"metadata": {"labels": {"anything": "goes"}}},
    ],
)
def test_what_fits(spec: dict[str, Any]) -> None:
    assert deployment(**spec) == []


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"replicaz": 2}, "spec.replicaz: there is no such field: did you mean replicas?"),
        ({"replicas": "2"}, "spec.replicas: must be a whole number, and is text"),
        ({"replicas": 2.5}, "spec.replicas: must be a whole number, and is a number"),
        ({"replicas": True}, "spec.replicas: must be a whole number, and is true or false"),
        ({"paused": "no"}, "spec.paused: must be true or false, and is text"),
        ({"maxSurge": [1]}, "spec.maxSurge: must be a number or text, and is a list"),
        ({"memory": {"a": 1}}, "spec.memory: must be text or a number, and is a mapping"),
        ({"args": {"a": 1}}, "spec.args: must be a list, and is a mapping"),
        ({"args": ["a", 1]}, "spec.args[1]: must be text, and is a number"),
        (
            {"containers": [{"name": "a", "imagee": "b"}]},
            "spec.containers[0].imagee: there is no such field: did you mean image?",
        ),
        ({"selector": None}, "spec.selector: must be given"),
        ({"metadata": {"label": {}}}, "metadata.label: there is no such field: did you mean labels?"),
        ({"metadata": {"labels": {"a.b/c": 1}}}, "metadata.labels[a.b/c]: must be text, and is a number"),
    ],
)
def test_what_does_not(spec: dict[str, Any], words: str) -> None:
    assert deployment(**spec) == [words]


@pytest.mark.parametrize(
    ("schema", "spec", "words"),
    [
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, {"a": 1}, []),
        (
            {"type": "object", "properties": {"a": {}}},
            {"zzz": 1},
            ["spec.zzz: there is no such field; the fields are a"],
        ),
        # A definition without fields keeps none; one that says so keeps all.
        ({"type": "object"}, {"a": 1}, ["spec.a: there is no such field; the fields are "]),
        ({"type": "object", "x-kubernetes-preserve-unknown-fields": True}, {"a": 1}, []),
        ({"type": "object", "additionalProperties": True}, {"a": 1}, []),
        (
            {"type": "object", "additionalProperties": {"type": "string"}},
            {"a": 1},
            ["spec.a: must be text, and is a number"],
        ),
        ({"x-kubernetes-int-or-string": True}, "80", []),
        ({"type": "string", "enum": ["a", "b"]}, "c", ["spec: must be one of a, b"]),
        ({"type": "string", "pattern": "^a+$", "maxLength": 2}, "aaa", ["spec: must have at most 2 characters"]),
        ({"type": "string", "pattern": "^a+$"}, "b", ["spec: must match ^a+$"]),
        ({"type": "string", "pattern": r"^\pL$"}, "b", []),
        ({"type": "integer", "minimum": 1, "maximum": 3}, 0, ["spec: must be at least 1"]),
        ({"type": "integer", "minimum": 1, "maximum": 3}, 4, ["spec: must be at most 3"]),
    ],
)
def test_definitions(schema: dict[str, Any], spec: Any, words: list[str]) -> None:
    assert gate(schema, spec) == words


def test_what_nobody_knows_and_what_is_encrypted_is_left_alone() -> None:
    schemas = Schemas()
    assert schemas.faults({"apiVersion": "v1", "kind": "Pod", "spec": 1}) == []
    assert not schemas.knows({"apiVersion": "v1", "kind": "Pod"})
    schemas.add_openapi(OPENAPI)
    encrypted = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": "ENC[…]", "sops": {}}
    assert schemas.knows(encrypted)
    assert schemas.faults(encrypted) == []


def test_what_comes_with_the_change_is_true() -> None:
    schemas = Schemas()
    schemas.add_definition(definition({"type": "object", "properties": {"old": {}}}))
    schemas.add_definition(definition({"type": "object", "properties": {"new": {}}}))
    document = {"apiVersion": "example.com/v1", "kind": "Gate", "metadata": {}, "spec": {"new": 1}}
    assert schemas.faults(document) == []
