# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Objects in a cluster: what applying them would change, shown before it is done."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, ready
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import ClusterError, NotReady
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_SYNC
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name, short_digest
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster, wait

_SERVER_FIELDS = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")
_SHOWN = (("GitRepository", FLUX_SYNC), ("Kustomization", FLUX_SYNC))
_ESTABLISHED_SECONDS = 60
_AT_ONCE = 4
_INVALID, _CONFLICTING = 422, 409
_FLUX_CLI = "flux"
# How the API server names the managers of fields that an apply would change.
_CONFLICT = re.compile(r'conflicts? with "([^"]+)"')
_IMMUTABLE = re.compile(r"immutable|cannot change roleRef", re.IGNORECASE)


@dataclass(frozen=True)
class ObjectChange:
    """One object that applying would change: as it is (None: absent) and as it would be."""

    before: Document | None
    after: Document

    def diff(self, title: str) -> dict[str, str]:
        """Before and after, without what the API server keeps for itself."""
        header = f"{title}: {name(self.after)}"
        before = documents.write([_visible(self.before)]) if self.before else ""
        after = documents.write([_visible(self.after)])
        return {"before_header": header, "after_header": header, "before": before, "after": after}


def diffs(changes: Sequence[ObjectChange], title: str) -> list[dict[str, str]]:
    """What people see of a plan: a line for each new object, but the root sync and all changes in full."""
    new = [change.after for change in changes if change.before is None]
    brief = [one for one in new if (one["kind"], one["metadata"]["name"]) not in _SHOWN]
    lines = "".join(f"{name(one)}  {short_digest(one)}\n" for one in brief)
    shown = [{"before_header": title, "after_header": title, "before": "", "after": lines}] if lines else []
    return shown + [change.diff(title) for change in changes if change.after not in brief]


def plan(cluster: Cluster, wanted: Iterable[Document], manager: str, *, by_flux: bool = False) -> list[ObjectChange]:
    """What a server-side apply would change, by the API server's own dry run. ``by_flux``: it forces, as Flux does.

    Objects whose namespace or kind is still to come can't be dry-run; they are planned from the files.
    """
    changes: list[ObjectChange] = []
    for document in (one for stage in _stages(wanted) for one in stage):
        space = document["metadata"].get("namespace", "")
        before = cluster.get(document["apiVersion"], document["kind"], document["metadata"]["name"], space)
        if before is None:
            changes.append(ObjectChange(None, document))
            continue
        after = _foreseen(cluster, document, before, manager, by_flux=by_flux)
        if _visible(before) != _visible(after):
            changes.append(ObjectChange(before, after))
    return changes


def _foreseen(cluster: Cluster, document: Document, before: Document, manager: str, *, by_flux: bool) -> Document:
    try:
        return _applied(cluster, document, manager, force=by_flux, dry_run=True)
    except ClusterError as error:
        if not (by_flux and error.status == _INVALID and "status.storedVersions" in str(error)):
            raise
    # A definition that the API server takes only once what is stored was migrated, as an upgrade does: it is asked for
    # the definition with the old versions beside the new ones, of which the answer is shown without the old ones.
    wanted = [one["name"] for one in document["spec"]["versions"]]
    old = [{**one, "storage": False} for one in before["spec"]["versions"] if one["name"] not in wanted]
    both = {**document, "spec": {**document["spec"], "versions": [*document["spec"]["versions"], *old]}}
    after = _applied(cluster, both, manager, force=True, dry_run=True)
    versions = [one for one in after["spec"]["versions"] if one["name"] in wanted]
    return {**after, "spec": {**after["spec"], "versions": versions}}


def apply(cluster: Cluster, wanted: Iterable[Document], manager: str) -> None:
    """Apply in stages: definitions first, then what needs none of them, and once they are established what they define.

    Within a stage a few at a time, since each waits for the API server's storage. Of failures the first one is raised.
    """
    definitions: set[str] = set()
    for stage in _stages(wanted):
        if _groups(definitions) & {one["apiVersion"].rpartition("/")[0] for one in stage}:
            _wait_established(cluster, definitions)
            definitions = set()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda document: _applied(cluster, document, manager), stage))
        definitions |= {one["metadata"]["name"] for one in stage if one["kind"] == "CustomResourceDefinition"}
    if definitions:
        _wait_established(cluster, definitions)


def _groups(definitions: Iterable[str]) -> set[str]:
    """The API groups of some definitions, by the names of these: ``<plural>.<group>``."""
    return {one.partition(".")[2] for one in definitions}


def _applied(
    cluster: Cluster, document: Document, manager: str, *, force: bool = False, dry_run: bool = False
) -> Document:
    """The object after its apply. What Flux's own command line set goes over to the controllers, by their own rule."""
    try:
        return cluster.apply(document, manager, force=force, dry_run=dry_run)
    except ClusterError as error:
        if set(_CONFLICT.findall(str(error))) != {_FLUX_CLI}:
            raise _with_remedy(error) from None
    return cluster.apply(document, manager, force=True, dry_run=dry_run)


def _with_remedy(error: ClusterError) -> ClusterError:
    """What the API server says, and what helps: nothing of others is overwritten or made anew unasked."""
    hint = ""
    if _IMMUTABLE.search(str(error)):
        hint = ": the API server never changes this field: delete the object, and run again to have it made anew"
    elif error.status == _CONFLICTING and _CONFLICT.search(str(error)):
        hint = ": have that manager let go of these fields, or give them the values that it set"
    return ClusterError(f"{error}{hint}", status=error.status, reason=error.reason) if hint else error


def _wait_established(cluster: Cluster, names: set[str]) -> None:
    def probe() -> dict[str, str]:
        found = cluster.list("apiextensions.k8s.io/v1", "CustomResourceDefinition")
        states = {one["metadata"]["name"]: ready.custom_resource_definition(one) for one in found}
        return {
            name: states[name].message if name in states else "missing" for name in names if not _ready(states, name)
        }

    def _ready(states: dict[str, ready.Readiness], name: str) -> bool:
        return name in states and states[name].ready

    missing = wait(probe, lambda left: not left, _ESTABLISHED_SECONDS)
    if missing:
        said = "; ".join(f"{name}: {message}" for name, message in sorted(missing.items()))
        raise NotReady(f"{cluster.where}: definitions not established after {_ESTABLISHED_SECONDS} s: {said}")


def _visible(document: Document) -> Document:
    metadata = {key: value for key, value in document["metadata"].items() if key not in _SERVER_FIELDS}
    return {**{key: value for key, value in document.items() if key != "status"}, "metadata": metadata}


def set_fields(cluster: Cluster, one: Document, patch: Mapping[str, Any]) -> None:
    """Set single fields of an object; one that has gone meanwhile needs none."""
    try:
        cluster.merge(one, patch)
    except ClusterError as error:
        if error.status != 404:
            raise


def _stages(objects: Iterable[Document]) -> list[list[Document]]:
    """Definitions first (namespaces and custom resource definitions), then the rest, then Flux's own objects."""
    staged: list[list[Document]] = [[], [], []]
    for document in objects:
        defines = document["kind"] in ("Namespace", "CustomResourceDefinition")
        custom = ".toolkit.fluxcd.io/" in document["apiVersion"]
        staged[0 if defines else 2 if custom else 1].append(document)
    return [stage for stage in staged if stage]
