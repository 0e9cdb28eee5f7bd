# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""A cluster whose root sync moves to another repository, branch or path: what Flux would prune there, and must not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, offboarding
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem, some
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name

WORD = "prune_on_move"
_LONGEST = 10


def held(texts: Mapping[str, str]) -> list[str]:
    """What these files of a cluster's directory (path → text) hold, as ``Kind namespace/name``."""
    return sorted({name(one) for path, text in texts.items() for one in _read(text, path)})


def _read(text: str, path: str) -> list[Document]:
    try:
        return documents.read(text, path) if path.endswith((".yaml", ".yml")) else []
    except InvalidInput:  # what can't be read is not applied either
        return []


def problems(host: str, sync: Document, kept: Iterable[str], allow: Iterable[str]) -> list[Problem]:
    """What the root sync has applied and would prune, since it is not among what it is to apply."""
    there = {str(one) for one in offboarding.inventory(sync)}
    lost = sorted(there - set(kept))
    if not lost or WORD in set(allow):
        return []
    hint = (
        f"Flux would prune {some(lost, _LONGEST)}, with what these run: the new directory lacks them. "
        "Publish them there first (infrastructure and onboard with --tags repository, and files of your own), then run "
        f"again; if they are to go, with fleet_allow: [{WORD}]"
    )
    return [Problem(host, "move of the root sync", "", hint)]
