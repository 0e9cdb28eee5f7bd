# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What a run waits for on one cluster: the root sync, components, tenants; and when waiting on is of no use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.health import Health, View
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_SYNC
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.state import FluxState

# What has failed with the same words for as long will not be mended by waiting.
_STALLED_SECONDS = 20


@dataclass(frozen=True)
class Wish:
    """What is waited for. ``commit`` is in words only; what lacks it is known to be in ``rejected``.

    ``tenants``: their names, None for all that are there.
    """

    commit: str
    rejected: tuple[str, ...]
    components: bool
    tenants: Sequence[str] | None


@dataclass(frozen=True)
class Standing:
    """How far a cluster is."""

    root: Health
    components: tuple[Health, ...]
    tenants: tuple[Health, ...]

    @property
    def pending(self) -> list[Health]:
        """What is not ready. Suspended tenants are not waited for; a suspended root sync would never come."""
        late = [one for one in (*self.components, *self.tenants) if not one.settled]
        return [*([] if self.root.state == "ready" else [self.root]), *late]

    def explain(self) -> str:
        """What is not ready, each in Flux's own words."""
        kinds = {"component": self.components, "tenant": self.tenants, "sync": (self.root,)}
        said = [
            f"{kind} {one.name}: {one.failure}" for kind, ones in kinds.items() for one in ones if one in self.pending
        ]
        return said[0] if len(said) == 1 else "".join(f"\n  - {reason}" for reason in said)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "revision": self.root.revision,
            "components": {one.name: one.as_dict() for one in self.components},
            "tenants": {one.name: one.as_dict() for one in self.tenants},
        }


def stand(view: View, state: FluxState, wish: Wish) -> Standing:
    """How far a cluster is with what is wished."""
    top, tenants = root(view, state, wish), view.tenants if wish.tenants is None else wish.tenants
    components = [view.component(name) for name in view.components] if wish.components else []
    brought = [view.tenant(name, with_shard=True) for name in tenants]
    return Standing(top, *(tuple(_below(top, one) for one in ones) for ones in (components, brought)))


def _below(top: Health, one: Health) -> Health:
    """While the root sync is on its way to a revision, what has failed did so by the one before."""
    return replace(one, state="waiting") if top.state == "waiting" and one.state in ("failed", "missing") else one


def root(view: View, state: FluxState, wish: Wish) -> Health:
    """How the root sync is, where it must have applied another commit than those rejected."""
    if state.missing or not state.source or not state.sync:
        return Health(FLUX_SYNC, "missing", state.revision, state.missing or "Flux follows nothing: run bootstrap")
    if state.suspended:
        return Health(FLUX_SYNC, "suspended", state.revision, state.suspended)
    pending = [one for one in (state.source, state.sync) if not view.readiness(one).ready]
    if pending:
        found, reason = view.why(pending[0])
        return Health(FLUX_SYNC, found, state.revision, reason)
    if not state.settled(wish.rejected):
        return Health(FLUX_SYNC, "waiting", state.revision, state.explain(wish.commit))
    return Health(FLUX_SYNC, "ready", state.revision)


def to_ask(view: View, state: FluxState, wish: Wish, found: Standing, *, all_of_them: bool) -> list[Document]:
    """What is asked to reconcile now: the root sync, and of the rest what is late, or ``all_of_them`` by name."""
    names = {one.name for one in found.tenants if not one.settled}
    named = {*names, *(wish.tenants or ())} if all_of_them else names
    parts = [one for name in view.components for one in view.of_component(name)] if wish.components else []
    tenants = [one for name in sorted(named) for one in (*view.syncs(name), *view.own(name))]
    wanted = [state.source, state.sync, *(parts if all_of_them else []), *tenants]
    return [one for one in wanted if one and not one["spec"].get("suspend") and one["spec"].get("type") != "oci"]


class Stalled:
    """Tells when waiting on is of no use: all that is left has failed, with the same words for a while."""

    def __init__(self, seconds: float = _STALLED_SECONDS) -> None:
        self._seconds = seconds
        self._since: dict[tuple[str, str], float] = {}

    def __call__(self, pending: Iterable[Health], now: float) -> bool:
        """Whether to give up; ``now`` in seconds. A try in between that then failed as before is no news."""
        stuck = [one.state in ("failed", "missing") and self._age(one, now) >= self._seconds for one in pending]
        return bool(stuck) and all(stuck)

    def _age(self, one: Health, now: float) -> float:
        # Each try has a folder and counters of its own, which Flux's words name.
        return now - self._since.setdefault((one.name, re.sub(r"[0-9]+", "0", one.failure)), now)
