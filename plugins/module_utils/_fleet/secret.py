# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Kubernetes Secrets: what Flux wants in them, and a way to show them that shows nothing."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import known_hosts
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE, FLUX_SYNC, TENANT_LABEL
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import check_label
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name


class KeyPair(Protocol):
    """An SSH key."""

    @property
    def private(self) -> str:
        """The private key's text."""

    @property
    def public(self) -> str:
        """The public key's line."""


def problems(
    pull: Mapping[str, Any] | None, repository: Mapping[str, Any], secrets: Sequence[Mapping[str, Any]], where: str
) -> list[Problem]:
    """What can't work, known before anything is written. ``pull`` is None where nothing is asked of it."""
    found = _of_pull(pull, repository, where) if pull else []
    for one in secrets:
        for field in ("name", "namespace"):
            found += check_label(where, f"fleet_secrets.{field}", str(one[field]).replace(".", "-"))
    return found


# What each kind needs, and the scheme of the URLs that it is for.
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "deploy_key": (),
    "private_key": ("private_key",),
    "token": ("token",),
    "bearer_token": ("token",),
    "github_app": ("app_id", "installation_id", "private_key"),
}
_OVER_SSH = ("deploy_key", "private_key")
GIVEN = ("private_key", "token", "bearer_token")
"""The kinds that can be tried before a cluster has them. Of a GitHub App only Flux makes a token."""


def _of_pull(pull: Mapping[str, Any], repository: Mapping[str, Any], where: str) -> list[Problem]:
    found, kind = [], pull["kind"]
    over_ssh = repository["url"].startswith("ssh://")
    if over_ssh and kind not in _OVER_SSH:
        hint = f"{kind} is for https:// URLs: choose deploy_key or private_key, or give an https:// URL"
        found.append(Problem(where, "fleet_cluster_credential.kind", kind, hint))
    if not over_ssh and kind in _OVER_SSH:
        hint = "a key is for ssh:// URLs: choose token, bearer_token or github_app, or give an ssh:// URL"
        found.append(Problem(where, "fleet_cluster_credential.kind", kind, hint))
    missing = [field for field in _NEEDS[kind] if not pull.get(field)]
    found += [Problem(where, f"fleet_cluster_credential.{field}", "", "is missing") for field in missing]
    if pull.get("private_key"):
        found += key_text_problems(pull["private_key"], pull.get("passphrase"), where, "fleet_cluster_credential.")
    if over_ssh and not known_hosts.trusted(repository.get("known_hosts"), repository["url"]):
        hint = "give the forge's host keys as known_hosts lines: host keys are pinned, never scanned"
        found.append(Problem(where, "fleet_repository_known_hosts", "", hint))
    return found


def provider_problems(pull: Mapping[str, Any] | None, provider: str, where: str) -> list[Problem]:
    """A GitHub App and Flux's provider for it go together alone."""
    app = bool(pull and pull["kind"] == "github_app")
    if not pull or app == (provider == "github"):
        return []
    hint = "github goes with fleet_cluster_credential.kind github_app, and with it alone"
    return [Problem(where, "flux.provider", provider, hint)]


def key_text_problems(text: str, passphrase: str | None, where: str, prefix: str) -> list[Problem]:
    """What is wrong with a given private key, as far as its text shows. ``prefix`` comes before the field's name."""
    if not re.search(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*-----END [A-Z0-9 ]*PRIVATE KEY-----", text, re.DOTALL):
        hint = "give a whole private key, from -----BEGIN to -----END"
        return [Problem(where, f"{prefix}private_key", "", hint)]
    if is_encrypted(text) and not passphrase:
        hint = f"the key is encrypted: give {prefix}passphrase too, or a key without"
        return [Problem(where, f"{prefix}private_key", "", hint)]
    if passphrase and not is_encrypted(text):
        return [Problem(where, f"{prefix}passphrase", "", "the key is not encrypted: take the passphrase away")]
    return []


def is_encrypted(text: str) -> bool:
    """Whether a private key in PEM or OpenSSH's format wants a passphrase.

    https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key: magic, then the cipher's name with its length.
    """
    if "BEGIN OPENSSH PRIVATE KEY" not in text:
        return "BEGIN ENCRYPTED PRIVATE KEY" in text or "Proc-Type: 4,ENCRYPTED" in text
    body = "".join(line.strip() for line in text.splitlines() if "-----" not in line)
    try:
        data = base64.b64decode(body)
    except ValueError:
        return False
    magic = b"openssh-key-v1\0"
    return data.startswith(magic) and not data[len(magic) + 4 :].startswith(b"none")


def key_problems(
    keys: Sequence[Mapping[str, Any]], pinned: str, owners: Mapping[str, str], where: str
) -> list[Problem]:
    """What can't work with the keys of tenants' sources. ``owners``: namespace → the tenant that its label names.

    A key in another tenant's namespace would let that tenant read this one's repository.
    """
    unknown = [one for one in keys if not known_hosts.trusted(pinned, one["url"])]
    hint = "give the host keys of the tenants' forges as known_hosts lines: host keys are pinned, never scanned"
    found = [Problem(where, "fleet_known_hosts", "", hint)] if unknown else []
    for one in keys:
        field, owner = f"keys of tenant {one['tenant']}", owners.get(one["namespace"], "")
        if not one["url"].startswith("ssh://"):
            found.append(Problem(where, field, one["source"], "a key is for ssh:// URLs: name a Secret that you keep"))
        if owner not in ("", one["tenant"]):
            found.append(Problem(where, field, one["namespace"], f"this namespace is tenant {owner}'s"))
    return found


def identity(existing: Document | None) -> bool:
    """Whether a Secret holds an SSH key pair."""
    data = (existing or {}).get("data") or {}
    return bool(data.get("identity") and data.get("identity.pub"))


def pull_secret(
    pull: Mapping[str, Any], repository: Mapping[str, Any], existing: Document | None, key: KeyPair | None
) -> Document:
    """The Secret of the root sync, in the fields that Flux reads: https://fluxcd.io/flux/components/source/gitrepositories/#secret-reference."""
    if pull["kind"] == "deploy_key":
        document = opaque(FLUX_SYNC, FLUX_NAMESPACE, {"known_hosts": _pinned(repository)})
        return _with_identity(document, existing, key)
    trusted = {"ca.crt": repository.get("ca_cert")} if pull["kind"] not in _OVER_SSH else {}
    data = _FIELDS[pull["kind"]](pull, repository) | trusted
    return opaque(FLUX_SYNC, FLUX_NAMESPACE, {field: value for field, value in data.items() if value})


_FIELDS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]] = {
    "private_key": lambda pull, repository: {
        "identity": pull["private_key"],
        "password": pull.get("passphrase"),
        "known_hosts": _pinned(repository),
    },
    "token": lambda pull, _repository: {"username": pull["username"], "password": pull["token"]},
    "bearer_token": lambda pull, _repository: {"bearerToken": pull["token"]},
    "github_app": lambda pull, _repository: {
        "githubAppID": pull["app_id"],
        "githubAppInstallationID": pull["installation_id"],
        "githubAppPrivateKey": pull["private_key"],
        "githubAppBaseURL": pull.get("base_url"),
    },
}


def _pinned(repository: Mapping[str, Any]) -> str:
    return known_hosts.trusted(repository["known_hosts"], repository["url"])


def key_secret(one: Mapping[str, Any], pinned: str, existing: Document | None, key: KeyPair | None) -> Document:
    """The Secret of a tenant's source, with the key that is there or a new one."""
    document = opaque(one["secret"], one["namespace"], {"known_hosts": known_hosts.trusted(pinned, one["url"])})
    document["metadata"]["labels"] = {TENANT_LABEL: one["tenant"]}
    return _with_identity(document, existing, key)


def _with_identity(document: Document, existing: Document | None, key: KeyPair | None) -> Document:
    pair = {"identity": _encode(key.private), "identity.pub": _encode(key.public)} if key else {}
    before = (existing or {}).get("data") or {}
    # Flux's own tools may have put a key there that wants a passphrase.
    kept = {field: before[field] for field in ("identity", "identity.pub", "password") if field in before}
    document["data"] = (pair or kept) | document["data"]
    return document


def namespace_of(wanted: Document) -> Document:
    """The namespace that a Secret needs, labelled as the Secret is."""
    metadata = wanted["metadata"]
    ours = metadata.get("labels") and metadata["namespace"] != FLUX_NAMESPACE
    labels = {"labels": metadata["labels"]} if ours else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": metadata["namespace"], **labels}}


def public_key(document: Document) -> str:
    """The public key in a Secret: type and key, without a comment. Tenants can write theirs: it may be anything."""
    return " ".join(base64.b64decode(document["data"]["identity.pub"]).decode("utf-8", "replace").split()[:2])


def merged(existing: Document, wanted: Document) -> Document | None:
    """The existing Secret with exactly the wanted data, or None where it has that already."""
    if (existing.get("data") or {}) == wanted["data"] and existing.get("type", "Opaque") == wanted["type"]:
        return None
    return {"apiVersion": "v1", "kind": "Secret", **existing, "data": wanted["data"], "type": wanted["type"]}


def diff(document: Document, *, made_up: bool) -> dict[str, str]:
    """An object to write, as people see it: a Secret's fields by name, never by value."""
    lines = [f"{field}: ********" for field in sorted(document.get("data", {}))]
    if made_up and "identity" in document.get("data", {}):
        lines.append("identity: to be generated by the run")
    state = "changed" if "uid" in document["metadata"] else "new"
    header = f"{name(document)} ({state})"
    return {
        "before_header": header,
        "after_header": header,
        "before": "",
        "after": "\n".join([*lines, ""]) if lines else "new\n",
    }


def opaque(secret_name: str, namespace: str, data: Mapping[str, Any], kind: str = "Opaque") -> Document:
    """A Secret with these values, which are encoded as Kubernetes wants them."""
    metadata = {"name": secret_name, "namespace": namespace}
    encoded = {field: _encode(str(value)) for field, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "data": encoded}


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
