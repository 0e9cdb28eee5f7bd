# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tenants that leave a cluster: what is refused, what goes first, what is remembered."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import offboarding
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import TENANT_LABEL
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.offboarding import LEAVING, Reference, Remains
from ansible_collections.fluxops.fleet.tests.unit.plugins.flux_samples import flux, tenant_sync
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import labels

WORD = ["remove_tenant"]
APPS, FLUX, RBAC = "apps/v1", "kustomize.toolkit.fluxcd.io/v1", "rbac.authorization.k8s.io/v1"


def namespace(name: str, **metadata: Any) -> dict[str, Any]:
    """A namespace of the tenant shop."""
    own = {"name": name, "labels": {TENANT_LABEL: "shop"}, **metadata}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": own}


def own(name: str, kind: str = "Kustomization", *, parent: str = "", **spec: Any) -> dict[str, Any]:
    """A sync or a release of the tenant, and by what it was applied."""
    space, group = "shop", {"K": "kustomize", "H": "helm"}.get(parent[:1], "")
    by = (
        {f"{group}.toolkit.fluxcd.io/name": parent[2:], f"{group}.toolkit.fluxcd.io/namespace": space} if parent else {}
    )
    return flux(kind, f"{space}/{name}", labels=by, **spec)


def gone(found: dict[str, Any]) -> dict[str, Any]:
    """The same, deleted and kept by a finalizer."""
    held = {"deletionTimestamp": "2026-11-22T20:00:00Z", "finalizers": ["finalizers.fluxcd.io"]}
    return {**found, "metadata": {**found["metadata"], **held}}


@pytest.mark.parametrize(
    ("found", "allow", "accounts", "said"),
    [
        (Remains("shop"), [], [], []),
        (Remains("shop", (namespace("shop"),)), WORD, [], []),
        (Remains("shop", (namespace("shop"),)), ["other"], [], ["fleet_allow: [remove_tenant]"]),
        (Remains("shop", sync=tenant_sync("shop")), [], [], ["fleet_allow: [remove_tenant]"]),
        (Remains("shop", (namespace("default"),)), WORD, [], ["take the label off"]),
        (Remains("shop", (namespace("flux-system"),)), WORD, [], ["take the label off"]),
        (Remains("shop", (namespace("kube-node-lease"), namespace("shop"))), WORD, [], ["take the label off"]),
        (Remains("shop", (namespace("defaults"), namespace("kubernetes"))), WORD, [], []),
        (Remains("shop", (namespace("shop"),), own=(own("app", serviceAccountName="x"),)), WORD, [], ["put it back"]),
        (
            Remains("shop", (namespace("shop"),), own=(own("app", serviceAccountName="x"),)),
            WORD,
            [("shop", "x")],
            [],
        ),
        (Remains("shop", (namespace("shop"),), own=(own("app", serviceAccountName="fleet-tenant"),)), WORD, [], []),
        (Remains("shop", (namespace("shop"),), own=(own("app"),)), WORD, [], []),
        (Remains("shop", (gone(namespace("shop")),), own=(own("app", serviceAccountName="x"),)), WORD, [], []),
        (
            Remains(
                "shop", (namespace("shop"),), own=(own("app", serviceAccountName="x", kubeConfig={"secretRef": {}}),)
            ),
            WORD,
            [],
            [],
        ),
    ],
)
def test_problems_truth_table(
    found: Remains, allow: list[str], accounts: list[tuple[str, str]], said: list[str]
) -> None:
    problems = offboarding.problems("h", found, accounts, allow)
    assert len(problems) == len(said)
    for problem, words in zip(problems, said, strict=True):
        assert words in str(problem)


def test_refusal_names_the_namespaces_that_would_go() -> None:
    [problem] = offboarding.problems("h", Remains("shop", (namespace("shop"), namespace("shop-jobs"))), [], [])
    assert "shop, shop-jobs" in problem.hint


@pytest.mark.parametrize(
    ("found", "change", "anything"),
    [
        (Remains("shop"), False, False),
        (Remains("shop", (namespace("shop"),)), False, True),
        (Remains("shop", sync=tenant_sync("shop")), True, True),
        (Remains("shop", sync=tenant_sync("shop", suspend=True)), False, True),
        (Remains("shop", own=(own("app"),)), True, True),
        (Remains("shop", own=(gone(own("app")),)), False, True),
    ],
)
def test_change_truth_table(found: Remains, change: bool, anything: bool) -> None:
    assert (found.workloads_change, found.anything) == (change, anything)


def split(*objects: dict[str, Any]) -> tuple[list[str], list[str]]:
    now, later = offboarding.split(objects)
    return [one["metadata"]["name"] for one in now], [one["metadata"]["name"] for one in later]


@pytest.mark.parametrize(
    ("objects", "now", "later"),
    [
        ([], [], []),
        ([own("a"), own("b")], ["a", "b"], []),
        ([own("a"), own("b", parent="K/a"), own("c", "HelmRelease", parent="K/b")], ["c"], ["a", "b"]),
        ([own("a", "HelmRelease"), own("b", parent="H/a")], ["b"], ["a"]),
        ([own("a"), own("a", "HelmRelease", parent="K/a")], ["a"], ["a"]),
        ([own("a", parent="K/a")], ["a"], []),
        ([own("a", parent="K/elsewhere")], ["a"], []),
        ([own("a", dependsOn=[{"name": "b"}]), own("b")], ["a"], ["b"]),
        ([own("a", dependsOn=[{"name": "b", "namespace": "other"}]), own("b")], ["a", "b"], []),
        ([own("a", dependsOn=[{"name": "b"}]), own("b", dependsOn=[{"name": "a"}])], ["a", "b"], []),
    ],
)
def test_what_applies_others_goes_last(objects: list[dict[str, Any]], now: list[str], later: list[str]) -> None:
    assert split(*objects) == (now, later)


def test_rights_are_those_of_all_namespaces_that_last() -> None:
    found = Remains("shop", (namespace("shop"), gone(namespace("old")), namespace("jobs")))
    made = offboarding.rights(found)
    assert [(one["kind"], one["metadata"]["namespace"]) for one in made] == [
        (kind, space) for space in ("shop", "jobs") for kind in ("ServiceAccount", "RoleBinding")
    ]
    binding = made[1]
    assert binding["roleRef"]["name"] == "fleet-tenant"
    assert [one["namespace"] for one in binding["subjects"]] == ["shop", "jobs"]
    assert {one["metadata"]["labels"][TENANT_LABEL] for one in made} == {"shop"}


@pytest.mark.parametrize(
    ("identity", "version", "expected"),
    [
        ("shop_web_apps_Deployment", "v1", Reference("shop", "Deployment", "web", "apps/v1")),
        ("shop_settings__ConfigMap", "v1", Reference("shop", "ConfigMap", "settings", "v1")),
        ("_shop__Namespace", "v1", Reference("", "Namespace", "shop", "v1")),
        (
            "_system__shop__view_rbac.authorization.k8s.io_ClusterRole",
            "v1",
            Reference("", "ClusterRole", "system:shop:view", RBAC),
        ),
        ("shop_app_kustomize.toolkit.fluxcd.io_Kustomization", "v1", Reference("shop", "Kustomization", "app", FLUX)),
    ],
)
def test_inventory(identity: str, version: str, expected: Reference) -> None:
    sync = {"status": {"inventory": {"entries": [{"id": identity, "v": version}]}}}
    assert offboarding.inventory(sync) == [expected]


@pytest.mark.parametrize("sync", [{}, {"status": None}, {"status": {}}, {"status": {"inventory": {"entries": None}}}])
def test_inventory_of_what_has_applied_nothing(sync: dict[str, Any]) -> None:
    assert offboarding.inventory(sync) == []


REFERENCES = st.builds(Reference, labels | st.just(""), labels, labels, st.sampled_from(["v1", APPS, FLUX]))


@given(st.sets(REFERENCES, max_size=5))
def test_what_is_recorded_is_read_again(made: set[Reference]) -> None:
    first = namespace("shop", annotations={LEAVING: offboarding.record(made)})
    assert offboarding.recorded([namespace("jobs"), first]) == made


def test_what_is_recorded_fits_into_an_annotation() -> None:
    many = [Reference("shop", "ConfigMap", f"settings-{number:06}", "v1") for number in range(20_000)]
    text = offboarding.record(many)
    assert len(text) < 262_144
    some = offboarding.recorded([namespace("shop", annotations={LEAVING: text})])
    assert len(some) > 1000
    assert some < set(many)


@pytest.mark.parametrize("text", ["", "{", "7", "[7]", '[["too", "few"]]', '{"a": 1}'])
def test_what_people_wrote_over_it_counts_for_nothing(text: str) -> None:
    assert offboarding.recorded([namespace("shop", annotations={LEAVING: text})]) == set()


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            gone(flux("Kustomization", "shop/app", "False")),
            "Kustomization shop/app: deleted, and kept by the finalizer finalizers.fluxcd.io: app in Flux's words",
        ),
        (
            gone(flux("Kustomization", "shop/app")),
            "Kustomization shop/app: deleted, and kept by the finalizer finalizers.fluxcd.io",
        ),
        (flux("HelmRelease", "shop/web"), "HelmRelease shop/web: being deleted"),
        (
            {
                "apiVersion": APPS,
                "kind": "Deployment",
                "metadata": {"namespace": "shop", "name": "web", "finalizers": ["x/y"]},
            },
            "Deployment shop/web: deleted, and kept by the finalizer x/y",
        ),
        (namespace("shop"), "Namespace shop: its contents are being deleted"),
        (
            {
                **namespace("shop"),
                "status": {
                    "conditions": [
                        {"type": "A", "status": "False", "message": "fine"},
                        {"type": "B", "status": "True", "message": "x/y in 1 resource instances"},
                    ]
                },
            },
            "Namespace shop: x/y in 1 resource instances",
        ),
    ],
)
def test_says(found: dict[str, Any], said: str) -> None:
    assert offboarding.says(found) == said


def test_workloads_are_named_syncs_first() -> None:
    made = frozenset({Reference("shop", "Deployment", "web", APPS), Reference("", "ClusterRole", "x", RBAC)})
    assert Remains("shop", own=(own("app"),), made=made).workloads == [
        "Kustomization shop/app", "ClusterRole x", "Deployment shop/web"
    ]  # fmt: skip
