# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of ``adopt``: the Git side runs on the controller, and its tables are printed as they are."""

from __future__ import annotations

from typing import Any

from ansible.utils.display import Display

from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import adopt
from ansible_collections.fluxops.fleet.plugins.plugin_utils._base import FleetAction


class ActionModule(FleetAction):
    """See the module's documentation."""

    noun = adopt
    on_controller = True

    def perform(self, parameters: dict[str, Any], task_vars: dict[str, Any]) -> Result:
        """The noun, and its tables on the screen."""
        result = super().perform(parameters, task_vars)
        Display().display(result.get("table", ""))
        return result
