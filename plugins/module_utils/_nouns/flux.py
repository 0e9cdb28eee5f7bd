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
    NAME,
    REPOSITORY,
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
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.state import FluxState
from ansible_collections.fluxops.fleet.plugins.module_utils._io import (
    definitions,
    distribution,
    evidence,
    flux,
    objects,
    overlay,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **AUTH,
    **NAME,
    **CLUSTER,
    **REPOSITORY,
    **TIMEOUT,
    **ALLOW,
    "revision": {"type": "str", "default": ""},
    "files": {"type": "list", "elements": "str", "default": []},
    "kustomization": {"type": "str", "default": ""},
    "beside": {"type": "dict", "default": {}},
    "holds": {"type": "list", "elements": "str", "default": []},
    "pending": {"type": "str", "default": ""},
    "rejected": {"type": "list", "elements": "str", "default": []},
    "cache": {"type": "path"},
}
# Flux applies everything as this manager; what it once applied it then owns, with nothing of ours left behind.
_FLUX_MANAGER = "kustomize-controller"


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Apply what only we can apply, and wait for Flux; see the module's documentation for parameters and result."""
    wanted = takeover.settled(model.Cluster.from_params(parameters["name"], parameters), parameters["kustomization"])
    with Cluster(parameters["auth"], wanted.host) as cluster, evidence.told(cluster):
        state = flux.observe(cluster)
        follows = state.follows(wanted, Layout())
        ours = not follows or state.stuck
        needed = ours or (check_mode and parameters["files"])
        desired, warnings = _objects(wanted, parameters) if needed else ([], [])
        ours = ours and not (follows and warnings)  # what only Flux can build stays its own
        _check_move(wanted, state, desired, parameters)
        plan = objects.plan(cluster, desired, _FLUX_MANAGER) if ours else []
        result: Result = {
            "changed": bool(parameters["files"]) or bool(plan),
            "applied": [objects.name(change.after) for change in plan],
            "diff": objects.diffs(plan, f"objects in {wanted.name}"),
            "warnings": warnings if ours else [],
        }
        if check_mode:
            later = _later(cluster, [] if ours else desired, parameters["pending"])
            result["diff"] += objects.diffs(later, f"Flux will apply in {wanted.name}")
            return {**result, "revision": state.revision, "version": state.version}
        if plan:
            say(f"{wanted.name}: applying {len(plan)} objects, Flux {wanted.distribution.version}")
            state = _applied(cluster, wanted, state, desired)
        state = flux.release(cluster, state, parameters["timeout"])
        state = flux.settle(cluster, state, parameters, say)
        if parameters["files"]:
            definitions.release(cluster, state.deployments)
        return {**result, "revision": state.revision, "version": state.version}


def _objects(wanted: model.Cluster, parameters: Mapping[str, Any]) -> tuple[list[documents.Document], list[str]]:
    manifest = distribution.load(wanted.distribution, wanted.host, parameters["cache"])
    return overlay.flux_objects(wanted, manifest, parameters["kustomization"], parameters["beside"])


def _applied(cluster: Cluster, wanted: model.Cluster, state: FluxState, desired: list[documents.Document]) -> FluxState:
    if not state.follows(wanted, Layout()):
        flux.hold(cluster, state)
    objects.apply(cluster, desired, _FLUX_MANAGER)
    return flux.observe(cluster)


def _later(cluster: Cluster, desired: list[documents.Document], pending: str) -> list[objects.Change]:
    """What Flux itself will do."""
    left = render.as_applied(documents.read(pending, "pending")) + desired
    return objects.plan(cluster, left, _FLUX_MANAGER, by_flux=True)


def _check_move(
    wanted: model.Cluster, state: FluxState, desired: list[documents.Document], parameters: Mapping[str, Any]
) -> None:
    if state.sync and parameters["holds"]:
        kept = [*parameters["holds"], *map(objects.name, desired)]
        raise_if(moving.problems(wanted.host, state.sync, kept, parameters["allow"]))
