# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What the Python client leaves out of a kubeconfig: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Field of a cluster → the client's own name of it, in the versions that know it.
_KNOWN = {"tls-server-name": "tls_server_name", "proxy-url": "proxy"}
# Of a user: what neither the client knows nor we.
_UNKNOWN = ("as-user-extra",)


@dataclass(frozen=True)
class Identity:
    """Whom a kubeconfig acts as; empty for the user whose credentials it has."""

    user: str = ""
    groups: tuple[str, ...] = ()
    uid: str = ""


def chosen(sections: Mapping[str, Any], context: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Cluster and user of a context (None: the current one) of a parsed kubeconfig; empty where they are missing."""
    found = _named(sections, "context", context or _plain(sections.get("current-context")))
    return tuple(_named(sections, one, _plain(found.get(one))) for one in ("cluster", "user"))  # type: ignore[return-value]


def _named(sections: Mapping[str, Any], kind: str, name: Any) -> dict[str, Any]:
    for entry in sections.get(f"{kind}s") or []:
        plain = _plain(entry)
        if plain.get("name") == name:
            return _plain(plain.get(kind)) or {}
    return {}


def _plain(value: Any) -> Any:
    """What the client's own reader wraps."""
    return getattr(value, "value", value)


def identity(user: Mapping[str, Any]) -> Identity:
    """Whom a user of a kubeconfig acts as: the client knows nothing of that and would act as the user itself."""
    groups = tuple(str(group) for group in user.get("as-groups") or ())
    return Identity(str(user.get("as") or ""), groups, str(user.get("as-uid") or ""))


def check_known(cluster: Mapping[str, Any], user: Mapping[str, Any], configuration: object, version: str) -> None:
    """Raise ValueError for fields that the client's ``configuration`` lacks: without them another server, or another
    person, would be met."""
    silent = [field for field, name in _KNOWN.items() if cluster.get(field) and not getattr(configuration, name, None)]
    if silent:
        found = " and ".join(silent)
        raise ValueError(f"the Python package kubernetes {version} knows no {found}: install a newer one")
    unknown = [field for field in _UNKNOWN if user.get(field)]
    if unknown:
        raise ValueError(f"{unknown[0]} is not supported: give auth.impersonate_user instead")
