# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The charts that a change brings to clusters, and whether their repositories have them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, semver
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import VARIABLES
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem, some
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.structures import did_you_mean

_SHOWN = 5
_KEY = re.compile(r"( +)([\"']?)([^\s\"':#-][^\"':]*)\2 *:(?: *\[\])?(?: *#.*)?")


@dataclass(frozen=True, order=True)
class Chart:
    """A chart of a chart repository or a registry, and the names of the Secrets that Flux reads it with."""

    url: str
    name: str
    version: str
    secret: str = ""
    ca_secret: str = ""

    @property
    def is_known(self) -> bool:
        """Whether all of it stands there: what Flux substitutes is another thing on each cluster."""
        return bool(self.version) and "$" not in f"{self.url}{self.name}{self.version}"


@dataclass(frozen=True)
class Answer:
    """What a repository says of a chart: its ``versions``, None where it has no such chart, and ``others`` that it has.

    ``silent``: why it says nothing. ``archives``: version → where an index says that its archive is, and the digest.
    """

    versions: tuple[str, ...] | None = None
    others: tuple[str, ...] = ()
    silent: str = ""
    archives: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, order=True)
class Wanted:
    """A chart that is new to a cluster, at its host and component."""

    chart: Chart
    component: str
    host: str


def released(objects: Iterable[Document]) -> Iterator[tuple[Document, Chart]]:
    """The Helm releases among some objects that take their chart from a repository among them."""
    found = list(objects)
    sources = {one["metadata"]["name"]: documents.part(one, "spec") for one in found if one["kind"] == "HelmRepository"}
    for one in found:
        told = documents.mapping(documents.part(one, "spec").get("chart")) if one["kind"] == "HelmRelease" else {}
        spec = documents.part(told, "spec")
        reference = documents.mapping(spec.get("sourceRef"))
        source = sources.get(str(reference.get("name"))) if reference.get("kind") == "HelmRepository" else None
        if source:
            chart, version = (str(spec.get(name) or "") for name in ("chart", "version"))
            names = (str(documents.part(source, name).get("name") or "") for name in ("secretRef", "certSecretRef"))
            known = Chart(str(source.get("url") or "").rstrip("/"), chart, version, *names)
            if known.is_known:
                yield one, known


def of(objects: Iterable[Document]) -> set[Chart]:
    """The charts that they take."""
    return {chart for _release, chart in released(objects)}


def new_to(
    host: str, before: Mapping[str, Iterable[Document]], after: Mapping[str, Iterable[Document]]
) -> Iterator[Wanted]:
    """The charts that the components (name → objects) of a cluster come to have."""
    for name, objects in after.items():
        for chart in sorted(of(objects) - of(before.get(name, ()))):
            yield Wanted(chart, name, host)


def listed(text: str, chart: str) -> Answer:
    """What an ``index.yaml`` says of a chart; raises InvalidInput where it is none.

    https://helm.sh/docs/topics/chart_repository/#the-index-file. Some have tens of megabytes, so of YAML only the lines
    of this chart are read.
    """
    entries = _in_json(text) if text.lstrip().startswith("{") else _in_yaml(text, chart)
    own = entries.get(chart)
    ones = [one for one in own if isinstance(one, Mapping) and one.get("version")] if isinstance(own, list) else []
    names = tuple(str(one) for one in entries)
    archives = {str(one["version"]): _archive(one) for one in reversed(ones)}
    return Answer(None if own is None else tuple(str(one["version"]) for one in ones), names, archives=archives)


def _archive(entry: Mapping[str, Any]) -> tuple[str, str]:
    urls = entry.get("urls")
    return str(urls[0]) if isinstance(urls, list) and urls else "", str(entry.get("digest") or "")


def _in_json(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("entries"), dict):
        raise InvalidInput("this is no index of a chart repository")
    return dict(found["entries"])


def _in_yaml(text: str, chart: str) -> Mapping[str, Any]:
    """Chart → its entries, those of all others left out."""
    lines = text.splitlines()
    start = next((number for number, line in enumerate(lines) if re.fullmatch(r"entries:( *\{\})?\s*", line)), None)
    if start is None:
        raise InvalidInput("this is no index of a chart repository")
    result: dict[str, Any] = {}
    own: list[str] = []
    name, indent = "", ""
    for line in lines[start + 1 :]:
        if line[:1] not in ("", " ", "-", "#"):
            break
        key = _KEY.fullmatch(line)
        if key and key[1] == (indent or key[1]):
            indent, name = key[1], key[3]
            result[name] = ()
        elif name == chart:
            own.append(line)
    if own:
        (read,) = documents.read("entries:\n" + "\n".join(own), "index.yaml")
        result[chart] = read["entries"]
    return result


def verdict(wanted: Sequence[Wanted], answers: Mapping[Chart, Answer]) -> Iterator[Problem]:
    """Charts that are not there, and ranges in which no version is."""
    for one in wanted:
        if fault := _fault(one.chart, answers[one.chart]):
            field, value, hint = fault
            yield Problem(one.host, f"{VARIABLES[0]}.{one.component}.helm.{field}", value, hint)


def _fault(chart: Chart, answer: Answer) -> tuple[str, str, str] | None:
    if answer.silent:
        return None
    if answer.versions is None:
        meant = did_you_mean(chart.name, sorted(answer.others))
        has = f" (it has: {some(sorted(answer.others), _SHOWN)})" if answer.others else ""
        return "chart", chart.name, f"{chart.url} has no such chart{meant}{has}"
    allowed = semver.Range.read(chart.version)
    if allowed is None or resolved(chart, answer):
        return None
    close_ones = semver.nearest(answer.versions, allowed.anchor, _SHOWN)
    newest = semver.newest_first(answer.versions)[:1]
    has = ", ".join(close_ones) or "none"
    more = f"; the newest is {newest[0]}" if newest and newest[0] not in close_ones else ""
    return "version", chart.version, f"{chart.url} has no such version of {chart.name}; it has {has}{more}"


def resolved(chart: Chart, answer: Answer) -> str:
    """The version of a chart that Flux will take; empty where there is none."""
    versions, allowed = answer.versions or (), semver.Range.read(chart.version)
    if chart.version in versions:
        return chart.version
    read = {one: semver.Version.read(one) for one in versions} if allowed else {}
    fitting = [text for text, one in read.items() if allowed and one and allowed.allows(one)]
    return (semver.newest_first(fitting) or [""])[0]


def said(chart: Chart, version: str) -> str:
    """A chart for messages."""
    return f"chart {chart.name} {version}"


def unasked(answers: Mapping[Chart, Answer]) -> list[str]:
    """What is said of repositories that gave no answer: the clusters may reach them all the same."""
    said = {(one.url, answer.silent) for one, answer in answers.items() if answer.silent}
    words = "the charts that this run brings to clusters, and values for them, were not checked"
    return [f"{url}: {why}: {words}" for url, why in sorted(said)]
