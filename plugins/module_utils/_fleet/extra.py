# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What people keep for a tenant beside its own files: ``extra/``, applied with them, checked here and never written."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, lockdown
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import without_credentials
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.projects import Places
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot

# What Flux takes for a manifest: https://fluxcd.io/flux/components/kustomize/kustomizations/#generating-a-kustomizationyaml-file
_ENDINGS = (".yaml", ".yml")


def problems(asked: Collection[tuple[str, str]], places: Places, snapshot: Snapshot) -> Iterator[Problem]:
    """What would keep Flux from applying the tenants of a run (``asked``: environment and tenant)."""
    texts = snapshot.read(path for place, path in places.extra() if place in asked and path.endswith(_ENDINGS))
    for path, text in texts.items():
        yield from _of_file(path, text)


def _of_file(path: str, text: str) -> Iterator[Problem]:
    """What is no YAML, and what would have to be fetched first."""
    try:
        documents.read(text, path)
    except InvalidInput as error:
        yield from error.problems
        return
    if path.rpartition("/")[2].startswith("kustomization."):
        for field, entry in lockdown.remote_entries(path, text):
            line = next((number for number, one in enumerate(text.splitlines(), 1) if entry in one), 1)
            hint = "comes from elsewhere, and Flux is told to fetch nothing: keep a copy beside this file"
            yield Problem(f"{path}:{line}", field, without_credentials(entry), hint)
