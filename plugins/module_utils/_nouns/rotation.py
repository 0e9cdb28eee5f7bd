# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``rotation``: new credentials by which one cluster pulls, its own and its tenants', proven before the old ones go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import (
    AUTH,
    FORGE,
    FORGES,
    KEY_ALGORITHMS,
    KEYS,
    NAME,
    REPOSITORY,
    SECRETS,
    TIMEOUT,
    Specification,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import rotation as turns
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import secret
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._io import flux, rotations
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **AUTH,
    **NAME,
    **REPOSITORY,
    **FORGE,
    **FORGES,
    **KEYS,
    **TIMEOUT,
    "pull": SECRETS["pull"],
    "root_sync": {"type": "bool", "default": True},
    "older_than": {"type": "int", "default": 0},
}

_NEW_KEY = {"kind": "deploy_key", "algorithm": KEY_ALGORITHMS[0]}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Rotate once; see the module's documentation for parameters and result."""
    where, repository = parameters["name"], parameters["repository"]
    how = parameters["pull"] or _NEW_KEY
    raise_if(secret.problems(how if parameters["root_sync"] else None, repository, [], where))
    with Cluster(parameters["auth"], where) as cluster:
        state = flux.observe(cluster)
        wanted = (repository["url"], repository["branch"], Layout().cluster(where))
        raise_if(turns.strangers(where, state.followed, wanted))
        own = [rotations.of_root(cluster, how, parameters, say)] if parameters["root_sync"] else []
        raise_if(problem for one in own for problem in one.problems())
        keyed = rotations.of_keys(cluster, parameters, say)
        together = rotations.Together(cluster, parameters["timeout"])
        due = together.checked([one for one in [*own, *keyed] if one.is_needed(parameters["older_than"])])
        if not check_mode:
            together.run(due)
    done = [] if check_mode else [one for one in due if not together.failure(one)]
    result: Result = {
        "changed": bool(due),
        "source_keys": [
            {**one.described(due, check_mode=check_mode), "failure": together.failure(one)} for one in keyed
        ],
        "by_hand": [text for one in done for text in one.left_by_hand()],
        "revision": state.revision,
        "diff": [shown for one in due for shown in one.diff(check_mode=check_mode)],
    }
    for text in result["by_hand"]:
        say(f"{where}: by hand: {text}")
    root = {key: value for one in own for key, value in one.described(due, check_mode=check_mode).items()}
    failed = "; ".join(together.failures.values())
    return {**root, **result, **({"failed": True, "msg": f"{where}: {failed}"} if failed else {})}
