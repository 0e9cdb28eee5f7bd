# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Values held against a chart's JSON Schema by the Python package jsonschema, where that is installed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from itertools import islice
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import mapping
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema_words import Violation

MISSING = "the Python package jsonschema (4.18 or newer) is not installed"
_MOST = 100
_CONDITIONS = {"then", "else", "dependentSchemas", "dependencies"}
_DRAFT = re.compile(r"draft(?:-0)?[-/]?(\d+(?:-\d+)?)/")


@cache
def _library(name: str) -> Any:
    """One of the packages, or None. Imported where a chart has a schema: it takes a while, and most runs meet none."""
    try:
        return import_module(name)
    except ImportError:
        return None


def is_installed() -> bool:
    """Whether schemas can be asked. Before jsonschema used referencing it fetched what a schema refers to."""
    return bool(_library("jsonschema") and _library("referencing"))


def violations(schema: Any, values: Mapping[str, Any]) -> list[Violation]:
    """What is wrong with values; raises ValueError where the schema can't be used. Nothing is fetched."""
    jsonschema, referencing = _library("jsonschema"), _library("referencing")
    kind = _dialect(schema)
    try:
        kind.check_schema(schema)
        found = kind(schema, registry=referencing.Registry()).iter_errors(values)
        return [_violation(one) for one in islice(found, _MOST)]
    except jsonschema.SchemaError as error:
        raise ValueError(f"it is no JSON Schema ({error.message[:200]})") from None
    except referencing.exceptions.Unresolvable as error:
        raise ValueError(f"it refers to what is not in it ({error})") from None
    except (RecursionError, re.error) as error:
        raise ValueError(f"it can't be used here ({error})") from None


def _dialect(schema: Any) -> Any:
    """The validator of the schema's draft; that of the newest where it names none, as with Helm."""
    found = _DRAFT.search(str(mapping(schema).get("$schema")))
    jsonschema = _library("jsonschema")
    known = {
        "4": jsonschema.Draft4Validator,
        "6": jsonschema.Draft6Validator,
        "7": jsonschema.Draft7Validator,
        "2019-09": jsonschema.Draft201909Validator,
    }
    return known.get(found[1] if found else "", jsonschema.Draft202012Validator)


def _violation(error: Any) -> Violation:
    branches: dict[Any, list[Violation]] = {}
    for one in error.context or ():
        branches.setdefault(one.schema_path[0], []).append(_violation(one))
    return Violation(
        path=tuple(error.absolute_path),
        keyword=str(error.validator),
        wanted=error.validator_value,
        value=error.instance,
        rule=mapping(error.schema),
        either=_likeliest(branches.values()),
        is_conditional=bool(_CONDITIONS.intersection(error.absolute_schema_path)),
    )


def _likeliest(branches: Iterable[list[Violation]]) -> list[list[Violation]]:
    """The alternatives that are of the value's type; all where none is."""
    every = list(branches)
    depth = min((len(one.path) for branch in every for one in branch), default=0)
    fitting = [one for one in every if not any(each.keyword == "type" and len(each.path) == depth for each in one)]
    return fitting or every
