# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What Flux substitutes in the objects of a component: https://fluxcd.io/flux/components/kustomize/kustomizations/#post-build-variable-substitution."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput

_DISABLED = ("kustomize.toolkit.fluxcd.io/substitute", "disabled")
# A dollar doubled is Flux's way to write one. What stands after the name is a default, or a function of the value.
_EXPRESSION = re.compile(r"(\$?)\$\{([^}]*)\}")
_NAME = re.compile(r"#?([_a-zA-Z][_a-zA-Z0-9]*)(.*)", re.DOTALL)
# With these Flux puts something in the place of a variable that is not set.
_DEFAULTS = ("-", ":-", "=", ":=")


def unknown(objects: Sequence[Document], facts: Collection[str]) -> list[tuple[str, str]]:
    """Expressions that Flux could not fill, as (expression, where it stands); it would put nothing in their place."""
    return [
        (expression, place)
        for document in objects
        if not is_disabled(document)
        for place, text in _texts(document, str(document.get("kind")))
        for expression in unfilled(text, facts)
    ]


def substituted(document: Document, facts: Mapping[str, str]) -> Document:
    """An object as Flux applies it. It substitutes in the object's YAML, so a value may become a number."""
    return document if is_disabled(document) else {key: _filled(item, facts) for key, item in document.items()}


def filled(text: str, facts: Mapping[str, str]) -> str:
    """The text with what is known in place of expressions, or their defaults; what is not known is left as it is."""

    def replaced(found: re.Match[str]) -> str:
        name = _NAME.fullmatch(found[2])
        if found[1] or not name or found[2].startswith("#"):
            return found[0][1:] if found[1] else found[0]
        known, rest = facts.get(name[1]), name[2]
        default = next((rest[len(one) :] for one in _DEFAULTS if rest.startswith(one)), None)
        if known is None or (not known and rest.startswith(":")):
            return default if default is not None else found[0]
        return known if not rest or default is not None else found[0]

    return _EXPRESSION.sub(replaced, text)


def _filled(value: Any, facts: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _reread(value, facts) if "$" in value and _EXPRESSION.search(value) else value
    if isinstance(value, Mapping):
        return {filled(key, facts): _filled(item, facts) for key, item in value.items()}
    return [_filled(item, facts) for item in value] if isinstance(value, list) else value


def _reread(value: str, facts: Mapping[str, str]) -> Any:
    """What the text of a value comes to once it is substituted where it stands in YAML."""
    if "\n" in value:
        return filled(value, facts)
    text = documents.write_list([value])
    try:
        (found,) = documents.read("value:\n" + filled(text, facts), "")[0]["value"]
    except (InvalidInput, ValueError, TypeError):
        return filled(value, facts)
    return found


def is_disabled(document: Mapping[str, Any]) -> bool:
    """Whether an object has Flux leave it as it is. It may have any shape."""
    key, value = _DISABLED
    metadata = documents.part(document, "metadata")
    return any(documents.part(metadata, field).get(key) == value for field in ("annotations", "labels"))


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield place, key
            yield from _texts(item, f"{place}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{place}[{index}]")


def unfilled(text: str, facts: Collection[str]) -> Iterator[str]:
    """The expressions of a text that these facts (their names) leave without a value."""
    for escape, inner in _EXPRESSION.findall(text):
        name = _NAME.fullmatch(inner)
        filled = name and (name.group(1) in facts or name.group(2).startswith(_DEFAULTS))
        if not escape and not filled:
            yield f"${{{inner}}}"


def name_of(expression: str) -> str:
    """The variable of an expression such as ``${zone}``; empty where it names none."""
    name = _NAME.fullmatch(expression[2:-1])
    return name.group(1) if name else ""
