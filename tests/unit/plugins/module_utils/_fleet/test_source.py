# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources of tenants: Git and OCI, what each of them can have, and what Flux is told of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, tenants
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.tests.unit.plugins.tenant_samples import (
    RENDERER,
    URL,
    hostile,
    problems,
    small,
    tenant,
)

OCI = "oci://registry.example:5000/payments/manifests"
WHO = {"issuer": "^https://token.actions.example$", "subject": "^https://git.example/payments/.*$"}


def request(url: str = OCI, ref: Any = None, environment: Any = None, **source: Any) -> dict[str, Any]:
    """A request with one source, for staging."""
    asked = {**({"ref": ref} if ref else {}), **(environment or {})}
    return small(sources=[{"name": "deploy", "url": url, **source}], environments={"staging": asked})


def rendered(asked: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The source and the Kustomization, as they are read again."""
    made = tenant(asked)
    text = tenants.render(made, made.placements[0], RENDERER, Layout(), {}).text
    source, sync = documents.read(text, "tenant.yaml")[-2:]
    return source, sync


def faults(asked: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What is wrong with a request."""
    return [(one.field, one.value, one.hint) for one in problems(asked)]


def test_oci() -> None:
    source, sync = rendered(request(secret="login", certSecret="corp-ca", ignore=["/*", "!/flux"]))
    assert (source["apiVersion"], source["kind"]) == ("source.toolkit.fluxcd.io/v1", "OCIRepository")
    assert source["spec"] == {
        "interval": "5m",
        "timeout": "60s",
        "url": OCI,
        "ref": {"tag": "latest"},
        "secretRef": {"name": "login"},
        "certSecretRef": {"name": "corp-ca"},
        "ignore": "/*\n!/flux\n",
    }
    assert "annotations" not in source["metadata"]
    assert sync["spec"]["sourceRef"] == {"kind": "OCIRepository", "name": "deploy"}


@pytest.mark.parametrize("ref", [{"tag": "v1.2.3"}, {"semver": ">=1.0.0"}, {"digest": "sha256:" + "0" * 64}])
def test_ref_of_oci(ref: dict[str, str]) -> None:
    assert rendered(request(ref=ref))[0]["spec"]["ref"] == ref


@pytest.mark.parametrize(
    ("url", "verify", "spec"),
    [
        (OCI, {"secret": "cosign"}, {"provider": "cosign", "secretRef": {"name": "cosign"}}),
        (OCI, {"matchOIDCIdentity": [WHO]}, {"provider": "cosign", "matchOIDCIdentity": [WHO]}),
        (URL, {"secret": "keys"}, {"mode": "HEAD", "secretRef": {"name": "keys"}}),
        (URL, {"secret": "keys", "mode": "TagAndHEAD"}, {"mode": "TagAndHEAD", "secretRef": {"name": "keys"}}),
    ],
)
def test_verification(url: str, verify: dict[str, Any], spec: dict[str, Any]) -> None:
    assert rendered(request(url, {"tag": "v1"}, verify=verify))[0]["spec"]["verify"] == spec


HTTPS = "https://git.example/payments/payments-deploy.git"


@pytest.mark.parametrize(("url", "provider"), [(OCI, "aws"), (OCI, "gcp"), (HTTPS, "azure"), (HTTPS, "aws")])
def test_cloud_identity_is_the_tenants_and_not_the_controllers(url: str, provider: str) -> None:
    source, _sync = rendered(request(url, provider=provider))
    assert (source["spec"]["provider"], source["spec"]["serviceAccountName"]) == (provider, "fleet-tenant")
    assert "secretRef" not in source["spec"]


def test_app_of_github_is_in_its_secret() -> None:
    source, _sync = rendered(request(HTTPS, provider="github", secret="app"))
    assert (source["spec"]["provider"], source["spec"]["secretRef"]) == ("github", {"name": "app"})
    assert "serviceAccountName" not in source["spec"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (request(OCI, provider="github"), "provider"),
        (request(HTTPS, provider="gcp"), "provider"),
        (request(URL, provider="azure"), "provider"),
        (request(HTTPS, provider="github"), "secret"),
        (request(OCI, provider="aws", secret="login"), "secret"),
    ],
)
def test_cloud_identity_that_no_such_source_has(asked: dict[str, Any], field: str) -> None:
    assert [one[0] for one in faults(asked)] == [f"sources[0].{field}"]


def test_part_of_a_git_repository() -> None:
    asked = request(URL, recurseSubmodules=True, sparseCheckout=["./flux", "apps//shop/"])
    spec = rendered(asked)[0]["spec"]
    assert (spec["recurseSubmodules"], spec["sparseCheckout"]) == (True, ["flux/", "apps/shop/"])
    assert "recurseSubmodules" not in rendered(request(URL, recurseSubmodules=False))[0]["spec"]


def test_decryption() -> None:
    assert "decryption" not in rendered(request())[1]["spec"]
    asked = {**request(), "decryption": {"secret": "sops-age"}}
    spec = {"provider": "sops", "secretRef": {"name": "sops-age"}}
    assert rendered(asked)[1]["spec"]["decryption"] == spec
    own = {**request(environment={"decryption": {"secret": "own"}}), "decryption": {"secret": "sops-age"}}
    assert rendered(own)[1]["spec"]["decryption"] == {**spec, "secretRef": {"name": "own"}}


TAGS = {"mode": "Tag", "secret": "keys"}


@pytest.mark.parametrize(
    ("asked", "field", "hint"),
    [
        (request(ref={"branch": "main"}), "environments.staging.ref.branch", "is an OCI artifact: one of tag, semver"),
        (request(ref={"commit": "0" * 40}), "environments.staging.ref.commit", "is an OCI artifact"),
        (request(URL, {"digest": "sha256:" + "0" * 64}), "environments.staging.ref.digest", "is a Git repository: one"),
        (request(ref={"tag": "a/b"}), "environments.staging.ref.tag", "a tag of a registry"),
        (request(sparseCheckout=["x"]), "sources[0].sparseCheckout", "is for Git alone"),
        (request(recurseSubmodules=True), "sources[0].recurseSubmodules", "is for Git alone"),
        (request(URL, certSecret="ca"), "sources[0].certSecret", "is for oci:// alone"),
        (request(URL, sparseCheckout=["./"]), "sources[0].sparseCheckout", "a directory below the root"),
        (request(verify={}), "sources[0].verify", "exactly one of secret and matchOIDCIdentity"),
        (request(verify={"secret": "x", "matchOIDCIdentity": [WHO]}), "sources[0].verify", "exactly one of secret"),
        (request(verify={"secret": "x", "mode": "HEAD"}), "sources[0].verify.mode", "is for Git alone"),
        (request(URL, verify={"mode": "HEAD"}), "sources[0].verify.secret", "is missing"),
        (request(URL, {"tag": "v1"}, verify=TAGS | {"matchOIDCIdentity": [WHO]}), "sources[0].verify.matchOIDC", "oci"),
        (request(URL, verify=TAGS), "environments.staging.ref", "has its tags verified: follow tag or semver"),
        (
            request(URL, {"tag": "v1"}, {"exceptions": {"stg-1": {"ref": {"branch": "x"}}}}, verify=TAGS),
            "environments.staging.exceptions.stg-1.ref",
            "has its tags verified",
        ),
        (
            request(environment={"exceptions": {"stg-1": {"ref": {"branch": "x"}}}}),
            "environments.staging.exceptions.stg-1.ref.branch",
            "is an OCI artifact",
        ),
    ],
)
def test_what_does_not_go_together(asked: dict[str, Any], field: str, hint: str) -> None:
    ((where, _value, said),) = faults(asked)
    assert where.startswith(field)
    assert hint in said


@pytest.mark.parametrize(
    ("url", "shown", "hint"),
    [
        ("oci://user:geheim@registry.example/x", "oci://…@registry.example/x", "credentials stand in the URL"),
        ("oci://registry.example/x@sha256:" + "0" * 64, "…", "the digest stands in ref"),
        ("oci://registry.example/x:v1", "oci://registry.example/x:v1", "a tag or digest in ref"),
        ("oci://registry/x", "oci://registry/x", "the registry with its domain"),
        ("oci://registry.example", "oci://registry.example", "registry.example/path"),
        ("oci://registry.example/X", "oci://registry.example/X", "lower-case"),
        ("oci://registry.example/a//b", "oci://registry.example/a//b", "registry.example/path"),
        ("oci://registry.example/a/../b", "oci://registry.example/a/../b", "registry.example/path"),
    ],
)
def test_url_of_oci_that_is_refused(url: str, shown: str, hint: str) -> None:
    ((field, value, said),) = faults(request(url))
    assert (field, hint in said) == ("sources[0].url", True)
    assert shown in value
    assert "geheim" not in value


@pytest.mark.parametrize("host", ["localhost", "localhost:5000", "registry:5000", "a.b-c.example"])
def test_url_of_oci(host: str) -> None:
    assert tenant(request(f"oci://{host}/a/b-c__d.e")).placements[0].source.kind == "OCIRepository"


@given(st.sampled_from(["url", "tag", "ignore", "sparseCheckout", "subject"]), hostile)
def test_what_is_written_reads_back_or_is_refused(field: str, value: str) -> None:
    """No text of a source becomes anything else in the file."""
    asked = {
        "url": request(f"oci://registry.example/{value}"),
        "tag": request(ref={"tag": value}),
        "ignore": request(ignore=[value]),
        "sparseCheckout": request(URL, sparseCheckout=[value]),
        "subject": request(verify={"matchOIDCIdentity": [{**WHO, "subject": value}]}),
    }[field]
    if faults(asked):
        return
    spec = rendered(asked)[0]["spec"]
    found = {
        "url": lambda: spec["url"] == f"oci://registry.example/{value}",
        "tag": lambda: spec["ref"] == {"tag": value},
        "ignore": lambda: spec["ignore"] == f"{value}\n",
        "sparseCheckout": lambda: spec["sparseCheckout"][0].rstrip("/") in value and ".." not in spec["sparseCheckout"],
        "subject": lambda: spec["verify"]["matchOIDCIdentity"][0]["subject"] == value,
    }[field]
    assert found()
