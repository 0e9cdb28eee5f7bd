# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes with components: what is asked of a cluster, what is said of it, and which word it needs."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import component_removals as removals
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_clusters import Place
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_removals import Leaving, Loss
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import COMPONENT_LABEL

PLACE = Place("stg-1", "staging", frozenset({"eu"}), {"tier": "gold"})
CRD = "widgets.lab.example"
HELM = {"layer": "controllers", "helm": {"repository": "https://charts.example", "version": "1.x"}}
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": CRD},
}
SETTINGS = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default"}}
WRITTEN = {"layer": "controllers", "manifests": [DEFINITION, SETTINGS]}
ENTRY, NOTE = f"_{CRD}_apiextensions.k8s.io_CustomResourceDefinition", "default_a__ConfigMap"
RELEASE = "flux-system_{}_helm.toolkit.fluxcd.io_HelmRelease"


def sync(component: str, *entries: str, name: str = "") -> dict[str, Any]:
    """The Flux Kustomization of a component that applied these."""
    metadata = {"name": name or f"infrastructure-{component}", "namespace": "flux-system"}
    inventory = {"entries": [{"id": one, "v": "v1"} for one in entries]}
    labelled = {**metadata, "labels": {COMPONENT_LABEL: component}}
    return {"kind": "Kustomization", "metadata": labelled, "spec": {}, "status": {"inventory": inventory}}


def release(name: str, namespace: str = "", release: str = "") -> dict[str, Any]:
    """A component's HelmRelease."""
    metadata = {"name": name, "namespace": "flux-system", "labels": {COMPONENT_LABEL: name}}
    spec = {"targetNamespace": namespace or name, "releaseName": release or name}
    return {"kind": "HelmRelease", "metadata": metadata, "spec": spec}


def going(components: dict[str, Any], *syncs: dict[str, Any], releases: tuple[dict[str, Any], ...] = ()) -> Any:
    """What may go, by name."""
    found = removals.going([components], PLACE, {"Kustomization": syncs, "HelmRelease": releases})
    return {name: ([str(one) for one in two.objects], set(two.releases)) for name, two in found.items()}


@pytest.mark.parametrize(
    "fields",
    [
        {**WRITTEN, "state": "absent"},
        {**WRITTEN, "clusters": {"environments": ["production"]}},
        {**WRITTEN, "clusters": {"labels": {"tier": "iron"}}},
        None,
    ],
)
def test_component_that_is_no_longer_for_a_cluster_goes_as_a_whole(fields: dict[str, Any] | None) -> None:
    components = {} if fields is None else {"things": fields}
    found = going(components, sync("things", ENTRY, NOTE))
    assert found == {"things": (["CustomResourceDefinition widgets.lab.example", "ConfigMap default/a"], set())}


@pytest.mark.parametrize("selector", [{}, {"groups": ["eu"]}, {"labels": {"tier": "gold"}}])
def test_component_that_stays_asks_nothing(selector: dict[str, Any]) -> None:
    fields = {**WRITTEN, **({"clusters": selector} if selector else {})}
    assert going({"things": fields}, sync("things", ENTRY, NOTE)) == {}


def test_definition_that_drops_out_goes_and_so_it_may_where_nobody_knows() -> None:
    expected = {"things": (["CustomResourceDefinition widgets.lab.example"], set())}
    for fields in ({**WRITTEN, "manifests": [SETTINGS]}, {"layer": "controllers"}, HELM):
        assert going({"things": fields}, sync("things", ENTRY, NOTE)) == expected


def test_directory_that_people_write_is_theirs() -> None:
    fields = {"layer": "configs", "kustomize": {"path": "infrastructure/base/things"}}
    assert going({"things": fields}, sync("things", ENTRY, RELEASE.format("x")), releases=(release("x"),)) == {}


@pytest.mark.parametrize(
    ("fields", "goes"),
    [
        (HELM, False),
        ({**HELM, "state": "absent"}, True),
        ({**HELM, "namespace": "other"}, True),
        ({**HELM, "helm": {**HELM["helm"], "release": "other"}}, True),  # type: ignore[dict-item]
    ],
)
def test_release_goes_with_its_component_or_where_it_is_installed_anew(fields: dict[str, Any], goes: bool) -> None:
    found = going({"app": fields}, sync("app", RELEASE.format("app")), releases=(release("app"),))
    assert found == ({"app": (["HelmRelease flux-system/app"], {("flux-system", "app")})} if goes else {})


def test_what_is_no_component_of_its_own_and_what_is_wrong_asks_nothing() -> None:
    inner = sync("things", ENTRY, name="what-a-component-brings")
    assert going({}, inner) == {}
    for wrong in ({"things": "text"}, {"things": {"clusters": "all"}}, {"things": {"manifests": [1]}}):
        assert going(wrong, sync("things", ENTRY)) == {}


def definition(objects: int, stays: str = "", *, release: bool = False, name: str = CRD) -> dict[str, Any]:
    """A definition as a cluster was asked for it."""
    named = [f"default/{number}" for number in range(min(objects, 2))]
    return {"name": name, "objects": objects, "named": named, "stays": stays, "release": release}


def leaving(loss: Loss, *definitions: dict[str, Any]) -> Leaving:
    """One component that goes."""
    named = ["Namespace things"]
    return Leaving.of({"things": loss}, {"things": {"objects": 3, "named": named, "definitions": list(definitions)}})


ALL = Loss("all of it", all=True)


def problems(one: Leaving, *allow: str, reachable: bool = True) -> list[str]:
    """What is said."""
    return [str(problem) for problem in one.problems("stg-1", allow, reachable=reachable)]


def test_objects_left_need_the_word() -> None:
    found = leaving(ALL, definition(3), definition(0, name="others.lab.example"))
    assert problems(found) == [
        (
            "stg-1: fleet_components.things: CustomResourceDefinition is 'widgets.lab.example': would go, and with it "
            "all that the cluster has of it: 3 objects (default/0, default/1 and 1 more); take that away first, or run "
            "again with fleet_allow: [remove_crds]"
        )
    ]
    assert problems(found, "remove_crds") == []


def test_what_helm_leaves_is_told_and_needs_no_word() -> None:
    found = leaving(ALL, definition(1, "Helm never removes what a chart has in crds/", release=True))
    assert problems(found) == []
    assert found.words["things"] == (
        "all of it (3 objects (Namespace things and 2 more); CustomResourceDefinition widgets.lab.example with 1 "
        "object (default/0) stays, since Helm never removes what a chart has in crds/)"
    )


def test_of_a_component_that_stays_only_what_drops_out_counts() -> None:
    one = Loss(f"CustomResourceDefinition {CRD}", definitions=frozenset({CRD}))
    found = leaving(one, definition(1), definition(1, name="others.lab.example"))
    assert found.words == {
        "things": f"CustomResourceDefinition {CRD} (CustomResourceDefinition {CRD} with 1 object (default/0))"
    }
    assert len(problems(found)) == 1
    assert problems(leaving(Loss("ConfigMap default/a"), definition(1))) == []
    assert len(problems(leaving(Loss("release a/b of chart c"), definition(1, release=True)))) == 1


def test_what_may_go_and_does_not_is_not_told() -> None:
    asked = {"things": {"objects": 1, "named": ["Namespace a"], "definitions": [definition(1)]}}
    assert Leaving.of({}, asked).words == {}
    assert problems(Leaving.of({}, asked)) == []


def test_cluster_that_could_not_be_asked_needs_the_word() -> None:
    found = Leaving.of({"things": Loss("x", definitions=frozenset({CRD}))}, {})
    (said,) = problems(found, reachable=False)
    assert "how much that is can't be asked now" in said
    assert problems(found) == []


@pytest.mark.parametrize(
    ("annotations", "why"),
    [
        (None, "Helm never removes what a chart has in crds/"),
        ({"meta.helm.sh/release-name": "a"}, ""),
        ({"meta.helm.sh/release-name": "a", "helm.sh/resource-policy": "keep"}, "its chart says keep"),
    ],
)
def test_what_helm_removes(annotations: dict[str, str] | None, why: str) -> None:
    assert removals.why_it_stays({"metadata": {"annotations": annotations}}) == why
