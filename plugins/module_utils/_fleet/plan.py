# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Desired against actual: what to write, what to leave and say so, and how to show it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import alike, documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE, GIT_KEEP

_FLUX_FILES = tuple(f"/{FLUX_NAMESPACE}/{file}.yaml" for file in ("gotk-components", "gotk-sync", "kustomization"))
# A file of more documents is shown as a line for each.
_SHOWN_IN_FULL = 4
HAND_EDITS = ("hold", "keep", "overwrite")


@dataclass(frozen=True)
class Change:
    """One file to write: its text before (None: new) and after (None: to be deleted)."""

    path: str
    before: str | None
    after: str | None

    @property
    def diff(self) -> dict[str, str]:
        """Before and after as Ansible shows them; of many objects only what tells them apart."""
        return {
            "before_header": self.path,
            "after_header": self.path,
            "before": _shown(self.path, self.before or ""),
            "after": _shown(self.path, self.after or ""),
        }


@dataclass(frozen=True)
class Plan:
    """What a transaction writes, and what it leaves alone: path → why."""

    changes: tuple[Change, ...] = ()
    held: Mapping[str, str] = field(default_factory=dict)

    @property
    def paths(self) -> list[str]:
        """The paths to write, sorted."""
        return sorted(change.path for change in self.changes)

    def with_changes(self, others: Iterable[Change]) -> Plan:
        """This plan and changes of files that it does not touch."""
        more = [one for one in others if one.path not in self.paths and one.path not in self.held]
        return Plan(tuple(sorted([*self.changes, *more], key=lambda one: one.path)), self.held) if more else self

    @property
    def contents(self) -> dict[str, bytes | None]:
        """What the commit is to change: path → content, None deletes."""
        return {one.path: None if one.after is None else one.after.encode() for one in self.changes}

    @property
    def diffs(self) -> list[dict[str, str]]:
        """The changes as people see them: file by file, and the empty files, which show nothing, in one list."""
        kept = [change.path for change in self.changes if change.path.endswith(GIT_KEEP)]
        listed = "".join(f"{path}\n" for path in kept)
        header = "empty files that make directories exist"
        shown = [{"before_header": header, "after_header": header, "before": "", "after": listed}] if kept else []
        return [change.diff for change in self.changes if change.path not in kept] + shown


def plan_files(desired: Mapping[str, str | None], actual: Mapping[str, str | None], hand_edits: str = "hold") -> Plan:
    """Compare path → text (None: to be deleted). ``actual`` holds None, or nothing, for a path that is not there.

    ``hand_edits``: what happens to a file of ours that people edited: ``hold`` it and say so, ``keep`` it silently,
    or ``overwrite`` it.
    """
    changes, held = [], {}
    for path, after in sorted(desired.items()):
        before = actual.get(path)
        if before == after or (before is not None and after is not None and _same(path, before, after)):
            continue
        reason = _why_held(path, before) if before is not None else ""
        if reason and not (hand_edits == "overwrite" and reason == EDITED):
            if not (hand_edits == "keep" and reason == EDITED):
                held[path] = reason
            continue
        changes.append(Change(path, before, after))
    return Plan(tuple(changes), held)


EDITED = "edited by hand: bring the edit into the inventory, or say fleet_hand_edits=keep or overwrite"
FOREIGN = "not written by this collection: move it away, or adopt it"


def _why_held(path: str, before: str) -> str:
    if path.endswith(_FLUX_FILES) or path.endswith(GIT_KEEP):
        return ""
    if documents.recorded_digest(before) is None:
        return FOREIGN
    return EDITED if alike.is_edited(before, path) else ""


def _same(path: str, before: str, after: str) -> bool:
    if before == after or path.endswith(GIT_KEEP):
        return True
    found = _digest(after)
    return not path.endswith("/kustomization.yaml") and bool(found) and _digest(before) == found


# By digest and not by ==, to which 1, 1.0 and true are the same.
def _digest(text: str) -> str:
    try:
        return alike.digest(text, "file")
    except InvalidInput:
        return ""


# Each cluster has the same components: what they come to is asked for hundreds of times.
@lru_cache(maxsize=64)
def _summary(text: str) -> str:
    version = re.search(r"^# Flux Version: .*\n", text, re.MULTILINE)
    try:
        found = alike.read(text, "file")
    except InvalidInput:
        found = []
    lines = [f"{name(document)}  {short_digest(document)}\n" for document in found]
    return (version.group(0) if version else "") + "".join(lines)


def _shown(path: str, text: str) -> str:
    long = path.endswith(".yaml") and text.count("\n---\n") > _SHOWN_IN_FULL
    return (_summary(text) if long else "") or text


def name(document: Mapping[str, Any]) -> str:
    """An object as people name it: ``Kind namespace/name``."""
    found = document.get("metadata")
    metadata = found if isinstance(found, Mapping) else {}
    names = [str(metadata[field]) for field in ("namespace", "name") if metadata.get(field)]
    return f"{document.get('kind', 'object')} {'/'.join(names) or 'without a name'}"


def short_digest(document: Mapping[str, Any]) -> str:
    """Enough of an object's digest to see that it differs."""
    return f"sha256:{documents.digest([document])[:12]}"
