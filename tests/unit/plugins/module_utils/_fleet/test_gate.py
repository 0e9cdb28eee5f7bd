# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate between waves: what holds it shut, what does not, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import gate
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.gate import Bar
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.health import Health
from ansible_collections.fluxops.fleet.tests.unit.plugins.flux_samples import (
    OLD,
    component_sync,
    controller,
    flux,
    found,
    sync,
)

APP = "Kustomization shop/app"


def app(status: str = "True", **changes: Any) -> dict[str, Any]:
    return flux("Kustomization", "shop/app", status, **changes)


def rolling() -> dict[str, Any]:
    one = controller("helm-controller")
    return {**one, "status": {**one["status"], "availableReplicas": 0}}


@pytest.mark.parametrize(
    ("objects", "measure", "expected"),
    [
        ([app()], Bar(), {}),
        ([app("False")], Bar(), {APP: "failed"}),
        ([app("Unknown")], Bar(), {APP: "waiting"}),
        ([app("False", suspend=True)], Bar(), {}),
        ([app("False")], Bar(ailing=frozenset({APP})), {}),
        ([app("False")], Bar(ignore=["Kustomization shop/*"]), {}),
        ([app("False")], Bar(ignore=["HelmRelease shop/*"]), {APP: "failed"}),
        ([flux("HelmRelease", "shop/web", "False")], Bar(ailing=frozenset({APP})), {"HelmRelease shop/web": "failed"}),
        ([sync("projects-1", revision=OLD)], Bar(), {"Kustomization flux-system/projects-1": "waiting"}),
        ([rolling()], Bar(), {"Deployment flux-system/helm-controller": "waiting"}),
        ([], Bar(fleet=frozenset({"Kustomization flux-system/gone"})), {"Kustomization flux-system/gone": "missing"}),
        ([component_sync("web")], Bar(fleet=frozenset({"Kustomization flux-system/infrastructure-web"})), {}),
    ],
)
def test_what_holds_it_shut(objects: list[dict[str, Any]], measure: Bar, expected: dict[str, str]) -> None:
    assert {one.name: one.state for one in gate.shut(found(*objects), {}, measure)} == expected


def test_before() -> None:
    was = gate.before(found(app("False"), flux("HelmRelease", "shop/web", "Unknown"), component_sync("web")))
    assert was["ailing"] == [APP, "HelmRelease shop/web"]
    assert "Kustomization flux-system/infrastructure-web" in was["fleet"]
    assert APP not in was["fleet"]


def test_what_was_ill_before_does_not_hold_it_shut() -> None:
    objects = found(app("False"), rolling())
    assert gate.shut(objects, {}, Bar(frozenset(gate.before(objects)["ailing"]))) == []


def test_told_names_failures_first_and_cuts_long_lists() -> None:
    ill = [Health(f"K a/{number}", "waiting", "", f"K a/{number}: on its way") for number in range(6)]
    ill.append(Health("K a/bad", "failed", "", "K a/bad: broken"))
    said = gate.told(ill, "stg-1", "not ready", strict=False)
    assert said.startswith("stg-1: not ready: K a/bad: broken; K a/0: on its way; ")
    assert said.endswith("; 2 more")
    assert "fleet_gate.ignore" in gate.told(ill, "stg-1", "not ready", strict=True)


@pytest.mark.parametrize(
    ("failures", "expected"),
    [
        ({}, ""),
        ({"b": "why", "a": "why"}, "wave 1 (staging) did not pass its gate: a, b"),
        ({f"h{n}": "" for n in range(7)}, "wave 1 (staging) did not pass its gate: h0, h1, h2, h3, h4 and 2 more"),
    ],
)
def test_verdict(failures: dict[str, str], expected: str) -> None:
    assert gate.verdict("1 (staging)", failures) == expected
