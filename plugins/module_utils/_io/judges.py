# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Who judges rendered objects: the schemas that are known, and an API server of each environment where one is asked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, recipes
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import (
    ClusterError,
    InvalidInput,
    Problem,
    raise_if,
    some,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.object_schemas import Schemas
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name as object_name
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rendered import Rendered
from ansible_collections.fluxops.fleet.plugins.module_utils._io import api_checks
from ansible_collections.fluxops.fleet.plugins.module_utils._io.api_checks import Verdict
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster

LEVELS = ("build", "schema", "server")
_NAMED = 5

Facts = Mapping[str, Mapping[str, str]]
Own = Sequence[tuple[str, str, str, str, str]]


@dataclass
class Verdicts:
    """What is wrong, and what is to be said besides."""

    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Given:
    """An object as a cluster gets it, and how to say what is wrong with it."""

    document: Document
    where: str
    field: str

    def problem(self, hint: str, path: str = "") -> Problem:
        """Something wrong with it, or with a field of it."""
        place = f"{object_name(self.document)}: {path}" if path else object_name(self.document)
        return Problem(self.where, f"{self.field}: {place}", "", hint)


@dataclass(frozen=True)
class Judges:
    """``level``: one of LEVELS, each with all before it. ``servers``: host → how its cluster is reached."""

    level: str
    folder: str = ""
    servers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def from_params(cls, parameters: Mapping[str, Any]) -> Judges:
        """From the parameters of the noun."""
        servers = {str(one["host"]): one["auth"] for one in parameters["servers"]}
        return cls(parameters["verify"], parameters["schemas"] or "", servers)

    def of(self, members: Sequence[Member], ones: Sequence[Rendered], own: Own, facts: Facts) -> Verdicts:
        """What the schemas and servers say of components, and of the clusters' own files that bring them."""
        found, known = Verdicts(), self._known()
        for environment in sorted({one.change.environment for one in ones}):
            able = sorted(one.name for one in members if one.environment == environment and one.reachable)
            hosts = {one.name: one.host for one in members}
            name = able[0] if able else ""
            mine = [one for one in ones if one.change.environment == environment and not one.built.faults]
            given = [*_of_components(mine, name, facts), *_of_files(own, name)]
            schemas = Schemas()
            for document in known:
                _add(schemas, document)
            if self.level == LEVELS[0]:
                _match(schemas, given, found)
            elif not name:
                found.notes.append(f"{environment}: none of its clusters can be reached, so no API server was asked")
            else:
                self._ask(hosts[name], given, schemas, found)
        return found

    def _ask(self, host: str, given: Sequence[_Given], schemas: Schemas, found: Verdicts) -> None:
        objects = [one.document for one in given]
        try:
            with Cluster(self.servers.get(host, {}), host) as cluster:
                api_checks.add_schemas(cluster, schemas, objects)
                _match(schemas, given, found)
                unknown = sorted({f"{one['kind']} of {one['apiVersion']}" for one in objects if not schemas.knows(one)})
                if unknown:
                    found.notes.append(f"{host} knows no schema for {some(unknown, _NAMED)}: not held against one")
                if self.level == LEVELS[2]:
                    _judge(host, given, api_checks.dry_run(cluster, objects), found)
        except ClusterError as error:
            hint = f"its API server must answer from here ({error}): set fleet_cluster_auth, or fleet_verify: build"
            found.problems.append(Problem(host, "fleet_verify", self.level, hint))

    def _known(self) -> list[Document]:
        """What the user's own schemas hold: OpenAPI v3 documents as JSON, CustomResourceDefinitions as YAML."""
        folder = Path(self.folder)
        if not self.folder:
            return []
        if not folder.is_dir():
            hint = (
                "a directory on the controller, with OpenAPI v3 documents (.json) and CustomResourceDefinitions (.yaml)"
            )
            raise_if([Problem("run", "fleet_schemas", self.folder, hint)])
        paths = sorted(path for path in folder.rglob("*") if path.suffix in (".json", ".yaml", ".yml"))
        return [one for path in paths for one in _documents(path)]


def _documents(path: Path) -> list[Document]:
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix != ".json":
            return documents.read(text, str(path))
        found = json.loads(text)
    except (OSError, ValueError) as error:
        raise InvalidInput(problems=[Problem(str(path), "fleet_schemas", "", f"can't be read: {error}")]) from None
    return [found] if isinstance(found, dict) else []


def _add(schemas: Schemas, document: Document) -> None:
    schemas.add_definitions([document])
    schemas.add_openapi(document)


def _of_components(ones: Iterable[Rendered], cluster: str, facts: Facts) -> Iterator[_Given]:
    """Every component once for each way in which clusters get it, as the one that is asked gets it if it does."""
    for one in ones:
        name = cluster if cluster in one.clusters else one.clusters[0]
        for document in one.applied(facts.get(name, {})):
            yield _Given(document, one.directory, one.title)


def _of_files(own: Own, cluster: str) -> Iterator[_Given]:
    """Flux's own objects by which that cluster gets them."""
    for _environment, name, path, before, after in own:
        if name == cluster:
            old = recipes.read(before)
            yield from (_Given(one, path, f"cluster {name}") for one in recipes.read(after) if one not in old)


def _match(schemas: Schemas, given: Sequence[_Given], found: Verdicts) -> None:
    # Definitions that come with the change say what will be true.
    schemas.add_definitions(one.document for one in given)
    for one in given:
        for fault in schemas.faults(one.document):
            found.problems.append(one.problem(fault.hint, fault.path))


def _judge(host: str, given: Sequence[_Given], verdicts: Sequence[Verdict], found: Verdicts) -> None:
    later: dict[str, list[str]] = {}
    for one, verdict in zip(given, verdicts, strict=True):
        if verdict.refused:
            found.problems.append(one.problem(f"the API server of {host} refuses it: {verdict.refused}"))
        elif verdict.later:
            later.setdefault(verdict.later, []).append(object_name(one.document))
    for why, names in later.items():
        found.notes.append(f"{host} can't try {some(names, _NAMED)} before the commit: {why}")
