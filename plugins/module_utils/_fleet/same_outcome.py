# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Whether rewritten manifests still come to the same objects: held against what their directories built before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import overlay_changes
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.adopted_clusters import is_sync, key, spec
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import mapping
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.modernising import WITHOUT_EFFECT
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.overlay_changes import Built
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.overlays import Tree

_LISTS = ("patchesStrategicMerge", "patches", "patchesJson6902")


def unlike(before: Tree, after: Tree, changed: Mapping[str, str], directories: Iterable[str]) -> dict[str, str]:
    """Changed file → why it must stay as it is: a directory that reads it would come to something else.

    A file that stays may keep others from changing, whose patches name it in its old version: until nothing differs.
    """
    kept: dict[str, str] = {}
    tree, waiting = after, sorted(directories)
    texts = dict(after.texts)
    while waiting:
        found: dict[str, str] = {}
        for directory in waiting:
            was, becomes = before.build(directory), tree.build(directory)
            if outcome(was) != outcome(becomes):
                why = f"{directory or 'the repository'} would come to something else"
                found |= {path: why for path in was.files & changed.keys() if path not in kept}
        if not found:
            return kept
        kept |= found
        texts |= {path: before.texts[path] for path in found}
        tree = Tree(texts)
        waiting = [one for one in waiting if before.build(one).files & found.keys()]
    return kept


def outcome(built: Built) -> tuple[list[Any], set[tuple[str, str]]]:
    """What a directory comes to, less what differs between versions of an API and means the same."""
    return [(key(one.document), _plain(one.document)) for one in built.objects], set(built.faults)


def _plain(document: Mapping[str, Any]) -> Any:
    if "fluxcd.io/" not in str(document.get("apiVersion")):
        return document
    found = deepcopy(dict(document))
    dropped: Collection[str] = WITHOUT_EFFECT.get(str(document.get("kind")), ())
    found["spec"] = {name: value for name, value in spec(document).items() if name not in dropped}
    if is_sync(document):
        lists = [found["spec"].pop(name, None) for name in _LISTS]
        found["spec"]["patches"] = [
            _patch(one, number) for number, some in enumerate(lists) for one in overlay_changes.listed(some)
        ]
    return _unversioned(found)


def _patch(one: Any, number: int) -> Any:
    """A patch as what it changes and what it says, in whichever list it stands."""
    content = one if number == 0 else mapping(one).get("patch")
    said = overlay_changes.parsed(content) if isinstance(content, str) else [content]
    return {"target": None if number == 0 else mapping(one).get("target"), "patch": said}


def _unversioned(node: Any) -> Any:
    """Without the versions of Flux's API groups."""
    if isinstance(node, list):
        return [_unversioned(one) for one in node]
    if not isinstance(node, dict):
        return node
    found = {name: _unversioned(value) for name, value in node.items()}
    group, slash, _version = str(found.get("apiVersion")).rpartition("/")
    if slash and group.endswith("fluxcd.io"):
        found["apiVersion"] = group
    if str(found.get("group")).endswith("fluxcd.io"):
        found.pop("version", None)
    return found
