# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Drift as people and machines read it: a row for each cluster, and a line for each finding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

COLUMNS = ("cluster", "component", "finding", "object", "why")


def row(host: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """One cluster's row from what the role ``drift`` registered on its host."""
    found = variables.get("__drift_found")
    found = found if isinstance(found, Mapping) else {}
    failure = (
        found.get("failure") or (found.get("msg") if found.get("failed") else "") or ("" if found else "not asked")
    )
    findings, components = found.get("findings") or [], found.get("components") or []
    drifted = {one["component"] for one in findings}
    said = f"drift in {len(drifted)} of {len({*components, *drifted})} components" if drifted else ""
    return {
        "cluster": found.get("name", host),
        "environment": str(variables.get("fleet_environment", "")),
        "ready": bool(found.get("reachable")) and not (failure or drifted),
        "flux": found.get("version", ""),
        "revision": found.get("revision", ""),
        "failure": "; ".join([str(failure).removeprefix(f"{host}: ") or said, *(found.get("notes") or [])]).strip("; "),
        "drift": findings,
    }


def rows(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A line of a table for each finding, from the rows of a report."""
    return [{"cluster": one["cluster"], **finding} for one in found for finding in one.get("drift") or ()]
