# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the infrastructure against a repository in memory: bootstrapped clusters, plans, and what comes of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import component_checks, documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_clusters import Place
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_layers import Layers
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import Declared
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.infrastructure import (
    InfrastructurePlan,
    Wishes,
    plan_infrastructure,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.render import cluster_files
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import (
    MANIFEST,
    ROOT,
    TEMPLATES,
    Files,
    cluster,
)

LAYERS = Layers.of(["controllers", "configs"])
OWN_TEMPLATES = {
    path.name: path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "roles" / "infrastructure" / "templates").glob("*.yaml.j2"))
}
ENVIRONMENTS = {"stg-1": "staging", "stg-2": "staging", "prd-1": "production"}
CLUSTERS = {
    name: cluster(name, f"uid-{name}", environment=environment, substitutions={"region": "eu"})
    for name, environment in ENVIRONMENTS.items()
}

Repository = dict[str, str]
Variables = tuple[Mapping[str, Any], ...]


def bootstrapped() -> Repository:
    """A repository as bootstrap leaves it for all clusters, and a directory that people wrote."""
    return dict(_bootstrapped())


@cache
def _bootstrapped() -> Repository:
    files = {"infrastructure/base/policies/policy.yaml": "kind: Namespace\n"}
    for one in CLUSTERS.values():
        files |= cluster_files(one, Layout(), Renderer(TEMPLATES), MANIFEST, {})
    return files


def member(name: str, **changes: Any) -> Member:
    """One cluster of a run."""
    one = CLUSTERS[name]
    return replace(Member(one.host, name, one.environment, one.uid, one.sync), **changes)


def plan(
    repository: Mapping[str, str],
    layers: Mapping[str, Variables],
    *,
    hand_edits: str = "hold",
    allow: Iterable[str] = (),
    away: Iterable[str] = (),
) -> InfrastructurePlan:
    """The plan of a run for clusters (name → their layers of variables) against the files of a repository."""
    members = [member(name, reachable=name not in away) for name in layers]
    places = {name: Place(name, environment) for name, environment in ENVIRONMENTS.items()}
    declared = {name: Declared.from_layers(own, places[name]) for name, own in layers.items()}
    assert component_checks.problems(declared, ENVIRONMENTS, LAYERS, places) == []
    wishes = Wishes(members, declared, LAYERS, Renderer(OWN_TEMPLATES), hand_edits, list(allow))
    return plan_infrastructure(wishes, Files(repository))


def after(repository: Mapping[str, str], found: InfrastructurePlan) -> Repository:
    """The repository with a plan carried out."""
    changes = {change.path: change.after for change in found.plan.changes}
    return {path: text for path, text in {**repository, **changes}.items() if text is not None}


def published(layers: Mapping[str, Variables]) -> Repository:
    """A bootstrapped repository with these components."""
    repository = bootstrapped()
    return after(repository, plan(repository, layers))


def refused(repository: Mapping[str, str], layers: Mapping[str, Variables], **options: Any) -> str:
    """What a refused run says."""
    with pytest.raises(InvalidInput) as caught:
        plan(repository, layers, **options)
    return str(caught.value)


def overlay(repository: Mapping[str, str], name: str) -> dict[str, documents.Document]:
    """A cluster's Flux Kustomizations by name, in their order."""
    found = documents.read(repository[f"clusters/{name}/infrastructure.yaml"], "x")
    return {one["metadata"]["name"]: one for one in found}
