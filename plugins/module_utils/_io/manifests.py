# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Objects of Kubernetes in files on the controller."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem

_NAMES = ("*.yaml", "*.yml", "*.json")


def resolved(layer: Mapping[str, Any]) -> dict[str, Any]:
    """Components (name → fields) with the objects themselves where ``manifests`` is a path."""
    return {name: _with_objects(name, fields) for name, fields in layer.items()}


def readable(layer: Mapping[str, Any]) -> dict[str, Any]:
    """The same without ``manifests`` where these can't be read, which is no fault elsewhere than on the controller."""
    try:
        return resolved(layer)
    except InvalidInput:
        return {name: _without_objects(fields) for name, fields in layer.items()}


def _without_objects(fields: Any) -> Any:
    is_path = isinstance(fields, Mapping) and isinstance(fields.get("manifests"), str)
    return {key: value for key, value in fields.items() if key != "manifests"} if is_path else fields


def _with_objects(name: str, fields: Any) -> Any:
    if not isinstance(fields, Mapping) or not isinstance(fields.get("manifests"), str):
        return fields
    return {**fields, "manifests": _read(name, fields["manifests"])}


# The hosts of a fleet name the same files.
@lru_cache(maxsize=256)
def _read(name: str, text: str) -> list[documents.Document]:
    path = Path(text).expanduser()
    files = sorted(file for pattern in _NAMES for file in path.rglob(pattern)) if path.is_dir() else [path]
    try:
        return [one for file in files for one in documents.read(file.read_text(encoding="utf-8"), str(file))]
    except (OSError, UnicodeDecodeError) as error:
        hint = f"no file or directory of manifests on the controller: {error}"
        raise InvalidInput(problems=[Problem("run", f"{name}.manifests", text, hint)]) from None
