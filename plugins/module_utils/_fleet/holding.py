# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What keeps Flux from deleting a tenant's objects while they change hands, and when that is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import (
    FLUX_NAMESPACE,
    FLUX_SYNC,
    LABEL_DOMAIN,
    tenant_sync,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.offboarding import Reference
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name as object_name

# https://fluxcd.io/flux/components/kustomize/kustomizations/#prune
PRUNE = "kustomize.toolkit.fluxcd.io/prune"
HANDOVER = f"{LABEL_DOMAIN}/handover"
_OWNER = ("kustomize.toolkit.fluxcd.io/namespace", "kustomize.toolkit.fluxcd.io/name")
_DISABLED = "disabled"


@dataclass(frozen=True)
class Looked:
    """What one cluster has of a tenant that moves. ``rules``: of its role there; None where there is no such role.

    ``made``: what its sync has applied, ``applied``: what the Kustomizations have that it comes from, ``resources``:
    (API version, kind) → plural, empty where the cluster knows none; ``lacks``: the Secret that is not there.
    """

    made: Sequence[Reference]
    applied: Sequence[Reference]
    rules: Sequence[Mapping[str, Any]] | None
    resources: Mapping[tuple[str, str], str]
    lacks: str = ""


def reasons(row: Mapping[str, Any], found: Looked) -> list[str]:
    """Why a tenant can't move on this cluster, in words. ``row``: as of ``old_tenants.Old.as_dict``."""
    return list(dict.fromkeys(_reasons(row, found)))


def _reasons(row: Mapping[str, Any], found: Looked) -> Iterator[str]:
    spaces, target = row["namespaces"], row["target"]
    for one in found.made:
        if one.namespace not in spaces:
            yield f"{row['sync']} applies {one}, outside of {', '.join(spaces)}, where the tenant may do nothing"
        elif target and one.namespace != target:
            yield f"{row['sync']} applies {one}, and the request would bring it to {target}"
    known = {(each["kind"], each["namespace"], each["name"]) for part in ("objects", "replaced") for each in row[part]}
    for one in found.applied:
        mine = one.namespace in spaces or (one.kind == "Namespace" and one.name in spaces)
        if mine and (one.kind, one.namespace, one.name) not in known:
            yield f"{one} comes of the old layout, and was not found in its files: write it out there, or take it away"
    if found.lacks:
        yield f"Secret {found.lacks}, which the request names, is not there: put it there, or have it given or made"
    yield from _rights(row, found)


def _rights(row: Mapping[str, Any], found: Looked) -> Iterator[str]:
    if found.rules is None:
        yield f"ClusterRole {row['role']} is not there: run the playbook bootstrap"
        return
    lacking = sorted({
        f"{plural}.{group}" if group else plural
        for (version, kind), plural in found.resources.items()
        if plural and any(one.api_version == version and one.kind == kind for one in found.made)
        for group in [version.rpartition("/")[0]]
        if not _allowed(found.rules, group, plural)
    })  # fmt: skip
    if lacking:
        who = f"ClusterRole {row['role']}" if row["role"] else "the request's rules"
        yield f"{who} may not write {', '.join(lacking)}, which {row['sync']} applies: have the request name more"


def _allowed(rules: Iterable[Mapping[str, Any]], group: str, resource: str) -> bool:
    def holds(rule: Mapping[str, Any], field: str, value: str) -> bool:
        return bool({"*", value} & set(rule.get(field) or ()))

    mine = [
        rule
        for rule in rules
        if holds(rule, "apiGroups", group) and holds(rule, "resources", resource) and not rule.get("resourceNames")
    ]
    return all(any(holds(rule, "verbs", verb) for rule in mine) for verb in ("get", "create", "patch", "delete"))


def kept(one: Document) -> bool:
    """Whether an object is kept by us."""
    return HANDOVER in _annotations(one)


def keep(one: Document, tenant: str) -> dict[str, Any]:
    """The patch that has Flux keep an object; empty where it keeps it already, by us or by people."""
    if _annotations(one).get(PRUNE) == _DISABLED:
        return {}
    return {"metadata": {"annotations": {PRUNE: _DISABLED, HANDOVER: tenant}}}


def unkeep() -> dict[str, Any]:
    """The patch that ends it."""
    return {"metadata": {"annotations": {PRUNE: None, HANDOVER: None}}}


def orphan(one: Document) -> dict[str, Any]:
    """The patch by which a Kustomization that goes leaves what it has applied."""
    wanted = "Orphan"
    return {} if one["spec"].get("deletionPolicy") == wanted else {"spec": {"deletionPolicy": wanted}}


def elsewhere(one: Document, tenant: str) -> str:
    """Whose an object still is, in words; empty where it is ``tenant-<name>``'s."""
    labels = one["metadata"].get("labels") or {}
    owner = "/".join(str(labels.get(label) or "") for label in _OWNER)
    ours = f"{FLUX_NAMESPACE}/{tenant_sync(tenant)}"
    return "" if owner == ours else f"{object_name(one)} is still of Kustomization {owner.strip('/') or '(none)'}"


def behind(syncs: Iterable[Document], source: Document | None) -> list[str]:
    """The Kustomizations of the fleet's repository that have not applied its revision, and may apply an older one."""
    revision = (((source or {}).get("status") or {}).get("artifact") or {}).get("revision")
    said = []
    for one in syncs:
        named = one["spec"].get("sourceRef") or {}
        mine = named.get("kind") == "GitRepository" and named.get("name") == FLUX_SYNC
        space = named.get("namespace") or one["metadata"]["namespace"]
        status = one.get("status") or {}
        follows = mine and space == FLUX_NAMESPACE and not one["spec"].get("suspend")
        if follows and status.get("lastAppliedRevision") != revision:
            said.append(f"{object_name(one)} has not applied {revision} yet")
    return said


def _annotations(one: Document) -> Mapping[str, Any]:
    found: Mapping[str, Any] = one["metadata"].get("annotations") or {}
    return found
