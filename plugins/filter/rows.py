# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that turn what the roles registered into rows: thin skins over the same functions that are tested."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import drift_report, outcome


def cluster_names(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Host → the name of its cluster."""
    return {host: str(hostvars[host].get("fleet_cluster_name", host)) for host in hosts}


def inventory_members(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Host, cluster, environment, groups and labels of each host, in the inventory's own words."""
    found = [(host, hostvars[host]) for host in hosts]
    return [
        {
            "host": host,
            "name": str(variables.get("fleet_cluster_name", host)),
            "environment": str(variables.get("fleet_environment", "")),
            "groups": list(variables.get("group_names", ())),
            "labels": dict(variables.get("fleet_labels", {})),
        }
        for host, variables in found
    ]


def failed_environments(
    hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]], role: str, step: str
) -> dict[str, str]:
    """Environment → why, of hosts on which this step of a role failed."""
    return outcome.failed_environments({host: hostvars[host] for host in hosts}, role, step)


def failed_clusters(
    hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]], role: str, step: str
) -> dict[str, str]:
    """Cluster → why, of hosts on which this step of a role failed."""
    return outcome.failed_clusters({host: hostvars[host] for host in hosts}, role, step)


def drift_rows(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> list[outcome.Row]:
    """What the role drift found, a row for each host."""
    return [drift_report.row(host, hostvars[host]) for host in hosts]


def run_rows(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]], role: str) -> list[outcome.Row]:
    """What a role came to, a row for each host."""
    return [outcome.run_row(host, hostvars[host], role) for host in hosts]


def status_rows(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> list[outcome.Row]:
    """What the role status found, a row for each host."""
    return [outcome.status_row(host, hostvars[host]) for host in hosts]


def wave_failures(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]], role: str) -> dict[str, str]:
    """Host → why, of hosts of a wave on which a step of a role failed."""
    return outcome.wave_failures({host: hostvars[host] for host in hosts}, role)


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name → filter."""
        return {
            "cluster_names": cluster_names,
            "drift_rows": drift_rows,
            "failed_clusters": failed_clusters,
            "failed_environments": failed_environments,
            "inventory_members": inventory_members,
            "run_rows": run_rows,
            "status_rows": status_rows,
            "wave_failures": wave_failures,
        }
