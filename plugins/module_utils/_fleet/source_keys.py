# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What tenants' sources pull with on clusters, as the fleet repository says.

A cluster is not asked: tenants write their sources there, and a key goes where a source says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, tenants
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, raise_if, some
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import CLUSTER_FACTS, Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot

_KINDS = ("GitRepository", "OCIRepository", "HelmRepository", "Bucket")
_SHOWN = 10


@dataclass(frozen=True)
class Found:
    """Of one cluster: the keys that are made for its tenants (as ``tenants.keys``), and the Secrets that are given."""

    source_keys: Sequence[Mapping[str, str]] = ()
    given: Sequence[Mapping[str, str]] = ()

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for results."""
        return {name: [dict(one) for one in getattr(self, name)] for name in ("source_keys", "given")}


@dataclass(frozen=True)
class Wish:
    """The clusters that are asked for, and of their tenants all or one."""

    clusters: Sequence[str]
    tenant: str = ""
    layout: Layout = field(default_factory=Layout)


def read(wish: Wish, snapshot: Snapshot) -> dict[str, Found]:
    """Cluster → what its tenants' sources pull with. Raises InvalidInput for clusters and tenants that are unknown."""
    layout = wish.layout
    environments = _environments(wish, snapshot)
    names = {
        cluster: tenants.published_names(snapshot, layout, environment, cluster)
        for cluster, environment in environments.items()
    }
    known = sorted({name for found in names.values() for name in found})
    raise_if(_unknown(wish, environments, known))
    files = {
        cluster: [layout.tenant_file(environment, one) for one in names[cluster] if wish.tenant in ("", one)]
        for cluster, environment in environments.items()
    }
    texts = snapshot.read({path for found in files.values() for path in found})
    objects = {path: tenants.objects(text, path) for path, text in texts.items()}
    return {cluster: _found([path for path in found if path in objects], objects) for cluster, found in files.items()}


def _environments(wish: Wish, snapshot: Snapshot) -> dict[str, str]:
    """Cluster → its environment, of those that the repository has."""
    paths = {wish.layout.cluster_file(one, "cluster"): one for one in wish.clusters}
    return {
        paths[path]: str(documents.part(one, "data").get("cluster_environment", ""))
        for path, text in snapshot.read(paths).items()
        for one in tenants.objects(text, path)
        if documents.part(one, "metadata").get("name") == CLUSTER_FACTS
    }


def _unknown(wish: Wish, environments: Mapping[str, str], known: Sequence[str]) -> Iterable[Problem]:
    hint = "the repository does not have this cluster: run the playbook bootstrap first"
    yield from (Problem(one, "cluster", one, hint) for one in wish.clusters if not environments.get(one))
    if wish.tenant and wish.tenant not in known:
        there = f"there are {some(known, _SHOWN)}" if known else "there is none"
        yield Problem("run", "fleet_tenant", wish.tenant, f"is on none of the clusters of this run: {there}")


def _found(paths: Iterable[str], objects: Mapping[str, Sequence[Document]]) -> Found:
    made: list[Mapping[str, str]] = []
    given: list[Mapping[str, str]] = []
    for path in paths:
        name = path.split("/")[-2]
        own = tenants.keys(name, objects[path])
        made += own
        generated = {(key["namespace"], key["source"]) for key in own}
        sources = [_source(name, one) for one in objects[path] if one.get("kind") in _KINDS]
        given += [one for one in sources if one["secret"] and not _is_of(one, generated)]
    return Found(made, given)


def _is_of(one: Mapping[str, str], generated: Iterable[tuple[str, str]]) -> bool:
    return one["kind"] == "GitRepository" and (one["namespace"], one["source"]) in generated


def _source(tenant: str, source: Document) -> dict[str, str]:
    metadata, spec = documents.part(source, "metadata"), documents.part(source, "spec")
    return {
        "tenant": tenant,
        "namespace": str(metadata.get("namespace", "")),
        "secret": str(documents.part(spec, "secretRef").get("name", "")),
        "kind": str(source.get("kind", "")),
        "source": str(metadata.get("name", "")),
    }


def told(found: Iterable[Found]) -> str:
    """The sources that are left as they are, in words; empty where there is none."""
    given = [one for cluster in found for one in cluster.given]
    names = sorted({f"{one['tenant']} ({one['kind']} {one['source']}: Secret {one['secret']})" for one in given})
    return f"left as they are, since their Secrets are given: {some(names, _SHOWN)}" if names else ""
