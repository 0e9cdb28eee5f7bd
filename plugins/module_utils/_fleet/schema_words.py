# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What a JSON Schema asks for where a value does not fit it, in its own words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import mapping
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Path, text
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.structures import did_you_mean

_LONGEST = 120


@dataclass(frozen=True)
class Violation:
    """A value that breaks a keyword of a schema: ``wanted`` is what the keyword says, ``rule`` the schema it stands in.

    ``either``: what is wrong by each of several alternatives. ``is_conditional``: whether other values ask for it.
    """

    path: Path
    keyword: str
    wanted: Any
    value: Any
    rule: Mapping[str, Any]
    either: Sequence[Sequence[Violation]] = ()
    is_conditional: bool = False


def said(one: Violation, own: Sequence[str]) -> Iterator[tuple[Path, str]]:
    """Where something is wrong, and what would be right. ``own``: those of a mapping's keys that are people's."""
    if one.keyword == "required":
        yield from (((*one.path, name), "must be given") for name in _strings(one.wanted) if name not in one.value)
    elif one.keyword == "additionalProperties" and isinstance(one.value, Mapping):
        known = list(mapping(one.rule.get("properties")))
        patterns = list(mapping(one.rule.get("patternProperties")))
        for name in own:
            if name not in known and not any(re.search(pattern, name) for pattern in patterns):
                yield (*one.path, name), f"there is no such field{did_you_mean(name, known)}"
    else:
        yield one.path, _hint(one)


def _strings(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _hint(one: Violation) -> str:
    words = _WORDS.get(one.keyword)
    if words:
        return words(one.wanted)
    alternatives = list(dict.fromkeys(_alternative(one, branch) for branch in one.either if branch))
    if alternatives:
        return " or ".join(alternatives)
    return f"must fit {one.keyword}: {_shown(one.wanted)}"


def _alternative(parent: Violation, branch: Sequence[Violation]) -> str:
    """What is wrong by one of several schemas: the first of it."""
    for path, hint in said(branch[0], list(mapping(branch[0].value))):
        below = text(path[len(parent.path) :])
        return f"{below} {hint}" if below else hint
    return _shown(branch[0].wanted)


def _shown(value: Any) -> str:
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _listed(values: Any) -> str:
    return _shown(", ".join(_shown(one) for one in values) if isinstance(values, list) else values)


_WORDS: Mapping[str, Callable[[Any], str]] = {
    "type": lambda wanted: f"must be {' or '.join(_strings(wanted)) if isinstance(wanted, list) else wanted}",
    "enum": lambda wanted: f"must be one of {_listed(wanted)}",
    "const": lambda wanted: f"must be {_shown(wanted)}",
    "pattern": lambda wanted: f"must match {_shown(wanted)}",
    "minimum": lambda wanted: f"must be at least {wanted}",
    "maximum": lambda wanted: f"must be at most {wanted}",
    "exclusiveMinimum": lambda wanted: f"must be greater than {wanted}",
    "exclusiveMaximum": lambda wanted: f"must be less than {wanted}",
    "multipleOf": lambda wanted: f"must be a multiple of {wanted}",
    "minLength": lambda wanted: f"must have at least {wanted} character(s)",
    "maxLength": lambda wanted: f"must have at most {wanted} character(s)",
    "minItems": lambda wanted: f"must have at least {wanted} item(s)",
    "maxItems": lambda wanted: f"must have at most {wanted} item(s)",
    "minProperties": lambda wanted: f"must have at least {wanted} field(s)",
    "maxProperties": lambda wanted: f"must have at most {wanted} field(s)",
    "uniqueItems": lambda wanted: "no item may stand twice",
}
