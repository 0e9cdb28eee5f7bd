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
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.profiles import PROFILES
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenant import Placement, Tenant

# Which ClusterRole goes with which right; fleet-tenant is ours, view is Kubernetes' own.
ROLES = {"flux": TENANT_SERVICE_ACCOUNT, "admin": TENANT_SERVICE_ACCOUNT, "view": "view"}


def template_variables(
    tenant: Tenant, placement: Placement, layout: Layout, homes: Mapping[str, str]
) -> Mapping[str, Any]:
    """What the templates of a tenant may use. ``homes``: tenant → the namespace of its Kustomization there."""
    source, (kind, value) = placement.source, placement.delivery.ref
    return {
        "tenant": {
            "name": tenant.name,
            "owner": {"team": tenant.team, "contact": tenant.contact},
            "namespaces": list(tenant.namespaces),
            "access": {right: list(groups) for right, groups in sorted(tenant.access.items())},
        },
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
        "roles": ROLES,
        "flux": {"namespace": FLUX_NAMESPACE, "sync": FLUX_SYNC, "service_account": PLATFORM_SERVICE_ACCOUNT},
    }


def _profile_variables(placement: Placement) -> Mapping[str, Any]:
    profile = PROFILES[placement.profile]
    return {
        "name": placement.profile,
        "labels": profile.labels,
        "quota": dict(placement.quota),
        "limits": dict(placement.limits),
        "isolated": profile.isolated,
    }
