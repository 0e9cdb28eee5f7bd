# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Objects against the schemas of their kinds, strictly: a field that no schema knows is told, and not dropped.

Schemas are those of OpenAPI v3 as an API server publishes them, and those of CustomResourceDefinitions. What only the
server can judge (defaults, rules in CEL, admission) is left to it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document, mapping
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.overlay_changes import listed

Schema = Mapping[str, Any]
_KINDS = "x-kubernetes-group-version-kind"
_ANY = "x-kubernetes-preserve-unknown-fields"
_EITHER = "x-kubernetes-int-or-string"
_WHOLE = "x-kubernetes-embedded-resource"
_COMMON = ("apiVersion", "kind", "metadata")
_DEEPEST = 64
_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}
_SAID = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
_WANTED = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
}


@dataclass(frozen=True)
class Fault:
    """What is wrong with a field of an object, and what would be right. Values are not shown: they may be secret."""

    path: str
    hint: str


@dataclass
class Schemas:
    """The schemas that are known, by API version and kind, and what they refer to."""

    _kinds: dict[tuple[str, str], tuple[Schema, Schema]] = field(default_factory=dict)

    def add_openapi(self, document: Mapping[str, Any]) -> None:
        """An OpenAPI v3 document of one API version, such as ``kubectl get --raw /openapi/v3/apis/apps/v1`` prints."""
        schemas = mapping(mapping(document.get("components")).get("schemas"))
        for schema in schemas.values():
            for one in listed(mapping(schema).get(_KINDS)):
                version = "/".join(str(one[part]) for part in ("group", "version") if one.get(part))
                self._kinds.setdefault((version, str(one.get("kind"))), (schema, schemas))

    def add_definition(self, definition: Document) -> None:
        """A CustomResourceDefinition: the newest says what is true."""
        spec = mapping(definition.get("spec"))
        for one in listed(spec.get("versions")):
            schema = mapping(mapping(mapping(one).get("schema")).get("openAPIV3Schema"))
            version = f"{spec.get('group')}/{mapping(one).get('name')}"
            self._kinds[version, str(mapping(spec.get("names")).get("kind"))] = ({**schema, _WHOLE: True}, {})

    def add_definitions(self, objects: Iterable[Document]) -> None:
        """Those of some objects that define kinds."""
        for one in objects:
            if one.get("kind") == "CustomResourceDefinition":
                self.add_definition(one)

    def knows(self, document: Document) -> bool:
        """Whether there is a schema for an object."""
        return (document.get("apiVersion"), document.get("kind")) in self._kinds

    def faults(self, document: Document) -> list[Fault]:
        """Everything that is wrong with an object; nothing where its kind is not known."""
        found = self._kinds.get((str(document.get("apiVersion")), str(document.get("kind"))))
        # What SOPS has encrypted has more fields than the object that comes of it, and no values that can be judged.
        if not found or "sops" in document:
            return []
        return list(_Reader(found[1]).faults(found[0], document, ""))


@dataclass(frozen=True)
class _Reader:
    """Holds values against schemas that refer to others by name."""

    named: Schema

    def faults(self, schema: Schema, value: Any, path: str, depth: int = 0) -> Iterator[Fault]:
        """What is wrong with a value. Kubernetes takes null for a field that is not there."""
        schema = self._whole(schema)
        if value is None or depth > _DEEPEST:
            return
        if wanted := self._type(schema, value):
            yield Fault(path, f"must be {wanted}, and is {_SAID.get(type(value), type(value).__name__)}")
        elif isinstance(value, dict):
            yield from self._mapping(schema, value, path, depth)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from self.faults(mapping(schema.get("items")), item, f"{path}[{index}]", depth + 1)
        else:
            yield from _scalar(schema, value, path)

    def _whole(self, schema: Schema) -> Schema:
        """A schema with what it refers to: OpenAPI v3 of Kubernetes has a reference alone, or within ``allOf``."""
        for _step in range(_DEEPEST):
            parts = [schema, *listed(schema.get("allOf"))] if "$ref" not in schema else [schema]
            names = [str(one["$ref"]).rpartition("/")[2] for one in parts if "$ref" in mapping(one)]
            if not names:
                return schema
            others = {key: item for key, item in schema.items() if key not in ("$ref", "allOf")}
            schema = {**mapping(self.named.get(names[0])), **others}
        return schema

    @staticmethod
    def _type(schema: Schema, value: Any) -> str:
        """What a value should be, where it is something else."""
        if schema.get(_EITHER) or schema.get("format") == "int-or-string":
            fits = isinstance(value, (int, str)) and not isinstance(value, bool)
            return "" if fits else "a number or text"
        kind = schema.get("type")
        either = [one.get("type") for one in (*listed(schema.get("oneOf")), *listed(schema.get("anyOf")))]
        kinds = [one for one in ([kind] if kind else either) if one in _TYPES]
        if not kinds or (not kind and len(kinds) < len(either)):
            return ""
        fits = any(isinstance(value, _TYPES[one]) and (one == "boolean") == isinstance(value, bool) for one in kinds)
        # YAML and JSON write a whole number as they like.
        whole = "integer" in kinds and isinstance(value, float) and value.is_integer()
        return "" if fits or whole else " or ".join(_WANTED.get(one, "a number") for one in kinds)

    def _mapping(self, schema: Schema, value: Mapping[str, Any], path: str, depth: int) -> Iterator[Fault]:
        fields, more = mapping(schema.get("properties")), schema.get("additionalProperties")
        # An API server publishes no fields for what may hold any; a definition without them keeps none.
        closed = bool(fields) or (not self.named and schema.get("type") == "object")
        closed = closed and not schema.get(_ANY) and more is not True
        for name in listed(schema.get("required")):
            if value.get(name) is None and name not in (_COMMON if schema.get(_WHOLE) else ()):
                yield Fault(_below(path, str(name)), "must be given")
        for name, item in value.items():
            place = _below(path, str(name))
            if schema.get(_WHOLE) and name in _COMMON:
                continue
            if name in fields:
                yield from self.faults(fields[name], item, place, depth + 1)
            elif isinstance(more, Mapping):
                yield from self.faults(more, item, place, depth + 1)
            elif closed:
                yield Fault(place, f"there is no such field{_nearest(str(name), list(fields))}")


def _below(path: str, name: str) -> str:
    part = name if re.fullmatch(r"[\w$-]+", name) else f"[{name}]"
    return f"{path}{'.' if path and not part.startswith('[') else ''}{part}"


def _nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f": did you mean {near[0]}?" if near else f"; the fields are {', '.join(sorted(known)[:12])}"


def _scalar(schema: Schema, value: Any, path: str) -> Iterator[Fault]:
    choices = listed(schema.get("enum"))
    if choices and value not in choices:
        yield Fault(path, f"must be one of {', '.join(str(one) for one in choices)}")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if "minimum" in schema and value < schema["minimum"]:
            yield Fault(path, f"must be at least {schema['minimum']}")
        if "maximum" in schema and value > schema["maximum"]:
            yield Fault(path, f"must be at most {schema['maximum']}")
    if isinstance(value, str):
        if len(value) > schema.get("maxLength", len(value)):
            yield Fault(path, f"must have at most {schema['maxLength']} characters")
        if len(value) < schema.get("minLength", 0):
            yield Fault(path, f"must have at least {schema['minLength']} characters")
        if not _fits(str(schema.get("pattern") or ""), value):
            yield Fault(path, f"must match {schema['pattern']}")


def _fits(pattern: str, value: str) -> bool:
    """Whether a value has the form; patterns of Go that Python can't read are left to the server."""
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return True
