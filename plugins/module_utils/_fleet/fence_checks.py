# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""How far a request may go with what differs from its profile, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import profiles, rights
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import TENANT_SERVICE_ACCOUNT
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.profiles import NETWORKS, POD_SECURITY, PROFILES
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Path
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Fault

_CAPS = "fleet_tenant_caps"
# Kubernetes' own for people: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles
_ROLES = ("admin", "edit", "view")


def faults(content: Mapping[str, Any], caps: Mapping[str, Any]) -> Iterator[Fault]:
    """Where a well-formed request gets over the fence, or beyond the fleet's caps for it."""
    yield from said(content, caps, ())
    for environment, own in content["environments"].items():
        yield from said(own, caps, ("environments", environment))
    names = [one["name"] for one in content.get("notifications", ())]
    for number, name in enumerate(names):
        if name in names[:number]:
            yield ("notifications", number, "name"), name, "stands twice: each has its own name"


def said(content: Mapping[str, Any], caps: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    """What is wrong with rights, network and Pod Security as one place has them, which ``path`` leads to."""
    for field, value, hint in _role_faults(content, caps):
        yield (*path, *field), value, hint
    for field, value, hint in rights.faults(content.get("rules", ())):
        yield (*path, "rules", *field), value, hint
    for word, order in (("podSecurity", POD_SECURITY), ("network", NETWORKS)):
        floor = _floor(word, caps)
        if word in content and order.index(content[word]) < order.index(floor):
            named = f"{_CAPS}.{word}" if word in caps else f"{_CAPS}.profiles"
            yield (*path, word), content[word], f"the fleet allows nothing laxer than {floor} ({named})"


def _role_faults(content: Mapping[str, Any], caps: Mapping[str, Any]) -> Iterator[Fault]:
    if "role" not in content:
        return
    allowed = dict.fromkeys([TENANT_SERVICE_ACCOUNT, *caps.get("roles", _ROLES)])
    if "rules" in content:
        yield ("role",), content["role"], "rules stand in place of a role: keep one of them"
    elif content["role"] not in allowed:
        yield ("role",), content["role"], f"the fleet allows {', '.join(allowed)} ({_CAPS}.roles)"


def _floor(field: str, caps: Mapping[str, Any]) -> str:
    """The laxest word that a request may say: what is not forbidden as a profile is not forbidden by itself."""
    order = _ORDER[field]
    words = [_of_profile(field, one) for one in caps.get("profiles", tuple(PROFILES))]
    return profiles.strictest([profiles.laxest(words, order), caps.get(field, "")], order)


def _of_profile(field: str, profile: str) -> str:
    found = PROFILES[profile]
    return found.enforced if field == "podSecurity" else found.network


_ORDER = {"podSecurity": POD_SECURITY, "network": NETWORKS}


def comes_to(field: str, profile: str, asked: Mapping[str, Any], caps: Mapping[str, Any]) -> str:
    """What a request has in force of ``podSecurity`` or ``network``; empty: as the cluster has it."""
    words = [asked.get(field) or _of_profile(field, profile), caps.get(field, "")]
    return profiles.strictest(words, _ORDER[field])
