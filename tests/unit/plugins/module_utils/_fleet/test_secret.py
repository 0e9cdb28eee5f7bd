# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets as Flux wants them, and as people see them: by name, never by value."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import given_secrets, secret

PLAIN = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
ENCRYPTED = PLAIN.replace("PRIVATE", "ENCRYPTED PRIVATE")
SSH = {"url": "ssh://git@git.example/x.git", "known_hosts": "git.example ssh-ed25519 AAAA\n", "ca_cert": None}
HTTPS = {"url": "https://git.example/x.git", "known_hosts": None, "ca_cert": None}


def pull(kind: str, **values: Any) -> dict[str, Any]:
    """How a cluster pulls."""
    return {"kind": kind, "private_key": None, "username": "git", "token": None, **values}


def encoded(text: str) -> str:
    """As a Secret holds it."""
    return base64.b64encode(text.encode()).decode()


@dataclass
class Pair:
    """A made-up key pair."""

    private: str = "canary-private"
    public: str = "ssh-ed25519 AAAApublic comment"


@pytest.mark.parametrize(
    ("how", "repository", "fields"),
    [
        (pull("deploy_key"), SSH, []),
        (pull("private_key", private_key=PLAIN), SSH, []),
        (pull("token", token="t"), HTTPS, []),
        (pull("deploy_key"), HTTPS, ["kind"]),
        (pull("private_key", private_key=PLAIN), HTTPS, ["kind"]),
        (pull("token", token="t"), SSH, ["kind"]),
        (pull("token"), HTTPS, ["token"]),
        (pull("token", token=""), HTTPS, ["token"]),
        (pull("private_key"), SSH, ["private_key"]),
        (pull("token"), SSH, ["kind", "token"]),
        (pull("bearer_token", token="t"), HTTPS, []),
        (pull("bearer_token"), SSH, ["kind", "token"]),
        (pull("github_app", app_id="1", installation_id="2", private_key=PLAIN), HTTPS, []),
        (pull("github_app", app_id="1"), HTTPS, ["installation_id", "private_key"]),
        (pull("private_key", private_key="no key"), SSH, ["private_key"]),
        (pull("private_key", private_key=ENCRYPTED), SSH, ["private_key"]),
        (pull("private_key", private_key=ENCRYPTED, passphrase="p"), SSH, []),
        (pull("private_key", private_key=PLAIN, passphrase="p"), SSH, ["passphrase"]),
        (pull("deploy_key"), {**SSH, "known_hosts": ""}, ["known_hosts"]),
        (pull("token"), {**SSH, "known_hosts": None}, ["kind", "token", "known_hosts"]),
    ],
)
def test_problems_truth_table(how: dict[str, Any], repository: dict[str, Any], fields: list[str]) -> None:
    found = secret.problems(how, repository, [], "h")
    assert [problem.field.rpartition(".")[2].rpartition("_repository_")[2] for problem in found] == fields
    assert {problem.where for problem in found} <= {"h"}


@pytest.mark.parametrize(
    ("one", "fields"),
    [
        ({"name": "sops-age", "namespace": "flux-system"}, []),
        ({"name": "registry.corp.example", "namespace": "flux-system"}, []),
        ({"name": "A", "namespace": "flux-system"}, ["fleet_secrets.name"]),
        ({"name": "", "namespace": "x y"}, ["fleet_secrets.name", "fleet_secrets.namespace"]),
    ],
)
def test_problems_of_names(one: dict[str, str], fields: list[str]) -> None:
    assert [problem.field for problem in secret.problems(pull("deploy_key"), SSH, [one], "h")] == fields


@pytest.mark.parametrize(
    ("existing", "whole"),
    [
        (None, False),
        ({}, False),
        ({"data": None}, False),
        ({"data": {"identity": "x"}}, False),
        ({"data": {"identity": "x", "identity.pub": ""}}, False),
        ({"data": {"identity": "x", "identity.pub": "y"}}, True),
    ],
)
def test_identity_truth_table(existing: Any, whole: bool) -> None:
    assert secret.identity(existing) == whole


def test_pull_secret_with_a_new_key() -> None:
    assert secret.pull_secret(pull("deploy_key"), SSH, None, Pair()) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "flux-system", "namespace": "flux-system"},
        "type": "Opaque",
        "data": {
            "identity": encoded("canary-private"),
            "identity.pub": encoded("ssh-ed25519 AAAApublic comment"),
            "known_hosts": encoded(SSH["known_hosts"] or ""),
        },
    }


def test_pull_secret_keeps_the_key_that_is_there() -> None:
    existing = {"data": {"identity": "old", "identity.pub": "old.pub", "known_hosts": "old", "extra": "x"}}
    data = secret.pull_secret(pull("deploy_key"), SSH, existing, None)["data"]
    assert data == {"identity": "old", "identity.pub": "old.pub", "known_hosts": encoded(SSH["known_hosts"] or "")}


def test_pull_secret_with_a_given_key() -> None:
    data = secret.pull_secret(pull("private_key", private_key="k"), SSH, None, None)["data"]
    assert data == {"identity": encoded("k"), "known_hosts": encoded(SSH["known_hosts"] or "")}


@pytest.mark.parametrize(("ca_cert", "more"), [(None, {}), ("", {}), ("PEM", {"ca.crt": encoded("PEM")})])
def test_pull_secret_with_a_token(ca_cert: str | None, more: dict[str, str]) -> None:
    data = secret.pull_secret(pull("token", token="t"), {**HTTPS, "ca_cert": ca_cert}, None, None)["data"]
    assert data == {"username": encoded("git"), "password": encoded("t"), **more}


def test_from_params_encodes_text() -> None:
    one = {"name": "a", "namespace": "n", "type": "Opaque", "data": {"x": "ümläut\n", "n": 5}}
    found = given_secrets.from_params(one)
    assert found["metadata"] == {"name": "a", "namespace": "n"}
    assert found["data"] == {"x": encoded("ümläut\n"), "n": encoded("5")}


@pytest.mark.parametrize("public", ["ssh-ed25519 AAAA", "ssh-ed25519 AAAA me@host", "ssh-ed25519 AAAA\n"])
def test_public_key_without_a_comment(public: str) -> None:
    assert secret.public_key({"data": {"identity.pub": encoded(public)}}) == "ssh-ed25519 AAAA"


WANTED = given_secrets.from_params({"name": "a", "namespace": "n", "type": "Opaque", "data": {"x": "1"}})


@pytest.mark.parametrize(
    ("existing", "is_written"),
    [
        ({"data": WANTED["data"], "type": "Opaque"}, False),
        ({"data": WANTED["data"]}, False),
        ({"data": {**WANTED["data"], "more": "x"}, "type": "Opaque"}, True),
        ({"data": {}, "type": "Opaque"}, True),
        ({"data": None}, True),
        ({"data": WANTED["data"], "type": "kubernetes.io/tls"}, True),
    ],
)
def test_merged_truth_table(existing: dict[str, Any], is_written: bool) -> None:
    metadata = {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "7", "labels": {"theirs": "yes"}}
    merged = secret.merged({**existing, "metadata": metadata}, WANTED)
    assert (merged is not None) == is_written
    if merged:
        assert (merged["data"], merged["type"], merged["metadata"]) == (WANTED["data"], WANTED["type"], metadata)


@pytest.mark.parametrize("made_up", [True, False])
@pytest.mark.parametrize("uid", [{}, {"uid": "u"}])
def test_diff_shows_no_value(made_up: bool, uid: dict[str, str]) -> None:
    document = secret.pull_secret(pull("deploy_key"), SSH, None, Pair())
    document["metadata"].update(uid)
    shown = secret.diff(document, made_up=made_up)
    assert not [value for value in [*document["data"].values(), "canary"] if value in str(shown)]
    assert shown["after_header"] == f"Secret flux-system/flux-system ({'changed' if uid else 'new'})"
    assert shown["after"].splitlines()[:3] == ["identity: ********", "identity.pub: ********", "known_hosts: ********"]
    assert ("to be generated" in shown["after"]) == made_up


def test_diff_of_a_namespace() -> None:
    shown = secret.diff({"kind": "Namespace", "metadata": {"name": "x"}}, made_up=False)
    assert (shown["after_header"], shown["before"], shown["after"]) == ("Namespace x (new)", "", "new\n")


KEY = {
    "tenant": "shop",
    "namespace": "shop-jobs",
    "secret": "source-deploy",
    "source": "deploy",
    "url": "ssh://git@git.example/shop/shop-deploy.git",
}


def test_problems_of_nothing_asked() -> None:
    assert secret.problems(None, {**SSH, "known_hosts": None}, [], "h") == []


def test_key_secret_is_labelled_and_keeps_the_key_that_is_there() -> None:
    new = secret.key_secret(KEY, "hosts", None, Pair())
    assert new["metadata"] == {
        "name": "source-deploy",
        "namespace": "shop-jobs",
        "labels": {"fleet.fluxops.io/tenant": "shop"},
    }
    assert new["data"] == {
        "identity": encoded("canary-private"),
        "identity.pub": encoded("ssh-ed25519 AAAApublic comment"),
        "known_hosts": encoded("hosts"),
    }
    assert secret.merged({**new, "metadata": {}}, secret.key_secret(KEY, "hosts", new, None)) is None
    later = secret.key_secret(KEY, "other hosts", new, None)
    assert later["data"] == {**new["data"], "known_hosts": encoded("other hosts")}


def test_namespace_of_a_tenants_secret_is_labelled_and_others_are_not() -> None:
    namespace = secret.namespace_of(secret.key_secret(KEY, "hosts", None, Pair()))
    assert (namespace["kind"], namespace["metadata"]) == (
        "Namespace",
        {"name": "shop-jobs", "labels": {"fleet.fluxops.io/tenant": "shop"}},
    )
    assert secret.namespace_of(WANTED)["metadata"] == {"name": "n"}


@pytest.mark.parametrize(
    ("one", "known_hosts", "owners", "said"),
    [
        (KEY, "hosts", {}, []),
        (KEY, "hosts", {"shop-jobs": "shop", "other": "else"}, []),
        (KEY, "", {}, ["fleet_known_hosts"]),
        (KEY, "hosts", {"shop-jobs": "else"}, ["keys of tenant shop"]),
        ({**KEY, "url": "https://git.example/x.git"}, "hosts", {}, ["keys of tenant shop"]),
        (
            {**KEY, "url": "https://git.example/x.git"},
            "",
            {"shop-jobs": "else"},
            ["fleet_known_hosts", *2 * ["keys of tenant shop"]],
        ),
    ],
)
def test_key_problems_truth_table(
    one: dict[str, str], known_hosts: str, owners: dict[str, str], said: list[str]
) -> None:
    found = secret.key_problems([one], known_hosts, owners, "h")
    assert [problem.field for problem in found] == said
    assert {problem.where for problem in found} <= {"h"}


def test_key_problems_of_no_keys() -> None:
    assert secret.key_problems([], "", {}, "h") == []


@pytest.mark.parametrize(
    ("how", "repository", "data"),
    [
        (
            pull("private_key", private_key=ENCRYPTED, passphrase="p"),
            SSH,
            {"identity": ENCRYPTED, "password": "p", "known_hosts": SSH["known_hosts"]},
        ),
        (pull("bearer_token", token="t"), {**HTTPS, "ca_cert": "CA"}, {"bearerToken": "t", "ca.crt": "CA"}),
        (
            pull("github_app", app_id="1", installation_id="2", private_key=PLAIN),
            HTTPS,
            {"githubAppID": "1", "githubAppInstallationID": "2", "githubAppPrivateKey": PLAIN},
        ),
    ],
)
def test_pull_secret_has_the_fields_that_flux_reads(
    how: dict[str, Any], repository: dict[str, Any], data: dict[str, str]
) -> None:
    existing = {"data": {"identity": encoded("old"), "username": encoded("old")}}
    found = secret.pull_secret(how, repository, existing, None)["data"]
    assert found == {field: encoded(value) for field, value in data.items()}


def test_pull_secret_keeps_a_passphrase_with_its_key() -> None:
    before = {name: encoded(name) for name in ("identity", "identity.pub", "password", "username")}
    data = secret.pull_secret(pull("deploy_key"), SSH, {"data": before}, None)["data"]
    assert sorted(data) == ["identity", "identity.pub", "known_hosts", "password"]


@pytest.mark.parametrize(("kind", "provider", "wrong"), [
    ("github_app", "github", False), ("github_app", "generic", True),
    ("token", "github", True), ("token", "generic", False),
])  # fmt: skip
def test_provider_goes_with_a_github_app_alone(kind: str, provider: str, wrong: bool) -> None:
    assert bool(secret.provider_problems(pull(kind), provider, "h")) is wrong


def test_a_secret_of_a_tenant_goes_where_the_tenant_is() -> None:
    common = {"name": "sops-age", "namespace": "flux-system", "type": "Opaque", "data": {"age.agekey": "k"}}
    own = {**common, "tenant": "payments", "namespace": "payments"}
    assert given_secrets.for_tenants([common, own], ["shop"]) == [common]
    assert given_secrets.for_tenants([common, own], ["payments"]) == [common, own]
    document = given_secrets.from_params(own)
    assert secret.namespace_of(document)["metadata"]["labels"] == {"fleet.fluxops.io/tenant": "payments"}
    beside = given_secrets.from_params({**own, "namespace": "flux-system"})
    assert "labels" not in secret.namespace_of(beside)["metadata"], "a namespace that all have"
    assert given_secrets.owner_problems([own], {"payments": "payments"}, "stg-1") == []
    (problem,) = given_secrets.owner_problems([own], {"payments": "shop"}, "stg-1")
    assert "this namespace is tenant shop's" in problem.hint


def test_public_key_that_is_none_is_no_fault() -> None:
    document = {"data": {"identity.pub": base64.b64encode(b"ssh-ed25519 \xff\xfe x").decode()}}
    assert secret.public_key(document) == "ssh-ed25519 \ufffd\ufffd"
