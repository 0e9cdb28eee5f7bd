# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What an API server says of objects before they are published: its schemas, and its own dry run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import ClusterError
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.object_schemas import Schemas
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name as object_name
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster

_AT_ONCE = 4
# Whose apply it is that is tried: what Flux owns it may change, and it takes over what others have set.
_FLUX = "kustomize-controller"


@dataclass(frozen=True)
class Verdict:
    """What a server says of one object: ``refused``, or ``later`` why it can't judge it yet; both empty: it is fine."""

    document: Document
    refused: str = ""
    later: str = ""


def add_schemas(cluster: Cluster, schemas: Schemas, objects: Iterable[Document]) -> None:
    """Those that a server publishes for the API versions of some objects; of one that it lacks there are none."""
    for version in sorted({str(one.get("apiVersion")) for one in objects}):
        try:
            schemas.add_openapi(cluster.openapi(version))
        except ClusterError as error:
            if error.status != 404:
                raise


def dry_run(cluster: Cluster, objects: Sequence[Document]) -> list[Verdict]:
    """Each object as Flux would apply it, and nothing is kept. Server-side apply refuses fields that it knows not."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda one: _judged(cluster, one), objects))


def _judged(cluster: Cluster, document: Document) -> Verdict:
    if "sops" in document:
        return Verdict(document, later="it is encrypted")
    try:
        cluster.apply(document, _FLUX, force=True, dry_run=True)
    except ClusterError as error:
        if error.status == 0 or error.status >= 500:
            raise
        return _of_error(document, error.status, str(error).removeprefix(f"{cluster.where}: "))
    return Verdict(document)


def _of_error(document: Document, status: int, said: str) -> Verdict:
    own = said.startswith(object_name(document))  # what is said of no object is said of its kind
    if status == 404 and said.endswith("not found") and "namespaces " in said:
        return Verdict(document, later="its namespace is not there yet")
    if status == 404 and (not own or document["metadata"].get("namespace")):
        return Verdict(document, later="its kind is not there yet")
    if status in (404, 405):
        return Verdict(document, refused="has no namespace, which its kind needs")
    return Verdict(document, refused=said.removeprefix(f"{object_name(document)}: "))
