# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``flux_info``: one cluster as it is. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import AUTH, CLUSTER, REPOSITORY, Specification
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import model, ready
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, Unreachable
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
        "options": {**{key: value for key, value in CLUSTER.items() if key != "name"}, **REPOSITORY},
    },
    "allow": {"type": "list", "elements": "str", "default": []},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Facts of one cluster; see the module's documentation for parameters and result."""
    host = parameters["host"] or parameters["name"]
    facts: dict[str, Any] = {
        "changed": False,
        "host": host,
        "name": parameters["name"],
        "reachable": True,
        "failure": "",
    }
    try:
        with Cluster(parameters["auth"], host) as cluster:
            facts |= _facts(cluster)
            problems = _preflight(cluster, parameters, host, facts)
    except Unreachable as error:
        facts |= {"reachable": False, "ready": False, "failure": str(error), "uid": "", "version": "", "revision": ""}
        problems = _own_problems(parameters, host)
    bootstrap = {key: value for key, value in (parameters["bootstrap"] or {}).items() if key != "repository"}
    return {**facts, **bootstrap, "repository": _public(parameters), "problems": [one.as_dict() for one in problems]}


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


def _preflight(cluster: Cluster, parameters: Mapping[str, Any], host: str, facts: Mapping[str, Any]) -> list[Problem]:
    if not parameters["bootstrap"]:
        return []
    wanted = model.Cluster.from_params(host, {**parameters["bootstrap"], "name": parameters["name"]}, facts["uid"])
    problems = wanted.problems()
    problems += moved_sync(host, facts["follows"], FluxState.wanted(wanted, Layout()), parameters["allow"])
    if not cluster.may("*", "*", "*"):
        hint = "these credentials can't administer the cluster: Flux's own roles can only be granted by cluster-admin"
        problems.append(Problem(host, "fleet_cluster_auth", "", hint))
    return problems


def _own_problems(parameters: Mapping[str, Any], host: str) -> list[Problem]:
    given = parameters["bootstrap"]
    return model.Cluster.from_params(host, {**given, "name": parameters["name"]}).problems() if given else []


def _public(parameters: Mapping[str, Any]) -> dict[str, str]:
    repository = (parameters["bootstrap"] or {}).get("repository") or {}
    return {field: repository[field] for field in ("url", "branch") if field in repository}
