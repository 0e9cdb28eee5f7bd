# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``reconcile``: one cluster has applied a revision, and what it was to bring is there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import (
    AUTH,
    NAME,
    REPOSITORY,
    TIMEOUT,
    Specification,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import standing, state
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import NotReady
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.health import View
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.standing import Standing, Wish
from ansible_collections.fluxops.fleet.plugins.module_utils._io import evidence, flux, flux_listing
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster, wait
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **AUTH,
    **NAME,
    **TIMEOUT,
    "repository": {**REPOSITORY["repository"], "required": False},
    "revision": {"type": "str", "default": ""},
    "rejected": {"type": "list", "elements": "str", "default": []},
    "files": {"type": "list", "elements": "str", "default": []},
    "tenants": {"type": "list", "elements": "str", "default": []},
    "components": {"type": "bool", "default": False},
    "everything": {"type": "bool", "default": False},
    "ask": {"type": "bool", "default": False},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Ask and wait; see the module's documentation for parameters and result."""
    where, everything = parameters["name"], parameters["everything"]
    changed = {"changed": bool(parameters["files"])}
    wish = Wish(
        commit=parameters["revision"],
        rejected=tuple(parameters["rejected"]),
        components=parameters["components"] or everything,
        tenants=None if everything else parameters["tenants"],
    )
    with Cluster(parameters["auth"], where) as cluster:
        view, state_now, found = _look(cluster, wish)
        if check_mode or not (found.pending or parameters["ask"]):
            return {**changed, **found.as_dict()}
        if found.root.state == "suspended":
            raise NotReady(f"{where}: {found.root.failure}")
        asked, started = datetime.now(UTC).isoformat(), time.monotonic()
        wanted = standing.to_ask(view, state_now, wish, found, all_of_them=parameters["ask"])
        flux.request(cluster, wanted, asked)
        found = _wait(cluster, wish, asked, parameters["timeout"], say)
        why = found.explain() if found.pending else ""
        why += evidence.gather(cluster, why) if why else ""
    result = {**changed, **found.as_dict()}
    if not found.pending:
        return result
    said = f"not ready after {time.monotonic() - started:.0f} s: {why}"
    return {**result, "failed": True, "msg": f"{where}: {said}"}


def _look(cluster: Cluster, wish: Wish, asked: str = "") -> tuple[View, state.FluxState, Standing]:
    found = flux_listing.everything(cluster)
    view, state_now = View(found, flux_listing.owners(cluster), asked), state.of(found)
    return view, state_now, standing.stand(view, state_now, wish)


def _wait(cluster: Cluster, wish: Wish, asked: str, timeout: float, say: Say) -> Standing:
    stalled, said = standing.Stalled(), [""]

    def done(found: Standing) -> bool:
        if found.pending and found.pending[0].failure not in said:
            said.append(found.pending[0].failure)
            say(f"{cluster.where}: waiting for {len(found.pending)}: {found.pending[0].name}: {said[-1]}")
        return not found.pending or stalled(found.pending, time.monotonic())

    return wait(lambda: _look(cluster, wish, asked)[2], done, timeout)
