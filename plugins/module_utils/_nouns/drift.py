# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``drift``: what in one cluster differs from the fleet repository, component by component. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import (
    AUTH,
    NAME,
    REPOSITORY,
    Specification,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import drift, state
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import ClusterError, Unreachable
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.health import View
from ansible_collections.fluxops.fleet.plugins.module_utils._io import drift as objects
from ansible_collections.fluxops.fleet.plugins.module_utils._io import flux_listing
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **AUTH,
    **NAME,
    "repository": {**REPOSITORY["repository"], "required": False},
    "environment": {"type": "str", "default": ""},
    "expected": {"type": "dict"},
    "look_ahead": {"type": "bool", "default": False},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Look at one cluster; see the module's documentation for parameters and result."""
    nothing = {"reachable": True, "failure": "", "version": "", "revision": "", "revisions": {}}
    facts: dict[str, Any] = {**nothing, "components": [], "findings": [], "notes": []}
    try:
        with Cluster(parameters["auth"], parameters["name"]) as cluster:
            facts |= _found(cluster, parameters)
    except Unreachable as error:
        facts |= {"reachable": False, "failure": str(error)}
    except ClusterError as error:
        facts |= {"failure": str(error)}
    repository = parameters["repository"] or {}
    about = {"name": parameters["name"], "environment": parameters["environment"]}
    return {"changed": False, **about, "repository": {key: repository.get(key) for key in ("url", "branch")}, **facts}


def _found(cluster: Cluster, parameters: Mapping[str, Any]) -> dict[str, Any]:
    found = flux_listing.at_rest(cluster)
    view, flux_state = View(found, {}), state.of(found)
    facts = {
        "version": flux_state.version,
        "revision": flux_state.revision,
        "revisions": drift.revisions(found, view.components),
        "components": view.components,
    }
    if parameters["look_ahead"]:
        return facts
    if not flux_state.sync:
        return {**facts, "failure": flux_state.missing or "Flux follows nothing: run bootstrap"}
    given = parameters["expected"]
    expected = None if given is None else {name: drift.Expected.from_params(one) for name, one in given.items()}
    findings, notes = objects.of_objects(cluster, view, found, expected)
    every = sorted([*drift.of_flux(view, found, expected), *findings], key=lambda one: (one.component, one.object))
    return {**facts, "findings": [one.as_dict() for one in every], "notes": notes}
