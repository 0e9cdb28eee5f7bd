# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The gate between two waves: what has to be ready on a cluster before others get what it got."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import ready
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import some
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.health import Health, View
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name

Found = Mapping[str, Sequence[Document]]
"""Kind → all of Flux's objects of that kind in a cluster, its controllers' Deployments among them."""


@dataclass(frozen=True)
class Bar:
    """What a cluster is measured by.

    ``ailing``: what was not ready before, and is not asked for; ``fleet``: what was there in Flux's own namespace, and
    may not be gone. ``ignore``: more that is not asked for, as patterns of ``Kind namespace/name``.
    """

    ailing: frozenset[str] = frozenset()
    fleet: frozenset[str] = frozenset()
    ignore: Sequence[str] = ()

    def excuses(self, one: str) -> bool:
        """Whether an object, by its name, is not asked for."""
        return one in self.ailing or any(fnmatchcase(one, pattern) for pattern in self.ignore)


def before(found: Found) -> dict[str, list[str]]:
    """How a cluster is before its wave, as plain data: what is ``ailing``, and what the ``fleet`` has there."""
    objects = [one for ones in found.values() for one in ones]
    fleet = [name(one) for one in objects if one["metadata"].get("namespace") == FLUX_NAMESPACE]
    return {"ailing": [name(one) for one in objects if not _readiness(one).ready], "fleet": fleet}


def shut(found: Found, owners: Mapping[str, str], measure: Bar) -> list[Health]:
    """What holds the gate shut, in the order in which causes come first; nothing where all is as it should be.

    What people have suspended is theirs. ``owners``: as of ``View``.
    """
    view = View(found, owners)
    ill = [one for one in _ill(found, view) if not measure.excuses(one.name)]
    present = {name(one) for ones in found.values() for one in ones}
    gone = [one for one in sorted(measure.fleet - present) if not measure.excuses(one)]
    return [*ill, *(Health(one, "missing", "", f"{one}: was there before, and is gone") for one in gone)]


def _ill(found: Found, view: View) -> Iterator[Health]:
    for kind, ones in found.items():
        for one in ones:
            readiness = _readiness(one) if kind == "Deployment" else view.readiness(one)
            if readiness.state in ("ready", "suspended"):
                continue
            state, why = (readiness.state, f"{name(one)}: {readiness.message}")
            if kind != "Deployment":
                state, why = view.why(one)
            yield Health(name(one), state, readiness.revision, why)


def _readiness(one: Document) -> ready.Readiness:
    return ready.deployment(one) if one["kind"] == "Deployment" else ready.flux_object(one)


def failed(ill: Sequence[Health]) -> list[Health]:
    """Those that are not merely on their way."""
    return [one for one in ill if one.state in ("failed", "missing")]


_LISTED = 5


def told(ill: Sequence[Health], where: str, what: str, *, strict: bool) -> str:
    """Why the gate stays shut, in Flux's own words; those that failed come first."""
    first = failed(ill)
    listed = [*first, *(one for one in ill if one not in first)]
    lines = [one.failure for one in listed[:_LISTED]]
    lines += [f"{len(listed) - _LISTED} more"] if len(listed) > _LISTED else []
    hint = (
        ". This run changed nothing here, so it can't tell what an earlier one broke: mend these, suspend them, or "
        "name them in fleet_gate.ignore"
    )
    return f"{where}: {what}: {'; '.join(lines)}{hint if strict else ''}"


def verdict(wave: str, failures: Mapping[str, Any]) -> str:
    """Why a run stops after a wave (host → what failed there); empty where it goes on."""
    hosts = sorted(failures)
    return f"wave {wave} did not pass its gate: {some(hosts, _LISTED)}" if hosts else ""
