# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Flux's install manifest: fetched from a URL or read from a file, and never used before its digest was checked."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from ansible.module_utils.urls import open_url

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import FleetError, InvalidInput, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.manifest import Manifest
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Distribution

# A release's install.yaml is some 400 kB; a mirror that answers with anything of this size serves something else.
_LARGEST = 32 * 1024 * 1024
_SECONDS = 60


def load(distribution: Distribution, where: str, cache: str | None = None) -> Manifest:
    """The manifest. ``cache`` is a directory of this run where verified copies are shared by its processes."""
    kept = Path(cache) / f"fleet-{distribution.digest}.yaml" if cache else None
    if kept and kept.exists():
        content = kept.read_bytes()
    else:
        content = _fetch(distribution.manifest, where)
        found = hashlib.sha256(content).hexdigest()
        if found != distribution.digest:
            hint = f"{distribution.manifest} has SHA-256 {found}: this is not the manifest that was pinned"
            raise InvalidInput(problems=[Problem(where, "fleet_flux_digest", distribution.digest, hint)])
        if kept:
            _keep(kept, content)
    return Manifest(content.decode("utf-8"), distribution.manifest)


def _fetch(manifest: str, where: str) -> bytes:
    try:
        if "://" not in manifest:
            return Path(manifest).expanduser().read_bytes()
        with open_url(manifest, timeout=_SECONDS, follow_redirects="safe") as answer:
            content: bytes = answer.read(_LARGEST + 1)
    except (OSError, ValueError) as error:  # urllib's errors are OSErrors
        hint = f"can't be had ({error}): give a URL that answers, or a file"
        raise InvalidInput(problems=[Problem(where, "fleet_flux_manifest", manifest, hint)]) from None
    if len(content) > _LARGEST:
        raise FleetError(f"{where}: {manifest} is larger than {_LARGEST} bytes: this is no install manifest of Flux")
    return content


def _keep(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as part:
        part.write(content)
    Path(part.name).replace(path)
