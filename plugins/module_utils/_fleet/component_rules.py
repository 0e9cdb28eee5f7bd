# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What does not go together within one component, whose fields are right by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import (
    component_actions,
    component_kustomize,
    component_sources,
    component_sync,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Path
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Fault

# Fields that only one kind of component has. In manifests of the inventory the objects say themselves what they are.
_ONLY = {
    "namespace": "helm",
    "values": "helm",
    "values_from": "helm",
    "target_namespace": "kustomize",
    "patches": "kustomize",
}


def faults(kind: str, fields: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    """All of it; ``fields`` are those of a component of this kind, merged, and none is lacking."""
    for name, owner in _ONLY.items():
        if name in fields and owner != kind:
            yield (*path, name), "", f"is for {owner}, and this component is of {kind}"
    if kind in component_sources.KINDS:
        yield from component_sources.faults(kind, fields[kind], (*path, kind))
    if kind == "helm":
        yield from component_actions.faults(fields["helm"], (*path, "helm"))
    yield from component_sync.faults(fields, path)
    yield from component_kustomize.patch_faults(fields.get("patches", ()), (*path, "patches"))
