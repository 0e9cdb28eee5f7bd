# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``preflight``: one cluster as it is, and what stands in the way of what it is meant to be. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
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
    admission,
    component_removals,
    components,
    model,
    preflight,
    secret,
    upgrade,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_clusters import Place
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._io import component_removals as removals
from ansible_collections.fluxops.fleet.plugins.module_utils._io import credentials, flux, manifests
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

_GATE: Specification = {
    "hold": {"type": "int"},
    "revert": {"type": "bool"},
    "ignore": {"type": "list", "elements": "str"},
}
ARGUMENTS: Specification = {
    **AUTH,
    **NAME,
    **CLUSTER,
    **REPOSITORY,
    **SECRETS,
    **FORGE,
    **FORGES,
    **TIMEOUT,
    **ALLOW,
    "known_hosts": KEYS["known_hosts"],
    "flux": {**CLUSTER["flux"], "required": False},
    "host": {"type": "str"},
    "namespaces": {"type": "bool", "default": False},
    "before": {"type": "bool", "default": False},
    "components": {"type": "json", "default": "[]"},
    "groups": {"type": "list", "elements": "str", "default": []},
    "labels": {"type": "dict", "default": {}},
    "upgrade": {"type": "bool", "default": False},
    "waves": {"type": "list", "elements": "raw", "default": []},
    "gate": {"type": "dict", "default": {}, "options": _GATE},
    "sops": {"type": "dict", "default": {}},
}

_LACKS = "lacks_credential"
_AS_GIVEN = ("name", "environment", "substitutions", "flux", "components", "upgrade", "waves", "sops")


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Facts and problems of one cluster; see the module's documentation for parameters and result."""
    host, repository = parameters["host"] or parameters["name"], parameters["repository"]
    also = [key for key in ("namespaces", "before") if parameters[key]]
    changes, asks = partial(_changes, host, parameters), partial(_asked, parameters)
    facts = flux.look(parameters["auth"], host, also=also, changes=changes, asks=asks)
    lacks = facts.pop(_LACKS, False)
    found = {
        "host": host,
        **{key: parameters[key] for key in _AS_GIVEN},
        "gate": {field: value for field, value in parameters["gate"].items() if value is not None},
        "repository": {key: repository[key] for key in ("url", "branch")},
        "removals": {},
        **facts,
    }
    problems = _of_flux(host, parameters, facts) if parameters["flux"] else _of_member(found, parameters)
    unproven = not problems and facts["reachable"] and lacks
    return {
        "changed": False,
        **found,
        "unproven": unproven,
        "problems": [problem.as_dict() for problem in problems],
    }


def _asked(parameters: Mapping[str, Any], cluster: Cluster, found: flux.Found) -> dict[str, Any]:
    return {**_credential(parameters, cluster), "removals": _removals(parameters, cluster, found)}


def _removals(parameters: Mapping[str, Any], cluster: Cluster, found: flux.Found) -> dict[str, Any]:
    """What goes with components that go."""
    layers = [manifests.readable(one) for one in components.given(parameters["components"], cluster.where)]
    if not layers:
        return {}
    going = component_removals.going(layers, Place.from_params(parameters), found)
    return removals.look(cluster, going)


def _credential(parameters: Mapping[str, Any], cluster: Cluster) -> dict[str, bool]:
    """Whether the cluster lacks a credential that is given for it: one that it has was seen to work."""
    pull, repository = parameters["pull"], parameters["repository"]
    if not pull or pull["kind"] not in secret.GIVEN or secret.problems(pull, repository, [], cluster.where):
        return {}
    return {_LACKS: credentials.pull(cluster, pull, repository, None).changed}


def _changes(host: str, parameters: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    return bool(parameters["flux"]) and upgrade.matters(facts, model.Cluster.from_params(host, parameters))


def _of_flux(host: str, parameters: Mapping[str, Any], facts: Mapping[str, Any]) -> list[Problem]:
    wanted = model.Cluster.from_params(host, parameters, facts["uid"])
    return [
        *wanted.problems(),
        *admission.problems(wanted, facts),
        *secret.provider_problems(parameters["pull"], wanted.provider, host),
        *secret.problems(parameters["pull"], parameters["repository"], parameters["secrets"], host),
        *preflight.cluster_problems(wanted, facts, parameters["allow"]),
        *upgrade.version_problems(wanted, facts, parameters["allow"], migrates=parameters["upgrade"]),
    ]


def _of_member(found: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[Problem]:
    member = model.Member.from_params(found)
    also = preflight.member_problems(member, found, parameters["allow"], parameters["secrets"])
    return [*member.problems(), *also]
