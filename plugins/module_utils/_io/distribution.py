# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Flux's install manifest: from a URL, a file or the ``flux`` program, never used unless its digest was checked."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from http.client import HTTPException
from pathlib import Path

from ansible.module_utils.urls import open_url

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.controllers import EXTRA
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import FleetError, InvalidInput, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.manifest import Manifest
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Distribution

# A release's install.yaml is some 400 kB; a mirror that answers with anything of this size serves something else.
_LARGEST = 32 * 1024 * 1024
_SECONDS = 60
# In place of a URL or a file: what the `flux` program on PATH installs.
PROGRAM = "flux"


def load(distribution: Distribution, where: str, cache: str | None = None) -> Manifest:
    """The manifest, by its digest. ``cache`` is a directory of this run where its processes share verified copies."""
    if not distribution.digest:
        hint = "nothing says which manifest is right: give it, or run the phases repository and clusters together"
        raise InvalidInput(problems=[Problem(where, "fleet_flux_digest", "", hint)])
    kept = _kept(cache, distribution.digest)
    if kept and kept.exists():
        return Manifest(kept.read_text(encoding="utf-8"), distribution.manifest)
    found = fetch(distribution, where, cache)
    if found.digest != distribution.digest:
        hint = f"{distribution.manifest} has SHA-256 {found.digest}: this is not the manifest that was pinned"
        raise InvalidInput(problems=[Problem(where, "fleet_flux_digest", distribution.digest, hint)])
    return found


def fetch(distribution: Distribution, where: str, cache: str | None = None) -> Manifest:
    """The manifest as it is: for a caller that holds its digest against what the fleet repository has locked."""
    if distribution.manifest == PROGRAM:
        content = _export(distribution.version, where)
    else:
        content = _read(distribution.manifest, where)
    try:
        found = Manifest(content.decode("utf-8"), distribution.manifest)
    except UnicodeDecodeError:
        hint = "this is no text, so no install manifest"
        raise InvalidInput(problems=[Problem(where, "fleet_flux_manifest", distribution.manifest, hint)]) from None
    if kept := _kept(cache, found.digest):
        _keep(kept, content)
    return found


def _kept(cache: str | None, digest: str) -> Path | None:
    return Path(cache) / f"fleet-{digest}.yaml" if cache else None


def _export(version: str, where: str) -> bytes:
    """What the ``flux`` program on PATH installs, with all that it has besides: its manifest needs no network."""
    program = shutil.which("flux")
    if not program:
        hint = "there is no flux program on PATH: install it, or give a URL or a file"
        raise InvalidInput(problems=[Problem(where, "fleet_flux_manifest", PROGRAM, hint)])
    command = [program, "install", "--export", f"--components-extra={','.join(EXTRA)}"]
    done = subprocess.run(  # pylint: disable=ansible-bad-function  # not a module: there is no run_command here
        command, capture_output=True, check=False, timeout=_SECONDS
    )
    if done.returncode:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())
        raise InvalidInput(problems=[Problem(where, "fleet_flux_manifest", PROGRAM, f"flux install --export: {said}")])
    return done.stdout


def _read(manifest: str, where: str) -> bytes:
    try:
        if "://" not in manifest:
            return Path(manifest).expanduser().read_bytes()
        with open_url(manifest, timeout=_SECONDS, follow_redirects="safe") as answer:
            content: bytes = answer.read(_LARGEST + 1)
            length = int(answer.headers.get("Content-Length") or len(content))
    except (OSError, ValueError, EOFError, HTTPException) as error:  # urllib's errors are OSErrors
        hint = f"can't be had ({error}): give a URL that answers, or a file"
        raise InvalidInput(problems=[Problem(where, "fleet_flux_manifest", manifest, hint)]) from None
    if len(content) > _LARGEST:
        raise FleetError(f"{where}: {manifest} is larger than {_LARGEST} bytes: this is no install manifest of Flux")
    if len(content) < length:  # which http.client passes over in silence, and a first use would lock
        hint = f"the connection broke after {len(content)} of {length} bytes: run again, or give a file"
        raise InvalidInput(problems=[Problem(where, "fleet_flux_manifest", manifest, hint)])
    return content


def _keep(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as part:
        part.write(content)
    Path(part.name).replace(path)
