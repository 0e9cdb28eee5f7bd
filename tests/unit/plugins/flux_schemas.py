# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Flux's own definitions say of its objects' specs, taken from the release that the lab runs.

`flux_schemas.json` beside this file is kind → the definition's schema of ``spec`` without its descriptions. The lab's
tests hold it against the release's manifest (FLEET_WRITE_GOLDEN=1 writes it anew).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("flux_schemas.json")
KINDS = {
    "HelmRelease": "v2",
    "Kustomization": "v1",
    "HelmRepository": "v1",
    "GitRepository": "v1",
    "OCIRepository": "v1",
}


def extracted(manifest: Iterable[Mapping[str, Any]]) -> str:
    """The file's text for the documents of a release's manifest."""
    found = {}
    for one in manifest:
        kind = one["spec"]["names"]["kind"] if one["kind"] == "CustomResourceDefinition" else ""
        for version in one["spec"]["versions"] if kind in KINDS else ():
            if version["name"] == KINDS[kind]:
                found[kind] = _bare(version["schema"]["openAPIV3Schema"]["properties"]["spec"])
    return json.dumps(found, indent=1, sort_keys=True) + "\n"


def _bare(schema: Any, *, names: bool = False) -> Any:
    if isinstance(schema, dict):
        return {
            key: _bare(value, names=key == "properties")
            for key, value in schema.items()
            if names or key != "description"
        }
    return [_bare(one) for one in schema] if isinstance(schema, list) else schema


def closed(schema: Any) -> Any:
    """The schema with every field refused that it does not name, as the API server does for what Flux applies."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        found.setdefault("additionalProperties", False)
    return found


def schemas() -> dict[str, Any]:
    """Kind → the schema of its spec, closed."""
    return {kind: closed(schema) for kind, schema in json.loads(FILE.read_text(encoding="utf-8")).items()}
