# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The facts of clusters that manifests substitute, and what asks for one that a cluster does not have."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, substitution
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_files import Placed
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import VARIABLES
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.modernising import KUSTOMIZATIONS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.overlay_changes import listed
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.overlays import Tree, above, resolved
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.structures import nearest

_ENDINGS = (".yaml", ".yml")
# Nobody writes facts into what describes fields, and descriptions show how other programs' expressions look.
_DESCRIPTIVE = "CustomResourceDefinition"


def of(text: str, path: str) -> frozenset[str]:
    """The names of a cluster's facts, from the text of its ``cluster.yaml``."""
    data = [document.get("data") for document in documents.read(text, path)]
    return frozenset(name for one in data if isinstance(one, Mapping) for name in one)


def in_rendered(member: Member, one: Placed, facts: Collection[str]) -> Iterator[Problem]:
    """What a component that we write asks for, or a patch of it, and a cluster does not have."""
    patches = {"kind": "patches", "": [patch["patch"] for patch in one.component.syncing.own_patches]}
    for expression, place in substitution.unknown([*one.documents, patches], facts):
        where = f"{VARIABLES[0]}.{one.component.name}: {place}"
        yield Problem(member.host, where, expression, _hint(expression, facts))


def _hint(expression: str, facts: Collection[str]) -> str:
    close = nearest(substitution.name_of(expression), sorted(facts))
    meant = f"did you mean ${{{close}}}? " if close else ""
    return (
        f"{meant}the cluster has no such fact, and Flux would put nothing in its place: add it to fleet_substitutions "
        f"and run bootstrap, or to the component's substitute, or write $${expression[1:]} for the text itself"
    )


@dataclass(frozen=True)
class Written:
    """The directories that people write, of which each file is read once."""

    snapshot: Snapshot
    layout: Layout
    _trees: dict[str, Tree] = field(default_factory=dict)
    _found: dict[tuple[str, str], list[tuple[str, str]]] = field(default_factory=dict)

    def problems(self, member: Member, one: Placed, facts: Collection[str]) -> Iterator[Problem]:
        """What a component's directory asks for, and a cluster does not have; at file and line."""
        for place, expression in self._expressions(member.environment, one.directory):
            if any(substitution.unfilled(expression, facts)):
                where = f"{VARIABLES[0]}.{one.component.name}: {place}"
                yield Problem(member.host, where, expression, _hint(expression, facts))

    def _expressions(self, environment: str, directory: str) -> list[tuple[str, str]]:
        """Place and expression of all that Flux fills with a fact, or with nothing."""
        key = environment, directory
        if key not in self._found:
            tree = self._tree(environment)
            texts = {path: tree.texts[path] for path in tree.build(directory).files if path in tree.texts}
            self._found[key] = sorted(_in_texts(texts, self.snapshot))
        return self._found[key]

    def _tree(self, environment: str) -> Tree:
        if environment not in self._trees:
            places = [f"{self.layout.infrastructure}/{name}/" for name in ("base", environment)]
            paths = [path for place in places for path in self.snapshot.paths(place) if path.endswith(_ENDINGS)]
            self._trees[environment] = Tree(self.snapshot.read(paths))
        return self._trees[environment]


def _in_texts(texts: Mapping[str, str], snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    contents = {path: _content(text, path) for path, text in texts.items()}
    silent = [above(path) for path, content in contents.items() if _is_silent(content)]
    for path, text in texts.items():
        if not any(f"{path}/".startswith(f"{directory}/") for directory in silent):
            yield from _in_text(text, path)
            yield from _generated(contents[path], path, snapshot)


def _content(text: str, path: str) -> Mapping[str, Any]:
    """What a kustomization.yaml says; empty for any other file."""
    try:
        found = documents.read(text, path) if path.rpartition("/")[2] in KUSTOMIZATIONS else []
    except InvalidInput:
        found = []
    return next(iter(found), {})


def _is_silent(content: Mapping[str, Any]) -> bool:
    """Whether a kustomization.yaml has Flux leave all of its objects as they are."""
    marks = [content.get("commonAnnotations"), content.get("commonLabels")]
    marks += [one.get("pairs") for one in listed(content.get("labels")) if isinstance(one, Mapping)]
    return any(substitution.is_disabled({"metadata": {"labels": documents.mapping(one)}}) for one in marks)


def _in_text(text: str, path: str) -> Iterator[tuple[str, str]]:
    """Of a file with YAML; what can't be read Flux does not apply either, and says so."""
    if "${" not in text:
        return
    try:
        nodes = documents.nodes(text)
        objects = documents.read(text, path)
    except (ValueError, InvalidInput):
        return
    lines = text.splitlines()
    kept = [one for one in nodes if one.id == "mapping"]
    for node, content in zip(kept, objects, strict=False):
        if not substitution.is_disabled(content) and content.get("kind") != _DESCRIPTIVE:
            yield from _in_nodes(node, lines, path, set())


def _in_nodes(node: Any, lines: Sequence[str], path: str, seen: set[int]) -> Iterator[tuple[str, str]]:
    if id(node) in seen:
        return
    seen.add(id(node))
    if node.id == "scalar":
        for expression in substitution.unfilled(node.value, ()):
            rows = range(node.start_mark.line, min(node.end_mark.line + 1, len(lines)))
            row = next((row for row in rows if expression in lines[row]), node.start_mark.line)
            yield f"{path}:{row + 1}", expression
        return
    for one in node.value:
        for part in one if isinstance(one, tuple) else (one,):
            yield from _in_nodes(part, lines, path, seen)


def _generated(content: Mapping[str, Any], path: str, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/configmapgenerator/"""
    for one in listed(content.get("configMapGenerator")):
        own = documents.mapping(one)
        if _leaves_alone(content.get("generatorOptions")) or _leaves_alone(own.get("options")):
            continue
        named = [*listed(own.get("files")), *listed(own.get("envs"))]
        places = [resolved(above(path), str(name).rpartition("=")[2]) for name in named]
        for place, text in snapshot.read([place for place in places if place]).items():
            for number, line in enumerate(text.splitlines(), 1):
                yield from ((f"{place}:{number}", expression) for expression in substitution.unfilled(line, ()))


def _leaves_alone(options: Any) -> bool:
    return substitution.is_disabled({"metadata": documents.mapping(options)})
