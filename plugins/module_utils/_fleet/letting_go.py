# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Objects taken out of directories that others laid out, so that all else that Flux builds of them stays as it is."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import overlay_changes, overlays, yaml_text
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import mapping
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.overlay_changes import Built, Object
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.overlays import Tree

Mark = tuple[str, str, str]
"""An object as a file has it: the file, kind, name."""

_SEPARATOR = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_TAKEN_IN = ("resources", "bases")
_PATCHES = ("patchesStrategicMerge", "patches", "patchesJson6902")


def mark(one: Object) -> Mark:
    """What tells an object from others, whatever was done to it after it was read."""
    return one.path, str(one.document.get("kind")), str(mapping(one.document.get("metadata")).get("name"))


def without(tree: Tree, leaving: Mapping[str, Collection[Mark]]) -> dict[str, str | None]:
    """Path → text (None: the file goes) so that directories build without some of their objects.

    ``leaving``: each directory that Flux builds → what leaves it. What loses all that it has is built by nobody from
    then on (see ``emptied``). InvalidInput says what can't be taken out, or where more would change than that.
    """
    editor, empty = _Editor(tree), emptied(tree, leaving)
    for directory, marks in leaving.items():
        if marks and directory not in empty:
            editor.directory(directory, frozenset(marks))
    after = Tree({path: text for path, text in editor.texts.items() if text is not None})
    texts = {**editor.texts, **dict.fromkeys(_unread(tree, after, leaving.keys(), empty))}
    after = Tree({path: text for path, text in texts.items() if text is not None})
    staying = {one: marks for one, marks in leaving.items() if one not in empty}
    problems = [Problem(where, "what it builds", "", hint) for where, hint in _unlike(tree, after, leaving, staying)]
    if problems:
        raise InvalidInput(problems=problems)
    return {path: text for path, text in texts.items() if text != tree.texts.get(path)}


def emptied(tree: Tree, leaving: Mapping[str, Collection[Mark]]) -> set[str]:
    """The directories that lose all that they have: nobody builds an empty one, so what leads there has to go too."""
    return {
        one for one, marks in leaving.items() if marks and all(mark(each) in marks for each in tree.build(one).objects)
    }


class _Editor:
    """Edits the texts of a tree."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.texts: dict[str, str | None] = dict(tree.texts)

    def directory(self, directory: str, marks: frozenset[Mark]) -> None:
        """Have a directory build without these."""
        path = self._tree.kustomization(directory)
        if path:
            self._kustomization(directory, path, marks)
            return
        for file in {file for file, _kind, _name in marks if file.startswith(f"{directory}/" if directory else "")}:
            within = self._kustomized_above(file, directory)
            if within is None:
                self._file(file, marks)
            else:
                self.directory(within, marks)

    def _kustomized_above(self, file: str, directory: str) -> str | None:
        """The outermost directory with a kustomization.yaml between a directory and a file below it."""
        parts = overlays.above(file).removeprefix(directory).strip("/").split("/")
        for depth in range(1, len(parts) + 1):
            below = overlays.join(directory, "/".join(part for part in parts[:depth] if part))
            if below != directory and self._tree.kustomization(below):
                return below
        return None

    def _file(self, path: str, marks: frozenset[Mark]) -> None:
        text = self.texts[path]
        if text is None:
            return
        found = [(path, yaml_text.scalar(yaml_text.at(node, "kind")), _name(node)) for node in _roots(text, path)]
        gone = {number for number, one in enumerate(found) if one in marks}
        self.texts[path] = None if len(gone) == len(found) else _without_documents(text, path, gone)

    def _kustomization(self, directory: str, path: str, marks: frozenset[Mark]) -> None:
        text = self.texts[path]
        node = next(iter(_roots(text, path)), None) if text is not None else None
        if text is None or node is None:
            return
        edits: list[yaml_text.Edit] = []
        for name in _TAKEN_IN:
            drop = []
            for number, item in enumerate(yaml_text.items(yaml_text.at(node, name))):
                where = overlays.resolved(directory, yaml_text.scalar(item)) or ""
                found = self._marks(where)
                if found and found <= marks:
                    drop.append(number)
                elif found & marks and where in self._tree.texts:
                    self._file(where, marks)
                elif found & marks:
                    self.directory(where, marks)
            edits += _without_items(path, text, node, name, drop)
        edits += self._patches(directory, path, node, marks)
        self.texts[path] = yaml_text.applied(text, edits)

    def _marks(self, where: str) -> set[Mark]:
        """What an entry of a kustomization.yaml comes to."""
        if where in self._tree.texts:
            return {mark(Object(one, where)) for one in self._tree.documents(where) or ()}
        return {mark(one) for one in self._tree.build(where).objects} if self._tree.is_directory(where) else set()

    def _patches(self, directory: str, path: str, node: Any, marks: frozenset[Mark]) -> list[yaml_text.Edit]:
        """The cuts of patches that are for nothing but what leaves."""
        there = self._tree.build(directory).objects
        staying = {mark(one)[1:] for one in there if mark(one) not in marks}
        gone = {one[1:] for one in marks} - staying
        edits: list[yaml_text.Edit] = []
        for name in _PATCHES:
            found = yaml_text.items(yaml_text.at(node, name))
            drop = [
                number
                for number, item in enumerate(found)
                if (named := self._targets(directory, item)) and named <= gone
            ]
            edits += _without_items(path, str(self.texts[path]), node, name, drop)
        return edits

    def _targets(self, directory: str, item: Any) -> set[tuple[str, str]]:
        """Kind and name of what a patch is for, as far as it says them plainly."""
        target = yaml_text.at(item, "target")
        if target is not None:
            return {(yaml_text.scalar(yaml_text.at(target, "kind")), yaml_text.scalar(yaml_text.at(target, "name")))}
        given = yaml_text.scalar(item) or yaml_text.scalar(yaml_text.at(item, "path"))
        text = self._tree.texts.get(overlays.resolved(directory, given) or "") if "\n" not in given else given
        said = overlay_changes.parsed(text or yaml_text.scalar(yaml_text.at(item, "patch")))
        return {mark(Object(one, ""))[1:] for one in said if isinstance(one, dict)}


def _roots(text: str, path: str) -> list[Any]:
    return [node for node in yaml_text.compose(text, path) if yaml_text.entries(node)]


def _name(node: Any) -> str:
    return yaml_text.scalar(yaml_text.at(node, "metadata", "name"))


def _without_documents(text: str, path: str, gone: Collection[int]) -> str:
    """A file without some of its documents, by their numbers among those that hold anything."""
    starts = [0, *(found.start() for found in _SEPARATOR.finditer(text))]
    parts = [text[start:stop] for start, stop in zip(starts, [*starts[1:], len(text)], strict=True)]
    kept, number = [], 0
    for part in parts:
        count = len(_roots(part, path)) if part.strip("- \n") else 0
        if count > 1 or not (count and number in gone):
            kept.append(part)
        number += count
    return "".join(kept).removeprefix("---\n")


def _without_items(path: str, text: str, node: Any, name: str, drop: Collection[int]) -> Iterator[yaml_text.Edit]:
    """The cuts that take some items out of one of a mapping's lists."""
    if not drop:
        return
    entry = yaml_text.Entry(text, node, name)
    found = yaml_text.items(entry.value)
    if not entry.owns_its_lines or (len(drop) < len(found) and not yaml_text.is_block(entry.value)):
        hint = "is written within brackets, or by an alias: write its items over lines"
        raise InvalidInput(problems=[Problem(path, name, "", hint)])
    if len(drop) == len(found):
        yield (*entry.span, "")
        return
    for number in drop:
        start = yaml_text.line_start(text, found[number].start_mark.index)
        yield start, yaml_text.line_end(text, yaml_text.end(found[number], text)), ""


def _unread(before: Tree, after: Tree, directories: Collection[str], empty: Collection[str]) -> set[str]:
    """Files that some directory was built of, and that nothing is built of any more."""
    was = {path for one in directories for path in before.build(one).files}
    ways = [one for one in directories if one not in empty and after.is_directory(one)]
    left = was - {path for one in ways for path in after.build(one).files}
    others = {overlays.above(path) for path in after.kustomizations if path not in left}
    return left - {path for one in others for path in after.build(one).files}


def _unlike(
    before: Tree, after: Tree, leaving: Mapping[str, Collection[Mark]], staying: Mapping[str, Collection[Mark]]
) -> Iterator[tuple[str, str]]:
    """Directories that would come to something else than to what they built, less what leaves them."""
    reached = {path for one in leaving for path in before.build(one).files}
    for directory, marks in staying.items():
        was, becomes = before.build(directory), after.build(directory) if after.is_directory(directory) else Built()
        wanted = [(mark(one), one.document) for one in was.objects if mark(one) not in marks]
        faults = set(becomes.faults) - set(was.faults)
        if [(mark(one), one.document) for one in becomes.objects] != wanted or faults:
            hint = "; ".join(sorted(hint for _where, hint in faults)) or "more would change there than what leaves"
            yield directory or ".", hint
    for path in before.kustomizations:
        directory = overlays.above(path)
        if path not in reached and before.build(directory).objects != after.build(directory).objects:
            yield directory, "no cluster applies it, and it would come to something else"
