# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What goes with components, looked up in the cluster: which CRDs, and what there is of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import component_removals, documents, uninstall
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_removals import DEFINITION, NAMED, Removal
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster

_API = "apiextensions.k8s.io/v1"
# helm-controller labels all that a release has, what it applies of crds/ as well:
# https://fluxcd.io/flux/components/helm/helmreleases/#inventory has them not in every version of Flux that we know.
_RELEASE = "helm.toolkit.fluxcd.io"


def look(cluster: Cluster, going: Mapping[str, component_removals.Going]) -> dict[str, Removal]:
    """Component → what goes with it. Asks nothing where nothing goes."""
    wanted = {name for one in going.values() for _space, name in one.releases}
    installed = _of_releases(cluster, wanted)
    return {name: _removal(cluster, one, installed) for name, one in going.items()}


def _of_releases(cluster: Cluster, names: Iterable[str]) -> dict[tuple[str, str], list[Document]]:
    """Release (namespace, name) → its definitions."""
    found: dict[tuple[str, str], list[Document]] = {}
    selector = f"{_RELEASE}/name in ({','.join(sorted(names))})"
    for one in cluster.list(_API, DEFINITION, selector=selector) if names else ():
        key = documents.label(one, f"{_RELEASE}/namespace"), documents.label(one, f"{_RELEASE}/name")
        found.setdefault(key, []).append(one)
    return found


def _removal(
    cluster: Cluster, going: component_removals.Going, installed: Mapping[tuple[str, str], list[Document]]
) -> Removal:
    own = [found for name in going.definitions if (found := cluster.get(_API, DEFINITION, name))]
    brought = [one for release in sorted(going.releases) for one in installed.get(release, ())]
    counted = [_counted(cluster, one, "") for one in own]
    counted += [_counted(cluster, one, component_removals.why_it_stays(one), release=True) for one in brought]
    named = sorted(str(one) for one in going.objects)[:NAMED]
    return {"objects": len(going.objects), "named": named, "definitions": counted}


def _counted(cluster: Cluster, definition: Document, stays: str, *, release: bool = False) -> dict[str, Any]:
    first, count = cluster.first(uninstall.version(definition), definition["spec"]["names"]["kind"], NAMED)
    metadata = [one["metadata"] for one in first]
    named = ["/".join(filter(None, (one.get("namespace"), one["name"]))) for one in metadata]
    found = {"name": definition["metadata"]["name"], "objects": count, "named": named}
    return {**found, "release": release, "stays": stays}
