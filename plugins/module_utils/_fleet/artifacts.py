# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""An artifact for each tenant, made by Flux's source-watcher: where there is one, and what its definition must know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot

_DEFINITION = "artifactgenerators.source.extensions.fluxcd.io"
# As we write it, each at the beginning of a line.
_GENERATOR = "\nkind: ArtifactGenerator\nmetadata:\n  name: tenants\n"


def known(manifest: Iterable[Document]) -> bool:
    """Whether an install manifest's ArtifactGenerator finds directories by itself (``pathPattern``)."""
    found = [one for one in manifest if one.get("metadata", {}).get("name") == _DEFINITION]
    schemas = [version.get("schema", {}) for one in found for version in one["spec"]["versions"]]
    properties = [one.get("openAPIV3Schema", {}).get("properties", {}).get("spec", {}) for one in schemas]
    return any("pathPattern" in one.get("properties", {}) for one in properties)


def environments(inventory: Mapping[str, Iterable[str]], snapshot: Snapshot, layout: Layout) -> list[str]:
    """Those of the environments (→ their clusters) in which each cluster that the repository has makes artifacts."""
    files = {name: [layout.cluster_file(one, "projects") for one in ones] for name, ones in inventory.items()}
    texts = snapshot.read(path for paths in files.values() for path in paths)
    found = {name: [texts[path] for path in paths if path in texts] for name, paths in files.items()}
    return [name for name, own in found.items() if own and all(_GENERATOR in text for text in own)]
