# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``credentials``: the Secrets that Git can't hold, and the forge's leave for the keys among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import (
    AUTH,
    FORGE,
    NAME,
    REPOSITORY,
    SECRETS,
    Specification,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import secret
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE, FLUX_SYNC
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name
from ansible_collections.fluxops.fleet.plugins.module_utils._io import forge, keys
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **AUTH,
    **NAME,
    **REPOSITORY,
    **FORGE,
    **SECRETS,
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Make the Secrets of one cluster true; see the module's documentation for parameters and result."""
    pull, repository, where = parameters["pull"], parameters["repository"], parameters["name"]
    raise_if(secret.problems(pull, repository, parameters["secrets"], where))
    with Cluster(parameters["auth"], where) as cluster:
        existing = cluster.get("v1", "Secret", FLUX_SYNC, FLUX_NAMESPACE)
        generated = pull["kind"] == "deploy_key"
        key = keys.generate(where) if generated and not secret.identity(existing) else None
        wanted = [secret.pull_secret(pull, repository, existing, key), *map(secret.from_params, parameters["secrets"])]
        changes: list[Document] = []
        for document in wanted:  # Secrets that share a new namespace need it once
            changes += [change for change in _missing(cluster, document) if change not in changes]
        registration = forge.Registration(
            parameters["forge"], repository["url"], f"{where}/{FLUX_NAMESPACE}/{FLUX_SYNC}"
        )
        public = secret.public_key(wanted[0]) if generated else ""
        stale = registration.needed(public) if public else False
        if not check_mode:
            for document in changes:
                say(f"{where}: writing {name(document)}")
                cluster.replace(document) if "uid" in document["metadata"] else cluster.create(document)
            if stale:
                say(f"{where}: registering its deploy key at the forge, read-only")
                registration.register(public)
    diff = [secret.diff(document, made_up=check_mode and key is not None) for document in changes]
    result = {"changed": bool(changes) or stale, "diff": diff + registration.diff(stale)}
    return {
        **result,
        "public_key": "" if check_mode and key else public,
        "registered": registration.state(stale, check_mode),
    }


def _missing(cluster: Cluster, wanted: Document) -> list[Document]:
    """What has to be written so that one Secret is as wanted: its namespace, itself, or nothing."""
    metadata = wanted["metadata"]
    existing = cluster.get("v1", "Secret", metadata["name"], metadata["namespace"])
    if existing:
        merged = secret.merged(existing, wanted)
        return [merged] if merged else []
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": metadata["namespace"]}}
    present = cluster.get("v1", "Namespace", metadata["namespace"])
    return [wanted] if present else [namespace, wanted]
