# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a component is for: by name, environment, group and label; and what the inventory does not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import component_checks
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_clusters import Place, is_for
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_layers import Layers
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import Declared, present

LAYERS = Layers.of(["controllers", "configs"])
POLICIES = {"layer": "configs", "kustomize": {"path": "infrastructure/base/policies"}}
OTHERS = {"layer": "configs", "kustomize": {"path": "infrastructure/base/others"}}
PLACES = {
    name: Place.from_params({"name": name, "environment": environment, "groups": groups, "labels": labels})
    for name, environment, groups, labels in (
        ("stg-1", "staging", ["clusters", "eu"], {"tier": "edge", "gpu": True}),
        ("stg-2", "staging", ["clusters", "us"], {"tier": "core"}),
        ("prd-1", "production", ["clusters", "eu"], None),
    )
}


def problems(*hosts: str, by_host: Mapping[str, Any] | None = None, **components: Any) -> list[str]:
    """What is wrong where these hosts of the inventory are in the run, all with these components."""
    declared = {name: Declared.from_layers([(by_host or {}).get(name, components)], PLACES[name]) for name in hosts}
    environments = {name: place.environment for name, place in PLACES.items()}
    return [str(one) for one in component_checks.problems(declared, environments, LAYERS, PLACES)]


def only(**selector: Any) -> dict[str, Any]:
    """A component for these clusters."""
    return {**POLICIES, "clusters": selector}


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        (None, {"stg-1", "stg-2", "prd-1"}),
        ({}, {"stg-1", "stg-2", "prd-1"}),
        ({"environments": ["staging"]}, {"stg-1", "stg-2"}),
        ({"environments": ["staging", "production"]}, {"stg-1", "stg-2", "prd-1"}),
        ({"groups": ["eu"]}, {"stg-1", "prd-1"}),
        ({"groups": ["eu"], "environments": ["staging"]}, {"stg-1"}),
        ({"names": ["stg-2", "prd-1"]}, {"stg-2", "prd-1"}),
        ({"labels": {"tier": "edge"}}, {"stg-1"}),
        ({"labels": {"tier": "edge", "gpu": True}}, {"stg-1"}),
        ({"labels": {"tier": "core", "gpu": "true"}}, set()),
        ({"labels": {"gpu": "true"}}, {"stg-1"}),
    ],
)
def test_is_for(selector: Any, names: set[str]) -> None:
    assert {name for name, place in PLACES.items() if is_for(selector, place)} == names


def test_a_cluster_has_what_is_for_it() -> None:
    layers = [{"a": only(groups=["eu"]), "b": OTHERS}]
    assert [one.name for one in present(Declared.from_layers(layers, PLACES["stg-1"]), LAYERS)] == ["a", "b"]
    assert [one.name for one in present(Declared.from_layers(layers, PLACES["stg-2"]), LAYERS)] == ["b"]
    assert problems(*PLACES, a=only(groups=["eu"]), b=OTHERS) == []


@pytest.mark.parametrize(
    ("selector", "words"),
    [
        (["staging"], "a.clusters: a mapping, found a list"),
        ({"environment": ["staging"]}, "a.clusters.environment: there is no such field, did you mean environments?"),
        ({"environments": "staging"}, "a.clusters.environments is 'staging': a list, found text"),
        ({"environments": []}, "a.clusters.environments: 1 to 100 entries, found 0"),
        ({"labels": {}}, "a.clusters.labels: 1 to 100 entries, found 0"),
        ({"labels": {"tier": ["edge"]}}, "a.clusters.labels.tier"),
        (
            {"environments": ["stagign"]},
            "is 'stagign': the inventory has no such environment, did you mean staging? (it has: production, staging)",
        ),
        ({"groups": ["us", "asia"]}, "a.clusters.groups is 'asia': the inventory has no such group of a cluster"),
        ({"names": ["stg-3"]}, "a.clusters.names is 'stg-3': the inventory has no such cluster, did you mean stg-"),
        (
            {"labels": {"tier": "egde"}},
            "a.clusters.labels is 'tier: egde': the inventory has no such label, did you mean",
        ),
        (
            {"groups": ["us"], "environments": ["production"]},
            "a.clusters is 'groups: us; environments: production': no cluster of the inventory that has this component",
        ),
    ],
)
def test_bad_selector(selector: Any, words: str) -> None:
    (found,) = problems(*PLACES, a={**POLICIES, "clusters": selector})
    assert words in found


def test_a_run_for_some_judges_by_all() -> None:
    """Under --limit a component for clusters outside of the run is none for nobody."""
    assert problems("stg-1", a=only(environments=["production"])) == []
    assert problems("stg-1", a=only(names=["stg-2"])) == []


def test_a_component_that_only_others_declare_is_for_nobody() -> None:
    hosts = {"stg-1": {}, "stg-2": {}, "prd-1": {"a": only(environments=["staging"])}}
    (found,) = problems(*PLACES, by_host=hosts)
    assert found.startswith("prd-1: fleet_components.a.clusters is 'environments: staging': no cluster")
    assert problems("prd-1", by_host=hosts) == []
    hosts["prd-1"]["a"]["state"] = "absent"
    assert problems(*PLACES, by_host=hosts) == []


def test_dependency_on_what_is_for_others() -> None:
    (found,) = problems(*PLACES, a={**OTHERS, "depends_on": ["b"]}, b=only(groups=["eu"]))
    assert found == ("stg-2: fleet_components.a.depends_on is 'b': this is for groups: eu, and not for this cluster")
