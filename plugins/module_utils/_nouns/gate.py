# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``gate``: all that was ready on one cluster before its wave is ready again, and stays so for a while. Reads only."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import AUTH, NAME, TIMEOUT, Specification
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import gate
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import NotReady
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.health import Health
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.standing import Stalled
from ansible_collections.fluxops.fleet.plugins.module_utils._io import evidence, flux_listing
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster, wait
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **AUTH,
    **NAME,
    **TIMEOUT,
    "before": {"type": "dict", "default": {}},
    "strict": {"type": "bool", "default": False},
    "removes": {"type": "bool", "default": False},
    "ignore": {"type": "list", "elements": "str", "default": []},
    "hold": {"type": "int", "default": 0},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Wait and watch; see the module's documentation for parameters and result."""
    where, hold, strict = parameters["name"], parameters["hold"], parameters["strict"]
    if check_mode:
        return {"changed": False}
    with Cluster(parameters["auth"], where) as cluster, evidence.told(cluster):
        ill, what = _wait(cluster, parameters, say), "not ready"
        if not ill and hold:
            say(f"{where}: gate: all is ready, and is watched for {hold} s")
            what = f"ready at first, and no more within {hold} s"
            ill = wait(lambda: _look(cluster, parameters), lambda found: bool(gate.failed(found)), hold)
            if not gate.failed(ill):  # what is on its way when the time is up may arrive
                ill = _wait(cluster, parameters, say)
        if ill:
            raise NotReady(gate.told(ill, where, what, strict=strict))
    return {"changed": False}


def _look(cluster: Cluster, parameters: Mapping[str, Any]) -> list[Health]:
    was = parameters["before"]
    ailing = frozenset() if parameters["strict"] else frozenset(was.get("ailing", ()))
    fleet = frozenset() if parameters["removes"] else frozenset(was.get("fleet", ()))
    found, owners = flux_listing.everything(cluster), flux_listing.owners(cluster)
    return gate.shut(found, owners, gate.Bar(ailing, fleet, parameters["ignore"]))


def _wait(cluster: Cluster, parameters: Mapping[str, Any], say: Say) -> list[Health]:
    stalled, said = Stalled(), [""]

    def done(ill: list[Health]) -> bool:
        if ill and ill[0].failure not in said:
            said.append(ill[0].failure)
            say(f"{cluster.where}: gate: waiting for {len(ill)}: {said[-1]}")
        return not ill or stalled(ill, time.monotonic())

    return wait(lambda: _look(cluster, parameters), done, parameters["timeout"])
