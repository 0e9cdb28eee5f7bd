# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of ``flux``: the noun, and the judgement whether what a cluster applied contains our commit."""

from __future__ import annotations

from typing import Any

from ansible import constants

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.published import Published
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import flux
from ansible_collections.fluxops.fleet.plugins.plugin_utils._revision import RevisionAction


class ActionModule(RevisionAction):
    """See the module's documentation."""

    noun = flux

    def perform(self, parameters: dict[str, Any], task_vars: dict[str, Any]) -> Result:
        """The noun, with this run's own folder to share verified manifests in."""
        if self._is_local():
            parameters = {**parameters, "cache": constants.DEFAULT_LOCAL_TMP}
        return super().perform(parameters, task_vars)

    @staticmethod
    def _awaited(parameters: dict[str, Any]) -> str:
        """The commit to wait for."""
        return Published.from_params(parameters["published"]).revision
