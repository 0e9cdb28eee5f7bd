# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Charts that a plan brings to clusters, looked for in their repositories, and their values held against their schemas,
before the plan is carried out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import chart_values, charts, documents, subcharts
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.chart_values import Release
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.charts import Answer, Chart
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_checks import together
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.infrastructure import InfrastructurePlan
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema_words import Violation
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.subcharts import Contents, Question
from ansible_collections.fluxops.fleet.plugins.module_utils._io import value_schemas
from ansible_collections.fluxops.fleet.plugins.module_utils._io.chart_repositories import ChartRepositories

Think = Callable[[Snapshot], InfrastructurePlan]


class ChartChecks:
    """Remembers over one run what repositories said, and which did not answer."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        """``parameters``: the noun's, of which ``check_charts`` and ``secrets`` are read."""
        own = [one for one in parameters["secrets"] if one["namespace"] == FLUX_NAMESPACE]
        self._asks = bool(parameters["check_charts"])
        self._repositories = ChartRepositories({one["name"]: one["data"] for one in own})
        self._judged: dict[tuple[Chart, str, bool], list[tuple[Question, Violation]]] = {}
        self._warnings: set[str] = set()

    @property
    def warnings(self) -> list[str]:
        """What could not be checked, and why."""
        return sorted(self._warnings)

    def checking(self, think: Think) -> Think:
        """What plans, and raises InvalidInput where a chart that it brings is not there, or refuses its values."""

        def checked(snapshot: Snapshot) -> InfrastructurePlan:
            change = think(snapshot)
            if self._asks and change.brought.asked:
                answers = self._repositories.look(change.brought.asked)
                self._warnings.update(charts.unasked(answers))
                absent = charts.verdict(change.brought.charts, answers)
                raise_if(together([*absent, *self._of_values(change.brought.releases, answers)]))
            return change

        return checked

    def _of_values(self, releases: Sequence[Release], answers: Mapping[Chart, Answer]) -> Iterator[Problem]:
        """What the schemas of the charts themselves say of the values that they are to get."""
        mine = {one.chart for one in releases}
        versions = {one: charts.resolved(one, answers[one]) for one in mine}
        known, silent = self._repositories.contents({one: answers[one] for one in mine if versions[one]})
        self._warnings.update(f"{charts.said(one, versions[one])}: {why}: {_WORDS}" for one, why in silent.items())
        judged = {one: found for one, found in known.items() if found.has_schema}
        if judged and not value_schemas.is_installed():
            names = ", ".join(sorted(charts.said(one, versions[one]) for one in judged))
            self._warnings.add(f"{names}: {value_schemas.MISSING}: {_WORDS}")
            return
        for one in releases:
            if one.chart in judged:
                contents, source = judged[one.chart], charts.said(one.chart, versions[one.chart])
                yield from chart_values.problems(one, source, self._violations(one, contents, source))

    def _violations(self, release: Release, contents: Contents, source: str) -> list[tuple[Question, Violation]]:
        """Clusters of an environment mostly have the same values."""
        key = release.chart, documents.canonical(release.values), release.more
        if key not in self._judged:
            self._judged[key] = [
                (question, violation)
                for question in subcharts.asked(contents, release.values, more=release.more)
                for violation in self._held(question, source)
            ]
        return self._judged[key]

    def _held(self, question: Question, source: str) -> list[Violation]:
        try:
            return value_schemas.violations(question.schema, question.values)
        except ValueError as error:
            self._warnings.add(f"{question.schema_of(source)}: {error}: {_WORDS}")
            return []


_WORDS = "values were not held against the schema"
