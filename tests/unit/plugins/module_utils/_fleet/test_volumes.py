# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes of tenants that leave: what is read of them, and what is said."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import volumes


def claim(space: str, name: str, asked: str = "", has: str = "") -> dict[str, Any]:
    """A PersistentVolumeClaim as the API server gives it."""
    spec = {"resources": {"requests": {"storage": asked}}} if asked else {}
    status = {"capacity": {"storage": has}} if has else {"phase": "Pending"}
    labels = {"kustomize.toolkit.fluxcd.io/name": "app"} if has else {}
    return {"metadata": {"namespace": space, "name": name, "labels": labels}, "spec": spec, "status": status}


CLAIMS = [claim("shop", "data", "1Gi", "2Gi"), claim("shop", "log", "1Gi"), claim("jobs", "x"), claim("other", "y")]
FOUND = [
    {"namespace": "shop", "name": "data", "size": "2Gi", "by": "Kustomization app"},
    {"namespace": "shop", "name": "log", "size": "1Gi", "by": ""},
    {"namespace": "jobs", "name": "x", "size": "", "by": ""},
]


def test_what_is_read() -> None:
    assert volumes.found(CLAIMS, {"shop", "jobs"}) == FOUND
    assert volumes.found(CLAIMS, ()) == []


def test_whose_they_are() -> None:
    owners = {"shop": "shop", "jobs": "shop", "blog": "blog"}
    assert volumes.of_tenants({"host": "h", "namespaces": owners, "volumes": FOUND}) == {"shop": FOUND}
    assert volumes.of_tenants({"host": "down"}) == {}


@pytest.mark.parametrize(
    ("held", "allow", "said"),
    [
        (FOUND, [], ["in namespace jobs: x (of no size); in namespace shop: data (2Gi), log (1Gi)"]),
        (FOUND, ["remove_tenant"], ["fleet_allow: [remove_volumes]"]),
        (FOUND, ["remove_volumes"], []),
        ([], [], []),
    ],
)
def test_what_is_said(held: list[dict[str, str]], allow: list[str], said: list[str]) -> None:
    found = volumes.problems("h", "shop", held, allow)
    assert [(one.where, one.field) for one in found] == [("h", "tenant shop")] * len(said)
    assert all(part in one.hint for one, part in zip(found, said, strict=True))


def test_clusters_that_were_not_asked() -> None:
    assert volumes.unasked(["b", "a"], ["a"], []).startswith("cluster b was not asked")
    assert volumes.unasked(["b", "a"], ["a"], ["remove_volumes"]) == ""
    assert volumes.unasked(["a"], ["a", "b"], []) == ""
