# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""From one Flux to another: which Kubernetes it wants, which steps it can take, and what would be lost on the way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import controllers, manifest, patching
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Cluster, Distribution

DOWNGRADE = "downgrade_flux"
SKIP_MINOR = "skip_flux_minor"
REMOVE = "remove_flux_component"

# Flux's minor → the oldest minor of Kubernetes 1 that its own check accepts, from cmd/flux/check.go at its tags:
# https://github.com/fluxcd/flux2/blob/v2.9.0/cmd/flux/check.go
_OLDEST_KUBERNETES = {(2, 3): 28, (2, 4): 28, (2, 5): 30, (2, 6): 31, (2, 7): 32, (2, 8): 33, (2, 9): 33}
_WHOLE = re.compile(r"v\d+\.\d+\.\d+")
_NUMBERS = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?(-.*)?")


def matters(facts: Mapping[str, Any], wanted: Cluster) -> bool:
    """Whether a cluster has a Flux of which this run changes version or components: then its definitions count."""
    there = set(facts.get("controllers") or ())
    return bool(there) and (facts["version"] != wanted.distribution.version or bool(there - set(_known(wanted))))


def _known(wanted: Cluster) -> Sequence[str]:
    return wanted.settings.components


def version_problems(
    wanted: Cluster, facts: Mapping[str, Any], allow: Iterable[str], *, migrates: bool
) -> list[Problem]:
    """A Kubernetes that is too old, a step back, or one over a minor's head. ``migrates``: the run is an upgrade."""
    target, allowed = _numbers(wanted.distribution.version), set(allow)
    if not target or not _WHOLE.match(wanted.distribution.version):  # which is said elsewhere
        return []
    oldest, kubernetes = _OLDEST_KUBERNETES.get(target[:2]), _numbers(str(facts["kubernetes_version"]))
    found, version = [], wanted.distribution.version
    if oldest and kubernetes and kubernetes[:2] < (1, oldest):
        hint = f"Flux {version} needs Kubernetes 1.{oldest} or later: upgrade the cluster first"
        found.append(Problem(wanted.host, "version of Kubernetes", str(facts["kubernetes_version"]), hint))
    current = _numbers(str(facts["version"]))
    if current and target < current and DOWNGRADE not in allowed:
        hint = (
            f"this cluster runs {facts['version']}: a step back may leave objects that the older Flux can't read; "
            f"to take it, run again with fleet_allow: [{DOWNGRADE}]"
        )
        found.append(Problem(wanted.host, "fleet_flux_version", version, hint))
    if current and not migrates and (target[0], target[1] - 1) > current[:2] and SKIP_MINOR not in allowed:
        hint = (
            f"this cluster runs {facts['version']}: run the playbook upgrade, which migrates what is stored, "
            f"or go minor by minor, or run again with fleet_allow: [{SKIP_MINOR}]"
        )
        found.append(Problem(wanted.host, "fleet_flux_version", version, hint))
    return found


def _numbers(version: str) -> tuple[int, int, int]:
    """The three numbers of a version; empty for what is none."""
    found = _NUMBERS.match(version)
    if not found:
        return ()  # type: ignore[return-value]
    return int(found.group(1)), int(found.group(2)), int(found.group(3) or 0)


def manifest_problems(
    clusters: Iterable[Cluster],
    facts: Mapping[str, Mapping[str, Any]],
    manifests: Mapping[Distribution, manifest.Manifest],
    allow: Sequence[str],
) -> list[Problem]:
    """What the manifest of each cluster lacks: components, places that the operator's patches change, definitions.

    ``facts``: host → what ``preflight`` found there.
    """
    found = []
    for one in clusters:
        release, seen = manifests[one.distribution], facts.get(one.host, {})
        missing = [*_version_problems(one, release), *one.settings.missing(release, one.host)]
        definitions, migrates = seen.get("definitions") or [], bool(seen.get("upgrade"))
        found += missing or [
            *_patch_problems(one, release),
            *definition_problems(one, definitions, release, allow, migrates=migrates),
        ]
    return found


def _version_problems(cluster: Cluster, release: manifest.Manifest) -> list[Problem]:
    version = cluster.distribution.version
    if release.version in ("", version):
        return []
    hint = f"{release.where} is Flux {release.version}: give the manifest of this version, or that version"
    return [Problem(cluster.host, "fleet_flux_version", version, hint)]


def _patch_problems(cluster: Cluster, release: manifest.Manifest) -> list[Problem]:
    own = [patching.given(one) for one in cluster.settings.patches]
    try:
        patching.apply(release.documents if own else [], own)
    except InvalidInput as error:
        return [replace(one, where=cluster.host) for one in error.problems]
    return []


def lock_problems(
    clusters: Iterable[Cluster],
    manifests: Mapping[Distribution, manifest.Manifest],
    locks: Mapping[str, tuple[str, str]],
) -> list[Problem]:
    """Manifests that are not those which the repository locked: cluster's name → version and digest.

    A cluster's own lock counts, or those of all others of the same version. A digest that the operator gives was
    checked when the manifest was read, and is locked from then on.
    """
    found = []
    for one in clusters:
        version, digest = one.distribution.version, manifests[one.distribution].digest
        own = {name: lock for name, (of, lock) in locks.items() if of == version and name == one.name}
        others = {name: lock for name, (of, lock) in locks.items() if of == version}
        kept = own or others
        if not one.distribution.digest and kept and digest not in kept.values():
            name, lock = min(kept.items())
            hint = (
                f"has SHA-256 {digest}, and the fleet repository locked {lock} for {version} (cluster {name}): find "
                "out why it changed; if it is right, give its digest as fleet_flux_digest"
            )
            found.append(Problem(one.host, "fleet_flux_manifest", one.distribution.manifest, hint))
    return found


def skew(clusters: Sequence[Cluster], locks: Mapping[str, tuple[str, str]]) -> list[str]:
    """What of the fleet is at other versions of Flux than these clusters will be, in words: version by version."""
    wanted = {one.name: one.distribution.version for one in clusters}
    others: dict[str, list[str]] = {}
    for name, (version, _digest) in sorted(locks.items()):
        if name not in wanted and version not in wanted.values():
            others.setdefault(version, []).append(name)
    return [f"Flux {version} is still meant for {', '.join(names)}" for version, names in sorted(others.items())]


def definition_problems(
    wanted: Cluster,
    definitions: Sequence[Mapping[str, Any]],
    release: manifest.Manifest,
    allow: Iterable[str],
    *,
    migrates: bool = False,
) -> list[Problem]:
    """Definitions of a cluster (``name``, ``stored``, ``storage``, ``objects``) that the manifest, as it is set, drops
    with all objects, or whose stored versions it no longer serves. ``migrates``: the run rewrites those before."""
    if not definitions:
        return []
    deletions = [one for one in controllers.patches(wanted.settings, release) if "operations" not in one]
    kept = manifest.served(patching.apply(_definitions(release.documents), deletions))
    found, allowed = [], REMOVE in set(allow)
    for one in sorted(definitions, key=lambda definition: str(definition["name"])):
        if one["name"] not in kept:
            found += [] if allowed else [_removed(wanted, one)]
        elif one["storage"] not in kept[one["name"]]:
            hint = (
                f"Flux {wanted.distribution.version} has none of this version in which {one['name']} is stored here: "
                "upgrade to an earlier minor of Flux first, which has both"
            )
            found.append(Problem(wanted.host, "stored version", str(one["storage"]), hint))
        elif not migrates and (old := sorted(set(one["stored"]) - kept[one["name"]])):
            hint = (
                f"Flux {wanted.distribution.version} no longer has this version, and objects of {one['name']} may be "
                "stored in it: run the playbook upgrade, which rewrites them first"
            )
            found.append(Problem(wanted.host, "status.storedVersions", ", ".join(old), hint))
    return found


def _definitions(objects: Iterable[Document]) -> list[Document]:
    return [one for one in objects if one.get("kind") == "CustomResourceDefinition"]


def _removed(wanted: Cluster, definition: Mapping[str, Any]) -> Problem:
    hint = (
        f"Flux would remove it with all of its {definition['objects']} object(s): keep its component in "
        f"fleet_flux_components, or, if they may go, run again with fleet_allow: [{REMOVE}]"
    )
    return Problem(wanted.host, "CustomResourceDefinition", str(definition["name"]), hint)


def outdated(definitions: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The definitions whose objects may be stored in another version than that in which they are written now."""
    return [one for one in definitions if list(one["stored"]) != [one["storage"]]]


def rewritten(document: Mapping[str, Any], version: str) -> dict[str, Any]:
    """The patch by which an object is stored anew in ``version`` of its group.

    Writing it is enough for what it says. The fields' managers name the version that they wrote, and server-side apply
    fails on one that is no longer served: they are put to the new one.
    """
    metadata = document["metadata"]
    managers = []
    for one in metadata.get("managedFields") or []:
        group, slash, _old = str(one.get("apiVersion", "")).rpartition("/")
        managers.append({**one, "apiVersion": f"{group}{slash}{version}"} if slash else one)
    return {"metadata": {"resourceVersion": metadata["resourceVersion"], "managedFields": managers}}
