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
        earlier = parameters["earlier"]
        if parameters["stopped"]:
            return {"changed": False, "clusters": earlier, "stopped": parameters["stopped"]}
        result = super().perform(parameters, task_vars)
        if result.get("failed") and earlier:
            return {"changed": False, "clusters": earlier, "stopped": str(result["msg"])}
        return {**result, "clusters": {**earlier, **result.get("clusters", {})}, "stopped": ""}
