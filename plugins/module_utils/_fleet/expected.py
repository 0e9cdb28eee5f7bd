# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What the fleet repository says that a cluster has, component by component, and what the cluster lacks of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import component_guard
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document, part
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.recipes import Recipe
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rendered import Built


@dataclass(frozen=True)
class Tree:
    """The files of one commit that tell what clusters have of infrastructure, as a snapshot: path → text."""

    files: Mapping[str, str]

    def paths(self, prefix: str) -> list[str]:
        """All files at or under a path, sorted."""
        start = prefix.strip("/")
        return sorted(path for path in self.files if not start or path == start or path.startswith(f"{start}/"))

    def read(self, paths: Iterable[str]) -> dict[str, str]:
        """Path → text of those that are there."""
        return {path: self.files[path] for path in paths if path in self.files}


def is_read(path: str, layout: Layout) -> bool:
    """Whether a file belongs into such a tree."""
    own = path.startswith(f"{layout.clusters}/") and path.endswith("/infrastructure.yaml")
    return own or path.startswith(f"{layout.infrastructure}/")


Build = Callable[[Tree, Recipe], Built]


@dataclass(frozen=True)
class Follower:
    """A cluster: its name, and component → the commit that it has applied (under an empty name, the root sync)."""

    name: str
    revisions: Mapping[str, str]


@dataclass(frozen=True)
class Reader:
    """What reads the repository for clusters: commit → what it holds, the branch's head, what builds directories."""

    trees: Mapping[str, Tree]
    head: str
    build: Build
    layout: Layout = field(default_factory=Layout)

    def components(self, cluster: Follower) -> dict[str, dict[str, Any]]:
        """Component → ``behind``, ``sync``, ``documents`` and ``notes``, as ``drift.Expected`` has them."""
        now, root = self._syncs(cluster, self.head), cluster.revisions.get("", "")
        before = self._syncs(cluster, root) if root else {}
        found: dict[str, dict[str, Any]] = {}
        for name in sorted({*now, *(before.keys() & cluster.revisions.keys())}):
            applied = cluster.revisions.get(name, "")
            if name not in now:
                found[name] = _unapplied(f"the branch has it no more, at {self.head[:8]}")
            elif not applied:  # there is no such Kustomization, or one that never came to anything
                is_gone = name in before and name not in cluster.revisions
                found[name] = _unapplied("" if is_gone else f"the branch has it, at {self.head[:8]}")
            else:
                found[name] = self._applied(cluster, now[name], name, applied)
        return found

    def _applied(self, cluster: Follower, now: Document, name: str, applied: str) -> dict[str, Any]:
        sync = self._syncs(cluster, applied).get(name, {})
        documents, said = self._built(sync, applied) if sync else ([], [])
        behind = ""
        if applied != self.head and (sync != now or documents != self._built(now, self.head)[0]):
            behind = f"applied {applied[:8]}, and the branch has changed it since, at {self.head[:8]}"
        return {"behind": behind, "sync": sync, "documents": documents, "notes": said}

    def _syncs(self, cluster: Follower, revision: str) -> dict[str, Document]:
        """Component → its Flux Kustomization at a commit; nothing for a commit that the branch has no more."""
        path = self.layout.cluster_file(cluster.name, "infrastructure")
        texts = self.trees[revision].read([path]) if revision in self.trees else {}
        return {component_guard.component_of(one): one for one in component_guard.kustomizations(texts, path)}

    def _built(self, sync: Document, revision: str) -> tuple[list[Document], list[str]]:
        """The objects that a Kustomization applies, with its patches and the labels that it adds; what is unknown."""
        recipe = Recipe.of(sync)
        built = self.build(self.trees[revision], recipe)
        said = [*built.said, *(f"{fault.place}: {fault.hint}" for fault in built.faults)]
        added = part(part(sync, "spec"), "commonMetadata")
        return [_labelled(one, added) for one in recipe.patched(built.objects)], said


def _unapplied(behind: str) -> dict[str, Any]:
    return {"behind": behind, "sync": {}, "documents": [], "notes": []}


def _labelled(document: Document, added: Mapping[str, Any]) -> Document:
    metadata = dict(part(document, "metadata"))
    for name in ("labels", "annotations"):
        if added.get(name):
            metadata[name] = {**part(metadata, name), **part(added, name)}
    return {**document, "metadata": metadata}
