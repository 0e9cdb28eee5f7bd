# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of ``flux``: the noun, and the judgement whether what a cluster applied contains our commit."""

from __future__ import annotations

from typing import Any

from ansible import constants

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import FleetError
from ansible_collections.fluxops.fleet.plugins.module_utils._io import git
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import flux
from ansible_collections.fluxops.fleet.plugins.plugin_utils._base import FleetAction


class ActionModule(FleetAction):
    """See the module's documentation."""

    noun = flux

    def perform(self, parameters: dict[str, Any], task_vars: dict[str, Any]) -> Result:
        """The noun, again for as long as Flux has applied a revision that lacks the commit."""
        if self._is_local():
            parameters = {**parameters, "cache": constants.DEFAULT_LOCAL_TMP}
        result = super().perform(parameters, task_vars)
        if self._task.check_mode or result.get("failed"):
            return result
        try:
            contained = self._contained(parameters, result["revision"].rpartition(":")[2])
        except FleetError as error:
            return {**result, "failed": True, "msg": str(error)}
        if contained:
            return result
        rejected = [*parameters["rejected"], result["revision"].rpartition(":")[2]]
        again = self.perform({**parameters, "rejected": rejected}, task_vars)
        done = {key: result[key] for key in ("changed", "applied", "diff", "warnings") if key in result}
        return {**again, **done}  # what was applied was applied by the first call

    @staticmethod
    def _contained(parameters: dict[str, Any], applied: str) -> bool:
        commit = parameters["revision"]
        if not commit or applied == commit:
            return True
        with git.Repository(git.Remote(**parameters["repository"])) as repository:
            return repository.contains(applied, commit)
