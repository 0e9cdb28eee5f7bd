# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""A source of a tenant's: what Flux fetches, with which credential, and whose signature it must have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import TENANT_SERVICE_ACCOUNT

_OCI = "oci://"
APP = "github"


@dataclass(frozen=True)
class Source:
    """A repository of the tenant's. ``secret`` holds what it takes to read it; empty: everybody may read it.

    ``generated``: the secret is a deploy key that we make on each cluster. ``options`` are further fields of
    Flux's object, by its own names.
    """

    name: str
    url: str
    secret: str
    generated: bool
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> Source:
        """A source as a checked request names it."""
        url, name = content["url"], content["name"]
        generated = "secret" not in content and url.startswith("ssh://")
        secret = f"source-{name}" if generated else content.get("secret", "")
        return cls(name, url, secret, generated, dict(_options(content)))

    @property
    def kind(self) -> str:
        """The kind of Flux's object."""
        return "OCIRepository" if is_oci(self.url) else "GitRepository"

    def as_dict(self) -> dict[str, Any]:
        """The source as plain data."""
        return {"name": self.name, "url": self.url, "secret": self.secret, **self.options}


def is_oci(url: str) -> bool:
    """Whether a URL is of a registry, and not of a Git server."""
    return url.startswith(_OCI)


def default_ref(url: str) -> Mapping[str, str]:
    """What is followed where nobody says it."""
    return {"tag": "latest"} if is_oci(url) else {"branch": "main"}


def _options(content: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "certSecret" in content:
        found["certSecretRef"] = {"name": content["certSecret"]}
    if "verify" in content:
        found["verify"] = verification(content["verify"], content["url"])
    if "provider" in content:
        found["provider"] = content["provider"]
        # Without an account it would be the controller's identity, which may read the sources of others.
        found |= {} if content["provider"] == APP else {"serviceAccountName": TENANT_SERVICE_ACCOUNT}
    if "ignore" in content:
        found["ignore"] = "".join(f"{line}\n" for line in content["ignore"])
    if content.get("recurseSubmodules"):
        found["recurseSubmodules"] = True
    if "sparseCheckout" in content:
        # With a slash at the end: go-git compares beginnings, and app would bring app-of-others too.
        found["sparseCheckout"] = [_directory(one) for one in content["sparseCheckout"]]
    return found


def _directory(value: str) -> str:
    return "".join(f"{part}/" for part in value.split("/") if part not in ("", "."))


def verification(asked: Mapping[str, Any], url: str) -> dict[str, Any]:
    """The field ``verify`` of Flux's object for what a form says of it."""
    reference = {"secretRef": {"name": asked["secret"]}} if "secret" in asked else {}
    if is_oci(url):
        identities = [dict(one) for one in asked.get("matchOIDCIdentity", ())]
        return {"provider": "cosign", **({"matchOIDCIdentity": identities} if identities else {}), **reference}
    return {"mode": asked.get("mode", "HEAD"), **reference}
