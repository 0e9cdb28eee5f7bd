# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Versions that an environment was promoted to: ``infrastructure/<environment>/versions.yaml``, and who reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import alike, documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_helm import PROMOTED
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import VARIABLES, Declared, Fields
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot

Versions = Mapping[str, str]
"""Component → the version that its environment was promoted to."""

_EDITED = (
    "edited by hand, and only promote writes it: take the edit back, or say fleet_hand_edits=keep to go by it as it is"
)


def read(snapshot: Snapshot, layout: Layout, environment: str, hand_edits: str = "hold") -> dict[str, str]:
    """An environment's versions, none where it was never promoted; InvalidInput for a file that people edited."""
    path = layout.versions(environment)
    text = snapshot.read([path]).get(path, "")
    if text and hand_edits == "hold" and alike.is_edited(text, path):
        raise_if([Problem(path, "versions", "", _EDITED)])
    return parsed(text, path)


def parsed(text: str, path: str) -> dict[str, str]:
    """The versions of a file's text; InvalidInput for what is no YAML."""
    found = documents.mapping(next(iter(documents.read(text, path)), {}).get("versions"))
    return {str(name): str(version) for name, version in found.items()}


def written(versions: Versions) -> str:
    """The file's text."""
    return documents.write_owned([{"versions": dict(sorted(versions.items()))}])


def is_promoted(fields: Fields) -> bool:
    """Whether a component's version is what its environment was promoted to."""
    return documents.mapping(fields.get("helm")).get("version") == PROMOTED


def names(declared: Declared) -> set[str]:
    """The components of a cluster whose version is promoted, there or in what it shares with its environment."""
    present = declared.present.items()
    return {name for name, own in present if is_promoted(own) or is_promoted(declared.shared.get(name, {}))}


def filled(declared: Declared, versions: Versions) -> Declared:
    """What the inventory says, with versions where it says ``promoted``; those that lack one are left as they are."""
    return replace(declared, shared=_filled(declared.shared, versions), own=_filled(declared.own, versions))


def _filled(fields_of: Mapping[str, Fields], versions: Versions) -> dict[str, Any]:
    return {
        name: {**fields, "helm": {**fields["helm"], "version": versions[name]}}
        if is_promoted(fields) and name in versions
        else fields
        for name, fields in fields_of.items()
    }


def resolved(
    declared: Mapping[str, Declared], members: Sequence[Member], snapshot: Snapshot, layout: Layout, hand_edits: str
) -> dict[str, Declared]:
    """Host → what the inventory says, with the versions of the repository; InvalidInput where one is missing."""
    environments = {one.environment for one in members if names(declared[one.host])}
    known = {name: read(snapshot, layout, name, hand_edits) for name in sorted(environments)}
    found = {one.host: filled(declared[one.host], known.get(one.environment, {})) for one in members}
    raise_if(missing(found, members, layout))
    return found


def missing(declared: Mapping[str, Declared], members: Iterable[Member], layout: Layout) -> list[Problem]:
    """Components that are still to get their first version."""
    problems = []
    for one in members:
        hint = (
            f"{layout.versions(one.environment)} has no version of it: run the playbook promote with "
            f"fleet_from=… and fleet_to={one.environment}, or give {one.environment} a version of its own"
        )
        where = [f"{VARIABLES[0]}.{name}.helm.version" for name in sorted(names(declared[one.host]))]
        problems += [Problem(one.host, field, PROMOTED, hint) for field in where]
    return problems


# helm-controller adds the digest of an OCI artifact: https://fluxcd.io/flux/components/helm/helmreleases/#chart-reference
_OF_ARTIFACT = re.compile(r"\+[0-9a-f]{12}$")
_EXACT = re.compile(r"v?\d+(\.\d+){0,2}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")


def exact(running: str) -> str:
    """The version of a chart that runs, as an inventory names it; empty where this is no chart's version."""
    version = _OF_ARTIFACT.sub("", running)
    return version if _EXACT.fullmatch(version) else ""
