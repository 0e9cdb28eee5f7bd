# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Flux's definitions in a cluster: how their objects are stored, and these stored anew in the version of today."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, upgrade
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import ClusterError
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.manifest import COMPONENT_LABEL
from ansible_collections.fluxops.fleet.plugins.module_utils._io import objects
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster

_PART_OF = "app.kubernetes.io/part-of=flux"
_API = "apiextensions.k8s.io/v1"
_KIND = "CustomResourceDefinition"
_ATTEMPTS = 5

Definition = dict[str, Any]
"""``name``, ``kind``, ``group``, ``storage`` (version), ``stored`` (versions), ``objects`` (how many there are)."""


def read(cluster: Cluster) -> list[Definition]:
    """All definitions of Flux's."""
    return [_definition(cluster, one) for one in cluster.list(_API, _KIND, selector=_PART_OF)]


def _definition(cluster: Cluster, found: Document) -> Definition:
    spec = found["spec"]
    storage = next(version["name"] for version in spec["versions"] if version["storage"])
    return {
        "name": found["metadata"]["name"],
        "kind": spec["names"]["kind"],
        "group": spec["group"],
        "storage": storage,
        "stored": list((found.get("status") or {}).get("storedVersions") or [storage]),
        "objects": cluster.first(f"{spec['group']}/{storage}", spec["names"]["kind"], 1)[1],
    }


def migrate(cluster: Cluster, definition: Definition) -> None:
    """Store every object of a definition in today's version, and say so in its ``status.storedVersions``.

    As https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/ wants
    it: only once all are rewritten may the old versions go from the list. Killed before that, the next run goes on.
    """
    api_version = f"{definition['group']}/{definition['storage']}"
    for one in cluster.list(api_version, definition["kind"]):
        _rewrite(cluster, {**one, "apiVersion": api_version, "kind": definition["kind"]}, definition["storage"])
    named = {"apiVersion": _API, "kind": _KIND, "metadata": {"name": definition["name"]}}
    cluster.merge(named, {"status": {"storedVersions": [definition["storage"]]}}, "status")


def _rewrite(cluster: Cluster, document: Document, version: str) -> None:
    metadata = document["metadata"]
    found: Document | None = document
    for attempt in range(_ATTEMPTS):
        if found is None:
            return
        try:
            cluster.merge(document, upgrade.rewritten(found, version))
            return
        except ClusterError as error:
            # Its controller writes it all the time; one that is gone needs nothing.
            if error.status == 404:
                return
            if error.status != 409 or attempt == _ATTEMPTS - 1:
                raise
        space = metadata.get("namespace", "")
        found = cluster.get(document["apiVersion"], document["kind"], metadata["name"], space)


def release(cluster: Cluster, controllers: Collection[str]) -> list[str]:
    """Let definitions go that Flux has deleted and whose controller is gone: nobody else finalises their objects.

    Returns the names of the definitions of which objects were let go.
    """
    found = []
    for one in cluster.list(_API, _KIND, selector=_PART_OF):
        component = documents.label(one, COMPONENT_LABEL)
        if one["metadata"].get("deletionTimestamp") and component and component not in controllers:
            found.append(one["metadata"]["name"])
            definition = _definition(cluster, one)
            api_version = f"{definition['group']}/{definition['storage']}"
            for left in cluster.list(api_version, definition["kind"]):
                named = {**left, "apiVersion": api_version, "kind": definition["kind"]}
                objects.set_fields(cluster, named, {"metadata": {"finalizers": None}})
    return found
