# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What the templates of a tenant may use, by the names of the request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import (
    FLUX_NAMESPACE,
    FLUX_SYNC,
    PLATFORM_SERVICE_ACCOUNT,
    TENANT_SERVICE_ACCOUNT,
    Layout,
    tenant_sync,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.profiles import security_labels
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenant import Placement, Tenant

# The Role of own rules. What binds another role has another name, too, since a binding's role never changes.
OWN_RULES = "fleet-rules"


def template_variables(
    tenant: Tenant, placement: Placement, layout: Layout, homes: Mapping[str, str]
) -> Mapping[str, Any]:
    """What the templates of a tenant may use. ``homes``: tenant → the namespace of its Kustomization there."""
    source, (kind, value) = placement.source, placement.delivery.ref
    return {
        "tenant": {**_of_tenant(tenant), "rules": [dict(one) for one in placement.rules]},
        "environment": placement.environment,
        "profile": _profile_variables(placement),
        "source": {
            "ref": {"kind": kind, "value": value},
            **{name: getattr(source, name) for name in ("kind", "name", "url", "secret", "generated")},
            "options": source.options,
        },
        "sync": {
            "name": tenant_sync(tenant.name),
            "patches": [],
            "decryption": placement.decryption,
            "directory": f"./{layout.tenant(placement.environment, tenant.name)}",
            "dependsOn": [{"name": one, "namespace": homes[one]} for one in placement.depends_on if one in homes],
            **{name: value for name, value in placement.delivery.as_dict().items() if name != "ref"},
        },
        "service_account": TENANT_SERVICE_ACCOUNT,
        "roles": roles(placement),
        "flux": {"namespace": FLUX_NAMESPACE, "sync": FLUX_SYNC, "service_account": PLATFORM_SERVICE_ACCOUNT},
    }


def _of_tenant(tenant: Tenant) -> Mapping[str, Any]:
    return {
        "name": tenant.name,
        "owner": {"team": tenant.team, "contact": tenant.contact},
        "namespaces": list(tenant.namespaces),
        "externalSecrets": [dict(one) for one in tenant.external_secrets],
        "access": {right: list(groups) for right, groups in sorted(tenant.access.items())},
        "labels": dict(tenant.labels),
        "annotations": dict(tenant.annotations),
        "notifications": [dict(one) for one in tenant.notifications],
    }


def _profile_variables(placement: Placement) -> Mapping[str, Any]:
    return {
        "name": placement.profile,
        "labels": security_labels(placement.profile, placement.pod_security),
        "quota": dict(placement.quota),
        "limits": dict(placement.limits),
        "isolated": placement.network == "closed",
    }


def roles(placement: Placement) -> dict[str, dict[str, str]]:
    """Who → what it is bound to: kind and name of the role, and the name of the binding."""
    if placement.rules:
        own, suffix = {"kind": "Role", "name": OWN_RULES}, "-rules"
    else:
        suffix = "" if placement.role == TENANT_SERVICE_ACCOUNT else f"-{placement.role}"
        own = {"kind": "ClusterRole", "name": placement.role}
    return {
        "flux": {**own, "binding": f"{TENANT_SERVICE_ACCOUNT}{suffix}"},
        "admin": {**own, "binding": f"fleet-admin{suffix}"},
        "view": {"kind": "ClusterRole", "name": "view", "binding": "fleet-view"},
    }
