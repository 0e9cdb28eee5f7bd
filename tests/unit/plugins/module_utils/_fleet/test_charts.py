# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts of a change: which they are, what an index says of them, and what is said of those that are not there."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import charts
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.charts import Answer, Chart, Wanted
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.tests.unit.plugins.infrastructure_samples import bootstrapped, plan, published

URL = "https://charts.example/stable"
HELM = {"repository": f"{URL}/", "version": "1.x", "secret": "login", "ca_secret": "ca"}
CHART = Chart(URL, "app", "1.x", "login", "ca")


def component(**helm: str) -> dict[str, Any]:
    """A release."""
    return {"layer": "controllers", "helm": {**HELM, **helm}}


def test_charts_that_are_new_to_a_cluster() -> None:
    app = component()
    first = plan(bootstrapped(), {"stg-1": ({"app": app},)})
    assert first.brought.charts == [Wanted(CHART, "app", "stg-1")]
    repository = published({"stg-1": ({"app": app},)})
    for same in (app, {**app, "values": {"a": 1}}):
        assert plan(repository, {"stg-1": ({"app": same},)}).brought.charts == []
    own = plan(repository, {"stg-1": ({"app": app}, {}, {}, {"app": {"helm": {"version": "2.x"}}})})
    assert [one.chart.version for one in own.brought.charts] == ["2.x"]


def test_what_flux_substitutes_or_pins_is_not_asked_for() -> None:
    git = {"layer": "controllers", "helm": {"git": "https://git.example/a.git", "ref": {"tag": "v1"}, "path": "chart"}}
    pinned = {"repository": "oci://registry.example/charts", "digest": f"sha256:{'0' * 64}"}
    found = {"git": git, "pinned": {"layer": "controllers", "helm": pinned}}
    assert plan(bootstrapped(), {"stg-1": (found,)}).brought.charts == []
    assert not Chart(URL, "app", "${version}").is_known


INDEX = {
    "apiVersion": "v1",
    "entries": {
        "app": [{"version": "1.2.0", "urls": ["a.tgz"]}, {"version": "1.1.0", "description": "a: b\n\n  c:\n- d"}],
        "app-more": [{"version": "9.0.0"}],
        "none": [],
    },
    "generated": "2026-01-01T00:00:00Z",
}


@pytest.mark.parametrize(
    "text",
    [
        yaml.safe_dump(INDEX),
        yaml.safe_dump(INDEX, indent=4, sort_keys=False),
        json.dumps(INDEX),
        json.dumps(INDEX, indent=2),
        yaml.safe_dump(INDEX).replace("  app:", '  "app":').replace("\n", "\r\n"),
        "# made by hand\n" + yaml.safe_dump(INDEX).replace("  app:", "  app: # ours"),
    ],
)
def test_index(text: str) -> None:
    found = charts.listed(text, "app")
    assert found.versions == ("1.2.0", "1.1.0")
    assert set(found.others) == {"app", "app-more", "none"}
    assert charts.listed(text, "none").versions == ()
    assert charts.listed(text, "missing").versions is None


names = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True).filter(lambda one: one not in ("null", "true", "false"))
versions = st.lists(st.from_regex(r"[0-9]\.[0-9]\.[0-9]", fullmatch=True), max_size=3)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=30)


@settings(max_examples=50, phases=[Phase.explicit, Phase.generate])
@given(st.dictionaries(names, versions, min_size=1, max_size=4), texts)
def test_index_is_read_as_all_of_it_would_be(entries: dict[str, list[str]], text: str) -> None:
    made = {name: [{"version": one, "description": text} for one in ones] for name, ones in entries.items()}
    written = yaml.safe_dump({"apiVersion": "v1", "entries": made, "generated": "now"}, sort_keys=False)
    for name, ones in entries.items():
        assert charts.listed(written, name).versions == tuple(ones)
        assert set(charts.listed(written, name).others) == set(entries)


@pytest.mark.parametrize("text", ["", "<html>no</html>", "apiVersion: v1\n", "{]", '{"entries": []}', "[]"])
def test_what_is_no_index(text: str) -> None:
    with pytest.raises(InvalidInput):
        charts.listed(text, "app")


def test_empty_index() -> None:
    assert charts.listed("apiVersion: v1\nentries: {}\ngenerated: x\n", "app").versions is None


def said(version: str, answer: Answer, name: str = "app") -> list[str]:
    """What is wrong with a wish."""
    chart = Chart(URL, name, version)
    return [str(one) for one in charts.verdict([Wanted(chart, "mine", "stg-1")], {chart: answer})]


HAS = Answer(("2.0.0", "1.2.0", "1.1.0", "1.0.0", "0.9.0", "0.8.0", "latest"), ("app", "apple"))


@pytest.mark.parametrize("version", ["1.x", "1.2.0", "v1.2.0", ">=1.0.0 <2.0.0", "*", "latest"])
def test_what_is_there(version: str) -> None:
    assert said(version, HAS) == []


def test_range_without_a_version() -> None:
    assert said("3.x", HAS) == [
        (
            "stg-1: fleet_components.mine.helm.version is '3.x': https://charts.example/stable has no such version of "
            "app; it has 2.0.0, 1.2.0, 1.1.0, 1.0.0, 0.9.0"
        )
    ]
    many = Answer(tuple(f"1.{number}.0" for number in range(20)))
    (one,) = said("1.5.7", many)
    assert one.endswith("it has 1.8.0, 1.7.0, 1.6.0, 1.5.0, 1.4.0; the newest is 1.19.0")
    assert said("1.x", Answer(())) == [
        (
            "stg-1: fleet_components.mine.helm.version is '1.x': https://charts.example/stable has no such version of "
            "app; it has none"
        )
    ]


def test_chart_that_is_not_there() -> None:
    assert said("1.x", Answer(None, ("app", "nginx")), "nginxx") == [
        (
            "stg-1: fleet_components.mine.helm.chart is 'nginxx': https://charts.example/stable has no such chart, "
            "did you mean nginx? (it has: app, nginx)"
        )
    ]


def test_repository_that_does_not_answer_is_no_fault() -> None:
    silent = Answer(silent="does not answer (timed out)")
    assert said("3.x", silent) == []
    told = charts.unasked({Chart(URL, name, "1"): silent for name in ("a", "b")})
    assert told == [
        (
            f"{URL}: does not answer (timed out): the charts that this run brings to clusters, and values for them, "
            "were not checked"
        )
    ]
