# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory says of components: merged deeply, checked all at once, in an order that Flux can follow."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import component_checks, components
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_layers import Layers
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import (
    Component,
    Declared,
    dependencies,
    merged,
    present,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import mappings

LAYERS = Layers.of(["controllers", "configs"])
HELM = {"layer": "controllers", "helm": {"repository": "https://charts.example", "version": "1.18.x"}}
POLICIES = {"layer": "configs", "kustomize": {"path": "infrastructure/base/policies"}}
QUOTA = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "default"}}


def declared(*layers: Any) -> Declared:
    """What the inventory says for one cluster; layers left out are empty."""
    return Declared.from_layers(layers)


def problems(*layers: Any, order: Layers = LAYERS) -> list[str]:
    """What is wrong with one host's layers, as people read it."""
    found = component_checks.problems({"stg-1": declared(*layers)}, {"stg-1": "staging"}, order)
    return [str(problem) for problem in found]


def one(fields: Any, name: str = "cert-manager") -> list[str]:
    """What is wrong with a single component."""
    return problems({name: fields})


def test_merged_goes_deep_and_replaces_lists() -> None:
    weak = {"a": {"values": {"x": 1, "list": [1, 2], "deep": {"y": 1, "z": 1}}}, "b": {"layer": "configs"}}
    strong = {"a": {"values": {"list": [3], "deep": {"z": 2}, "new": None}}}
    assert merged([weak, strong, {}]) == {
        "a": {"values": {"x": 1, "list": [3], "deep": {"y": 1, "z": 2}, "new": None}},
        "b": {"layer": "configs"},
    }
    assert weak["a"]["values"]["list"] == [1, 2]


@given(mappings, mappings)
def test_merged_keeps_what_the_later_one_says(weak: dict[str, Any], strong: dict[str, Any]) -> None:
    found = merged([weak, strong])
    assert merged([found, strong]) == found
    assert merged([weak, {}]) == weak
    assert set(found) == set(weak) | set(strong)
    for key, value in strong.items():
        if not isinstance(value, dict):
            assert found[key] == value


def test_keys_become_text() -> None:
    found = declared({"x": {"values": {"tcp": {8080: "a"}, True: [{1: 2}]}}}, {"x": {"values": {"tcp": {"8080": "b"}}}})
    assert found.own["x"]["values"] == {"tcp": {"8080": "b"}, "true": [{"1": 2}]}


def test_declared_tells_the_environments_part_from_the_clusters() -> None:
    found = declared(
        {"cert-manager": {**HELM, "values": {"a": 1}}},
        {"cert-manager": {"values": {"b": 2}}},
        {"cert-manager": {"values": {"a": 3}}},
        {"policies": POLICIES, "cert-manager": {"state": "absent"}},
    )
    assert found.shared == {"cert-manager": {**HELM, "values": {"a": 1, "b": 2}}}
    assert found.own["cert-manager"]["values"] == {"a": 3, "b": 2}
    assert set(found.present) == {"policies"}


def test_component_has_defaults() -> None:
    found = Component.from_fields("cert-manager", HELM)
    assert (found.kind, found.namespace, found.interval, found.timeout) == ("helm", "cert-manager", "10m", "5m")
    assert found.helm["chart"] == found.helm["release"] == "cert-manager"
    assert Component.from_fields("x", {**POLICIES, "kustomize": {"path": "./infrastructure/base/x/"}}).path == (
        "infrastructure/base/x"
    )


def test_nothing_is_wrong() -> None:
    storage = {"layer": "controllers", "manifests": [QUOTA], "interval": "1h30m", "timeout": "90s"}
    assert problems({"cert-manager": HELM, "policies": POLICIES, "storage": storage}) == []
    assert problems() == []


@pytest.mark.parametrize(
    "version",
    [
        "1.18.2",
        "v1.18.2",
        "1.18.x",
        "1.x",
        "*",
        ">=1.18.0 <2.0.0",
        ">= 1.2, < 2 || ~3.1",
        "^1.2.3",
        "1.2 - 2",
        "1.0.0-rc.1+b",
    ],
)
def test_versions_and_ranges(version: str) -> None:
    assert one({**HELM, "helm": {**HELM["helm"], "version": version}}) == []


@pytest.mark.parametrize(
    "version", ["", "latest", "promote", "promoted || 1.x", "1.18.2.3.4", "1.18; rm", "1.2\n", ">", "1..2", "${v}"]
)
def test_what_is_no_version(version: str) -> None:
    (found,) = one({**HELM, "helm": {**HELM["helm"], "version": version}})
    assert found.startswith("stg-1: fleet_components.cert-manager.helm.version")
    assert "such as 1.18.2, 1.18.x" in found


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Foo_Bar", "lower-case letters"),
        ("../x", "lower-case letters"),
        ("", "lower-case letters"),
        ("a" * 49, "at most 48 characters"),
        ("flux-system", "is the name of the fleet's own sync"),
        ("cert\u2010manager", "U+2010"),
    ],
)
def test_names(name: str, words: str) -> None:
    (found,) = one(HELM, name)
    assert words in found


WRONG = [
    (
        {"helms": {}},
        "cert-manager.helms: there is no such field, did you mean helm? (known: layer, state, namespace, helm,",
    ),
    (
        {"helm": {"repositry": "x"}},
        "cert-manager.helm.repositry: there is no such field, did you mean repository? (known: repository, chart,",
    ),
    (
        {"helm": {"version": 1.1}},
        "helm.version is '1.1': a version or a range of versions, such as 1.18.2, 1.18.x or >=1.18.0 <2.0.0, or pro",
    ),
    ({"helm": {"version": None}}, "helm.version: is empty: leave the field out, or give a version"),
    ({"helm": []}, "cert-manager.helm: a mapping, found a list"),
    ({"values": ["a"]}, "cert-manager.values: a mapping, found a list"),
    ({"values": "a: b"}, "cert-manager.values: a mapping, found text"),
    ({"values": {"a": [{"b": float("nan")}]}}, "cert-manager.values.a[0].b is 'nan': Kubernetes knows finite numbers"),
    ({"layer": 3}, "first and last, at most 63, found a number: put it in quotes"),
    ({"layer": True}, "first and last, at most 63, found true or false: put it in quotes"),
    ({"state": "gone"}, "cert-manager.state is 'gone': one of present, absent"),
    ({"namespace": "Kube_System"}, "cert-manager.namespace is 'Kube_System': lower-case letters"),
    ({"namespace": "a\n  evil: true"}, "cert-manager.namespace is"),
    ({"interval": "10 minutes"}, "cert-manager.interval is '10 minutes': a duration above zero, such as 30s, 10m"),
    (
        {"timeout": 300},
        "timeout is '300': a duration above zero, such as 30s, 10m or 1h30m, found a number: put it in quotes",
    ),
    ({"depends_on": "policies"}, "cert-manager.depends_on is 'policies': a list, found text"),
    ({"depends_on": [1]}, "cert-manager.depends_on[0] is '1': lower-case letters"),
    ({"helm": {"repository": "http://charts.example"}}, "is 'http://charts.example': https://host/path"),
    ({"helm": {"repository": "file:///etc"}}, "is 'file:///etc': https://host/path"),
    ({"helm": {"repository": "https://charts.example/?a=b"}}, "holds no white space, '?' or '#'"),
    ({"helm": {"repository": "https://host:port/"}}, "this is no URL"),
    ({"helm": {"chart": "../x"}}, "helm.chart is '../x': the chart's name in its repository"),
    ({"helm": {"release": "r" * 54}}, "at most 53 characters, found 54"),
    ({"helm": {"secret": "a b"}}, "helm.secret is 'a b': the name of a Secret in flux-system"),
    (
        {"kustomize": {"path": "infrastructure/base/../../projects"}},
        "kustomize.path is 'infrastructure/base/../../projects'",
    ),
    ({"kustomize": {"path": "/infrastructure/base"}}, "kustomize.path is '/infrastructure/base'"),
    ({"kustomize": {"path": ""}}, "kustomize.path: a directory within the repository"),
    ({"manifests": []}, "cert-manager.manifests: holds no object"),
    ({"manifests": [QUOTA, QUOTA]}, "cert-manager.manifests is 'ConfigMap default settings': stands twice"),
    ({"manifests": ["a"]}, "cert-manager.manifests[0]: an object of Kubernetes, found text"),
    ({"manifests": [{"kind": "Namespace", "apiVersion": "v1"}]}, "cert-manager.manifests[0].metadata.name: is missing"),
    ({"manifests": [{**QUOTA, "kind": "Secret"}]}, "is 'Secret': would lie in Git in clear: encrypt it with SOPS"),
]


@pytest.mark.parametrize(
    ("fields", "words"), WRONG, ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else ""
)
def test_wrong_fields(fields: dict[str, Any], words: str) -> None:
    (found,) = one({**HELM, **fields})
    assert found.startswith("stg-1: fleet_components.cert-manager")
    assert words in found


def test_credentials_in_a_url_are_not_shown() -> None:
    (found,) = one({**HELM, "helm": {"repository": "https://robot:hunter2@charts.example", "version": "1.0.0"}})
    assert "credentials stand in the URL" in found
    assert "hunter2" not in found


def test_all_problems_at_once_each_with_its_variable() -> None:
    found = problems(
        {"a": {"layer": 1}}, {"B": {}}, {"c": {"values": []}}, {"d": None}, order=Layers.of(["x", "x", "clusters", "Y"])
    )
    assert sorted(text.partition(" ")[2].partition(" ")[0].rstrip(":") for text in found) == [
        "fleet_components.a.layer", "fleet_components_cluster.d", "fleet_components_environment",
        "fleet_components_region.c.values", "fleet_layers", "fleet_layers", "fleet_layers",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"layer": "controllers"}, "cert-manager: must have one of helm, kustomize, manifests"),
        (
            {**HELM, **POLICIES},
            "must have one of helm, kustomize, manifests, access, external_secrets, and has helm and kustomize",
        ),
        ({"layer": "controllers", "helm": {}}, "cert-manager.helm.repository: is missing"),
        ({"helm": HELM["helm"]}, "cert-manager.layer is 'empty': one of fleet_layers: controllers, configs"),
        ({**HELM, "layer": "apps"}, "cert-manager.layer is 'apps': one of fleet_layers: controllers, configs"),
        ({**POLICIES, "values": {"a": 1}}, "cert-manager.values: is for helm, and this component is of kustomize"),
        ({**POLICIES, "namespace": "x"}, "cert-manager.namespace: is for helm, and this component is of kustomize"),
    ],
)
def test_incomplete_components(fields: dict[str, Any], words: str) -> None:
    assert words in "\n".join(one(fields))


def test_absent_components_need_not_be_whole() -> None:
    assert one({"state": "absent"}) == []


def test_problems_that_hosts_share_are_said_once() -> None:
    layers = declared({"x": {}})
    hosts = [f"stg-{number}" for number in range(5)]
    found = component_checks.problems(dict.fromkeys(hosts, layers), dict.fromkeys(hosts, "staging"), LAYERS)
    assert {problem.where for problem in found} == {"stg-0, stg-1 and 3 more"}


def test_order_is_that_of_layers_then_of_names() -> None:
    layers = {"zoo": {**POLICIES}, "b": {**HELM}, "a": {**HELM}}
    assert [component.name for component in present(declared(layers), LAYERS)] == ["a", "b", "zoo"]


def test_each_layer_waits_for_the_one_before_that_exists() -> None:
    order = Layers.of(["first", "none", "second", "third"])
    layers = {
        "a": {**HELM, "layer": "first"},
        "b": {**HELM, "layer": "first", "depends_on": ["a"]},
        "c": {**HELM, "layer": "second"},
        "d": {**HELM, "layer": "third", "depends_on": ["a"]},
    }
    found = dependencies(present(declared(layers), order), order)
    assert found == {"a": [], "b": ["a"], "c": ["a", "b"], "d": ["a", "c"]}


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ({"a": {**HELM, "depends_on": ["a"]}}, "fleet_components.a.depends_on: waits for itself: a → a"),
        (
            {
                "a": {**HELM, "depends_on": ["b"]},
                "b": {**HELM, "depends_on": ["c"]},
                "c": {**HELM, "depends_on": ["a"]},
            },
            "fleet_components.a.depends_on: waits for itself: a → b → c → a",
        ),
        (
            {"crds": {**HELM, "depends_on": ["rules"]}, "rules": POLICIES},
            "waits for itself: crds → rules → crds (each layer waits for the one before it)",
        ),
        (
            {"a": {**HELM, "depends_on": ["nothing"]}},
            "a.depends_on is 'nothing': this cluster has no such component; it has a",
        ),
        (
            {"a": {**HELM, "depends_on": ["b"]}, "b": {**HELM, "state": "absent"}},
            "fleet_components.a.depends_on is 'b': this cluster has no such component; it has a",
        ),
        (
            {
                "a": {**HELM, "namespace": "x", "helm": {**HELM["helm"], "release": "b"}},
                "b": {**HELM, "namespace": "x"},
            },
            "fleet_components.b.helm.release is 'x/b': is the release of a too",
        ),
    ],
)
def test_between_components(layers: dict[str, Any], words: str) -> None:
    (found,) = problems(layers)
    assert words in found


def test_hosts_of_an_environment_must_agree() -> None:
    hosts = {
        name: declared({"a": {**HELM, "values": {"x": name[-1] == "3"}}, "b": POLICIES}) for name in ("s1", "s2", "s3")
    }
    environments = {"s1": "staging", "s2": "staging", "s3": "staging", "p1": "production"}
    hosts["p1"] = declared()
    (found,) = component_checks.problems(hosts, environments, LAYERS)
    assert str(found) == (
        "s3: fleet_components with fleet_components_environment: a: must be the same on all hosts of staging, and "
        "differs from that of s1, s2: what differs belongs into fleet_components_region or fleet_components_cluster"
    )


@given(mappings)
def test_any_input_is_refused_or_made_a_component(fields: dict[str, Any]) -> None:
    for layers in (fields, {"x": fields}, {"x": {**HELM, "values": fields}}, {"x": {"manifests": [fields]}}):
        if not problems(layers):
            assert [component.name for component in present(declared(layers), LAYERS)] == sorted(
                declared(layers).present
            )


LAID = [{"a": {"values": {"8080": None, "ä": [1, 2.5, True, "x"]}}}, {}]


@pytest.mark.parametrize("layers", [LAID, json.dumps(LAID), json.dumps(LAID, ensure_ascii=False, indent=2)])
def test_layers_are_a_list_or_its_text(layers: Any) -> None:
    assert components.given(layers, "stg-1") == LAID
    assert components.given("[]", "stg-1") == []


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ("[{}, ", "stg-1: components"),
        ('{"a": {}}', "stg-1: components: a list of at most 4 mappings"),
        ([{}] * 5, "stg-1: components: a list of at most 4 mappings"),
        ('[{}, "greeter"]', "stg-1: fleet_components_environment: a mapping of components by name"),
    ],
)
def test_layers_of_another_form_are_refused(layers: Any, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        components.given(layers, "stg-1")
    assert said in str(caught.value)
