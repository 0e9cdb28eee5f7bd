# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What a fleet adds to the form of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import profiles
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form import namespace_fault
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.policy import Policy


@dataclass(frozen=True)
class Rules:
    """What a fleet adds to the form of a request.

    ``profile`` is for requests that name none; ``forbidden`` are namespaces of the platform (``name`` or ``prefix*``);
    ``known_hosts`` is a text with the host keys of all Git hosts, None where they are not to be checked.
    ``policy`` has the fleet's defaults and caps.
    """

    profile: str = profiles.DEFAULT
    forbidden: tuple[str, ...] = ()
    known_hosts: str | None = None
    policy: Policy = field(default_factory=Policy)

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Rules:
        """The rules of a noun's parameters. Raises InvalidInput with all that is wrong with them."""
        policy = Policy(params["defaults"], params["caps"])
        raise_if(policy.problems())
        return cls(params["profile"], tuple(params["forbidden_namespaces"]), params["known_hosts"], policy)

    def profile_of(self, environment: str, request: Mapping[str, Any]) -> str:
        """How closely a request is fenced in, in one environment."""
        asked = request["environments"][environment].get("profile") or request.get("profile")
        return asked or self.policy.default("profile", environment, self.profile)

    def namespace_fault(self, namespace: Any) -> str:
        """What is wrong with a namespace's name; empty where nothing is."""
        prefixes = tuple(one[:-1] for one in self.forbidden if one.endswith("*"))
        if namespace in self.forbidden or str(namespace).startswith(prefixes):
            return "this namespace is the platform's: choose another"
        return namespace_fault(namespace)
