# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The form of what a tenant asks for in one environment."""

from __future__ import annotations

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_fence import (
    LIMITS,
    NETWORK,
    PROFILE,
    QUOTA,
    ROLE,
    RULES,
    SECURITY,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_sources import REF
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_values import (
    CLUSTER,
    INTERVAL,
    LINE,
    NAMES,
    RETRY_INTERVAL,
    SHORT_LABEL,
    TENANT,
    TIMEOUT,
    directory_fault,
    secret_name,
    text_fault,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Flag, Plain, Shape, Text
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.structures import Items, Record, Table

SUBSTITUTE = Table(
    "Variables that Flux fills into what it applies, as ${name}; values are text as it stands here.",
    Text("", r"[_a-zA-Z][_a-zA-Z0-9]*", "letters, digits and _ only, no digit first: Flux substitutes nothing else"),
    Plain(Text("", rf"({LINE})?", "one line of text", 4096, text_fault)),
)
DELIVERY: dict[str, Shape] = {
    "ref": REF,
    "path": Text(
        "The directory in the repository; ./flux/<environment> where it is left out.",
        LINE,
        "a directory within the repository",
        512,
        directory_fault,
    ),
    "suspend": Flag("Whether Flux lets the tenant's workloads be as they are."),
    "wait": Flag(
        "Whether the tenant is Ready when its workloads are (true where it is left out), or when they are applied."
    ),
    "interval": INTERVAL,
    "retryInterval": RETRY_INTERVAL,
    "timeout": TIMEOUT,
    "substitute": SUBSTITUTE,
}
DECRYPTION = Record(
    "How Flux reads what SOPS has encrypted in the repository; nothing is decrypted where it is left out.",
    {"secret": secret_name("A Secret in the first namespace with the private keys, such as *.agekey.")},
    ("secret",),
)
ENVIRONMENT = Record(
    "",
    {
        "source": Text("The source that is applied; the only one where it is left out.", SHORT_LABEL, NAMES, 56),
        "clusters": Items("Only these clusters of the environment.", CLUSTER, most=500),
        **DELIVERY,
        "dependsOn": Items(
            "Tenants whose workloads must be Ready in this environment before these are applied.", TENANT
        ),
        "exceptions": Table(
            "What single clusters of the environment get otherwise; all that is not said here is as above.",
            CLUSTER,
            Record("", DELIVERY),
            most=500,
        ),
        "decryption": DECRYPTION,
        "profile": PROFILE,
        "role": ROLE,
        "rules": RULES,
        "network": NETWORK,
        "podSecurity": SECURITY,
        "quota": QUOTA,
        "limits": LIMITS,
    },
)
