# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users' templates must not give to tenants is refused: with template, object, field, value, and what is right."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, fence, rights, tenants
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rules import Rules
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer
from ansible_collections.fluxops.fleet.tests.unit.plugins.tenant_samples import (
    FLEET,
    TEMPLATES,
    content,
    onboard,
    tenant,
)

OURS = TEMPLATES["tenant.yaml.j2"]


def found(rules: Rules | None = None, **templates: str) -> list[Problem]:
    """What is wrong with a tenant's files where a user's templates (name without its end → text) make them."""
    own = {f"{name}.yaml.j2": text for name, text in templates.items()}
    made = tenant(content())
    rendered = tenants.render(made, made.placements[1], Renderer({**TEMPLATES, **own}), Layout(), {})
    return list(fence.problems(rendered, rules or Rules()))


def added(one: dict[str, Any], **kept: Any) -> list[str]:
    """What is wrong with one more object in our own template, as people read it."""
    return [str(problem) for problem in found(tenant=f"{OURS}\n---\n{documents.write([{**one, **kept}])}")]


def an(kind: str, version: str = "v1", space: str = "payments", **fields: Any) -> dict[str, Any]:
    """An object in one of the tenant's namespaces."""
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "x", "namespace": space}, **fields}


def role(name: str, kind: str = "ClusterRole") -> dict[str, Any]:
    """A RoleBinding's reference."""
    return {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}}


RBAC, FLUX, HELM = "rbac.authorization.k8s.io/v1", "kustomize.toolkit.fluxcd.io/v1", "helm.toolkit.fluxcd.io/v2"
NOTIFICATION = "notification.toolkit.fluxcd.io/v1beta3"
SOURCE = {"kind": "GitRepository", "name": "deploy"}
ELSEWHERE = {**SOURCE, "namespace": "ledger"}
ACCOUNT = {"serviceAccountName": "fleet-tenant"}
RULE = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "update"]}

FINE = {
    "an object of its own": an("ConfigMap", space="payments-jobs", data={"a": "b"}),
    "an encrypted Secret": an("Secret", data={"a": "ENC[AES256_GCM,data:x]"}, sops={"mac": "ENC[…]"}),
    "a Secret without values": an("Secret", type="kubernetes.io/service-account-token"),
    "more people who look": an("RoleBinding", RBAC, **role("view")),
    "a sync": an("Kustomization", FLUX, spec={**ACCOUNT, "sourceRef": {**SOURCE, "namespace": "payments"}}),
    "rights that harm nobody": an("Role", RBAC, rules=[RULE]),
}


@pytest.mark.parametrize("one", FINE.values(), ids=FINE)
def test_what_stays_within_the_fence(one: dict[str, Any]) -> None:
    assert added(one) == []


def test_a_role_of_the_same_template_may_be_bound() -> None:
    both = [an("Role", RBAC, rules=[RULE]), an("RoleBinding", RBAC, **role("x", "Role"))]
    assert found(tenant=f"{OURS}\n---\n{documents.write(both)}") == []


CROSSING = "lies in another namespace: refer to objects of this namespace alone"
CHART = {"spec": {"chart": "x", "sourceRef": ELSEWHERE}}
REFUSED = {
    "another's namespace": (
        an("ConfigMap", space="ledger"),
        "ConfigMap ledger/x: metadata.namespace is 'ledger': for tenant payments: name one of the tenant's namespaces",
    ),
    "no namespace": (
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}},
        "ConfigMap x: metadata.namespace: for tenant payments: name one of",
    ),
    "for the whole cluster": (
        an("ClusterRoleBinding", RBAC, **role("view")),
        "ClusterRoleBinding payments/x: kind is 'ClusterRoleBinding': for tenant payments: belongs to the whole",
    ),
    "a Secret in clear": (
        an("Secret", stringData={"password": "geheim"}),
        "Secret payments/x: data: for tenant payments: stands in clear in the repository: encrypt it with SOPS",
    ),
    "a Secret that only looks encrypted": (an("Secret", data={"a": "Z2VoZWlt"}, sops={}), "Secret payments/x: data: "),
    "more rights": (
        an("RoleBinding", RBAC, **role("cluster-admin")),
        "RoleBinding payments/x: roleRef.name is 'cluster-admin': for tenant payments: gives more than the fence",
    ),
    "rights that nobody sees here": (
        an("RoleBinding", RBAC, **role("made-elsewhere", "Role")),
        "roleRef.name is 'made-elsewhere': for tenant payments: a Role of this template",
    ),
    "a Role over the fence": (
        an("Role", RBAC, rules=[{**RULE, "resources": ["secrets", "limitranges"]}]),
        "Role payments/x: rules[0].resources[1] is 'limitranges': for tenant payments: is what fences tenants in",
    ),
    "a Role without rules": (an("Role", RBAC, rules="all"), "Role payments/x: rules: for tenant payments: a list of"),
    "a sync as nobody": (
        an("Kustomization", FLUX, spec={"sourceRef": SOURCE}),
        "Kustomization payments/x: spec.serviceAccountName: for tenant payments: is missing: name fleet-tenant",
    ),
    "another's source": (
        an("Kustomization", FLUX, spec={**ACCOUNT, "sourceRef": ELSEWHERE}),
        f"spec.sourceRef is 'GitRepository ledger/deploy': for tenant payments: {CROSSING}",
    ),
    "another's chart": (
        an("HelmRelease", HELM, spec={**ACCOUNT, "chart": CHART}),
        "HelmRelease payments/x: spec.chart.spec.sourceRef is 'GitRepository ledger/deploy'",
    ),
    "another's events": (
        an("Alert", NOTIFICATION, spec={"eventSources": [SOURCE, ELSEWHERE]}),
        "Alert payments/x: spec.eventSources is 'GitRepository ledger/deploy'",
    ),
    "no object": ({"metadata": [], "spec": 1}, "object without a name: object: for tenant payments: needs apiVersion"),
    "Flux without a shape": (an("Kustomization", FLUX, spec=[1]), "Kustomization payments/x: spec.serviceAccountName"),
}


@pytest.mark.parametrize(("one", "said"), REFUSED.values(), ids=REFUSED)
def test_what_gets_over_the_fence(one: dict[str, Any], said: str) -> None:
    (problem,) = added(one)
    assert problem.startswith("tenant.yaml.j2: ")
    assert said in problem
    assert "geheim" not in problem


def test_refused_with_all_else_before_anything_is_planned() -> None:
    text = f"{OURS}\n---\n{documents.write([an('ConfigMap', space='kube-system')])}"
    with pytest.raises(InvalidInput, match=r"tenant\.yaml\.j2: ConfigMap kube-system/x: metadata\.namespace"):
        onboard(FLEET, [content()], templates={"tenant.yaml.j2": text})


def test_namespaces_that_a_template_adds() -> None:
    label = "{fleet.fluxops.io/tenant: '{{ tenant.name }}'}"
    text = f"{OURS}\n---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: payments-extra\n  labels: {label}\n"
    assert found(tenant=text) == []
    (problem,) = found(Rules(forbidden=("payments-ex*",)), tenant=text)
    assert str(problem) == (
        "tenant.yaml.j2: Namespace payments-extra: metadata.name is 'payments-extra': for tenant payments: this "
        "namespace is the platform's: choose another"
    )


@pytest.mark.parametrize(
    ("name", "labels", "hint"),
    [
        ("kube-system", "{fleet.fluxops.io/tenant: payments}", "none of default"),
        ("{{ tenant.name }}-x", "{}", "needs this label"),
        ("{{ tenant.name }}-x", "{fleet.fluxops.io/tenant: other}", "needs this label"),
        ("[a]", "{fleet.fluxops.io/tenant: payments}", "found a list"),
    ],
)
def test_namespace_that_is_not_the_tenants(name: str, labels: str, hint: str) -> None:
    text = f"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {name}\n  labels: {labels}\n"
    (problem,) = found(tenant=text)
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("changed", "into", "said"),
    [
        ("path: {{ sync.directory }}", "path: ./projects/staging", "spec.path is './projects/staging'"),
        ("  serviceAccountName: {{ flux.service_account }}\n", "", "spec.serviceAccountName: "),
        ("fleet.fluxops.io/tenant: {{ tenant.name }}", "{}", "metadata.labels[fleet.fluxops.io/tenant]"),
        ("namespace: {{ flux.namespace }}", "namespace: payments", "only Kustomization flux-system/tenant-payments"),
        ("name: {{ flux.sync }}", "name: x\n    namespace: other", "spec.sourceRef is 'GitRepository other/x'"),
    ],
)
def test_what_applies_a_tenants_files_applies_these_alone(changed: str, into: str, said: str) -> None:
    assert changed in TEMPLATES["sync.yaml.j2"]
    (problem,) = found(sync=TEMPLATES["sync.yaml.j2"].replace(changed, into))
    assert str(problem).startswith("sync.yaml.j2: ")
    assert said in str(problem)


def rule(*, groups: str = "", resources: str = "configmaps", verbs: str = "get") -> dict[str, list[str]]:
    """A rule of RBAC, its lists written as words."""
    lists = {"apiGroups": groups, "resources": resources, "verbs": verbs}
    return {field: words.split() or [""] for field, words in lists.items()}


OVER = [
    rule(groups="*"),
    rule(resources="*"),
    rule(verbs="*"),
    rule(resources="*/scale", verbs="update"),
    *(rule(groups="rbac.authorization.k8s.io", resources="roles", verbs=verb) for verb in ("escalate", "bind")),
    rule(resources="serviceaccounts", verbs="impersonate"),
    rule(groups="rbac.authorization.k8s.io", resources="rolebindings", verbs="create"),
    rule(groups="networking.k8s.io", resources="networkpolicies", verbs="delete"),
    rule(groups="crd.projectcalico.org", resources="networkpolicies", verbs="patch"),
    rule(resources="resourcequotas", verbs="update"),
    rule(resources="limitranges", verbs="deletecollection"),
    rule(resources="serviceaccounts/token", verbs="create"),
    rule(resources="pods/ephemeralcontainers", verbs="patch"),
    rule(resources="bindings", verbs="create"),
    rule(resources="endpoints", verbs="update"),
    rule(groups="discovery.k8s.io", resources="endpointslices", verbs="create"),
    rule(resources="namespaces"),
    rule(resources="namespaces/finalize", verbs="update"),
    rule(resources="nodes/proxy"),
    rule(groups="apiextensions.k8s.io", resources="customresourcedefinitions"),
]


@pytest.mark.parametrize("one", OVER, ids=str)
def test_rights_over_the_fence(one: dict[str, list[str]]) -> None:
    ((path, value, hint),) = rights.faults([one])
    assert path[0] == 0
    assert one[str(path[1])][int(path[2])] == value
    assert hint


@pytest.mark.parametrize("resource", ["networkpolicies", "resourcequotas", "roles", "endpoints", "pods/status"])
def test_the_fence_may_be_looked_at(resource: str) -> None:
    assert list(rights.faults([rule(resources=resource, verbs="get list watch")])) == []


shapes = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from(["Kustomization", "HelmRelease", "Alert", "Role", "RoleBinding", "Secret", "Namespace", "X"]),
    st.sampled_from([FLUX, HELM, NOTIFICATION, RBAC, "v1"]),
    st.dictionaries(st.sampled_from(["spec", "metadata", "rules", "roleRef", "data", "sops"]), shapes),
)
def test_an_object_of_any_shape_is_judged(kind: str, version: str, fields: dict[str, Any]) -> None:
    made = tenant(content())
    one = {"apiVersion": version, "kind": kind, "metadata": {"name": "x", "namespace": "payments"}, **fields}
    rendered = tenants.Rendered(made, "staging", [one], "", [one], "", "./x")
    assert all(problem.hint for problem in fence.problems(rendered, Rules()))
