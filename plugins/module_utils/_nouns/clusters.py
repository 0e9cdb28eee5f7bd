# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``clusters``: the directories of all clusters of a run in the fleet repository, by one commit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import ALLOW, FORGE, REPOSITORY, Specification
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import preflight
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Cluster
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import HAND_EDITS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.publication import Wishes, plan_clusters
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer
from ansible_collections.fluxops.fleet.plugins.module_utils._io import distribution, forge, templates
from ansible_collections.fluxops.fleet.plugins.module_utils._io.publishing import by_sync, publish_all
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **REPOSITORY,
    **ALLOW,
    **FORGE,
    "clusters": {"type": "list", "elements": "dict", "required": True},
    "inventory": {"type": "dict", "default": {}},
    "unreachable": {"type": "str", "choices": ["skip", "fail"], "default": "skip"},
    "hand_edits": {"type": "str", "choices": list(HAND_EDITS), "default": "hold"},
    "templates": {"type": "path"},
    "cache": {"type": "path"},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Publish what the given clusters need; see the module's documentation for parameters and result."""
    groups = by_sync(_checked(parameters))
    thoughts = {sync: (group, partial(plan_clusters, _wishes(group, parameters))) for sync, group in groups.items()}
    for sync in groups:
        forge.check(parameters["forge"], sync.url)
    return publish_all(parameters["repository"], thoughts, check_mode=check_mode, say=say)


def _checked(parameters: Mapping[str, Any]) -> list[Cluster]:
    specifications = parameters["clusters"]
    problems = preflight.stated_problems(specifications, parameters["unreachable"])
    clusters = [Cluster.from_params(one["host"], one, one["uid"]) for one in specifications if one["reachable"]]
    problems += preflight.same_names(parameters["inventory"] or {one["host"]: one["name"] for one in specifications})
    problems += preflight.same_cluster(clusters)
    raise_if(problems)
    return clusters


def _wishes(clusters: list[Cluster], parameters: Mapping[str, Any]) -> Wishes:
    hosts = {one.distribution: one.host for one in clusters}
    components = {one: distribution.load(one, host, parameters["cache"]) for one, host in hosts.items()}
    renderer = Renderer(templates.read("bootstrap", parameters["templates"]))
    anew = [one["name"] for one in parameters["clusters"] if one["reachable"] and not one.get("follows")]
    return Wishes(clusters, components, renderer, parameters["hand_edits"], parameters["allow"], anew)
