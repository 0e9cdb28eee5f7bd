# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What people's own part of ``flux-system/kustomization.yaml`` makes of Flux: only kustomize itself can tell."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, first_install, render
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import FleetError
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.manifest import Manifest
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Cluster

# https://github.com/kubernetes/klog: severity and date, time, process, place, then message and error.
_LOGGED = re.compile(r'E\d{4} \S+ \d+ \S+\] "command failed" err="(.*)"')
_SECONDS = 120
_PROGRAMS = (("kustomize", "build"), ("kubectl", "kustomize"))


def builder() -> list[str]:
    """The command that builds a directory: of ``kustomize``, or ``kubectl``, which holds one; empty without both."""
    found = ((shutil.which(program), word) for program, word in _PROGRAMS)
    return next(([path, word] for path, word in found if path), [])


def build(command: list[str], files: Mapping[str, str]) -> str:
    """The objects of a directory with these files (name → text), as kustomize prints them. Raises FleetError."""
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        done = subprocess.run(  # pylint: disable=ansible-bad-function  # not a module: there is no run_command here
            [*command, folder], capture_output=True, check=False, timeout=_SECONDS, stdin=subprocess.DEVNULL, text=True
        )
    if done.returncode:
        raise FleetError(f"{Path(command[0]).name}: {words(done.stderr.replace(folder, 'flux-system'))}")
    return done.stdout


def words(stderr: str) -> str:
    """What a builder said, on one line. Some versions of kubectl say it as a line of their log, in quotes."""
    line = " ".join(stderr.removeprefix("Error: ").split())
    match = _LOGGED.fullmatch(line)
    return match[1].replace('\\"', '"').replace("\\n", " ") if match else line


def flux_objects(
    cluster: Cluster, manifest: Manifest, own: str, beside: Mapping[str, str]
) -> tuple[list[Document], list[str]]:
    """Every object of ``flux-system/`` as Flux would apply it, and what of it only Flux will make so, as warnings.

    ``own``: the text of the cluster's ``kustomization.yaml``. ``beside``: name → text of people's files in its
    directory.
    """
    layout = Layout()
    part, command, reason = first_install.own(cluster.name, own, layout), builder(), first_install.NO_PROGRAM
    if part.fields and command:
        try:
            text = build(command, {**beside, **render.flux_files(cluster, layout, manifest), "kustomization.yaml": own})
            return render.as_applied(documents.read(text, part.where)), []
        except FleetError as error:
            reason = str(error)
    objects = render.as_applied(render.flux_objects(cluster, layout, manifest))
    return objects, [part.left_to_flux(reason)] if part.fields else []
