# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What two components of one cluster can't both have: each would undo what the other does."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_objects import identity
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import VARIABLES, Component
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem


def problems(host: str, components: Sequence[Component]) -> Iterator[Problem]:
    """One release, one directory, or one object that is said twice; each names the component that had it first."""
    had: dict[Hashable, str] = {}
    for one in components:
        for key, (field, value, hint) in _claims(one).items():
            first = had.setdefault(key, one.name)
            if first != one.name:
                yield Problem(host, f"{VARIABLES[0]}.{one.name}.{field}", value, hint.format(first))


def _claims(one: Component) -> dict[Hashable, tuple[str, str, str]]:
    """What a component has for itself → the field that says so, its value, and what is said of a second one."""
    syncing = one.syncing
    if one.kind == "helm":
        release = f"{one.namespace}/{one.helm['release']}"
        hint = "is the release of {} too: choose another helm.release or namespace"
        return {("release", release): ("helm.release", release, hint)}
    if one.kind == "kustomize" and one.origin is None:
        # With these the same directory may make other objects.
        otherwise = documents.digest([{"": [syncing.target_namespace, syncing.substitute, syncing.own_patches]}])
        hint = "is the directory of {} too, with the same patches and variables: keep one of them"
        return {("directory", one.path, otherwise): ("kustomize.path", one.path, hint)}
    found: dict[Hashable, tuple[str, str, str]] = {}
    for place, document in enumerate(one.manifests):
        said = " ".join(filter(None, identity(document)))
        own = tuple(sorted(syncing.substitute.items())) if "${" in said else ()
        hint = "is an object of {} too: keep one of them"
        found["object", identity(document), own] = (f"manifests[{place}]", said, hint)
    return found
