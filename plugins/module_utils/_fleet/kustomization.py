# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""kustomization.yaml of flux-system: our patches in a marked block, everything else the user's, byte by byte."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, patching
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.patching import Patch

BEGIN = "# BEGIN fluxops.fleet: written by every run. Patches of your own go below END."
END = "# END fluxops.fleet"
TAKEN_OVER = "# Taken over from Flux's own tools: whole checkout; own lockdown, until fleet_lockdown says otherwise."
RESOURCES = ("gotk-components.yaml", "gotk-sync.yaml")


def has_block(text: str) -> bool:
    """Whether our block stands in the file."""
    return any(line.strip() == BEGIN for line in text.splitlines())


def block(text: str) -> str:
    """Our block's own lines; empty where there is none."""
    return text.partition(BEGIN)[2].partition(END)[0]


def fresh(patches: Sequence[Patch]) -> str:
    """The file for a cluster that has none."""
    head = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": list(RESOURCES)}
    return documents.write([head]) + "patches:\n" + _block(patches, "")


def update(text: str, patches: Sequence[Patch], where: str, *, taken_over: bool = False) -> str:
    """The file with our block made, or made anew; every other byte stays. Raises InvalidInput where that can't be.

    ``taken_over``: whether the block is to say that Flux's own tools began the file.
    """
    found = documents.read(text, where)
    lines = text.splitlines(keepends=True)
    marks = [line.strip() for line in lines if line.strip() in (BEGIN, END)]
    if marks not in ([], [BEGIN, END]):
        hint = f"our block must stand here once, from '{BEGIN}' to '{END}': mend these lines, or take out the block"
        raise InvalidInput(problems=[Problem(where, "patches", "", hint)])
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    if not found:
        return "".join(lines) + fresh(patches)
    missing = [name for name in RESOURCES if name not in (found[0].get("resources") or [])]
    if missing:
        hint = f"must list {' and '.join(missing)}: without it Flux would remove itself from the cluster"
        raise InvalidInput(problems=[Problem(where, "resources", "", hint)])
    place = _replace_block if marks else partial(_insert_block, where=where)
    updated = place(lines, partial(_block, patches, note=TAKEN_OVER if taken_over else ""))
    if not _is_theirs_and_ours(updated, without_block(text, where), patches):
        hint = "our block stands where it changes yours: " + _REMEDY
        raise InvalidInput(problems=[Problem(where, "patches", "", hint)])
    return updated


_REMEDY = "write 'patches:' as a list with one '- ' a line"


def _is_theirs_and_ours(updated: str, theirs: Document, patches: Sequence[Patch]) -> bool:
    ours = documents.read("patches:\n" + _block(patches, ""), "")[0]["patches"]
    try:
        (document,) = documents.read(updated, "")
    except (InvalidInput, ValueError):
        return False
    both, others = document.pop("patches", None) or [], {**theirs}
    own = others.pop("patches", [])
    places = range(len(both) - len(ours) + 1)
    return document == others and any(
        both[place : place + len(ours)] == ours and both[:place] + both[place + len(ours) :] == own for place in places
    )


def without_block(text: str, where: str) -> Document:
    """What the user's part of the file says: the parsed file less our block."""
    kept, ours = [], False
    for line in text.splitlines(keepends=True):
        ours = ours or line.strip() == BEGIN
        if not ours:
            kept.append(line)
        ours = ours and line.strip() != END
    document = dict((documents.read("".join(kept), where) or [{}])[0])
    if not document.get("patches"):
        document.pop("patches", None)
    return document


def user_changes(text: str, where: str) -> list[str]:
    """The fields by which a user changes what is installed; only kustomize itself can apply those."""
    document = without_block(text, where)
    extra = [field for field in document if field not in ("apiVersion", "kind", "metadata", "resources")]
    resources = [str(name) for name in document.get("resources") or [] if name not in RESOURCES]
    return sorted(extra + resources)


def _block(patches: Sequence[Patch], indent: str, note: str = "") -> str:
    items = [f"{note}\n"] if note else []
    items += [documents.write_list([patching.item(patch)]) for patch in patches]
    body = f"{BEGIN}\n{''.join(items)}{END}\n"
    return "".join(indent + line if line.strip() else line for line in body.splitlines(keepends=True))


def _replace_block(lines: list[str], ours: Callable[[str], str]) -> str:
    stripped = [line.strip() for line in lines]
    begin, end = stripped.index(BEGIN), stripped.index(END)
    indent = lines[begin][: len(lines[begin]) - len(lines[begin].lstrip())]
    return "".join(lines[:begin]) + ours(indent) + "".join(lines[end + 1 :])


def _insert_block(lines: list[str], ours: Callable[[str], str], where: str) -> str:
    for number, line in enumerate(lines):
        if re.match(r"patches:\s*(\[\s*\]\s*)?(#.*)?$", line):
            items = (item for item in lines[number + 1 :] if item.strip() and not item.lstrip().startswith("#"))
            first = next(items, "")
            indent = first[: len(first) - len(first.lstrip())] if first.split()[:1] == ["-"] else ""
            opened = re.sub(r"[ \t]*\[[ \t]*\]", "", line, count=1)
            return "".join(lines[:number]) + opened + ours(indent) + "".join(lines[number + 1 :])
    if "patches" in documents.read("".join(lines), where)[0]:
        raise InvalidInput(problems=[Problem(where, "patches", "", "this form leaves no room for ours: " + _REMEDY)])
    return "".join(lines) + "patches:\n" + ours("")
