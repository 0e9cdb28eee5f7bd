# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tenants of old layouts move to ours: all that they had is rendered, kept beside, or the reason why they stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import yaml

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, onboarding
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.adoption import plan_adoption
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.handover import plan_handover
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.overlays import Tree
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.projects import ProjectsPlan, Scope
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rules import Rules
from ansible_collections.fluxops.fleet.tests.unit.plugins.old_fleets import PER_ENVIRONMENT, URL
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import Files
from ansible_collections.fluxops.fleet.tests.unit.plugins.tenant_samples import RENDERER, after, tenant

INVENTORY = {"staging": frozenset({"staging-1"}), "production": frozenset({"production-1"})}
ALL = ("staging-1", "production-1")
OWNED = documents.write_owned([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}])


def bootstrapped(files: Mapping[str, str], **changes: str | None) -> dict[str, str]:
    """The old fleet brought to the APIs of today, after people made room for ours and its clusters were taken over."""
    today = {**files, **{one.path: str(one.after) for one in plan_adoption(URL, [], Files(files)).plan.changes}}
    found = {
        path.replace("/projects.yaml", "/all.yaml") if path.startswith("clusters/") else path: text
        for path, text in today.items()
    }
    for cluster in ALL:
        found |= dict.fromkeys((f"clusters/{cluster}/cluster.yaml", f"clusters/{cluster}/projects.yaml"), OWNED)
    return {path: text for path, text in {**found, **changes}.items() if text is not None}


def requests(files: Mapping[str, str]) -> list[dict[str, Any]]:
    """The requests that adoption writes."""
    return [yaml.safe_load(text) for text in plan_adoption(URL, [], Files(files)).requests.values()]


def move(
    files: Mapping[str, str],
    asking: Sequence[Mapping[str, Any]],
    clusters: Sequence[str] = ALL,
    refused: Mapping[str, str] | None = None,
    found: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[ProjectsPlan, dict[str, Sequence[str]]]:
    members = [
        Member.from_params({
            "host": name, "name": name, "environment": name.partition("-")[0], "uid": "", "failure": "",
            "repository": {"url": URL, "branch": "main"}, "reachable": True,
        })
        for name in clusters
    ]  # fmt: skip
    inventory = {one.environment: INVENTORY[one.environment] for one in members}
    wishes = onboarding.Onboarding(
        Scope(members, inventory), [tenant(one) for one in asking], RENDERER, Rules(), found or {}
    )
    change = plan_handover(wishes, Files(files), refused or {})
    return change, dict(change.staying)


def built(files: Mapping[str, str], directory: str) -> set[str]:
    """What Flux makes of a directory."""
    found = Tree(files).build(directory)
    assert not found.faults
    return {"/".join([one.document["kind"], one.document["metadata"]["name"]]) for one in found.objects}


FLEET = bootstrapped(PER_ENVIRONMENT)


def test_all_tenants_move_and_nothing_of_the_old_layout_is_left() -> None:
    change, staying = move(FLEET, requests(FLEET))
    assert staying == {}
    files = after(FLEET, change)
    assert not [path for path in files if path.startswith("projects/base/") or path.endswith("/all.yaml")]
    assert "projects/staging/kustomization.yaml" not in files
    for environment in INVENTORY:
        for name in ("payments", "search"):
            had = {one for one in built(FLEET, f"projects/{environment}") if one.endswith((name, "deployer"))}
            assert had <= built(files, f"projects/{environment}/{name}")
            assert f"projects/{environment}/{name}/extra/adopted.yaml" in files
    again, staying = move(files, requests(FLEET))
    assert (again.plan.changes, staying) == ((), {})
    assert again.outcome(Member.from_params(_member("staging-1")))["handover"] == []


def _member(name: str) -> dict[str, Any]:
    repository = {"url": URL, "branch": "main"}
    facts = {"uid": "", "reachable": True, "failure": ""}
    return {"host": name, "name": name, "environment": name.partition("-")[0], "repository": repository, **facts}


def test_what_the_clusters_have_to_keep() -> None:
    change, _staying = move(FLEET, requests(FLEET))
    (payments, _search) = change.handovers["staging-1"]
    names = [f"{one['kind']} {one['namespace']}/{one['name']}".replace(" /", " ") for one in payments["objects"]]
    assert names == [
        "Namespace payments",
        "ServiceAccount payments/deployer",
        "RoleBinding payments/deployer",
        "GitRepository payments/payments",
        "Kustomization payments/payments",
    ]
    assert payments["parents"] == ["flux-system/projects"]
    assert payments["orphans"] == ["flux-system/projects"]
    assert (payments["sync"], payments["target"], payments["role"]) == ("payments/payments", "payments", "fleet-tenant")
    assert payments["secret"] == "payments-git"


def test_one_tenant_of_one_environment_moves() -> None:
    asking = [one for one in requests(FLEET) if one["tenant"] == "search"]
    change, staying = move(FLEET, asking, ["staging-1"])
    assert staying == {}
    files = after(FLEET, change)
    assert built(files, "projects/staging") == {one for one in built(FLEET, "projects/staging") if "search" not in one}
    assert built(files, "projects/production") == built(FLEET, "projects/production")
    assert "projects/base/search/sync.yaml" in files
    (row,) = change.handovers["staging-1"]
    assert row["orphans"] == []


def test_namespaces_that_tenants_bring_need_no_word() -> None:
    found = {name: {"payments": "", "search": "", "other": ""} for name in ALL}
    change, staying = move(FLEET, requests(FLEET), found=found)
    assert change.plan.changes
    assert staying == {}


def with_field(path: str, after_line: str, field: str) -> dict[str, str]:
    text = FLEET[path]
    assert after_line in text
    return {**FLEET, path: text.replace(after_line, f"{after_line}{field}", 1)}


SYNC, GIT, SPACE = (f"projects/base/payments/{name}.yaml" for name in ("sync", "git", "namespace"))
SECRET = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: payments}\nstringData: {a: b}\n"


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (with_field(SYNC, "prune: true\n", "  images: [{name: a, newTag: b}]\n"), "spec.images has no place"),
        (with_field(GIT, "interval: 1m\n", "  recurseSubmodules: true\n"), "spec.recurseSubmodules has no place"),
        (with_field(SPACE, "labels:\n", "    istio-injection: enabled\n"), "metadata.labels[istio-injection]"),
        ({**FLEET, SPACE: FLEET[SPACE] + SECRET}, "Secret payments/s stands in clear"),
        (
            {**FLEET, SPACE: FLEET[SPACE] + SECRET.replace("stringData: {a: b}", "data: {a: 'ENC[x]'}\nsops: {}")},
            "is encrypted as it lies",
        ),
        (with_field("projects/staging/kustomization.yaml", "resources:", " &all"), "within brackets"),
    ],
)  # fmt: skip
def test_who_can_not_move_stays_and_says_why(files: dict[str, str], reason: str) -> None:
    asking = [one for one in requests(FLEET) if one["tenant"] == "payments"]
    change, staying = move(files, asking, ["staging-1"])
    assert any(reason in why for why in staying["payments"])
    text = after(files, change)
    assert "payments" in str(built(text, "projects/staging"))
    assert not [path for path in text if path.startswith("projects/staging/payments/")]


def test_the_others_go() -> None:
    change, staying = move(FLEET, requests(FLEET), refused={"payments": "staging-1: no"})
    assert staying == {"payments": ["staging-1: no"]}
    assert {one["tenant"] for one in change.handovers["staging-1"]} == {"search"}


def test_clusters_have_to_be_ours_and_all_of_them_there() -> None:
    with pytest.raises(InvalidInput, match="is not of this collection"):
        move({**FLEET, "clusters/staging-1/projects.yaml": "a: b\n"}, requests(FLEET))
    many = {**INVENTORY, "staging": frozenset({"staging-1", "staging-2"})}
    wishes = onboarding.Onboarding(
        Scope([Member.from_params(_member("staging-1"))], many), [tenant(one) for one in requests(FLEET)], RENDERER
    )
    with pytest.raises(InvalidInput, match="staging-2"):
        plan_handover(wishes, Files(FLEET), {})


SHOP = """\
# the shop
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: shop, namespace: flux-system}
spec: {interval: 1m, url: "https://git.example/shop.git", ref: {branch: main}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: shop, namespace: flux-system}
spec: {interval: 10m, path: ./k8s, prune: true, targetNamespace: shop, sourceRef: {kind: GitRepository, name: shop}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: other, namespace: flux-system}
"""


def test_sync_of_another_name_is_replaced() -> None:
    files = {**FLEET, "clusters/staging-1/shop.yaml": SHOP}
    asking = [one for one in requests(files) if one["tenant"] == "shop"]
    change, staying = move(files, asking, ["staging-1"])
    assert staying == {}
    (row,) = change.handovers["staging-1"]
    assert [one["kind"] for one in row["objects"]] == ["Namespace"]
    assert [one["kind"] for one in row["replaced"]] == ["GitRepository", "Kustomization"]
    assert (row["orphans"], row["parents"]) == (["flux-system/shop"], ["flux-system/flux-system"])
    found = after(files, change)
    assert yaml.safe_load(found["clusters/staging-1/shop.yaml"])["metadata"]["name"] == "other"
    assert "projects/staging/shop/extra/adopted.yaml" not in found
    never = {**files, "clusters/staging-1/shop.yaml": SHOP.replace("prune: true", "deletionPolicy: Delete")}
    assert "deletionPolicy" in str(move(never, asking, ["staging-1"])[1]["shop"])


def test_files_in_the_way() -> None:
    asking = [one for one in requests(FLEET) if one["tenant"] == "search"]
    files = {**FLEET, "projects/staging/search/kustomization.yaml": "resources: []\n"}
    assert "move it away" in str(move(files, asking, ["staging-1"])[1]["search"])
    whole = {**FLEET, "clusters/staging-1/shop.yaml": SHOP}
    whole["clusters/staging-1/all.yaml"] = FLEET["clusters/staging-1/all.yaml"].replace(
        "./projects/staging", "./projects"
    )
    del whole["clusters/production-1/all.yaml"]
    asking = [one for one in requests({**FLEET, "clusters/staging-1/shop.yaml": SHOP}) if one["tenant"] == "shop"]
    _change, staying = move(whole, asking, ["staging-1"])
    assert "is applied whole by Kustomization flux-system/projects" in str(staying["shop"])


def test_clusters_that_are_not_in_the_run() -> None:
    files = {**FLEET, "clusters/production-1/all.yaml": FLEET["clusters/staging-1/all.yaml"]}
    asking = [one for one in requests(FLEET) if one["tenant"] == "search"]
    _change, staying = move(files, asking, ["staging-1"])
    assert "applies this too" in str(staying["search"])
