# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``clusters``: the directories of all clusters of a run in the fleet repository, by one commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import (
    ALLOW,
    FORGE,
    REPOSITORY,
    SOPS,
    WAVE,
    Specification,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import (
    first_install,
    preflight,
    takeover,
    upgrade,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.fleet_skeleton import Skeleton
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.manifest import Manifest
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Cluster, Distribution
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import HAND_EDITS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.publication import (
    ClustersPlan,
    Wishes,
    plan_clusters,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.sops import Sops
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.state import FluxState
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.waves import Turn
from ansible_collections.fluxops.fleet.plugins.module_utils._io import distribution, forge, overlay, templates
from ansible_collections.fluxops.fleet.plugins.module_utils._io.publishing import by_sync, publish_all
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **REPOSITORY,
    **ALLOW,
    **FORGE,
    **SOPS,
    **WAVE,
    "clusters": {"type": "list", "elements": "dict", "required": True},
    "inventory": {"type": "dict", "default": {}},
    "unreachable": {"type": "str", "choices": ["skip", "fail"], "default": "skip"},
    "hand_edits": {"type": "str", "choices": list(HAND_EDITS), "default": "hold"},
    "owners": {"type": "list", "elements": "str", "default": []},
    "templates": {"type": "path"},
    "cache": {"type": "path"},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Publish what the given clusters need; see the module's documentation for parameters and result."""
    everyone = _checked(parameters)
    components = _components(everyone, parameters)
    facts = {one["host"]: one for one in parameters["clusters"]}
    raise_if(upgrade.manifest_problems(everyone, facts, components, parameters["allow"]))

    def thought(clusters: list[Cluster]) -> Callable[[Snapshot], ClustersPlan]:
        return partial(_planned, _wishes(clusters, components, parameters), say)

    turn = Turn(parameters)
    turns = {sync: turn.of(group, thought) for sync, group in by_sync(everyone).items()}
    thoughts = {sync: (mine, think) for sync, (mine, think) in turns.items() if mine}
    for sync in thoughts:
        forge.check(parameters["forge"], sync.url)
    result = publish_all(parameters, "bootstrap", thoughts, check_mode=check_mode, say=say)
    left = sorted({said for one in result["clusters"].values() for said in one.get("left") or []})
    warnings = [*takeover.warnings(parameters["clusters"], result["clusters"]), *left]
    return {**result, "warnings": warnings, "pending": turn.pending}


def _planned(wishes: Wishes, say: Say, snapshot: Snapshot) -> ClustersPlan:
    planned = plan_clusters(wishes, snapshot)
    for part in () if overlay.builder() else planned.own.values():
        say(part.left_to_flux(first_install.NO_PROGRAM))  # before anything is written
    return planned


def _checked(parameters: Mapping[str, Any]) -> list[Cluster]:
    specifications = parameters["clusters"]
    problems = preflight.stated_problems(specifications, parameters["unreachable"])
    clusters = [Cluster.from_params(one["host"], one, one["uid"]) for one in specifications if one["reachable"]]
    problems += (Problem(**one) for one in parameters["problems"])
    problems += preflight.same_names(parameters["inventory"] or {one["host"]: one["name"] for one in specifications})
    problems += preflight.same_cluster(clusters)
    raise_if([*problems, *_skeleton(parameters).problems()])
    return clusters


def _skeleton(parameters: Mapping[str, Any]) -> Skeleton:
    return Skeleton(parameters["owners"], (parameters["forge"] or {}).get("kind", ""))


def _components(clusters: list[Cluster], parameters: Mapping[str, Any]) -> dict[Distribution, Manifest]:
    hosts = {one.distribution: one.host for one in clusters}
    # One without a digest is held against what the repository has locked, once that was read.
    get = {True: distribution.load, False: distribution.fetch}
    return {one: get[bool(one.digest)](one, host, parameters["cache"]) for one, host in hosts.items()}


def _wishes(
    clusters: list[Cluster], components: Mapping[Distribution, Manifest], parameters: Mapping[str, Any]
) -> Wishes:
    renderer = Renderer(templates.read("bootstrap", parameters["templates"]))
    reached = {one["name"]: tuple(one.get("follows") or ()) for one in parameters["clusters"] if one["reachable"]}
    anew = [name for name, follows in reached.items() if not any(follows)]
    wanted = {one.name: FluxState.wanted(one, Layout()) for one in clusters}
    moving = [name for name, follows in reached.items() if any(follows) and follows != wanted.get(name)]
    migrates = any(one.get("upgrade") for one in parameters["clusters"])
    ways = (parameters["hand_edits"], parameters["allow"])
    sops = Sops.from_params(parameters["sops"])
    return Wishes(clusters, components, renderer, *ways, anew, migrates, moving, _skeleton(parameters), sops)
