# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The fields of a component that is a directory for kustomize: of the fleet repository, or from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_actions import TARGET
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_sources import FIELDS, OCI
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Path
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Fault, Text
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.structures import Items, Record

KUSTOMIZE = Record("A directory for kustomize.", {"path": FIELDS["path"], "oci": OCI, **FIELDS})


def _patch_fault(value: str) -> tuple[str, str] | None:
    """What kustomize would not take: https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patches/."""
    try:
        found = documents.trees(value, "patch")
    except InvalidInput as error:
        return "", error.problems[0].hint
    right = found and all(isinstance(one, (Mapping, list)) for one in found)
    return None if right else ("", "an object with what changes in it, or a list of operations of JSON Patch")


PATCHES = Items(
    "What is changed of the directory's objects.",
    Record(
        "",
        {"patch": Text("The patch.", r"[\s\S]+", "a patch as text", 16384, _patch_fault), "target": TARGET},
        ("patch",),
    ),
)


def patch_faults(patches: Sequence[Mapping[str, Any]], path: Path) -> Iterator[Fault]:
    """Patches that do not say which objects they are for."""
    for place, one in enumerate(patches):
        if "target" not in one and not all(_says_whose(tree) for tree in documents.trees(one["patch"], "patch")):
            hint = "is missing: which objects this is for (kind, name, labelSelector, …)"
            yield (*path, place, "target"), "", hint


def _says_whose(tree: Any) -> bool:
    return isinstance(tree, Mapping) and bool(tree.get("kind") and documents.part(tree, "metadata").get("name"))
