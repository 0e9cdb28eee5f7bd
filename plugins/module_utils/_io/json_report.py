# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The report of a run as a file on the controller, for other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import FleetError, Problem


def write(path: str | None, data: Any) -> None:
    """Write it, also in check mode, since it changes nothing of the fleet; without a path nothing.

    Raises FleetError where it can't be written.
    """
    if not path:
        return
    try:
        Path(path).write_text(f"{json.dumps(data, indent=2)}\n", encoding="utf-8")
    except OSError as error:
        hint = f"can't be written: {error.strerror}: give a file in a directory that is there"
        raise FleetError(problems=[Problem("run", "fleet_report", path, hint)]) from None
