# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What people should know of an onboarding although nothing of it is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenant import Tenant

_LONGEST_LIST = 10


def beyond(asking: Sequence[Tenant], environments: Iterable[str]) -> list[str]:
    """What the requests ask for beyond the environments of a run, a line for each tenant."""
    left = {one.name: sorted(set(one.environments) - set(environments)) for one in asking}
    return [f"{name}: {', '.join(names)}" for name, names in left.items() if names]


def notes(result: Mapping[str, Any]) -> list[str]:
    """What people should read of a run's result although nothing of it is wrong; of long lists the beginning."""
    leaving, unlisted, unlocked = (
        [] if result["names"] else result[what] for what in ("leaving", "unlisted", "unlocked")
    )
    clusters = result.get("clusters", {}).values()
    staying = {name: "; ".join(why) for one in clusters for name, why in one.get("staying", {}).items()}
    told = {
        "not in this run": result["not_in_this_run"],
        "leaving, by the playbook offboard": leaving,
        "listed by no request, leaving by the playbook offboard": unlisted,
        "by hand": result["by_hand"],
        "tenants are not locked in": unlocked,
        "stays in the old layout": sorted(f"{name}: {why}" for name, why in staying.items()),
    }
    lines = []
    for what, found in told.items():
        lines += [f"{what}: {one}" for one in found[:_LONGEST_LIST]]
        lines += [f"{what}: {len(found) - _LONGEST_LIST} more"] if len(found) > _LONGEST_LIST else []
    return lines
