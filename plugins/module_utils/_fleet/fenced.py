# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What fences a tenant in, in one environment: what is said nearest to it counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import fence_checks
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import TENANT_SERVICE_ACCOUNT
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rules import Rules


def fenced(environment: str, request: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    """The fields of a Placement that fence in, from a request in which nothing is wrong.

    The request says it for an environment or for all; what neither says is the fleet's default for the environment, or
    for all; then the profile's. Quota and limits are put together resource by resource.
    """
    own, policy = request["environments"][environment], rules.policy
    profile = rules.profile_of(environment, request)
    layers = (own, request, *policy.layers(environment))

    def word(field: str) -> str:
        asked = next((one[field] for one in layers if one.get(field)), "")
        return fence_checks.comes_to(field, profile, {field: asked}, policy.caps)

    def amounts(field: str) -> dict[str, Any]:
        return {**request.get(field, {}), **own.get(field, {})}

    rights = next((one for one in layers if "role" in one or "rules" in one), {})
    return {
        "profile": profile,
        "quota": policy.quota(environment, profile, amounts("quota")),
        "limits": policy.limits(environment, profile, amounts("limits")),
        "network": word("network"),
        "pod_security": word("podSecurity"),
        "role": rights.get("role", TENANT_SERVICE_ACCOUNT),
        "rules": tuple(rights.get("rules", ())),
    }
