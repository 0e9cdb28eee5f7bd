# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The form of how a tenant is fenced in, and of who may come in: access, profile, quota, limits."""

from __future__ import annotations

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.profiles import PROFILES
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
