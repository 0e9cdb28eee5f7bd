# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What adoption understood of a fleet repository, as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.outcome import table

# What a table shows of the result's lists.
_COLUMNS: Mapping[str, Sequence[str]] = {
    "clusters": ("cluster", "environment", "directory", "flux", "syncs"),
    "tenants": ("tenant", "environment", "cluster", "source", "ref", "path"),
    "dangers": ("where", "danger"),
}


def said(understood: Mapping[str, Any]) -> str:
    """Clusters, tenants and dangers as tables, and below them what is left to people, as far as there is any."""
    rows = {**understood, "tenants": [row for one in understood["tenants"] for row in _delivered(one)]}
    parts = [table(rows[name], columns) for name, columns in _COLUMNS.items() if rows[name]]
    parts += _listed("NOT REACHED BY ANY CLUSTER", understood["unreached"])
    parts += _listed("LEFT TO YOU", understood["left"])
    return "\n\n".join(parts) or "nothing of Flux was found in this repository"


def _delivered(one: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            **row,
            "tenant": one["tenant"],
            "environment": environment,
            "ref": " ".join(f"{kind} {value}" for kind, value in row["ref"].items()),
        }
        for environment, rows in one["environments"].items()
        for row in rows
    ]


def _listed(title: str, lines: Sequence[str]) -> list[str]:
    return ["\n".join([title, *(" ".join(line.split()) for line in lines)])] if lines else []
