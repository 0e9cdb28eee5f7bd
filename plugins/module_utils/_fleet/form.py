# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The form of a tenant's request: the one declaration that checks, schema and documentation come from."""

from __future__ import annotations

import json

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import external_secrets
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_environments import DECRYPTION, ENVIRONMENT
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_fence import (
    ACCESS,
    ANNOTATIONS,
    LABELS,
    LIMITS,
    NETWORK,
    PROFILE,
    QUOTA,
    ROLE,
    RULES,
    SECURITY,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_notifications import NOTIFICATIONS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_sources import SOURCE
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_values import (
    ENVIRONMENT_NAME,
    LABEL,
    LINE,
    NAMES,
    TENANT,
    refused,
    text_fault,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import (
    DIALECT,
    Shape,
    Text,
    Word,
    described,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.structures import Items, Record, Table

# Kubernetes' own and Flux's; kube-* is Kubernetes' own by convention:
# https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/#initial-namespaces
FORBIDDEN_NAMESPACES = ("default", "flux-system", "kube-*")

_NAMESPACE = Text(
    "",
    refused(FORBIDDEN_NAMESPACES, LABEL),
    f"{NAMES}, at most 63, and none of {', '.join(FORBIDDEN_NAMESPACES)}",
    63,
)
_OWNER = Record(
    "Who answers for the tenant.",
    {
        "team": Text("The team's name.", LINE, "one line of text", 253, text_fault),
        "contact": Text("How to reach the team.", LINE, "one line of text", 253, text_fault),
    },
    ("team",),
)

_FIELDS: dict[str, Shape] = {
    "tenant": TENANT,
    "state": Word("absent: the tenant is to leave, by the playbook offboard.", ("present", "absent")),
    "owner": _OWNER,
    "namespaces": Items(
        "The tenant's namespaces, Flux's own objects in the first; one of its name if left out.", _NAMESPACE
    ),
    "access": ACCESS,
    "profile": PROFILE,
    "quota": QUOTA,
    "limits": LIMITS,
    "role": ROLE,
    "rules": RULES,
    "network": NETWORK,
    "podSecurity": SECURITY,
    "labels": LABELS,
    "annotations": ANNOTATIONS,
    "notifications": NOTIFICATIONS,
    "externalSecrets": external_secrets.FORM,
    "sources": Items("The tenant's repositories.", SOURCE, most=20),
    "decryption": DECRYPTION,
    "environments": Table("What is applied where.", ENVIRONMENT_NAME, ENVIRONMENT, most=50),
}

FORM = Record(
    "A tenant's onboarding request.",
    _FIELDS,
    required=("owner", "sources", "environments"),
    always=("tenant",),
    unless=("state", "absent"),
)


def schema_file() -> str:
    """The JSON Schema of a request as the file that editors read."""
    document = {"$schema": DIALECT, "title": "fluxops.fleet request", **described(FORM)}
    return json.dumps(document, indent=2) + "\n"


def is_tenant_name(name: str) -> bool:
    """Whether a tenant may be called so."""
    return not list(TENANT.faults(name, ()))


def namespace_fault(name: object) -> str:
    """What is wrong with a namespace's name, whoever asks for it; empty where nothing is."""
    return next((hint for _path, _value, hint in _NAMESPACE.faults(name, ())), "")
