# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Where each value of a component comes from: which of the inventory's variables said it, and over which others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import VARIABLES, Declared
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import without_credentials
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Path, text
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.scrub import MASK

_NOT_THERE = object()
# Names of what is secret; and of what only names it (existingSecret, tokenSecretName).
_SECRET = re.compile(
    r"(pass(word|phrase|wd)?|secrets?|token|(api|access|private|secret)[-_]?key|credentials?)$", re.IGNORECASE
)
_REFERENCE = re.compile(r"existing|^(ca_)?secret$|pull[-_]?secrets?$", re.IGNORECASE)
_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")
_URL = re.compile(r"[a-z+]+://\S*@\S*")
_FILLED_LATER = re.compile(r"(\$\{[^}]*\})+|ENC\[.*", re.DOTALL)
_LONGEST = 40


@dataclass(frozen=True)
class Origin:
    """One value of a component. ``over``: the variables that said something else there before."""

    path: Path
    value: Any
    variable: str
    over: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As plain data, without what looks secret."""
        shown = masked(self.value, self.path)
        return {"field": text(self.path), "value": shown, "variable": self.variable, "over": list(self.over)}


def of(declared: Declared, component: str) -> list[Origin]:
    """The values of a component as they are once all variables are merged, in the order in which they were said."""
    fields = declared.own[component]
    layers = [layer.get(component, _NOT_THERE) for layer in declared.layers]
    found = []
    for path, value in _leaves(fields, ()):
        said = [(name, _at(layer, path)) for name, layer in zip(VARIABLES, layers, strict=True)]
        names = [name for name, one in said if one is not _NOT_THERE]
        over = tuple(name for name, one in said if one is not _NOT_THERE and one != value and name != names[-1])
        found.append(Origin(path, value, names[-1], over))
    return found


def variable(declared: Declared, component: str, path: Path) -> str:
    """The variable that said a value of a component; where none did, the first that says what it is in."""
    layers = [layer.get(component, _NOT_THERE) for layer in declared.layers]
    for length in range(len(path), -1, -1):
        said = [name for name, one in zip(VARIABLES, layers, strict=True) if _at(one, path[:length]) is not _NOT_THERE]
        if said:
            return said[-1 if length == len(path) else 0]
    return VARIABLES[0]


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """What merging does not go into: all but mappings, and mappings with nothing in them."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    else:
        yield path, value


def _at(value: Any, path: Path) -> Any:
    for step in path:
        if not isinstance(value, Mapping) or step not in value:
            return _NOT_THERE
        value = value[step]
    return value


def masked(value: Any, path: Path) -> Any:
    """A value without what looks secret: by its name, or by itself. Names of Secrets, and facts, stay."""
    if isinstance(value, Mapping):
        named = {"data", "stringData"} if value.get("kind") == "Secret" else set()
        named |= {"value"} if _is_secret((value.get("name"),)) else set()
        return {key: _hidden(item) if key in named else masked(item, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item, path) for item in value]
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        return value
    return _hidden(value) if _is_secret(path) else _plain(value)


def _is_secret(path: Path) -> bool:
    """By the name that a value has, or that what it is in has."""
    names = [str(step) for step in path[-2:] if not isinstance(step, int)]
    return any(_SECRET.search(name) and not _REFERENCE.search(name) for name in names)


def _hidden(value: Any) -> Any:
    """All of it but what is no secret by itself: what Flux fills in, or decrypts."""
    if isinstance(value, Mapping):
        return {key: _hidden(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    return value if isinstance(value, bool) or value is None or _FILLED_LATER.fullmatch(str(value)) else MASK


def _plain(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return MASK if _KEY.search(value) else _URL.sub(lambda found: without_credentials(found.group()), value)


def table(component: str, state: str, origins: Sequence[Mapping[str, Any]]) -> str:
    """What one component comes to, for people; ``origins`` as ``Origin.as_dict`` gives them."""
    rows = [(one["field"], _short(one["value"]), _came(one)) for one in origins]
    # Few fields are longer: they push their own line to the right, and no other.
    widths = [max((len(row[column]) for row in rows if len(row[column]) <= _LONGEST), default=0) for column in range(2)]
    lines = [f"  {field:<{widths[0]}}  {value:<{widths[1]}}  {came}" for field, value, came in rows]
    return "\n".join([component + (f" ({state})" if state else ""), *lines])


def _came(one: Mapping[str, Any]) -> str:
    over = f" (over {', '.join(one['over'])})" if one["over"] else ""
    return f"{one['variable']}{over}"


def _short(value: Any) -> str:
    objects = [one for one in value if isinstance(one, Mapping) and "kind" in one] if isinstance(value, list) else []
    if objects:  # each of them is longer than a line
        value = ", ".join(f"{one['kind']} {documents.part(one, 'metadata').get('name', '')}" for one in objects)
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    shown = " ".join(shown.split()) or '""'
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
