# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of nouns that publish wave by wave: it remembers the earlier waves, and ends a run in good order."""

from __future__ import annotations

from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result
from ansible_collections.fluxops.fleet.plugins.plugin_utils._base import FleetAction


class WaveAction(FleetAction):
    """The noun for one wave.

    A task that one host runs for all registers its result for all: what the earlier waves came to is carried on. A
    failure of it would fail all hosts at once: once something is published, it is a result, and the report names it.
    """

    on_controller = True
    shows_own_diff = True

    def perform(self, parameters: dict[str, Any], task_vars: dict[str, Any]) -> Result:
        """The noun's result, with those of earlier waves."""
        earlier, stopped = parameters["earlier"], parameters["stopped"]
        known = {"clusters": earlier.get("clusters") or {}, "pending": earlier.get("pending") or []}
        before = {**known, "published": False, "paused": False}
        if stopped:
            return {"changed": False, **before, "stopped": stopped, "paused": bool(earlier.get("paused"))}
        result = super().perform(parameters, task_vars)
        if result.get("failed") and before["clusters"]:
            return {"changed": False, **before, "stopped": str(result["msg"])}
        if before["clusters"] and self._task.check_mode and not task_vars.get("ansible_check_mode"):
            # The cluster phase alone: what of a later wave is not published yet is for another run.
            awaits = [str(one["awaits"]) for one in result.get("clusters", {}).values() if one.get("awaits")]
            if awaits:
                return {"changed": False, **before, "stopped": awaits[0], "paused": True}
        clusters = {**before["clusters"], **result.get("clusters", {})}
        return {**before, **result, "clusters": clusters, "published": bool(result.get("changed")), "stopped": ""}
