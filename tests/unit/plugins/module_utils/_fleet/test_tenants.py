# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a tenant: what they hold, and that what is asked for is what can be read from them again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import alike, documents, tenants
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Request
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.requested import from_request
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rules import Rules
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenant import Tenant
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenants import Rendered
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import Files
from ansible_collections.fluxops.fleet.tests.unit.plugins.tenant_samples import (
    TEMPLATES,
    URL,
    content,
    hostile,
    small,
    tenant,
)

Key = tuple[str, str, str]
RULE = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]}
FLUX_COUNTS = {
    "count/gitrepositories.source.toolkit.fluxcd.io",
    "count/helmrepositories.source.toolkit.fluxcd.io",
    "count/ocirepositories.source.toolkit.fluxcd.io",
    "count/buckets.source.toolkit.fluxcd.io",
    "count/kustomizations.kustomize.toolkit.fluxcd.io",
    "count/helmreleases.helm.toolkit.fluxcd.io",
}


def rendered(made: Tenant, environment: str = "staging", **templates: str) -> Rendered:
    """The files of a tenant in one environment, by our templates or a user's (name without its end → text)."""
    own = {f"{name}.yaml.j2": text for name, text in templates.items()}
    placement = made.placement(environment)
    assert placement is not None
    return tenants.render(made, placement, Renderer({**TEMPLATES, **own}), Layout(), {})


def objects(found: Mapping[str, Any], environment: str = "staging") -> dict[Key, Document]:
    """Kind, namespace, name → object, of a request's tenant.yaml as it is read again."""
    text = rendered(tenant(found), environment).text
    made = documents.read(text, "tenant.yaml")
    named = {(one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]): one for one in made}
    assert len(named) == len(made)
    return named


def test_every_object_carries_the_tenant() -> None:
    for profile in ("standard", "strict", "open"):
        found = objects(content(profile=profile))
        assert {one["metadata"]["labels"]["fleet.fluxops.io/tenant"] for one in found.values()} == {"payments"}


def test_objects_of_each_profile() -> None:
    space = ["Namespace", "RoleBinding", "RoleBinding", "RoleBinding", "ServiceAccount"]
    flux = ["GitRepository", "Kustomization"]
    strict = ["LimitRange", *["NetworkPolicy"] * 4, "ResourceQuota"]
    for profile, more in (("open", []), ("standard", ["ResourceQuota"]), ("strict", strict)):
        kinds = [kind for kind, _space, _name in objects(content(profile=profile))]
        assert sorted(kinds) == sorted([*space * 2, *more * 2, *flux]), profile


@pytest.mark.parametrize(
    ("profile", "levels"),
    [("standard", ("baseline", "restricted")), ("strict", ("restricted", "restricted")), ("open", (None, None))],
)
def test_namespace(profile: str, levels: tuple[str | None, str | None]) -> None:
    one = objects(content(profile=profile))["Namespace", "", "payments-jobs"]
    labels = one["metadata"]["labels"]
    assert labels["fleet.fluxops.io/environment"] == "staging"
    assert labels.get("pod-security.kubernetes.io/enforce") == levels[0]
    assert labels.get("pod-security.kubernetes.io/warn") == levels[1]
    assert one["metadata"]["annotations"] == {
        "fleet.fluxops.io/team": "payments",
        "fleet.fluxops.io/contact": "payments@corp.example",
    }


@pytest.mark.parametrize(
    ("profile", "asked", "levels"),
    [
        ("standard", "restricted", ("restricted", "restricted")),
        ("standard", "privileged", ("privileged", "restricted")),
        ("strict", "baseline", ("baseline", "restricted")),
        ("open", "baseline", ("baseline", "baseline")),
    ],
)
def test_pod_security_of_its_own(profile: str, asked: str, levels: tuple[str, str]) -> None:
    labels = objects(content(profile=profile, podSecurity=asked))["Namespace", "", "payments"]["metadata"]["labels"]
    modes = [labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "audit", "warn")]
    assert modes == [levels[0], levels[1], levels[1]]


def test_network_of_its_own() -> None:
    closed = objects(content(profile="open", network="closed"))
    assert len([key for key in closed if key[0] == "NetworkPolicy"]) == 8
    assert not [key for key in objects(content(profile="strict", network="open")) if key[0] == "NetworkPolicy"]


def test_labels_and_annotations_of_its_namespaces() -> None:
    asked = {"corp.example/cost-center": "4711", "on": "off"}
    found = objects(content(labels=asked, annotations={"x": "a: b #"}))
    for space in ("payments", "payments-jobs"):
        metadata = found["Namespace", "", space]["metadata"]
        assert {name: metadata["labels"][name] for name in asked} == asked
        assert metadata["annotations"]["x"] == "a: b #"
        assert metadata["labels"]["fleet.fluxops.io/tenant"] == "payments"


def test_account_is_bound_in_all_namespaces_and_never_default() -> None:
    found = objects(content())
    for space in ("payments", "payments-jobs"):
        assert found["ServiceAccount", space, "fleet-tenant"]["automountServiceAccountToken"] is False
        binding = found["RoleBinding", space, "fleet-tenant"]
        assert binding["roleRef"]["name"] == "fleet-tenant"
        assert [(one["name"], one["namespace"]) for one in binding["subjects"]] == [
            ("fleet-tenant", "payments"),
            ("fleet-tenant", "payments-jobs"),
        ]


def test_access() -> None:
    found = objects(content(access={"admin": [], "view": ["oidc:a", "oidc:b c"]}))
    assert ("RoleBinding", "payments", "fleet-admin") not in found
    binding = found["RoleBinding", "payments", "fleet-view"]
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    assert [(one["kind"], one["name"]) for one in binding["subjects"]] == [("Group", "oidc:a"), ("Group", "oidc:b c")]
    admin = objects(content())["RoleBinding", "payments", "fleet-admin"]
    assert admin["roleRef"]["name"] == "fleet-tenant", "people get no more than Flux gets in their name"


@pytest.mark.parametrize(
    ("asked", "kind", "role", "suffix"),
    [
        ({}, "ClusterRole", "fleet-tenant", ""),
        ({"role": "admin"}, "ClusterRole", "admin", "-admin"),
        ({"rules": [RULE]}, "Role", "fleet-rules", "-rules"),
    ],
)
def test_another_role_is_another_binding(asked: dict[str, Any], kind: str, role: str, suffix: str) -> None:
    """A binding's role never changes: one of the same name could not be applied."""
    found = objects(content(**asked))
    for name in (f"fleet-tenant{suffix}", f"fleet-admin{suffix}"):
        for space in ("payments", "payments-jobs"):
            binding = found["RoleBinding", space, name]
            assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) == (kind, role)
    assert len([key for key in found if key[0] == "RoleBinding"]) == 6
    assert [one["rules"] for key, one in found.items() if key[0] == "Role"] == [asked.get("rules")] * 2 * (
        "rules" in asked
    )
    assert found["RoleBinding", "payments", "fleet-view"]["roleRef"]["name"] == "view"


def test_notifications() -> None:
    asked = [
        {"name": "chat", "provider": "slack", "channel": "a: b", "secret": "chat"},
        {"name": "x", "provider": "generic"},
    ]
    found = objects(content(notifications=asked))
    assert found["Provider", "payments", "fleet-chat"]["spec"] == {
        "type": "slack",
        "channel": "a: b",
        "secretRef": {"name": "chat"},
    }
    assert found["Provider", "payments", "fleet-x"]["spec"] == {"type": "generic"}
    alert = found["Alert", "payments", "fleet-chat"]["spec"]
    assert (alert["providerRef"], alert["eventSeverity"]) == ({"name": "fleet-chat"}, "info")
    assert {"kind": "Kustomization", "name": "*"} in alert["eventSources"]
    assert not [one for one in alert["eventSources"] if "namespace" in one]


def test_quota_and_limits_lie_over_the_profiles() -> None:
    found = objects(content(profile="strict", quota={"pods": 5, "requests.cpu": "1"}, limits={"memory": "1Gi"}))
    hard = found["ResourceQuota", "payments", "fleet"]["spec"]["hard"]
    assert (hard["pods"], hard["requests.cpu"], hard["requests.memory"]) == ("5", "1", "8Gi")
    assert set(hard) > FLUX_COUNTS
    assert found["LimitRange", "payments", "fleet"]["spec"]["limits"] == [
        {"type": "Container", "default": {"cpu": "500m", "memory": "1Gi"}}
    ]
    assert set(objects(content())["ResourceQuota", "payments", "fleet"]["spec"]["hard"]) == FLUX_COUNTS
    own = objects(content(profile="open", quota={"pods": 5}))
    assert own["ResourceQuota", "payments", "fleet"]["spec"]["hard"] == {"pods": "5"}


def test_network_of_strict() -> None:
    found = objects(content(profile="strict"))
    policies = {
        name: one["spec"]
        for (kind, space, name), one in found.items()
        if (kind, space) == ("NetworkPolicy", "payments")
    }
    assert policies["fleet-default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    own = [{"namespaceSelector": {"matchLabels": {"fleet.fluxops.io/tenant": "payments"}}}]
    assert policies["fleet-same-tenant"]["ingress"] == [{"from": own}]
    assert policies["fleet-same-tenant"]["egress"] == [{"to": own}]
    assert {port["port"] for port in policies["fleet-dns"]["egress"][0]["ports"]} == {53}
    assert "egress" not in policies["fleet-platform"]


def test_source_and_sync() -> None:
    found = objects(content())
    source = found["GitRepository", "payments", "deploy"]
    assert source["metadata"]["annotations"] == {"fleet.fluxops.io/credential": "generated"}
    assert source["spec"] == {
        "interval": "5m",
        "timeout": "60s",
        "url": URL,
        "ref": {"branch": "main"},
        "secretRef": {"name": "source-deploy"},
    }
    sync = found["Kustomization", "payments", "payments"]["spec"]
    assert (sync["serviceAccountName"], sync["prune"], sync["path"]) == ("fleet-tenant", True, "./flux/staging")
    assert "targetNamespace" not in sync, "several namespaces: manifests name theirs"
    assert "suspend" not in sync
    assert objects(content(), "production")["GitRepository", "payments", "deploy"]["spec"]["ref"] == {
        "semver": ">=1.0.0"
    }


def test_source_that_everybody_may_read() -> None:
    found = objects(small())
    assert "annotations" not in found["GitRepository", "shop", "deploy"]["metadata"]
    assert "secretRef" not in found["GitRepository", "shop", "deploy"]["spec"]
    assert found["Kustomization", "shop", "shop"]["spec"]["targetNamespace"] == "shop"


def test_suspended_workloads() -> None:
    found = objects(small(environments={"staging": {"suspend": True}}))
    assert found["Kustomization", "shop", "shop"]["spec"]["suspend"] is True


def test_what_a_request_says_of_reconciling() -> None:
    asked = {"retryInterval": "30s", "wait": False, "substitute": {"host": "${x}: # y", "on": True, "replicas": 3}}
    spec = objects(small(environments={"staging": asked}))["Kustomization", "shop", "shop"]["spec"]
    assert (spec["retryInterval"], spec["wait"]) == ("30s", False)
    assert spec["postBuild"] == {"substitute": {"host": "${x}: # y", "on": "true", "replicas": "3"}}
    plain = objects(small())["Kustomization", "shop", "shop"]["spec"]
    assert (plain["retryInterval"], plain["wait"]) == ("1m", True)
    assert not {"postBuild", "dependsOn"} & plain.keys()


def test_sync_file() -> None:
    (one,) = documents.read(rendered(tenant(content())).sync, "sync")
    assert one["metadata"]["name"] == "tenant-payments"
    assert one["metadata"]["namespace"] == "flux-system"
    assert one["spec"] == {
        "interval": "10m",
        "retryInterval": "1m",
        "timeout": "3m",
        "path": "./projects/staging/payments",
        "prune": True,
        "deletionPolicy": "Orphan",
        "wait": False,
        "serviceAccountName": "kustomize-controller",
        "sourceRef": {"kind": "GitRepository", "name": "flux-system"},
    }


def test_nothing_at_fleet_level_is_substituted() -> None:
    """``${…}`` stays as it is: Flux substitutes only where ``postBuild`` is set, and no file of a tenant sets it."""
    value = "${cluster_name} $${x} {{ lookup('pipe', 'id') }}"
    changes = {("owner", "team"): value, ("environments", "staging", "ref"): {"branch": "${cluster_name}"}}
    one = rendered(tenant(content(changes)))
    found = documents.read(one.text, "tenant.yaml")
    assert found[0]["metadata"]["annotations"]["fleet.fluxops.io/team"] == value
    assert [doc["spec"]["ref"] for doc in found if doc["kind"] == "GitRepository"] == [{"branch": "${cluster_name}"}]
    assert "postBuild" not in one.text + one.sync


def test_keys_are_read_from_the_files() -> None:
    found = documents.read(rendered(tenant(content())).text, "tenant.yaml")
    assert tenants.keys("payments", found) == [
        {"tenant": "payments", "namespace": "payments", "secret": "source-deploy", "source": "deploy", "url": URL}
    ]
    given = content(sources=[{"name": "deploy", "url": URL, "secret": "mine"}])
    assert tenants.keys("payments", rendered(tenant(given)).documents) == []


def test_published_keys_are_those_of_the_tenants_of_a_cluster() -> None:
    layout, files = Layout(), {}
    for name, sync in (
        ("payments", layout.sync_file("staging", "payments")),
        ("ledger", layout.own_sync_file("staging", "stg-1", "ledger")),
        ("elsewhere", layout.own_sync_file("staging", "stg-10", "elsewhere")),
        ("left", "projects/staging/other/left.yaml"),
    ):
        found = rendered(tenant(content(tenant=name, namespaces=[name])))
        files |= {sync: found.sync, layout.tenant_file("staging", name): found.text}
    files[f"{layout.shard('staging', '0')}/.gitkeep"] = ""
    keys = tenants.published_keys(Files(files), layout, "staging", "stg-1")
    assert [(key["tenant"], key["namespace"]) for key in keys] == [("ledger", "ledger"), ("payments", "payments")]
    assert tenants.published_keys(Files(files), layout, "production", "stg-1") == []


def test_keys_and_namespaces_of_files_that_are_no_objects() -> None:
    strange: list[Document] = [{}, {"kind": "Namespace"}, {"kind": "GitRepository", "metadata": [], "spec": 1}]
    assert tenants.keys("a", strange) == []
    assert tenants.namespaces(strange) == []


def test_claim() -> None:
    assert tenants.owner(tenants.claim("payments"), "path") == "payments"
    for text in ("", "tenant: 1\n", "a: b\n", "tenant: a\n---\ntenant: b\n", "- a\n", "{"):
        with pytest.raises(InvalidInput, match="path"):
            tenants.owner(text, "path")


EXTRA = """
---
apiVersion: v1
kind: {kind}
metadata:
  name: {{{{ tenant.name }}}}-extra
  labels: {labels}
"""


def test_template_of_a_user() -> None:
    text = TEMPLATES["tenant.yaml.j2"] + EXTRA.format(kind="ConfigMap", labels="{}")
    found = documents.read(rendered(tenant(content()), tenant=text).text, "tenant.yaml")
    assert found[-1]["metadata"]["name"] == "payments-extra"


def test_what_a_user_adds_leaves_all_else_as_it_is() -> None:
    more = "{% for one in tenant.namespaces %}" + EXTRA.format(kind="ConfigMap", labels="{}") + "{% endfor %}"
    plain, added = rendered(tenant(content())), rendered(tenant(content()), **{"tenant-more": more})
    assert added.documents[: len(plain.documents)] == plain.documents
    assert [one["kind"] for one in added.documents[len(plain.documents) :]] == ["ConfigMap", "ConfigMap"]


def test_template_of_a_user_claims_the_namespaces_that_it_adds() -> None:
    label = "{fleet.fluxops.io/tenant: '{{ tenant.name }}'}"
    text = TEMPLATES["tenant.yaml.j2"] + EXTRA.format(kind="Namespace", labels=label)
    one = rendered(tenant(content()), tenant=text)
    assert one.namespaces == ("payments", "payments-jobs", "payments-extra")


TEXTS = {
    ("owner", "team"): lambda made: made[0]["metadata"]["annotations"]["fleet.fluxops.io/team"],
    ("environments", "staging", "ref", "branch"): lambda made: made[-2]["spec"]["ref"]["branch"],
    ("sources", 0, "url"): lambda made: made[-2]["spec"]["url"],
    ("environments", "staging", "substitute", "name"): lambda made: made[-1]["spec"]["postBuild"]["substitute"]["name"],
    ("access", "view", 0): lambda made: made[4]["subjects"][0]["name"],
    ("annotations", "x"): lambda made: made[0]["metadata"]["annotations"]["x"],
    ("notifications", 0, "channel"): lambda made: made[-4]["spec"]["channel"],
    ("notifications", 0, "secret"): lambda made: made[-4]["spec"]["secretRef"]["name"],
}
GIVEN: dict[Any, Any] = {
    ("annotations",): {"x": "y"},
    ("notifications",): [{"name": "x", "provider": "slack", "channel": "x", "secret": "x"}],
}

VARIABLES = ("environments", "staging", "substitute")


@given(st.dictionaries(st.sampled_from(sorted(TEXTS, key=str)), hostile, min_size=1))
@settings(max_examples=2500)
def test_what_is_written_reads_back_as_asked_or_is_refused(changes: dict[Any, str]) -> None:
    asked = content({VARIABLES: {"name": ""}, **GIVEN, **changes}, namespaces=["payments"])
    made, wrong = from_request(Request(asked, "request"), Rules())
    if made is None:
        assert wrong
        return
    one = rendered(made)
    found = documents.read(one.text, "tenant.yaml")
    assert [doc["kind"] for doc in found] == [doc["kind"] for doc in one.documents]
    for path, value in changes.items():
        assert TEXTS[path](found) == value
    assert not alike.is_edited(one.text, "tenant.yaml")
