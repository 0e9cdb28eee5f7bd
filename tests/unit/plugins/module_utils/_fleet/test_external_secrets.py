# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that come from a store: what is written, and whose keys a tenant may name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, tenants
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.policy import Policy
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rules import Rules
from ansible_collections.fluxops.fleet.tests.unit.plugins.tenant_samples import RENDERER, problems, small, tenant

CLUSTER = {"kind": "ClusterSecretStore"}


def request(**fields: Any) -> dict[str, Any]:
    """A request with one Secret from a store."""
    return small(externalSecrets=[{"name": "login", "store": "vault", "key": "tenants/shop/login", **fields}])


def rules(*patterns: str) -> Rules:
    """A fleet that allows these keys of its stores."""
    policy = Policy(caps={"externalSecrets": list(patterns)})
    assert list(policy.problems()) == []
    return Rules(policy=policy)


def written(asked: dict[str, Any], mine: Rules | None = None) -> dict[str, Any]:
    """The object that is written."""
    made = tenant(asked, mine)
    text = tenants.render(made, made.placements[0], RENDERER, Layout(), {}).text
    (found,) = [one for one in documents.read(text, "x") if one["kind"] == "ExternalSecret"]
    return found


def test_store_of_the_tenants_own_namespace() -> None:
    found = written(request())
    assert found["apiVersion"] == "external-secrets.io/v1"
    assert found["metadata"]["namespace"] == "shop"
    assert found["spec"] == {
        "refreshInterval": "1h",
        "secretStoreRef": {"name": "vault", "kind": "SecretStore"},
        "target": {"name": "login"},
        "dataFrom": [{"extract": {"key": "tenants/shop/login"}}],
    }
    typed = written(request(type="kubernetes.io/dockerconfigjson"))["spec"]["target"]
    assert typed == {"name": "login", "template": {"type": "kubernetes.io/dockerconfigjson"}}


def test_store_of_the_cluster_is_the_fleets_to_allow() -> None:
    (one,) = problems(request(**CLUSTER))
    assert (one.field, one.value) == ("externalSecrets[0].key", "tenants/shop/login")
    assert "the fleet allows none (fleet_tenant_caps.externalSecrets)" in one.hint
    store = written(request(**CLUSTER), rules("vault/tenants/{tenant}/**"))["spec"]["secretStoreRef"]
    assert store == {"name": "vault", "kind": "ClusterSecretStore"}


@pytest.mark.parametrize(
    ("pattern", "key", "allowed"),
    [
        ("vault/tenants/{tenant}/**", "tenants/shop/a/b", True),
        ("vault/tenants/{tenant}/**", "tenants/shop2/a", False),
        ("vault/tenants/{tenant}/**", "tenants/shop/../ledger/a", False),
        ("vault/tenants/{tenant}/**", "tenants/shop//a", False),
        ("vault/tenants/{tenant}/*", "tenants/shop/a/b", False),
        ("vault/{tenant}-*", "shop-a", True),
        ("vault/{tenant}-*", "shop-a/b", False),
        ("other/**", "tenants/shop/a", False),
        ("vault/a.c", "abc", False),
    ],
)
def test_patterns(pattern: str, key: str, *, allowed: bool) -> None:
    assert (problems(request(**CLUSTER, key=key), rules(pattern)) == []) == allowed


@given(st.text(alphabet="ab./*{}\\\n%", max_size=20))
def test_no_key_leaves_the_tenants_own_folder(rest: str) -> None:
    asked = request(**CLUSTER, key=f"tenants/shop/{rest}")
    if problems(asked, rules("vault/tenants/{tenant}/**")):
        return
    assert written(asked, rules("vault/tenants/{tenant}/**"))["spec"]["dataFrom"][0]["extract"]["key"].endswith(rest)
    assert ".." not in rest.split("/")


def test_name_that_stands_twice() -> None:
    one = {"name": "login", "store": "vault", "key": "x"}
    (found,) = problems(small(externalSecrets=[one, {**one, "key": "y"}]))
    assert (found.field, found.value) == ("externalSecrets[1].name", "login")


def test_cap_that_is_no_pattern() -> None:
    (found,) = Policy(caps={"externalSecrets": ["**"]}).problems()
    assert found.field == "fleet_tenant_caps.externalSecrets[0]"
