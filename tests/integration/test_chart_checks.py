# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts are looked for in a real chart repository and a real registry before anything is written."""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.charts import Chart
from ansible_collections.fluxops.fleet.plugins.module_utils._io.chart_repositories import ChartRepositories
from tests.integration.conftest import Grounds
from tests.integration.project import STAGING, Outcome, Project
from tests.lab import Lab, artifacts, charts
from tests.lab.faults import Exchange, FaultProxy, answer, changed

NESTED = "greeter-nested"


def inner_chart() -> dict[str, str]:
    """The files of a chart in the lab's chart, under an alias, which values switch off."""
    dependency = {"name": "inner", "version": "1.0.0", "alias": "store", "condition": "store.enabled"}
    schema = {"type": "object", "properties": {"size": {"type": "integer"}}}
    return {
        "Chart.yaml": yaml.safe_dump({**charts.about(NESTED, "0.1.0"), "dependencies": [dependency]}),
        "charts/inner/Chart.yaml": "{apiVersion: v2, name: inner, version: 1.0.0}\n",
        "charts/inner/values.yaml": "size: 1\n",
        "charts/inner/values.schema.json": json.dumps(schema),
    }


def run(project: Project, components: dict[str, Any], *arguments: str, **variables: Any) -> Outcome:
    given = ("--limit", STAGING, "--tags", "repository", *arguments)
    return project.run(*given, playbook="infrastructure", fleet_components=components, **variables)


def release(**helm: str) -> dict[str, Any]:
    return {"layer": "controllers", "helm": {"ca_secret": "forge-ca", **helm}}


def given(component: dict[str, Any], **values: Any) -> dict[str, Any]:
    return {**component, "values": values}


def test_charts_that_are_not_there_are_refused(grounds: Grounds, lab: Lab) -> None:
    project, forge = grounds.clean([STAGING]), lab.forge
    owner, login = f"charts-{secrets.token_hex(3)}", {"username": forge.facts["user"], "password": forge.facts["token"]}
    token = forge.create_user(owner)
    hidden = {"login_name": owner, "source_id": 0, "visibility": "private"}
    forge.call("PATCH", f"/admin/users/{owner}", json=hidden)
    try:
        for version in ("0.1.0", "0.2.0"):
            opened = charts.publish(forge, version=version)
        private = charts.publish(forge, owner=owner)
        charts.publish(forge, NESTED, more=inner_chart())
        registry, _digest = artifacts.publish_chart(forge, "schemas", "greeter-oci", "0.1.0")
        authority = {"name": "forge-ca", "data": {"ca.crt": Path(forge.facts["ca_cert"]).read_text()}}
        logins = [{"name": "own", "data": {"username": owner, "password": token}}, {"name": "forge", "data": login}]
        project.variables["fleet_secrets"] = [authority, *logins]
        outcome = project.run("--limit", STAGING, "--tags", "repository")
        assert outcome.code == 0, outcome.output
        commits = project.commits()

        wrong = {
            "chart": release(repository=opened, chart="greetr", version="0.1.0"),
            "range": release(repository=opened, chart="greeter", version=">=0.3.0 <1.0.0"),
            "closed": release(repository=private, chart="greeter", version="9.x", secret="own"),
            "tag": release(repository=registry, chart="greeter-oci", version="0.2.x", secret="forge"),
            "name": release(repository=registry, chart="no-such-chart", version="0.2.x", secret="forge"),
            "away": release(repository="https://127.0.0.1:1/charts", chart="x", version="1.x"),
        }
        refused = run(project, wrong)
        assert refused.code != 0
        assert "5 problem(s), nothing was written" in refused.words
        for words in (
            f"fleet_components.chart.helm.chart is 'greetr': {opened} has no such chart, did you mean greeter?",
            f"fleet_components.range.helm.version is '>=0.3.0 <1.0.0': {opened} has no such version of greeter; ",
            f"fleet_components.closed.helm.version is '9.x': {private} has no such version of greeter; it has 0.1.0",
            f"fleet_components.tag.helm.version is '0.2.x': {registry} has no such version of greeter-oci; ",
            f"fleet_components.name.helm.chart is 'no-such-chart': {registry} has no such chart",
        ):
            assert words in refused.words
        assert project.commits() == commits

        # What this run can't ask is no fault: its repository is away, or hides what it has from those it does not know.
        blind = release(repository=private, chart="greeter", version="9.x", secret="of-somebody-else")
        fine = {
            "range": release(repository=opened, chart="greeter", version="0.2.x"),
            "tag": release(repository=registry, chart="greeter-oci", version="0.1.x", secret="forge"),
            "nested": release(repository=opened, chart=NESTED, version="0.1.x"),
            "away": wrong["away"],
            "blind": blind,
        }
        done = run(project, fine)
        assert done.code == 0, done.output
        assert "[WARNING]: https://127.0.0.1:1/charts: does not answer" in done.words
        assert (
            f"[WARNING]: {private}: needs Secret of-somebody-else, which fleet_secrets does not have here" in done.words
        )
        assert len(project.commits()) == len(commits) + 1

        # Only what is new to a cluster is asked for, and nothing where that is not wanted.
        again = run(project, fine)
        assert again.code == 0, again.output
        assert "does not answer" not in again.words
        assert "were not held against the schema" not in f"{done.words} {again.words}"

        values_are_held_against_schemas(project, fine)
        unasked = run(project, {**fine, "chart": wrong["chart"]}, "--check", fleet_check_charts=False)
        assert unasked.code == 0, unasked.output
    finally:
        forge.call("DELETE", f"/admin/users/{owner}?purge=true", missing=None)
        grounds.forget()


def values_are_held_against_schemas(project: Project, fine: dict[str, Any]) -> None:
    """A chart's own schema is asked before the commit, of a repository and a registry; Helm would say it after that."""
    commits = len(project.commits())
    misfits = {
        **fine,
        "range": given(fine["range"], replicas="three", greeting="${greeting:-7}"),
        "tag": given(fine["tag"], replicas=-1),
        "nested": given(fine["nested"], store={"size": "large"}),
    }
    own = {STAGING: {"fleet_components_cluster": {"range": {"values": {"greeting": 7}}}}}
    refused = run(project, misfits, hosts=own)
    assert refused.code != 0
    assert "4 problem(s), nothing was written" in refused.words
    says = "says values.schema.json of"
    for words in (
        "fleet_components.range.values.replicas is 'three': must be integer, says {} greeter 0.2.0",
        "fleet_components_cluster.range.values.greeting is '7': must be string, says {} greeter 0.2.0",
        "fleet_components.tag.values.replicas is '-1': must be at least 0, says {} greeter-oci 0.1.0",
        f"fleet_components.nested.values.store.size is 'large': must be integer, {says} subchart store of chart",
    ):
        assert words.format("values.schema.json of chart") in refused.words
    assert len(project.commits()) == commits
    nothing = project.folder / "jsonschema.py"
    nothing.write_text("raise ImportError\n")
    project.environment["PYTHONPATH"] = str(nothing.parent)
    without = run(project, misfits, "--check", hosts=own)
    del project.environment["PYTHONPATH"]
    nothing.unlink()
    assert without.code == 0, without.output
    assert (
        f"[WARNING]: chart greeter 0.2.0, chart {NESTED} 0.1.0, chart greeter-oci 0.1.0: the Python package jsonschema "
        "(4.18 or newer) is not installed: values were not held against the schema"
    ) in without.words
    off = {"enabled": False, "size": "of no matter where it is switched off"}
    fitting = {
        **fine,
        "range": given(fine["range"], replicas=2, greeting="${greeting:-7}"),
        "nested": given(fine["nested"], store=off),
    }
    fits = run(project, fitting)
    assert fits.code == 0, fits.output
    assert len(project.commits()) == commits + 1


def test_a_charts_archive_is_fetched_from_where_it_is(lab: Lab) -> None:
    forge = lab.forge
    repository = charts.publish(forge)
    registry, _digest = artifacts.publish_chart(forge, "schemas", "greeter-oci", "0.1.0")
    login = {"username": forge.facts["user"], "password": forge.facts["token"]}
    known = {"ca": {"ca.crt": Path(forge.facts["ca_cert"]).read_text()}, "forge": login}
    packed: list[bytes] = []
    shown: list[str | None] = []

    def away(exchange: Exchange) -> None:
        packed.append(exchange.real()[2])
        exchange.give(307, {"Location": "/elsewhere"}, b"")

    def elsewhere(exchange: Exchange) -> None:
        shown.append(exchange.headers.get("Authorization"))
        exchange.give(200, {}, packed[0])

    with FaultProxy(lab.settings, forge.facts["url"]) as proxy:
        http = Chart(repository.replace(forge.facts["url"], proxy.url), "greeter", "0.1.0", "forge", "ca")
        moved = registry.replace(artifacts.registry(forge), proxy.url.removeprefix("https://"))
        oci = Chart(moved, "greeter-oci", "0.1.x", "forge", "ca")

        def read(chart: Chart) -> Any:
            """What its schema asks for, or why that is not known; nothing is remembered."""
            asked = ChartRepositories(known)
            contents, silent = asked.contents(asked.look([chart]))
            return contents[chart].schema["properties"]["replicas"]["type"] if contents else silent[chart]

        # The index names an address on another host, or a path beside itself.
        assert read(http) == "integer"
        assert not any(one.endswith(".tgz") for one in proxy.asked)
        proxy.inject("GET .*/index.yaml", changed(lambda body: body.replace(repository.encode() + b"/", b"")))
        assert read(http) == "integer"
        assert any(one.endswith(".tgz") for one in proxy.asked)
        digest = rb"\1digest: " + b"ab" * 32 + rb"\n\1created:"
        proxy.inject("GET .*/index.yaml", changed(lambda body: re.sub(rb"( +)created:", digest, body)))
        assert read(http) == "its archive is not the one that the digest is of"

        # A registry sends those whom it knows elsewhere, where their password has no business.
        assert read(oci) == "integer"
        proxy.inject("GET .*/blobs/", away, answer(404))
        proxy.inject("GET /elsewhere", elsewhere)
        assert read(oci) == "integer"
        assert shown == [None]
        assert read(oci) == "its archive is not given out (HTTP 404)"
        assert proxy.left == 0
