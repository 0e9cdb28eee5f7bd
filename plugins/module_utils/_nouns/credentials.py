# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``credentials``: the Secrets that Git can't hold, and the forge's leave for the keys among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import (
    AUTH,
    FORGE,
    FORGES,
    KEYS,
    NAME,
    REPOSITORY,
    SECRETS,
    Specification,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._io import credentials
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **AUTH,
    **NAME,
    **REPOSITORY,
    **FORGE,
    **FORGES,
    **SECRETS,
    **KEYS,
    "tenants": {"type": "list", "elements": "str", "default": []},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Make the Secrets of one cluster true; see the module's documentation for parameters and result."""
    where = parameters["name"]
    with Cluster(parameters["auth"], where) as cluster:
        result = credentials.put(cluster, parameters, parameters["source_keys"], check_mode=check_mode, say=say)
    failed = {"failed": True, "msg": f"{where}: " + "; ".join(result["failures"])} if result["failures"] else {}
    return {**failed, **result}
