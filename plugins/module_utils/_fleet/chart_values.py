# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Values for charts that a change brings to clusters, and what the charts' own schemas say of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import charts, component_origins, documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.charts import Chart, Wanted
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_files import Placed
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_guard import Deployed
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import Declared
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Path, Request
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import plain
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema_words import Violation, said
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.subcharts import Question

_SUBSTITUTED = "${"
# What these say of a mapping hangs on its keys, and of a list on its length; all else on what they hold, too.
_OF_KEYS = {
    *("type", "required", "dependentRequired", "additionalProperties"),
    *("minProperties", "maxProperties", "minItems", "maxItems"),
}
# These stay violated whatever else is merged into a mapping.
_FOR_GOOD = {"type", "additionalProperties", "maxProperties"}


@dataclass(frozen=True)
class Release:
    """A release whose chart or values change on a cluster. ``more``: whether it has values from elsewhere, too."""

    chart: Chart
    component: str
    host: str
    values: Mapping[str, Any]
    more: bool
    declared: Declared = field(repr=False)


@dataclass(frozen=True)
class Brought:
    """The charts that are new to clusters, and the releases that change there."""

    charts: Sequence[Wanted] = ()
    releases: Sequence[Release] = ()

    @property
    def asked(self) -> set[Chart]:
        """The charts of both."""
        return {one.chart for one in self.charts} | {one.chart for one in self.releases}


def brought(changes: Iterable[tuple[str, Declared, Sequence[Deployed], Sequence[Placed]]]) -> Brought:
    """What changes come to: of each cluster its host, what the inventory says, what it has and what it is to have."""
    new: list[Wanted] = []
    releases: list[Release] = []
    for host, declared, has, placed in changes:
        before, after = (
            {one.name: one.documents for one in has},
            {one.component.name: one.documents for one in placed},
        )
        new += charts.new_to(host, before, after)
        for one in placed:
            if one.component.kind == "helm":
                releases += _changed(host, declared, one, before.get(one.component.name, ()))
    return Brought(new, releases)


def _changed(host: str, declared: Declared, placed: Placed, before: Sequence[Document]) -> Iterator[Release]:
    had = [(chart, _given(document)) for document, chart in charts.released(before)]
    for document, chart in charts.released(placed.documents):
        values, more, judged = given = _given(document)
        if judged and (chart, given) not in had:
            yield Release(chart, placed.component.name, host, values, bool(more), declared)


def _given(release: Document) -> tuple[Mapping[str, Any], Any, bool]:
    """Values, where others come from, and whether Helm holds them against the schema."""
    spec = documents.part(release, "spec")
    judged = not any(documents.part(spec, name).get("disableSchemaValidation") for name in ("install", "upgrade"))
    return documents.part(spec, "values"), spec.get("valuesFrom"), judged


def problems(release: Release, source: str, found: Iterable[tuple[Question, Violation]]) -> Iterator[Problem]:
    """What is wrong with a release's values, of what can be judged. ``source``: the chart that was asked."""
    request = Request({}, release.host)
    for question, violation in found:
        one = _of_release(violation, question.path)
        if not _counts(one, release, more=question.more):
            continue
        for path, hint in said(one, [key for key in _keys(one.value) if _is_said(release, (*one.path, key))]):
            whole = ("values", *path)
            variable = component_origins.variable(release.declared, release.component, whole)
            shown = component_origins.masked(one.value, path) if path == one.path else ""
            place = (variable, release.component, *whole)
            said_by = f"{hint}, says {question.schema_of(source)}"
            yield request.problem(place, plain(shown) if isinstance(shown, bool) else shown, said_by)


def _of_release(one: Violation, place: Path) -> Violation:
    """The same, with paths as they are in the release's values."""
    either = [[_of_release(each, place) for each in branch] for branch in one.either]
    return replace(one, path=(*place, *one.path), either=either)


def _keys(value: Any) -> list[str]:
    return list(value) if isinstance(value, Mapping) else []


def _counts(one: Violation, release: Release, *, more: bool) -> bool:
    """Whether Helm will say the same: what is not there yet may be right."""
    own = _is_said(release, one.path)
    if one.is_conditional and (more or _is_substituted(release.values)):
        return False
    if one.keyword in _OF_KEYS and isinstance(one.value, (Mapping, list)):
        unknown = any(_SUBSTITUTED in key for key in _keys(one.value))
    else:
        unknown = _is_substituted(one.value)
    if unknown or (one.value is None and not own):  # of a chart's own null Helm's versions make different things
        return False
    return not more or (own and (one.keyword in _FOR_GOOD or not isinstance(one.value, Mapping)))


def _is_substituted(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_SUBSTITUTED in key or _is_substituted(item) for key, item in value.items())
    if isinstance(value, list):
        return any(_is_substituted(item) for item in value)
    return isinstance(value, str) and _SUBSTITUTED in value


def _is_said(release: Release, path: Path) -> bool:
    """Whether the release's values say something there, and not the chart's own."""
    value: Any = release.values
    for step in path:
        if isinstance(step, int):
            return isinstance(value, list)  # a list is the release's as a whole
        if not isinstance(value, Mapping) or step not in value:
            return False
        value = value[step]
    return True
