# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What a single cluster gets unlike its environment: patches, in a Kustomization of that cluster's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import patching
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenant import Delivery, Placement, Tenant

Operation = dict[str, Any]
# Fields of a request that are fields of Flux's Kustomization, too.
_PLAIN = ("path", "interval", "retryInterval", "timeout", "suspend", "wait")


def patches(tenant: Tenant, placement: Placement, cluster: str) -> list[dict[str, Any]]:
    """Items of kustomize's ``patches``; none where the cluster gets what all get."""
    own, usual = placement.exceptions.get(cluster, placement.delivery), placement.delivery
    operations = {
        (placement.source.kind, placement.source.name): list(_of_source(own, usual)),
        ("Kustomization", tenant.name): list(_of_kustomization(own, usual)),
    }
    return [
        patching.item({"target": {"kind": kind, "name": name}, "operations": found})
        for (kind, name), found in operations.items()
        if found
    ]


def _of_source(own: Delivery, usual: Delivery) -> Iterator[Operation]:
    if own.ref != usual.ref:
        yield _set("ref", dict([own.ref]))
    if own.interval != usual.interval:
        yield _set("interval", own.interval)


def _of_kustomization(own: Delivery, usual: Delivery) -> Iterator[Operation]:
    mine, theirs = own.as_dict(), usual.as_dict()
    for name in _PLAIN:
        if mine[name] != theirs[name]:
            yield _set(name, mine[name])
    if own.substitute != usual.substitute:
        yield _set("postBuild", {"substitute": dict(own.substitute)})


def _set(field: str, value: Any) -> Operation:
    """``add`` takes the place of what is there: https://www.rfc-editor.org/rfc/rfc6902#section-4.1."""
    return {"op": "add", "path": f"/spec/{field}", "value": value}
