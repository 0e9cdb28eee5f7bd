# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""People's rights on whole clusters, and Secrets that components bring: what is refused, and what is rendered."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import component_checks, component_secrets
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_files import Places
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_layers import Layers
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import Component, Declared
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.sops import Sops
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import ROOT

LAYERS = Layers.of(["configs"])
SECRET = {"name": "registry", "store": "vault", "key": "platform/registry"}
TEMPLATES = {
    path.name: path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "roles" / "infrastructure" / "templates").glob("*.yaml.j2"))
}
MINE, THEIRS = "age1mine", "age1theirs"


def problems(**fields: Any) -> list[str]:
    """What is wrong with a component of these fields."""
    declared = {"stg-1": Declared.from_layers([{"a": {"layer": "configs", **fields}}])}
    return [str(one) for one in component_checks.problems(declared, {"stg-1": "staging"}, LAYERS)]


def rendered(name: str, **fields: Any) -> list[dict[str, Any]]:
    """The documents of a component."""
    places = Places(Renderer(TEMPLATES), LAYERS)
    return places.rendered(Component.from_fields(name, {"layer": "configs", **fields}))


def test_access_is_bound_by_names_that_no_other_component_has() -> None:
    people = ["oidc:sre", {"user": "break-glass@corp.example"}]
    assert problems(access={"admin": people, "view": ["oidc:everyone"]}) == []
    admin, view = rendered("people", access={"view": ["oidc:everyone"], "admin": people})
    assert view == {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "fleet:people:view"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "oidc:everyone"}],
    }
    assert [(one["kind"], one["name"]) for one in admin["subjects"]] == [
        ("Group", "oidc:sre"),
        ("User", "break-glass@corp.example"),
    ]
    (one,), (other,) = rendered("a-b", access={"c": ["x"]}), rendered("a", access={"b-c": ["x"]})
    assert one["metadata"]["name"] != other["metadata"]["name"]


@pytest.mark.parametrize(
    ("access", "words"),
    [
        ({}, "a.access: 1 to 100 entries, found 0"),
        ({"view": []}, "a.access.view: 1 to 100 entries, found 0"),
        ({"view": "oidc:sre"}, "a.access.view is 'oidc:sre': a list, found text"),
        ({"view": ["system:authenticated"]}, "a.access.view[0] is 'system:authenticated': what begins with 'system:'"),
        ({"view": [{"user": "system:anonymous"}]}, "a.access.view[0].user is 'system:anonymous': what begins with"),
        ({"system:node": ["x"]}, "a.access.system:node: this name is wrong: what begins with 'system:'"),
        ({"View It": ["x"]}, "a.access.View It: this name is wrong: the name of a ClusterRole"),
        ({"view": [{"group": "x"}]}, "a.access.view[0].user: is missing"),
        ({"view": [3]}, "a.access.view[0] is '3': a group, or {user: a user}, found a number: put it in quotes"),
        ({"view": ["x", "x"]}, "a.access.view[1] is 'x': stands twice"),
        (["oidc:sre"], "a.access: a mapping, found a list"),
    ],
)
def test_bad_access(access: Any, words: str) -> None:
    assert words in "\n".join(problems(access=access))


def test_external_secrets_go_where_fleet_secrets_go() -> None:
    pull = {
        **SECRET,
        "name": "pull",
        "namespace": "apps",
        "kind": "SecretStore",
        "type": "kubernetes.io/dockerconfigjson",
    }
    assert problems(external_secrets=[SECRET, pull]) == []
    first, second = rendered("credentials", external_secrets=[SECRET, pull])
    assert first["metadata"] == {"name": "registry", "namespace": "flux-system"}
    assert first["spec"] == {
        "refreshInterval": "1h",
        "secretStoreRef": {"name": "vault", "kind": "ClusterSecretStore"},
        "target": {"name": "registry"},
        "dataFrom": [{"extract": {"key": "platform/registry"}}],
    }
    assert second["metadata"]["namespace"] == "apps"
    assert second["spec"]["secretStoreRef"]["kind"] == "SecretStore"
    assert second["spec"]["target"]["template"] == {"type": "kubernetes.io/dockerconfigjson"}


@pytest.mark.parametrize(
    ("secrets", "words"),
    [
        ([], "a.external_secrets: 1 to 100 entries, found 0"),
        ([{"name": "x", "store": "y"}], "a.external_secrets[0].key: is missing"),
        ([{**SECRET, "value": "x"}], "a.external_secrets[0].value: there is no such field"),
        ([{**SECRET, "namespace": "No"}], "a.external_secrets[0].namespace is 'No': lower-case letters"),
        (
            [{**SECRET, "kind": "Vault"}],
            "a.external_secrets[0].kind is 'Vault': one of ClusterSecretStore, SecretStore",
        ),
        (
            [SECRET, {**SECRET, "key": "other", "namespace": "flux-system"}],
            "a.external_secrets[1].name is 'flux-system/registry': stands twice",
        ),
    ],
)
def test_bad_external_secrets(secrets: Any, words: str) -> None:
    assert words in "\n".join(problems(external_secrets=secrets))


def sealed(*recipients: str, **data: str) -> dict[str, Any]:
    """A Secret as SOPS leaves it."""
    values = data or {"password": "ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]"}
    sops = {"age": [{"recipient": one, "enc": "x"} for one in recipients], "mac": "ENC[AES256_GCM,data:x]"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "door"}, "stringData": values, "sops": sops}


def test_an_encrypted_secret_is_a_manifest_as_any() -> None:
    assert problems(manifests=[sealed(MINE)]) == []
    assert rendered("a", manifests=[sealed(MINE)]) == [sealed(MINE)]


@pytest.mark.parametrize(
    "secret",
    [
        {**sealed(MINE), "sops": None},
        sealed(MINE, password="hunter2"),
        {key: value for key, value in sealed(MINE).items() if key != "sops"},
    ],
)
def test_a_secret_in_clear_is_refused(secret: dict[str, Any]) -> None:
    (found,) = problems(manifests=[secret])
    assert "a.manifests[0].kind is 'Secret': would lie in Git in clear: encrypt it with SOPS" in found
    assert "hunter2" not in found


@pytest.mark.parametrize(
    ("sops", "words"),
    [
        (Sops(), "and without fleet_sops nothing is decrypted: set it"),
        (Sops(environments={"staging": [THEIRS], "production": [MINE]}), "for no key that fleet_sops has for staging"),
        (Sops(environments={"staging": [MINE, THEIRS]}), ""),
        (Sops(fleet=[MINE], environments={"staging": [THEIRS]}), ""),
    ],
)
def test_what_no_cluster_could_decrypt(sops: Sops, words: str) -> None:
    wanted = {"stg-1": {"a": {"manifests": [sealed(MINE), {"kind": "ConfigMap"}]}, "b": {}}}
    found = [str(one) for one in component_secrets.problems(wanted, {"stg-1": "staging"}, sops)]
    assert len(found) == bool(words)
    assert all(one.startswith("stg-1: fleet_components.a.manifests[0]: is encrypted") and words in one for one in found)


def test_keys_of_other_kinds_are_not_judged() -> None:
    wanted = {"stg-1": {"a": {"manifests": [{**sealed(), "sops": {"pgp": [{"fp": "x"}]}}]}}}
    assert list(component_secrets.problems(wanted, {"stg-1": "staging"}, Sops(fleet=[MINE]))) == []


def test_what_reads_like_a_password_is_told_once_and_without_it() -> None:
    values = {"admin": {"password": "c4nary", "passwordSecret": "door", "existing": ""}, "token": "${from_git}"}
    fleet = {"greeter": {"values": values}, "quiet": {"kustomize": {"path": "x"}}}
    (said,) = component_secrets.warnings([fleet, fleet])
    assert said.startswith("fleet_components.greeter.values.admin.password reads like a password")
    assert "c4nary" not in said
