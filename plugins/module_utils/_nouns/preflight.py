# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``preflight``: one cluster as it is, and what stands in the way of what it is meant to be. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import (
    ALLOW,
    AUTH,
    CLUSTER,
    NAME,
    REPOSITORY,
    SECRETS,
    Specification,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import model, preflight, secret
from ansible_collections.fluxops.fleet.plugins.module_utils._io import flux
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **AUTH,
    **NAME,
    **CLUSTER,
    **REPOSITORY,
    **SECRETS,
    **ALLOW,
    "host": {"type": "str"},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Facts and problems of one cluster; see the module's documentation for parameters and result."""
    host, repository = parameters["host"] or parameters["name"], parameters["repository"]
    facts = flux.look(parameters["auth"], host)
    wanted = model.Cluster.from_params(host, parameters, facts["uid"])
    problems = [
        *wanted.problems(),
        *secret.problems(parameters["pull"], repository, parameters["secrets"], host),
        *preflight.cluster_problems(wanted, facts, parameters["allow"]),
    ]
    specification = {key: parameters[key] for key in ("name", "environment", "substitutions", "flux")}
    return {
        "changed": False,
        "host": host,
        **specification,
        "repository": {key: repository[key] for key in ("url", "branch")},
        **facts,
        "problems": [problem.as_dict() for problem in problems],
    }
