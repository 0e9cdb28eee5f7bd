# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Charts that a plan brings to clusters, looked for in their repositories before the plan is carried out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import charts
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_checks import together
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.infrastructure import InfrastructurePlan
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._io.chart_repositories import ChartRepositories

Think = Callable[[Snapshot], InfrastructurePlan]


class ChartChecks:
    """Remembers over one run what repositories said, and which did not answer."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        """``parameters``: the noun's, of which ``check_charts`` and ``secrets`` are read."""
        own = [one for one in parameters["secrets"] if one["namespace"] == FLUX_NAMESPACE]
        self._asks = bool(parameters["check_charts"])
        self._repositories = ChartRepositories({one["name"]: one["data"] for one in own})
        self.warnings: list[str] = []

    def checking(self, think: Think) -> Think:
        """What plans, and raises InvalidInput where a chart that it brings is not there."""

        def checked(snapshot: Snapshot) -> InfrastructurePlan:
            change = think(snapshot)
            if self._asks and change.charts:
                answers = self._repositories.look(one.chart for one in change.charts)
                raise_if(together(charts.verdict(change.charts, answers)))
                self.warnings = sorted({*self.warnings, *charts.unasked(answers)})
            return change

        return checked
