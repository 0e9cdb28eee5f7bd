# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The form of how a tenant is fenced in, and of who may come in: access, rights, profile, quota, limits, metadata."""

from __future__ import annotations

import re

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_values import LINE, text_fault
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.profiles import NETWORKS, POD_SECURITY, PROFILES
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rights import VERBS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Amount, Text, Word
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.structures import Items, Record, Table


def _group_fault(value: str) -> tuple[str, str] | None:
    if value.startswith("system:"):
        return value, "groups of Kubernetes' own hold people of other tenants too: name the team's group"
    return None


_GROUP = Text("", r"[!-~]+( [!-~]+)*", "a group of the cluster's identity provider, in ASCII", 253, _group_fault)
ACCESS = Record(
    "Groups that may work in the namespaces (admin), or see them (view).",
    {"admin": Items("", _GROUP, 0), "view": Items("", _GROUP, 0)},
)
PROFILE = Word("How closely the tenant is fenced in; the fleet's own default where it is left out.", tuple(PROFILES))
_QUANTITY = Amount("")
QUOTA = Table(
    "What a namespace may use, by the names of a ResourceQuota; over the profile's own.",
    Text("", r"[A-Za-z0-9]([A-Za-z0-9._/-]{0,250}[A-Za-z0-9])?", "a resource, such as requests.cpu or pods"),
    _QUANTITY,
    0,
)
LIMITS = Table(
    "What a container gets that says nothing itself; over the profile's own.",
    Text("", r"cpu|memory|ephemeral-storage", "cpu, memory or ephemeral-storage"),
    _QUANTITY,
    0,
)

# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#path-segment-names
ROLE_NAME = Text("", r"[a-z0-9]([-a-z0-9.:]{0,98}[a-z0-9])?", "the name of a ClusterRole, at most 100 characters", 100)
ROLE = Text(
    "The ClusterRole of Flux in the tenant's name, and of its access.admin; fleet-tenant where it is left out.",
    ROLE_NAME.pattern,
    ROLE_NAME.hint,
    ROLE_NAME.longest,
)
_RULE_TEXT = Text("", r"[a-zA-Z0-9]([-a-zA-Z0-9./]{0,251}[a-zA-Z0-9])?", "a name, and never *")
_GROUP_TEXT = Text("", r"|[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", 'a group of the API, "" for the core, never *')
RULES = Items(
    "Own rules in place of a ClusterRole, as a Role of Kubernetes has them, within the fence.",
    Record(
        "",
        {
            "apiGroups": Items("Groups of the API.", _GROUP_TEXT),
            "resources": Items("Resources, or resource/subresource.", _RULE_TEXT),
            "verbs": Items("What may be done with them.", Word("", VERBS)),
            "resourceNames": Items("Only objects of these names.", _RULE_TEXT),
        },
        ("apiGroups", "resources", "verbs"),
    ),
    most=50,
)
NETWORK = Word(
    "closed: only the tenant's own namespaces, DNS and the platform; the profile's where it is left out.",
    NETWORKS,
)
SECURITY = Word("The level of Pod Security that is enforced; the profile's where it is left out.", POD_SECURITY)

# Kubernetes, Flux and the fleet go by labels and annotations of these domains, and of all below them.
_PLATFORM = ("fleet.fluxops.io", "kubernetes.io", "k8s.io", "fluxcd.io")
_NOT_THEIRS = rf"(?!([^/]*\.)?({'|'.join(re.escape(one) for one in _PLATFORM)})/)"
_DOMAIN = r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?"
_VALUE = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
KEY = Text(
    "",
    f"{_NOT_THEIRS}{_DOMAIN}{_VALUE}",
    f"a name such as cost-center or corp.example/cost-center, of no domain of the platform's ({', '.join(_PLATFORM)})",
    317,
)
LABELS = Table(
    "Labels of the tenant's namespaces.",
    KEY,
    Text("", f"({_VALUE})?", "a label's value, at most 63", 63),
    most=50,
)
ANNOTATIONS = Table(
    "Annotations of the tenant's namespaces.", KEY, Text("", LINE, "one line of text", 4096, text_fault), most=50
)
