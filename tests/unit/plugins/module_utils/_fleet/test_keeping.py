# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a leaving tenant keeps: in which order Flux lets go, which volumes go all the same, what is taken back."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import keeping
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.keeping import Keep
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import TENANT_LABEL
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.offboarding import LEAVING
from ansible_collections.fluxops.fleet.tests.unit.plugins.flux_samples import flux


def own(name: str, kind: str = "Kustomization", parent: str = "", **spec: Any) -> dict[str, Any]:
    """A sync or a release of the tenant, and the Kustomization by which it was applied."""
    group = "kustomize.toolkit.fluxcd.io"
    labels = {f"{group}/name": parent, f"{group}/namespace": "shop"} if parent else {}
    return flux(kind, f"shop/{name}", labels=labels, **spec)


def test_how_flux_lets_go() -> None:
    assert keeping.hold(own("app"))["spec"] == {"suspend": True, "deletionPolicy": "Orphan"}
    assert keeping.hold(own("app", suspend=True))["spec"] == {"suspend": True, "deletionPolicy": "Orphan"}
    assert keeping.hold(own("app", suspend=True, deletionPolicy="Orphan")) == {}
    assert keeping.hold(own("x", "HelmRelease"))["spec"] == {"suspend": True}
    assert keeping.hold(own("x", "HelmRelease", suspend=True)) == {}


def test_what_was_to_stay_may_go_by_the_next_run_but_not_what_people_orphan() -> None:
    orphan = own("app", suspend=True, deletionPolicy="Orphan")
    assert keeping.unhold(orphan) == {}
    ours = {**orphan, "metadata": {**orphan["metadata"], "annotations": {LEAVING: "kept"}}}
    assert keeping.unhold(ours) == {"deletionPolicy": None}


def test_parents_go_before_what_they_would_resume() -> None:
    every = [own("app"), own("child", parent="app"), own("x", "HelmRelease", parent="child")]
    assert [one["metadata"]["name"] for one in keeping.released(every)] == ["app"]
    assert [one["metadata"]["name"] for one in keeping.released(every[1:])] == ["child"]
    assert [one["metadata"]["name"] for one in keeping.released([*every[2:], own("other")])] == ["x", "other"]
    circle = [own("a", parent="b"), own("b", parent="a")]
    assert keeping.released(circle) == circle
    assert keeping.released([own("self", parent="self")]) == [own("self", parent="self")]


@pytest.mark.parametrize(
    ("keep", "going"),
    [(Keep(), ["a", "b"]), (Keep(namespace=True), ["b"]), (Keep(workloads=True), []), (Keep(True, True), [])],
)
def test_volumes_that_go(keep: Keep, going: list[str]) -> None:
    found = [{"name": "a", "by": ""}, {"name": "b", "by": "Kustomization app"}]
    assert [one["name"] for one in keep.going(found)] == going
    assert keep.namespaces == (keep != Keep())


def test_secret_that_was_made_for_a_source() -> None:
    ours = {"labels": {TENANT_LABEL: "shop"}, "annotations": {"fleet.fluxops.io/credential": "generated"}}
    source = {"metadata": {"name": "deploy", **ours}, "spec": {"secretRef": {"name": "source-deploy"}}}
    assert keeping.generated_secret(source) == "source-deploy"
    for field in ("labels", "annotations"):
        metadata = {key: value for key, value in source["metadata"].items() if key != field}
        assert keeping.generated_secret({**source, "metadata": metadata}) == "", "what people brought is theirs"


def test_namespace_that_is_nobodys() -> None:
    labels = {TENANT_LABEL: "shop", "fleet.fluxops.io/environment": "staging", "pod-security": "x"}
    patch = keeping.nobodys({"metadata": {"name": "shop", "labels": labels}})["metadata"]
    assert patch["labels"] == {TENANT_LABEL: None, "fleet.fluxops.io/environment": None}
