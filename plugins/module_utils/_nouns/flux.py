# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``flux``: Flux on one cluster, following its directory of the fleet repository."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import (
    ALLOW,
    AUTH,
    CLUSTER,
    FORGE,
    FORGES,
    KEYS,
    NAME,
    REPOSITORY,
    SECRETS,
    TIMEOUT,
    Specification,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import (
    documents,
    model,
    moving,
    render,
    takeover,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.published import Published
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.state import FluxState
from ansible_collections.fluxops.fleet.plugins.module_utils._io import (
    credentials,
    definitions,
    distribution,
    evidence,
    flux,
    objects,
    overlay,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say, keeping

ARGUMENTS: Specification = {
    **AUTH,
    **NAME,
    **CLUSTER,
    **REPOSITORY,
    **FORGE,
    **FORGES,
    **SECRETS,
    **TIMEOUT,
    **ALLOW,
    "known_hosts": KEYS["known_hosts"],
    "published": {"type": "dict", "default": {}},
    "rejected": {"type": "list", "elements": "str", "default": []},
    "cache": {"type": "path"},
}
# Flux applies everything as this manager; what it once applied it then owns, with nothing of ours left behind.
_FLUX_MANAGER = "kustomize-controller"


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Put what Git can't hold, apply what only we can apply, wait for Flux; see the module's documentation."""
    told = Published.from_params(parameters["published"])
    wanted = takeover.settled(_cluster(parameters, told), told.kustomization)
    with Cluster(parameters["auth"], wanted.host) as cluster, keeping() as made, evidence.told(cluster):
        made.update(credentials.put(cluster, told.of(parameters), told.source_keys, check_mode=check_mode, say=say))
        state = flux.observe(cluster)
        follows = state.follows(wanted, Layout())
        ours = not follows or state.stuck
        asked = ours or (check_mode and told.files)
        desired, warnings = _objects(wanted, told, parameters["cache"]) if asked else ([], [])
        ours = ours and not (follows and warnings)  # what only Flux can build stays its own
        if state.sync and told.holds:
            kept = [*told.holds, *map(objects.name, desired)]
            raise_if(moving.problems(wanted.host, state.sync, kept, parameters["allow"]))
        plan = objects.plan(cluster, desired, _FLUX_MANAGER) if ours else []
        result: Result = {
            **made,
            "changed": made["changed"] or bool(told.files or plan),
            "applied": [objects.name(change.after) for change in plan],
            "diff": made["diff"] + objects.diffs(plan, f"objects in {wanted.name}"),
            "warnings": warnings if ours else [],
        }
        if check_mode:
            later = _later(cluster, [] if ours else desired, told)
            result["diff"] += objects.diffs(later, f"Flux will apply in {wanted.name}")
        elif plan:
            say(f"{wanted.name}: applying {len(plan)} objects, Flux {wanted.distribution.version}")
            state = _applied(cluster, wanted, state, desired)
        state = state if check_mode else _settled(cluster, state, told, parameters, say)
        return {**result, "revision": state.revision, "version": state.version}


def _cluster(parameters: Mapping[str, Any], told: Published) -> model.Cluster:
    locked = {"digest": told.digest} if told.digest else {}
    return model.Cluster.from_params(parameters["name"], {**parameters, "flux": {**parameters["flux"], **locked}})


def _objects(wanted: model.Cluster, told: Published, cache: str | None) -> tuple[list[documents.Document], list[str]]:
    manifest = distribution.load(wanted.distribution, wanted.host, cache)
    return overlay.flux_objects(wanted, manifest, told.kustomization, told.beside)


def _applied(cluster: Cluster, wanted: model.Cluster, state: FluxState, desired: list[documents.Document]) -> FluxState:
    if not state.follows(wanted, Layout()):
        flux.hold(cluster, state)
    objects.apply(cluster, desired, _FLUX_MANAGER)
    return flux.observe(cluster)


def _settled(cluster: Cluster, state: FluxState, told: Published, parameters: Mapping[str, Any], say: Say) -> FluxState:
    state = flux.release(cluster, state, parameters["timeout"])
    rejected = [*told.superseded, *parameters["rejected"]]
    state = flux.settle(cluster, state, {**parameters, "revision": told.revision, "rejected": rejected}, say)
    if told.files:
        definitions.release(cluster, state.deployments)
    return state


def _later(cluster: Cluster, desired: list[documents.Document], told: Published) -> list[objects.Change]:
    """What Flux itself will do."""
    left = render.as_applied(documents.read(told.pending, "pending")) + desired
    return objects.plan(cluster, left, _FLUX_MANAGER, by_flux=True)
