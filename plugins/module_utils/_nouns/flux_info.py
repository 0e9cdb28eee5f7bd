# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``flux_info``: one cluster as it is. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import (
    AUTH,
    CLUSTER,
    REPOSITORY,
    SECRETS,
    Specification,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import model, ready, secret
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import ClusterError, Problem, Unreachable
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE, FLUX_SYNC, Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.preflight import moved_sync
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.state import FluxState
from ansible_collections.fluxops.fleet.plugins.module_utils._io import flux
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster

ARGUMENTS: Specification = {
    **AUTH,
    "name": {"type": "str", "required": True},
    "host": {"type": "str"},
    "bootstrap": {
        "type": "dict",
        "options": {**{key: value for key, value in CLUSTER.items() if key != "name"}, **REPOSITORY, **SECRETS},
    },
    "allow": {"type": "list", "elements": "str", "default": []},
}
_UNKNOWN: dict[str, Any] = {
    "reachable": True,
    "ready": False,
    "failure": "",
    "uid": "",
    "kubernetes_version": "",
    "version": "",
    "revision": "",
    "suspended": [],
    "objects": {},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Facts of one cluster; see the module's documentation for parameters and result."""
    host = parameters["host"] or parameters["name"]
    facts: dict[str, Any] = {"changed": False, "host": host, "name": parameters["name"], **_UNKNOWN}
    problems = _own_problems(parameters, host)
    try:
        with Cluster(parameters["auth"], host) as cluster:
            facts |= _facts(cluster)
            problems += _cluster_problems(cluster, parameters, host, facts)
    except Unreachable as error:
        facts |= {"reachable": False, "failure": str(error)}
    except ClusterError as error:
        facts["failure"] = str(error)
        problems.append(Problem(host, "fleet_cluster_auth", "", str(error)))
    given = parameters["bootstrap"] or {}
    specification = {key: given[key] for key in ("environment", "substitutions", "flux") if key in given}
    repository = {key: given["repository"][key] for key in ("url", "branch")} if given else {}
    return {**facts, **specification, "repository": repository, "problems": [one.as_dict() for one in problems]}


def _facts(cluster: Cluster) -> dict[str, Any]:
    found = flux.everything(cluster)
    roots = {kind: [one for one in found[kind] if _is_root(one)] for kind in ("GitRepository", "Kustomization")}
    root = {kind: ones[0] if ones else None for kind, ones in roots.items()}
    state = FluxState(
        {one["metadata"]["name"]: one for one in found["Deployment"]}, root["GitRepository"], root["Kustomization"]
    )
    failure = ready.first_failure(found) if state.sync else "Flux is not installed"
    return {
        "uid": cluster.uid(),
        "kubernetes_version": cluster.version(),
        "version": state.version,
        "revision": state.revision,
        "ready": state.ready and not failure,
        "failure": failure,
        "suspended": [ready.name(one) for ones in found.values() for one in ones if one.get("spec", {}).get("suspend")],
        "objects": {kind: len(ones) for kind, ones in found.items()},
        "follows": list(state.followed),
    }


def _is_root(found: Mapping[str, Any]) -> bool:
    return (found["metadata"]["namespace"], found["metadata"]["name"]) == (FLUX_NAMESPACE, FLUX_SYNC)


def _own_problems(parameters: Mapping[str, Any], host: str) -> list[Problem]:
    given = parameters["bootstrap"]
    if not given:
        return []
    found = model.Cluster.from_params(host, {**given, "name": parameters["name"]}).problems()
    return found + secret.problems(given["pull"], given["repository"], given["secrets"], host)


def _cluster_problems(
    cluster: Cluster, parameters: Mapping[str, Any], host: str, facts: Mapping[str, Any]
) -> list[Problem]:
    given = parameters["bootstrap"]
    if not given:
        return []
    wanted = model.Cluster.from_params(host, {**given, "name": parameters["name"]}, facts["uid"])
    found = moved_sync(host, facts["follows"], FluxState.wanted(wanted, Layout()), parameters["allow"])
    if not cluster.may("*", "*", "*"):
        hint = "these credentials can't administer the cluster: Flux's own roles can only be granted by cluster-admin"
        found.append(Problem(host, "fleet_cluster_auth", "", hint))
    return found
