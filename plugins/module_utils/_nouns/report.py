# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``report``: what came of a run, as a table for people and as JSON for machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import Specification
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import outcome
from ansible_collections.fluxops.fleet.plugins.module_utils._io import json_report
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    "rows": {"type": "list", "elements": "dict", "required": True},
    "json_file": {"type": "path"},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """The table; writes the JSON file also in check mode, since it is the report and changes nothing of the fleet."""
    rows = parameters["rows"]
    json_report.write(parameters["json_file"], outcome.as_data(rows))
    return {"changed": False, "table": outcome.tables(rows), "not_ready": outcome.failed(rows)}
