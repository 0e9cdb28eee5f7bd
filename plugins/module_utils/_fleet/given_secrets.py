# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Secrets of the user's, ``fleet_secrets``: for all clusters, or for those that have a tenant."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import secret
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import TENANT_LABEL


def for_tenants(secrets: Sequence[Mapping[str, Any]], tenants: Collection[str]) -> list[Mapping[str, Any]]:
    """The user's Secrets that a cluster with these tenants gets."""
    return [one for one in secrets if not one.get("tenant") or one["tenant"] in tenants]


def owner_problems(secrets: Sequence[Mapping[str, Any]], owners: Mapping[str, str], where: str) -> list[Problem]:
    """Tenants' Secrets that another tenant could read. ``owners``: namespace → the tenant that its label names."""
    found = []
    for one in secrets:
        owner = owners.get(one["namespace"], "")
        if owner not in ("", one["tenant"]):
            hint = f"this namespace is tenant {owner}'s, and the Secret is for {one['tenant']}"
            found.append(Problem(where, f"fleet_secrets.{one['name']}.namespace", one["namespace"], hint))
    return found


def from_params(one: Mapping[str, Any]) -> Document:
    """A Secret of the user's."""
    document = secret.opaque(one["name"], one["namespace"], one["data"], one["type"])
    if one.get("tenant"):
        document["metadata"]["labels"] = {TENANT_LABEL: one["tenant"]}
    return document
