# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""A Helm release as Helm stores it in the cluster: what it rendered, and what it runs as hooks."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster


def rendered(cluster: Cluster, release: Document) -> tuple[list[Document], list[Document]] | None:
    """The objects and the hooks of what a HelmRelease has deployed; None where nothing is, or it can't be read.

    Those without a namespace are of the release's, or of none. Raises ClusterError where Secrets may not be read.
    """
    status = release.get("status") or {}
    newest = next(iter(status.get("history") or ()), None)
    if not newest or newest.get("status") != "deployed":
        return None
    # https://helm.sh/docs/topics/advanced/#storage-backends
    name = f"sh.helm.release.v1.{newest['name']}.v{newest['version']}"
    secret = cluster.get("v1", "Secret", name, str(status.get("storageNamespace") or newest["namespace"]))
    try:
        found = _decoded((secret or {}).get("data") or {})
        hooks = [str(one.get("manifest", "")) for one in found.get("hooks") or ()]
        return documents.read(str(found.get("manifest", "")), name), documents.read("\n---\n".join(hooks), name)
    except (ValueError, OSError, EOFError, binascii.Error, InvalidInput):
        return None


def _decoded(data: Mapping[str, str]) -> dict[str, Any]:
    """What Helm stores: JSON, packed by gzip, as base64 within the Secret's own."""
    packed = base64.b64decode(base64.b64decode(data.get("release", "")))
    found = json.loads(gzip.decompress(packed) if packed.startswith(b"\x1f\x8b") else packed)
    return found if isinstance(found, dict) else {}
