# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""How components and tenants are, as plain data: facts of a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.health import Health, View


def of_cluster(view: View) -> dict[str, list[dict[str, Any]]]:
    """All components and all tenants of a cluster as plain data."""
    return {
        "infrastructure": [view.component(name).as_dict() for name in view.components],
        "tenants": [view.tenant(name).as_dict() for name in view.tenants],
    }


def of_tenant(found: Mapping[str, Any], tenant: str) -> dict[str, Any]:
    """The facts of a cluster (with those of ``facts``), looked at for one tenant alone."""
    if not found["reachable"]:
        return dict(found)
    missing = Health(tenant, "missing", "", f"tenant {tenant} is not on this cluster").as_dict()
    one = next((one for one in found["tenants"] if one["name"] == tenant), missing)
    well = one["ready"] or one["suspended"]
    about = {
        "ready": well,
        "failure": "" if well else f"tenant {tenant}: {one['failure']}",
        "suspended": [],
        "suspensions": [],
    }
    return {**found, **about, "tenants": [one]}
