# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Volumes that tenants claimed, which go with their namespaces: what is said before they do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, some

REMOVE_VOLUMES = "remove_volumes"
CLAIMS = ("v1", "PersistentVolumeClaim")
Volume = dict[str, str]
"""``namespace``, ``name`` and ``size`` of a PersistentVolumeClaim (a quantity of Kubernetes, or empty), and ``by``, the
sync or release of Flux that applied it (empty for what people or StatefulSets made)."""

_NAMED = 10


def found(claims: Iterable[Document], spaces: Collection[str]) -> list[Volume]:
    """The claims in some namespaces, as plain data."""
    return [
        {**{key: one["metadata"][key] for key in ("namespace", "name")}, "size": _size(one), "by": _by(one)}
        for one in claims
        if one["metadata"]["namespace"] in spaces
    ]


def _size(claim: Document) -> str:
    """What the volume has, else what is asked for."""
    has = (claim.get("status") or {}).get("capacity") or {}
    asked = (claim["spec"].get("resources") or {}).get("requests") or {}
    return str(has.get("storage") or asked.get("storage") or "")


def _by(claim: Document) -> str:
    """By the labels that Flux puts on all that it applies and installs."""
    groups = {"Kustomization": "kustomize", "HelmRelease": "helm"}
    names = {kind: documents.label(claim, f"{group}.toolkit.fluxcd.io/name") for kind, group in groups.items()}
    return next((f"{kind} {name}" for kind, name in names.items() if name), "")


def said(volumes: Iterable[Volume]) -> str:
    """Claims in words, namespace by namespace."""
    spaces: dict[str, list[str]] = defaultdict(list)
    for one in volumes:
        spaces[one["namespace"]].append(f"{one['name']} ({one['size'] or 'of no size'})")
    return "; ".join(f"in namespace {space}: {some(names, _NAMED)}" for space, names in sorted(spaces.items()))


def problems(where: str, tenant: str, volumes: Sequence[Volume], allow: Iterable[str]) -> list[Problem]:
    """What is said of a tenant that leaves a cluster, or loses a namespace there, and has volumes in it."""
    if not volumes or REMOVE_VOLUMES in set(allow):
        return []
    hint = (
        f"has volumes, whose claims would go, and what they hold with them as their storage class has it: "
        f"{said(volumes)}; save what is needed, and if they are to go, run again with fleet_allow: [{REMOVE_VOLUMES}]"
    )
    return [Problem(where, f"tenant {tenant}", "", hint)]


def unasked(clusters: Iterable[str], asked: Collection[str], allow: Iterable[str]) -> str:
    """Why it is not known whether a namespace that goes from all these clusters holds volumes; empty where it is."""
    left = sorted(set(clusters) - set(asked))
    if not left or REMOVE_VOLUMES in set(allow):
        return ""
    return (
        f"cluster {some(left, _NAMED)} was not asked whether this namespace holds volumes there, and would lose it all "
        f"the same: run again when all can be asked and without --limit, or with fleet_allow: [{REMOVE_VOLUMES}]"
    )


def of_tenants(found: Mapping[str, Any]) -> dict[str, list[Volume]]:
    """Tenant → its volumes in one cluster, from what ``preflight`` found of it."""
    owners, own = found.get("namespaces") or {}, defaultdict(list)
    for one in found.get("volumes") or []:
        own[owners.get(one["namespace"], "")].append(one)
    return dict(own)
