# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""A fleet repository of any layout, adopted: what is understood, and the change to the APIs of today."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import (
    adopted_tenants,
    dangers,
    documents,
    migration,
    modernising,
    overlays,
    same_outcome,
    wanted_versions,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.adopted_clusters import (
    Reader,
    Seen,
    is_sync,
    key,
    source_of,
    spec,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.manifest import Manifest
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.messages import compose
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import without_credentials
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.modernising import KUSTOMIZATIONS, File
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.overlays import Tree
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import Change, Plan
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.yaml_text import MAX_CHARACTERS

NEWER_API = "newer_api"
_COMPONENTS = f"{FLUX_NAMESPACE}/gotk-components.yaml"
_UNKNOWN_FLUX = (
    "no install manifest of Flux is here: before this is published, see that each cluster serves the versions of today "
    "(Flux 2.7 or newer)"
)
_SECRET = re.compile(r"^\s*[\"']?kind[\"']?:\s*[\"']?Secret\b|://[^/\s@:]*:[^/\s@]+@", re.MULTILINE)
_READ = (".yaml", ".yml", ".json")
_SOURCES = ("GitRepository", "OCIRepository", "HelmRepository", "Bucket")


@dataclass(frozen=True)
class Adoption:
    """The files to write, what is understood, and the tenants' requests (name → text)."""

    plan: Plan = field(default_factory=Plan)
    understood: Mapping[str, Any] = field(default_factory=dict)
    requests: Mapping[str, str] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """The commit's message."""
        count = len(self.plan.changes)
        return compose(f"bring {count} {'file' if count == 1 else 'files'} to the APIs of today", self.plan.paths, {})

    @property
    def diffs(self) -> list[dict[str, str]]:
        """The changes as people see them; of files that hold Secrets, or credentials in URLs, only that they change."""
        return [_veiled(one) if _SECRET.search(one.before or "") else one.diff for one in self.plan.changes]


def _veiled(change: Change) -> dict[str, str]:
    header = {"before_header": change.path, "after_header": change.path}
    before = "holds a secret, not shown\n"
    return {**header, "before": before, "after": f"{before}brought to the APIs of today\n"}


def plan_adoption(url: str, allow: Sequence[str], snapshot: Snapshot) -> Adoption:
    """Plan against a snapshot of the repository at this URL."""
    found = Repository(url, snapshot)
    wanted, behind = wanted_versions.wanted_for(found.served, newest=NEWER_API in allow)
    changed, left = _rewritten(found, wanted)
    kept = same_outcome.unlike(found.tree, Tree({**found.tree.texts, **changed}), changed, found.directories)
    changes = [Change(path, found.tree.texts[path], text) for path, text in changed.items() if path not in kept]
    left += [f"{path}: stays as it is: {why}" for path, why in kept.items()]
    unknown = [_UNKNOWN_FLUX] if changes and not found.served else []
    requests, without = found.requests
    understood = {**found.understood, "left": sorted([*found.left, *behind, *left, *unknown, *without])}
    return Adoption(Plan(tuple(changes)), understood, requests)


def _rewritten(found: Repository, wanted: wanted_versions.Wanted) -> tuple[dict[str, str], list[str]]:
    changed: dict[str, str] = {}
    left: list[str] = []
    for path, text in found.tree.texts.items():
        if path in found.components or documents.recorded_digest(text) is not None or path.endswith(".json"):
            continue
        if path in found.garbled or not modernising.concerns(path, text):
            continue
        try:
            after, said = modernising.rewrite(File(path, text, found.reader_of(path)), wanted)
        except InvalidInput as error:
            after, said = text, [f"{path}: {one.hint}" for one in error.problems]
        left += said
        if after != text:
            changed[path] = after
    return changed, left


class Repository:
    """What lies in the repository, parsed once."""

    def __init__(self, url: str, snapshot: Snapshot) -> None:
        every = snapshot.paths("")
        paths = [path for path in every if _is_read(path)]
        texts = snapshot.read(paths)
        self.components = {path: text for path, text in texts.items() if path.endswith(_COMPONENTS)}
        large = [path for path, text in texts.items() if len(text) > MAX_CHARACTERS and path not in self.components]
        # What is not read stays a file of the tree: it is there, and holds nothing that we know.
        self.tree = Tree(
            {path: "" if path in self.components or path in large else text for path, text in texts.items()}
        )
        self.left = [f"{path}: larger than {MAX_CHARACTERS} characters, not read" for path in large]
        self.garbled = {path for path, text in texts.items() if "\ufffd" in text}
        self.left += [f"{path}: not in UTF-8, read as far as it is" for path in self.garbled]
        self.left += [f"{path}: a symbolic link or a submodule, not followed" for path in paths if path not in texts]
        self.reader = Reader(self.tree, url)

    def reader_of(self, path: str) -> Any:
        """How a file's neighbours are read."""

        def read(given: str) -> str:
            return self.tree.texts.get(overlays.resolved(overlays.above(path), given) or "", "")

        return read

    @cached_property
    def served(self) -> dict[str, migration.Api]:
        """Install manifest → what it serves; those of many clusters are alike."""
        found: dict[str, migration.Api] = {}
        known: dict[str, migration.Api] = {}
        for path, text in sorted(self.components.items()):
            try:
                known[text] = known.get(text) or migration.api(Manifest(text, path).documents)
                found[path] = known[text]
            except (InvalidInput, KeyError, TypeError, StopIteration):
                self.left.append(f"{path}: is no install manifest that can be read")
        return found

    @cached_property
    def clusters(self) -> list[Seen]:
        """All clusters."""
        return self.reader.clusters()

    @cached_property
    def tenants(self) -> list[adopted_tenants.Found]:
        """All tenants."""
        return adopted_tenants.tenants(self.clusters, self.reader)

    @property
    def directories(self) -> set[str]:
        """All that kustomize or Flux build."""
        return {overlays.above(path) for path in self.tree.kustomizations} | {
            way for seen in self.clusters for way in seen.ways
        }

    @cached_property
    def environments(self) -> dict[str, list[str]]:
        """Environment → its clusters."""
        found: dict[str, list[str]] = {}
        for seen in self.clusters:
            found.setdefault(seen.environment, []).append(seen.name)
        return found

    @cached_property
    def requests(self) -> tuple[dict[str, str], list[str]]:
        """Tenant → its request's text; and why some tenants have none."""
        made, without = {}, []
        for one in self.tenants:
            text, faults = adopted_tenants.request_of(one, self.environments)
            if faults:
                without.append(f"tenant {one.name}: no request is made of it: {'; '.join(faults)}")
            else:
                made[one.name] = text
        return made, without

    @cached_property
    def understood(self) -> dict[str, Any]:
        """Clusters, environments, tenants, sources and syncs, and dangers, as plain data."""
        faults = {fault for seen in self.clusters for fault in seen.faults} | dangers.dangling(self.tree)
        return {
            "clusters": [self._cluster(one) for one in self.clusters],
            "environments": self.environments,
            "tenants": [one.as_dict() for one in self.tenants],
            "sources": [row for seen in self.clusters for row in _sources(seen)],
            "syncs": [row for seen in self.clusters for row in _syncs(seen)],
            "unreached": sorted(self._unreached()),
            "dangers": dangers.dangers(self.tree, faults),
        }

    def _cluster(self, seen: Seen) -> dict[str, Any]:
        text = self.components.get(f"{seen.directory}/{_COMPONENTS}", "")
        names = [one.name for one in self.tenants if any(part.cluster == seen.name for part in one.deliveries)]
        facts = {"cluster": seen.name, "environment": seen.environment, "directory": seen.directory or "."}
        return {**facts, "flux": Manifest(text).version, "tenants": names, "syncs": len(list(_syncs(seen)))}

    def _unreached(self) -> Iterable[str]:
        reached = {path for seen in self.clusters for path in seen.files}
        for path in self.tree.manifests:
            if path not in reached and any(
                is_sync(one) and "sourceRef" in spec(one) for one in self.tree.documents(path) or ()
            ):
                yield path


def _is_read(path: str) -> bool:
    named = path.rpartition("/")[2] in KUSTOMIZATIONS or path.endswith(_READ)
    return named and not any(part.startswith(".") for part in path.split("/"))


def _syncs(seen: Seen) -> Iterable[dict[str, str]]:
    for one, _way in seen.objects:
        if is_sync(one.document):
            names = {"cluster": seen.name, "sync": "/".join(key(one.document)[1:]), "where": one.path}
            yield {
                **names,
                "source": " ".join(source_of(one.document)),
                "path": str(spec(one.document).get("path") or "./"),
            }


def _sources(seen: Seen) -> Iterable[dict[str, str]]:
    for one, _way in seen.objects:
        kind, namespace, name = key(one.document)
        if kind in _SOURCES:
            url = without_credentials(str(spec(one.document).get("url") or ""))
            yield {"cluster": seen.name, "kind": kind, "source": f"{namespace}/{name}", "url": url, "where": one.path}
