# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Kubernetes Secrets: what Flux wants in them, and a way to show them that shows nothing."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

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


def _of_pull(pull: Mapping[str, Any], repository: Mapping[str, Any], where: str) -> list[Problem]:
    found = []
    over_ssh = repository["url"].startswith("ssh://")
    if over_ssh and pull["kind"] == "token":
        hint = "a token is for https:// URLs: choose deploy_key or private_key, or give an https:// URL"
        found.append(Problem(where, "fleet_cluster_credential.kind", "token", hint))
    if not over_ssh and pull["kind"] != "token":
        hint = "a key is for ssh:// URLs: choose token, or give an ssh:// URL"
        found.append(Problem(where, "fleet_cluster_credential.kind", pull["kind"], hint))
    if pull["kind"] in ("token", "private_key") and not pull.get(pull["kind"]):
        found.append(Problem(where, f"fleet_cluster_credential.{pull['kind']}", "", "is missing"))
    if over_ssh and not repository.get("known_hosts"):
        hint = "give the forge's host keys as known_hosts lines: host keys are pinned, never scanned"
        found.append(Problem(where, "fleet_repository_known_hosts", "", hint))
    return found


def key_problems(
    keys: Sequence[Mapping[str, Any]], known_hosts: str, owners: Mapping[str, str], where: str
) -> list[Problem]:
    """What can't work with the keys of tenants' sources. ``owners``: namespace → the tenant that its label names.

    A key in another tenant's namespace would let that tenant read this one's repository.
    """
    hint = "give the host keys of the tenants' forges as known_hosts lines: host keys are pinned, never scanned"
    found = [Problem(where, "fleet_known_hosts", "", hint)] if keys and not known_hosts else []
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
    if pull["kind"] == "token":
        data = {"username": pull["username"], "password": pull["token"]}
        return _secret(
            FLUX_SYNC, FLUX_NAMESPACE, data | ({"ca.crt": repository["ca_cert"]} if repository.get("ca_cert") else {})
        )
    if pull["kind"] == "private_key":
        return _secret(
            FLUX_SYNC, FLUX_NAMESPACE, {"identity": pull["private_key"], "known_hosts": repository["known_hosts"]}
        )
    return _with_identity(_secret(FLUX_SYNC, FLUX_NAMESPACE, {"known_hosts": repository["known_hosts"]}), existing, key)


def key_secret(one: Mapping[str, Any], known_hosts: str, existing: Document | None, key: KeyPair | None) -> Document:
    """The Secret of a tenant's source, with the key that is there or a new one."""
    document = _secret(one["secret"], one["namespace"], {"known_hosts": known_hosts})
    document["metadata"]["labels"] = {TENANT_LABEL: one["tenant"]}
    return _with_identity(document, existing, key)


def _with_identity(document: Document, existing: Document | None, key: KeyPair | None) -> Document:
    pair = {"identity": _encode(key.private), "identity.pub": _encode(key.public)} if key else {}
    kept = {field: (existing or {}).get("data", {}).get(field) for field in ("identity", "identity.pub")}
    document["data"] = (pair or kept) | document["data"]
    return document


def namespace_of(wanted: Document) -> Document:
    """The namespace that a Secret needs, labelled as the Secret is."""
    metadata = wanted["metadata"]
    labels = {"labels": metadata["labels"]} if metadata.get("labels") else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": metadata["namespace"], **labels}}


def from_params(one: Mapping[str, Any]) -> Document:
    """A Secret of the user's."""
    return _secret(one["name"], one["namespace"], one["data"], one["type"])


def public_key(document: Document) -> str:
    """The public key in a Secret: type and key, without a comment."""
    return " ".join(base64.b64decode(document["data"]["identity.pub"]).decode().split()[:2])


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


def _secret(secret_name: str, namespace: str, data: Mapping[str, Any], kind: str = "Opaque") -> Document:
    metadata = {"name": secret_name, "namespace": namespace}
    encoded = {field: _encode(str(value)) for field, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "data": encoded}


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
