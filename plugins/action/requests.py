# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of ``requests``: files on the controller, and what is wrong with them shown as forges want it."""

from __future__ import annotations

import os
from typing import Any

from ansible.utils.display import Display

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import annotations
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import FleetError
from ansible_collections.fluxops.fleet.plugins.module_utils._io import json_report
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import requests
from ansible_collections.fluxops.fleet.plugins.plugin_utils._base import FleetAction


class ActionModule(FleetAction):
    """See the module's documentation."""

    noun = requests
    on_controller = True

    def perform(self, parameters: dict[str, Any], task_vars: dict[str, Any]) -> Result:
        """The noun's result; a report is written also where nothing is wrong, and in check mode."""
        result = super().perform(parameters, task_vars)
        problems = result.get("problems") or []
        if os.environ.get("GITHUB_ACTIONS") == "true":  # as Gitea and Forgejo have it, too
            for line in annotations.commands(problems):
                Display().display(line)
        try:
            json_report.write(parameters["json_file"], annotations.report(problems))
        except FleetError as error:
            return {**result, "failed": True, "msg": "\n".join(filter(None, (result.get("msg"), str(error))))}
        return result
