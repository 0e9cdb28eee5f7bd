# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of ``clusters``: the Git side runs on the controller."""

from __future__ import annotations

from typing import Any

from ansible import constants

from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import clusters
from ansible_collections.fluxops.fleet.plugins.plugin_utils._wave import WaveAction


class ActionModule(WaveAction):
    """See the module's documentation."""

    noun = clusters

    def perform(self, parameters: dict[str, Any], task_vars: dict[str, Any]) -> Result:
        """The noun, with this run's own folder to share verified manifests in."""
        return super().perform({**parameters, "cache": constants.DEFAULT_LOCAL_TMP}, task_vars)
