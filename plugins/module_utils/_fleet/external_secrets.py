# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Secrets that External Secrets Operator brings for a tenant: what a request says, and how far it may go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import patterns
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_values import (
    LINE,
    SUBDOMAIN,
    secret_name,
    text_fault,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Fault, Shape, Text, Word
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.structures import Items, Record

CAP = "fleet_tenant_caps.externalSecrets"
# A part of a key that a store may take for the one above.
_CLIMBS = re.compile(r"(^|/)\.{1,2}(/|$)|//")

FIELDS: Mapping[str, Shape] = {
    "name": secret_name("The name of the Secret that is made, in the first namespace."),
    "store": Text("The name of the store.", SUBDOMAIN, "the name of a SecretStore or ClusterSecretStore"),
    "kind": Word(
        "SecretStore (so where it is left out), of the namespace, or ClusterSecretStore, as the fleet allows it.",
        ("SecretStore", "ClusterSecretStore"),
    ),
    "key": Text("What the store holds it under; all of its fields are taken.", LINE, "one line", 512, text_fault),
    "type": Text(
        "The Secret's type; Opaque where it is left out.", rf"({SUBDOMAIN}/)?[A-Za-z0-9._-]+", "a type, such as Opaque"
    ),
}
FORM = Items(
    "Secrets that External Secrets Operator brings from a store.", Record("", FIELDS, ("name", "store", "key"))
)
CAPS = Items(
    "",
    Text(
        "",
        rf"{SUBDOMAIN}(/[^/*]*(\*[^/*]*)?)*(/\*\*)?",
        "a ClusterSecretStore and keys of it, with {tenant} for the tenant's name, * for what lies between two slashes "
        "and /** at the end for all that lies below, such as vault/tenants/{tenant}/**",
        1024,
    ),
    0,
)


def faults(content: Mapping[str, Any], allowed: Sequence[str]) -> Iterator[Fault]:
    """What a request takes twice, or from a store of the whole cluster where the fleet does not say that it may."""
    asked = content.get("externalSecrets", ())
    names = [one["name"] for one in asked]
    for number, one in enumerate(asked):
        if one["name"] in names[:number]:
            yield ("externalSecrets", number, "name"), one["name"], "stands twice: each Secret has its own name"
        if one.get("kind") == "ClusterSecretStore" and not _allows(one, content["tenant"], allowed):
            known = ", ".join(allowed) or "none"
            hint = f"a ClusterSecretStore has keys of others too, and the fleet allows {known} ({CAP})"
            yield ("externalSecrets", number, "key"), one["key"], hint


def _allows(one: Mapping[str, Any], tenant: str, allowed: Sequence[str]) -> bool:
    place = f"{one['store']}/{one['key']}"
    own = (pattern.replace("{tenant}", tenant) for pattern in allowed)
    return not _CLIMBS.search(place) and any(patterns.expression(one, "/").fullmatch(place) for one in own)
