# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The field of a component that gives people their place on a whole cluster: groups and users bound to ClusterRoles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_fence import ROLE_NAME
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Path
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Fault, Schema, Text, wanted
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.structures import Items, Record, Table

_RBAC = "rbac.authorization.k8s.io"


def _system_fault(value: str) -> tuple[str, str] | None:
    """https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects"""
    if value.startswith("system:"):
        return value, "what begins with 'system:' is Kubernetes' own, and holds more than your people: name your own"
    return None


_ASCII = r"[!-~]+( [!-~]+)*"
_GROUP = Text("", _ASCII, "a group of the cluster's identity provider, in ASCII", 253, _system_fault)
_USER = Record("", {"user": Text("A user.", _ASCII, "a user, in ASCII", 253, _system_fault)}, ("user",))


@dataclass(frozen=True)
class _Subject:
    """A group by its name, or ``{user: name}``."""

    description: str = ""

    def schema(self) -> Schema:
        return {"anyOf": [_GROUP.schema(), _USER.schema()]}

    def faults(self, value: Any, path: Path) -> Iterator[Fault]:
        if isinstance(value, (str, Mapping)):
            yield from _USER.faults(value, path) if isinstance(value, Mapping) else _GROUP.faults(value, path)
        else:
            yield path, value, wanted("a group, or {user: a user}", value, "put it in quotes")


ACCESS = Table(
    "ClusterRole (view, edit, admin, cluster-admin, or one of yours) to the groups and users that have it everywhere.",
    Text("", ROLE_NAME.pattern, ROLE_NAME.hint, ROLE_NAME.longest, _system_fault),
    Items("", _Subject()),
)


def bindings(component: str, access: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """What the template of such a component is given: ``name``, ``role`` and ``subjects`` of each binding.

    A colon stands in no component's name, so no two components come to one name.
    """
    return [
        {"name": f"fleet:{component}:{role}", "role": role, "subjects": [_subject(one) for one in people]}
        for role, people in sorted(access.items())
    ]


def _subject(one: Any) -> dict[str, str]:
    kind, name = ("User", one["user"]) if isinstance(one, Mapping) else ("Group", one)
    return {"kind": kind, "apiGroup": _RBAC, "name": name}
