# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Components that bring CRDs leave a real cluster: what the plan says, what needs which word, and what is left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.conftest import Grounds
from tests.integration.project import STAGING, Outcome, Project, eventually
from tests.lab import Lab, charts

CHART = "gadgets"
KINDS = {"widgets": "Widget", "gadgets": "Gadget", "gears": "Gear"}
BOTH = ["remove_component", "remove_crds"]


def definition(plural: str) -> dict[str, Any]:
    """A CRD without any demand on its objects."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"plural": plural, "singular": plural[:-1], "kind": KINDS[plural]}
    spec = {"group": "lab.example", "scope": "Namespaced", "names": names, "versions": [version]}
    metadata = {"name": f"{plural}.lab.example"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": spec,
    }


def made(plural: str) -> dict[str, Any]:
    """An object of it."""
    metadata = {"name": "one", "namespace": "default"}
    return {"apiVersion": "lab.example/v1", "kind": KINDS[plural], "metadata": metadata}


@pytest.fixture(scope="module")
def components(lab: Lab) -> dict[str, Any]:
    """One with a CRD in plain manifests, and one whose chart has one in its templates and one in crds/."""
    files = {f"templates/{CHART}.yaml": definition("gadgets"), "crds/gears.yaml": definition("gears")}
    more = {path: yaml.safe_dump(content) for path, content in files.items()}
    url = charts.publish(lab.forge, CHART, "0.1.0", more=more)
    helm = {"repository": url, "version": "0.1.0", "secret": "forge", "ca_secret": "forge"}
    return {
        "widgets": {"layer": "controllers", "manifests": [definition("widgets")]},
        "gadgets": {"layer": "controllers", "helm": helm},
    }


@pytest.fixture(scope="module")
def project(grounds: Grounds, lab: Lab, components: dict[str, Any]) -> Iterator[Project]:
    """A cluster with both, and an object of each of their CRDs."""
    found, facts = grounds.clean([STAGING]), lab.forge.facts
    data = {"username": facts["user"], "password": facts["token"], "ca.crt": Path(facts["ca_cert"]).read_text()}
    found.variables["fleet_secrets"] = [{"name": "forge", "data": data}]
    for playbook in ("bootstrap", "infrastructure"):
        outcome = found.run("--limit", STAGING, playbook=playbook, fleet_components=components)
        assert outcome.code == 0, outcome.output
    objects = {"apiVersion": "v1", "kind": "List", "items": [made(plural) for plural in KINDS]}
    grounds.clusters[STAGING].kubectl("apply", "-f", "-", text=json.dumps(objects))
    yield found
    grounds.forget()


def run(project: Project, components: dict[str, Any], *arguments: str, **variables: Any) -> Outcome:
    return project.run(
        "--limit", STAGING, *arguments, playbook="infrastructure", fleet_components=components, **variables
    )


def test_components_leave_with_their_definitions(
    project: Project, grounds: Grounds, components: dict[str, Any]
) -> None:
    cluster, commits = grounds.clusters[STAGING], project.commits()
    gone = {name: {**fields, "state": "absent"} for name, fields in components.items()}

    waits = {"layer": "configs", "manifests": [made("widgets")], "depends_on": ["widgets"]}
    refused = run(project, {**gone, "waits": waits}, fleet_allow=BOTH)
    assert "fleet_components.waits.depends_on is 'widgets': " in refused.words

    refused = run(project, gone)
    widgets, gadgets, gears = (f"CustomResourceDefinition {plural}.lab.example" for plural in KINDS)
    for words in (
        f"takes all of it (1 object ({widgets}); {widgets} with 1 object (default/one)) away from {STAGING}: run again",
        f"{gadgets} with 1 object (default/one);",
        f"{gears} with 1 object (default/one) stays, since Helm never removes what a chart has in crds/",
    ):
        assert words in refused.words
    refused = run(project, gone, fleet_allow=["remove_component"])
    for plural in ("widgets", "gadgets"):
        said = f"{plural}: CustomResourceDefinition is '{plural}.lab.example': would go, and with it all"
        assert said in refused.words
    assert "'gears.lab.example'" not in refused.words
    assert project.commits() == commits

    # An object that drops out is as a component that goes.
    other = {**components, "widgets": {"layer": "controllers", "manifests": [definition("gears")]}}
    refused = run(project, other, fleet_allow=["remove_component"])
    assert "CustomResourceDefinition is 'widgets.lab.example': would go" in refused.words

    planned = run(project, gone, "--check", fleet_allow=BOTH)
    assert planned.code == 0, planned.output
    assert f"{STAGING}: widgets: what goes: all of it (1 object" in planned.words
    assert project.commits() == commits

    # With nothing left of them no further word is needed.
    for plural in ("widgets", "gadgets"):
        cluster.kubectl("delete", f"{plural}.lab.example", "-n", "default", "one")
    outcome = run(project, gone, fleet_allow=["remove_component"])
    assert outcome.code == 0, outcome.output

    def left() -> list[str]:
        return [one["metadata"]["name"] for one in cluster.get("crd") if one["spec"]["group"] == "lab.example"]

    eventually(lambda: left() == ["gears.lab.example"], "the CRDs are gone, but for that of crds/")
    assert cluster.get("gears.lab.example", "-n", "default", "one") is not None
    again = run(project, gone)
    assert again.code == 0, again.output
    assert again.changed == {STAGING: 0}
    assert "what goes" not in again.words
