# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster says against a tenant's move, and when it is over."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import holding
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.holding import Looked
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.offboarding import Reference

SPACE = {"apiVersion": "v1", "kind": "Namespace", "namespace": "", "name": "shop"}
ROW = {
    "tenant": "shop",
    "namespaces": ["shop"],
    "objects": [SPACE],
    "replaced": [],
    "sync": "shop/shop",
    "target": "",
    "role": "fleet-tenant",
}
WEB = Reference("shop", "Deployment", "web", "apps/v1")
RULES = [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["*"]}]
PLURALS = {("apps/v1", "Deployment"): "deployments", ("v1", "Secret"): "secrets"}


def looked(*made: Reference, **changes: Any) -> Looked:
    return Looked(**{"made": made, "applied": (), "rules": RULES, "resources": PLURALS, **changes})


@pytest.mark.parametrize(
    ("row", "found", "said"),
    [
        ({}, looked(WEB), ""),
        ({}, looked(Reference("", "ClusterRole", "x", "rbac.authorization.k8s.io/v1")), "outside of shop"),
        ({"namespaces": ["shop", "jobs"], "target": "jobs"}, looked(WEB), "would bring it to jobs"),
        ({}, looked(applied=[Reference("shop", "ConfigMap", "made", "v1")]), "ConfigMap shop/made comes of the old"),
        ({}, looked(applied=[Reference("", "Namespace", "shop", "v1"), Reference("b", "Pod", "c", "v1")]), ""),
        ({}, looked(lacks="shop/pull"), "Secret shop/pull"),
        ({}, looked(rules=None), "run the playbook bootstrap"),
        ({}, looked(WEB, Reference("shop", "Secret", "s", "v1")), "may not write secrets, which shop/shop"),
        ({"role": ""}, looked(WEB, rules=[{**RULES[0], "verbs": ["get", "create", "patch"]}]), "request's rules"),
        ({}, looked(WEB, rules=[{**RULES[0], "resourceNames": ["x"]}]), "may not write deployments.apps"),
    ],
)  # fmt: skip
def test_reasons(row: dict[str, Any], found: Looked, said: str) -> None:
    reasons = holding.reasons({**ROW, **row}, found)
    assert len(reasons) == bool(said)
    assert said in "".join(reasons)


def thing(**metadata: Any) -> dict[str, Any]:
    return {"kind": "ConfigMap", "metadata": {"namespace": "shop", "name": "x", **metadata}, "spec": {}}


def test_keeping() -> None:
    patch = holding.keep(thing(), "shop")
    kept = thing(**patch["metadata"])
    assert holding.kept(kept)
    assert holding.keep(kept, "shop") == {}
    by_people = thing(annotations={holding.PRUNE: "disabled"})
    assert holding.keep(by_people, "shop") == {}
    assert not holding.kept(by_people)
    assert holding.unkeep()["metadata"]["annotations"] == dict.fromkeys(patch["metadata"]["annotations"])
    assert holding.orphan({"spec": {"deletionPolicy": "Orphan"}}) == {}
    assert holding.orphan(thing()) == {"spec": {"deletionPolicy": "Orphan"}}


def test_whose_it_is() -> None:
    owner = "kustomize.toolkit.fluxcd.io/"
    ours = {f"{owner}name": "tenant-shop", f"{owner}namespace": "flux-system"}
    assert holding.elsewhere(thing(labels=ours), "shop") == ""
    others = {**ours, f"{owner}name": "projects"}
    assert "still of Kustomization flux-system/projects" in holding.elsewhere(thing(labels=others), "shop")
    assert "(none)" in holding.elsewhere(thing(), "shop")


def test_who_is_behind() -> None:
    source = {"status": {"artifact": {"revision": "main@sha1:b"}}}

    def sync(revision: str, kind: str = "GitRepository", **spec: Any) -> dict[str, Any]:
        named = {"sourceRef": {"kind": kind, "name": "flux-system"}, **spec}
        metadata = {"name": "x", "namespace": "flux-system"}
        return {
            "kind": "Kustomization",
            "metadata": metadata,
            "spec": named,
            "status": {"lastAppliedRevision": revision},
        }

    fine = [sync("main@sha1:b"), sync("main@sha1:a", suspend=True), sync("main@sha1:a", kind="OCIRepository")]
    assert holding.behind(fine, source) == []
    assert holding.behind([sync("main@sha1:a")], source) == [
        "Kustomization flux-system/x has not applied main@sha1:b yet"
    ]
