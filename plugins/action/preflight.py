# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of ``preflight``: the noun in this process, or the module on a bastion; and what the Git server says."""

from __future__ import annotations

from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._io import pull_proof
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import preflight
from ansible_collections.fluxops.fleet.plugins.plugin_utils._base import FleetAction


class ActionModule(FleetAction):
    """See the module's documentation."""

    noun = preflight

    def perform(self, parameters: dict[str, Any], task_vars: dict[str, Any]) -> Result:
        """The noun's result; a credential that is new to the cluster is tried from here, where Git is."""
        result = super().perform(parameters, task_vars)
        if result.get("unproven"):
            found = pull_proof.problems(parameters["pull"], parameters["repository"], result["host"])
            result["problems"] = [*result["problems"], *(problem.as_dict() for problem in found)]
        return result
