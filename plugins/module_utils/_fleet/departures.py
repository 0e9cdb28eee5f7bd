# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The evidence of tenants that left, cluster by cluster: what went, what is left and why, by which commit, when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Evidence = dict[str, Any]
"""``started`` and ``ended`` (UTC), ``commit``, ``deploy_keys`` (titles), ``tenants``: each with ``tenant``, ``removed``
(kind → how many), ``remains`` (texts), and whether it is ``complete``."""
COLUMNS = ("cluster", "tenant", "complete", "removed", "remains")
_SHOWN = 6


def evidence(
    plan: Mapping[str, Any], published: Mapping[str, Any], steps: Sequence[Mapping[str, Any]], name: str
) -> Evidence:
    """Of one cluster, from what the role ``offboard`` registered on its host; ``steps``: the two of ``offboard``.

    Empty where nobody was to leave it.
    """
    own = (published.get("clusters") or {}).get(name) or {}
    planned = (plan.get("clusters") or {}).get(name) or {}
    names = [*(plan.get("names") or ()), *(one["tenant"] for one in planned.get("unfinished") or ())]
    tenants = [_tenant(one, own, steps) for one in sorted(set(names))]
    keys = [one["title"] for one in published.get("withdrawn") or () if one["title"].startswith(f"{name}/")]
    if not (keys or own.get("files") or any(one["removed"] or one["remains"] for one in tenants)):
        return {}
    times = [str(one[when]) for one in steps for when in ("started", "ended") if one.get(when)]
    return {
        "started": min(times, default=""),
        "ended": max(times, default=""),
        "commit": str(own.get("revision", "")) if own.get("files") else "",
        "deploy_keys": keys,
        "tenants": tenants,
    }


def _tenant(tenant: str, own: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    failed = [str(one.get("msg") or "failed") for one in steps if one.get("failed")]
    stays = {what for one in steps for what in (one.get("left") or {}).get(tenant, ())}
    gone = [
        what
        for one in steps
        if not one.get("failed")
        for what in (one.get("removed") or {}).get(tenant, ())
        if what not in stays
    ]
    late = failed or [str(one) for one in (own.get("awaits"), *(own.get("held") or {}).values()) if one]
    if not late and not steps[0] and own.get("files"):
        late = ["the cluster was not asked: the repository keeps what is still to do there"]
    kinds = Counter(what.split()[0] for what in gone)
    return {
        "tenant": tenant,
        "complete": not late,
        "removed": dict(sorted(kinds.items())),
        "remains": [*late, *(f"{what}: kept" for what in sorted(stays))],
    }


def rows(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A line of a table for each tenant on each cluster, from the rows of a report."""
    return [
        {
            "cluster": row["cluster"],
            **one,
            "removed": ", ".join(f"{count} {kind}" for kind, count in one["removed"].items()),
            "remains": "; ".join([*one["remains"][:_SHOWN], *_more(one["remains"])]),
        }
        for row in found
        for one in (row.get("offboarding") or {}).get("tenants") or ()
    ]


def _more(remains: Sequence[str]) -> list[str]:
    return [f"{len(remains) - _SHOWN} more"] if len(remains) > _SHOWN else []
