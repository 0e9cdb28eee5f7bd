# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What came of a run, cluster by cluster, as rows and as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import departures, drift_report, pause

Row = dict[str, Any]
COLUMNS = ("cluster", "ready", "changed", "flux", "infrastructure", "tenants", "revision", "failure")
# What a cluster holds: the row's list of it → what one of it is called.
CONTENTS = {"infrastructure": "component", "tenants": "tenant"}
DETAILS = ("cluster", "what", "name", "state", "revision", "failure")


# Of a cluster whose wave's turn never came.
NOT_STARTED = "not started"
# What a role does in a cluster, in this order; each step is registered as __<role>_<step>.
_STEPS = (
    "migration",
    "credentials",
    "flux",
    "reconciled",
    "released",
    "gate",
    "offboarded",
    "removed",
    "suspension",
    "rotation",
    "decommissioned",
)


def run_row(host: str, variables: Mapping[str, Any], role: str) -> Row:
    """One cluster's row from what a role registered on its host: ``__<role>_preflight``, ``_published``, its steps."""
    found = _registered(variables, f"__{role}_preflight")
    publication, verdict = (_registered(variables, f"__{role}_{one}") for one in ("published", "verdict"))
    published = (publication.get("clusters") or {}).get(found.get("name")) or {}
    steps = [_registered(variables, f"__{role}_{step}") for step in _STEPS]
    stopped = publication.get("stopped") or verdict.get("stopped") or ""
    waits = bool(stopped) and not published and not any(steps)
    late = stopped if waits and not (verdict.get("paused") or publication.get("paused")) else ""
    failures = [*_failures(found, published, steps), _unmerged(published, variables), late]
    revision = next(
        (one["revision"] for one in reversed(steps) if one.get("revision")), published.get("gone") and "gone"
    )
    changed = bool(published.get("files")) or any(one.get("changed") for one in steps)
    held_back = [one for step in steps for one in step.get("suspensions") or []]
    planned = bool(found) and (not revision or (changed and bool(variables.get("ansible_check_mode"))))
    return {
        "cluster": found.get("name", host),
        "environment": found.get("environment", ""),
        "ready": NOT_STARTED if waits else not any(failures) and _readiness(planned, published, variables),
        "changed": changed,
        "flux": next((one["version"] for one in steps if one.get("version")), "") or found.get("version", ""),
        "revision": revision or found.get("revision", ""),
        "failure": next((str(one).removeprefix(f"{host}: ") for one in failures if one), "") or pause.said(held_back),
        "awaits": published.get("awaits", ""),
        "infrastructure": [one for step in steps for one in (step.get("components") or {}).values()],
        "tenants": [one for step in steps for one in (step.get("tenants") or {}).values()],
        **({"staying": published["staying"]} if published.get("staying") else {}),
        **(_offboarding(variables, str(found.get("name"))) if role == "offboard" else {}),
    }


def _offboarding(variables: Mapping[str, Any], name: str) -> Row:
    """The evidence of tenants that left, where there is any; a plan is none."""
    if variables.get("ansible_check_mode"):
        return {}
    plan, published, first, last = (
        _registered(variables, f"__offboard_{one}") for one in ("plan", "published", "offboarded", "removed")
    )
    found = departures.evidence(plan, published, (first, last), name)
    return {"offboarding": found} if found else {}


def _unmerged(published: Mapping[str, Any], variables: Mapping[str, Any]) -> str:
    """Why a run of the cluster phase alone could not begin: the branch lacks what this run wants, and only planned."""
    only_planned = published.get("planned") and not variables.get("ansible_check_mode")
    return str(published.get("awaits") or "") if only_planned else ""


def _readiness(planned: bool, published: Mapping[str, Any], variables: Mapping[str, Any]) -> str | bool:
    """Of a cluster where nothing failed. ``published``: what awaits its merge is not on the branch yet."""
    if published.get("awaits") and not variables.get("ansible_check_mode"):
        return "published"
    return "planned" if planned else True


def _failures(found: Mapping[str, Any], published: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> list[Any]:
    """All that is wrong with one cluster, causes first; empty texts where nothing is."""
    held = [f"{path}: {why}" for path, why in (published.get("held") or {}).items()]
    away = not (found.get("reachable") or published.get("gone"))
    failures = [*held, (found.get("failure") or found.get("msg") or "not asked") if away else ""]
    failures += [one.get("msg") for one in (found, *steps) if one.get("failed")]
    failures += [one for step in steps if not step.get("failed") for one in step.get("failures") or []]
    return failures


def wave_failures(hosts: Mapping[str, Mapping[str, Any]], role: str) -> dict[str, str]:
    """Host → why, of the hosts (→ variables) of a wave where something failed; all of them where none was reached.

    A cluster that can't be reached says nothing of the wave, and neither does a file that was left alone.
    """
    found: dict[str, str] = {}
    reached = False
    for host, variables in hosts.items():
        preflight = _registered(variables, f"__{role}_preflight")
        reached = reached or bool(preflight.get("reachable"))
        steps = [_registered(variables, f"__{role}_{step}") for step in _STEPS]
        failures = [str(one.get("msg", "failed")) for one in (preflight, *steps) if one.get("failed")]
        if failures:
            found[host] = failures[0].removeprefix(f"{host}: ")
    return found if reached else dict.fromkeys(hosts, "can't be reached, like all others of the wave")


def failed_environments(hosts: Mapping[str, Mapping[str, Any]], role: str, step: str) -> dict[str, str]:
    """Environment → why, of hosts (host → its variables) on which this step of a role failed."""
    return _failed_by("environment", hosts, role, step)


def failed_clusters(hosts: Mapping[str, Mapping[str, Any]], role: str, step: str) -> dict[str, str]:
    """Cluster → why, of hosts (host → its variables) on which this step of a role failed."""
    return _failed_by("name", hosts, role, step)


def _failed_by(field: str, hosts: Mapping[str, Mapping[str, Any]], role: str, step: str) -> dict[str, str]:
    """A field of what preflight found on each host where the step failed → why."""
    found = {}
    for variables in hosts.values():
        registered = _registered(variables, f"__{role}_{step}")
        if registered.get("failed"):
            key = str(_registered(variables, f"__{role}_preflight").get(field, ""))
            found[key] = str(registered.get("msg", "failed"))
    return found


def status_row(host: str, variables: Mapping[str, Any]) -> Row:
    """One cluster's row from what the role ``status`` registered on its host."""
    found = _registered(variables, "__status_facts")
    failure = (
        found.get("failure") or (found.get("msg") if found.get("failed") else "") or ("" if found else "not asked")
    )
    return {
        "cluster": found.get("name", host),
        "environment": str(variables.get("fleet_environment", "")),
        "ready": bool(found.get("ready")),
        "suspended": found.get("suspended") or [],
        "suspensions": found.get("suspensions") or [],
        "flux": found.get("version", ""),
        "revision": found.get("revision", ""),
        "failure": str(failure).removeprefix(f"{host}: ") or pause.said(found.get("suspensions") or []),
        "tenant": str(found.get("tenant") or ""),
        **{contents: found.get(contents) or [] for contents in CONTENTS},
    }


def _registered(variables: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = variables.get(name)
    return found if isinstance(found, Mapping) and not found.get("skipped") else {}


def table(rows: Sequence[Row], columns: Sequence[str] = COLUMNS) -> str:
    """The rows as lines of text, a column only where a row has something for it."""
    columns = [column for column in columns if any(column in row and row[column] != [] for row in rows)]
    cells = [[column.upper() for column in columns]] + [
        [_cell(column, row.get(column)) for column in columns] for row in rows
    ]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells
    )


def details(rows: Iterable[Row]) -> list[Row]:
    """The components and tenants that are not ready; of a tenant that was asked for, how it is on each cluster."""
    found = (
        {"cluster": row["cluster"], "what": what, **one, "asked": contents == "tenants" and row.get("tenant")}
        for contents, what in CONTENTS.items()
        for row in rows
        for one in row.get(contents) or []
    )
    return [one for one in found if one["asked"] or not one["ready"]]


def tables(rows: Sequence[Row]) -> str:
    """The clusters, and below them what of theirs needs a look."""
    second = details(rows)
    left = departures.rows(rows)
    more = [(second, DETAILS), (left, departures.COLUMNS), (drift_report.rows(rows), drift_report.COLUMNS)]
    return "\n\n".join([table(rows), *(table(found, columns) for found, columns in more if found)])


def as_data(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """The same for machines: the clusters, and all components and tenants, each with its cluster."""
    clusters = list(rows)
    inside = {
        contents: [{"cluster": row["cluster"], **one} for row in clusters for one in row.get(contents) or []]
        for contents in CONTENTS
    }
    plain = [
        {key: value for key, value in row.items() if key not in (*CONTENTS, "offboarding", "drift")} for row in clusters
    ]
    left = [{"cluster": row["cluster"], **row["offboarding"]} for row in clusters if row.get("offboarding")]
    drift = {"drift": drift_report.rows(clusters)} if any("drift" in row for row in clusters) else {}
    return {"clusters": plain, **inside, **({"offboarding": left} if left else {}), **drift}


def _cell(column: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return f"{sum(bool(one['ready']) for one in value)}/{len(value)}" if value else "-"
    text = " ".join(str(value or "-").split())
    return _short(text) if column == "revision" else text


def _short(revision: str) -> str:
    """``main@sha1:0123456…`` as people read it: the branch and the first digits of the commit."""
    branch, mark, commit = revision.partition("@sha1:")
    return f"{branch}@{commit[:8]}" if mark else revision


def failed(rows: Iterable[Row]) -> list[str]:
    """The clusters that are not as they should be."""
    return [row["cluster"] for row in rows if not row["ready"] or (row["ready"] == NOT_STARTED and row["failure"])]
