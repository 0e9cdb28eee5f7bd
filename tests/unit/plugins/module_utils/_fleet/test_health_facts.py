# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How components and tenants are, as plain data."""

from __future__ import annotations

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import health_facts
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.health import Health, View
from ansible_collections.fluxops.fleet.tests.unit.plugins.flux_samples import NEW, component_sync, found, tenant_sync


def test_facts_are_plain_data_of_all() -> None:
    one = health_facts.of_cluster(View(found(component_sync("certs"), tenant_sync("shop", suspend=True)), {}))
    assert one["infrastructure"] == [
        {"name": "certs", "ready": True, "suspended": False, "state": "ready", "revision": NEW, "failure": ""}
    ]
    assert [(tenant["name"], tenant["suspended"]) for tenant in one["tenants"]] == [("shop", True)]


@pytest.mark.parametrize(
    ("tenants", "well", "said"),
    [
        ([Health("shop", "ready")], True, ""),
        ([Health("shop", "suspended", "", "held")], True, ""),
        ([Health("shop", "failed", "", "why")], False, "tenant shop: why"),
        ([Health("other", "ready")], False, "tenant shop: tenant shop is not on this cluster"),
    ],
)
def test_facts_of_one_tenant(tenants: list[Health], well: bool, said: str) -> None:
    facts = {"reachable": True, "ready": True, "failure": "x", "suspended": ["y"], "version": "v2.9.4"}
    one = health_facts.of_tenant({**facts, "tenants": [tenant.as_dict() for tenant in tenants]}, "shop")
    assert (one["ready"], one["failure"], one["suspended"], one["version"]) == (well, said, [], "v2.9.4")
    assert [tenant["name"] for tenant in one["tenants"]] == ["shop"]


def test_facts_of_one_tenant_on_a_cluster_that_is_down() -> None:
    down = {"reachable": False, "ready": False, "failure": "refused", "tenants": []}
    assert health_facts.of_tenant(down, "shop") == down
