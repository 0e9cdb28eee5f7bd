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

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document

_DISABLED = ("kustomize.toolkit.fluxcd.io/substitute", "disabled")
# A dollar doubled is Flux's way to write one. What stands after the name is a default, or a function of the value.
_EXPRESSION = re.compile(r"(\$?)\$\{([^}]*)\}")
_NAME = re.compile(r"#?([_a-zA-Z][_a-zA-Z0-9]*)(.*)", re.DOTALL)
# With these Flux puts something in the place of a variable that is not set.
_DEFAULTS = ("-", ":-", "=", ":=")


def unknown(documents: Sequence[Document], facts: Collection[str]) -> list[tuple[str, str]]:
    """Expressions that Flux could not fill, as (expression, where it stands); it would put nothing in their place."""
    return [
        (expression, place)
        for document in documents
        if not _is_disabled(document)
        for place, text in _texts(document, str(document.get("kind")))
        for expression in _unfilled(text, facts)
    ]


def _is_disabled(document: Mapping[str, Any]) -> bool:
    key, value = _DISABLED
    metadata = document.get("metadata") or {}
    return any((metadata.get(field) or {}).get(key) == value for field in ("annotations", "labels"))


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


def _unfilled(text: str, facts: Collection[str]) -> Iterator[str]:
    for escape, inner in _EXPRESSION.findall(text):
        name = _NAME.fullmatch(inner)
        filled = name and (name.group(1) in facts or name.group(2).startswith(_DEFAULTS))
        if not escape and not filled:
            yield f"${{{inner}}}"
