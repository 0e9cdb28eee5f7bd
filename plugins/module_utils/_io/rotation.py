# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The credential of a cluster's root sync, replaced step by step; each step is one that a killed run may end at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import ready, rotation, secret
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import NotReady
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import (
    FLUX_NAMESPACE,
    FLUX_SYNC,
    deploy_key_titles,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rotation import Turn
from ansible_collections.fluxops.fleet.plugins.module_utils._io import clock, flux, forge, keys
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster, wait

_SOURCE = ("source.toolkit.fluxcd.io/v1", "GitRepository")
# Where somebody has to register a key first there is no use in waiting for it.
_BY_HAND_SECONDS = 10.0


def look(cluster: Cluster) -> Turn:
    """How far a rotation is."""
    source = cluster.get(*_SOURCE, FLUX_SYNC, FLUX_NAMESPACE)
    own = Turn(source, None, None).secret_name
    found = [cluster.get("v1", "Secret", one, FLUX_NAMESPACE) for one in (own, rotation.beside(own))] if own else []
    return Turn(source, *found) if found else Turn(source, None, None)


def limit(days: int) -> str:
    """The time before which a credential is older than so many days, as Kubernetes writes times; empty for 0."""
    return clock.ago(days) if days else ""


class Rotation:
    """One cluster's rotation. ``turn`` is how far it was when this run began, and has no problems."""

    def __init__(self, cluster: Cluster, turn: Turn, parameters: Mapping[str, Any], say: Callable[[str], None]) -> None:
        self._cluster, self.turn, self._say = cluster, turn, say
        self._how, self._repository = parameters["pull"], parameters["repository"]
        settings, url = parameters["forge"], parameters["repository"]["url"]
        self._forge = forge.at(settings, url) if settings else None
        self._titles = deploy_key_titles(cluster.where)
        self._timeout = parameters["timeout"]
        self.wanted = self._wanted()

    @property
    def _generated(self) -> bool:
        return bool(self._how["kind"] == "deploy_key")

    @property
    def old(self) -> str:
        """The public key that goes; empty where it is none, or is the new one already."""
        found = self.turn.secret if secret.identity(self.turn.secret) and not self.turn.swapped else None
        return secret.public_key(found) if found else ""

    @property
    def new(self) -> str:
        """The public key that comes; empty for what is no generated key."""
        return secret.public_key(self.wanted) if self._generated else ""

    @property
    def by_hand(self) -> bool:
        """Whether somebody else has to register and remove keys."""
        return self._generated and self._forge is None

    def others(self) -> bool:
        """Whether the old key keeps its right: without a forge, or where people registered it by their own title."""
        if not self._generated or not self.old or not self._forge:
            return self.by_hand and bool(self.old)
        return any(key.public == self.old and key.title not in self._titles for key in self._forge.deploy_keys())

    def _wanted(self) -> Document:
        """The Secret as it is to be: a key that lies ready is used, and none is made after the swap."""
        staged = self.turn.staged
        key = (
            keys.generate(self._cluster.where, self._how["algorithm"])
            if self._generated and not secret.identity(staged)
            else None
        )
        return secret.pull_secret(self._how, self._repository, staged, key)

    def is_needed(self, older_than: int) -> bool:
        """Whether there is anything to do: to end what was begun, or a credential that is due and is another."""
        current = (self.turn.secret or {}).get("data")
        due = self.turn.is_due(limit(older_than)) and current != self.wanted["data"]
        return bool(self.turn.staged) or due

    def run(self) -> None:
        """All that is left to do."""
        if not self.turn.swapped:
            self._stage()
            self._register()
            self._prove()
            self._swap()
        self._confirm()
        self._close()

    def _stage(self) -> None:
        document, staged = rotation.staged_secret(self.wanted, self.turn.secret_name), self.turn.staged
        if staged and staged.get("data") == document["data"]:
            return
        self._say(f"{self._cluster.where}: writing {name(document)}")
        merged = secret.merged(staged, document) if staged else None
        self._cluster.replace(merged) if merged else self._cluster.create(document)

    def _register(self) -> None:
        if not self._generated or not self._forge:
            return
        found = rotation.arrival(self._forge.deploy_keys(), self._titles, self.old, self.new)
        for key in found.stale:
            self._forge.delete_deploy_key(key)
        if found.title:
            self._say(f"{self._cluster.where}: registering deploy key {found.title} at the forge, read-only")
            self._forge.add_deploy_key(found.title, self.new)

    def _prove(self) -> None:
        source = rotation.proof(self.turn.source or {}, self.turn.secret_name)
        self._say(f"{self._cluster.where}: having Flux pull with it, by {name(source)}")
        self._cluster.apply(source)
        hint = f"register this key read-only at {self._repository['url']} and run again: {self.new}"
        timeout, otherwise = (_BY_HAND_SECONDS, hint) if self.by_hand else (self._timeout, "the old one stays in place")
        try:
            self._fetched(source["metadata"]["name"], timeout, otherwise)
        except NotReady:
            self._withdraw()
            raise

    def _withdraw(self) -> None:
        """Nothing is to fail in the cluster for what was not accepted; a generated key stays, for who registers it."""
        self._delete(*_SOURCE, rotation.beside(FLUX_SYNC))
        if not self._generated:
            self._delete("v1", "Secret", rotation.beside(self.turn.secret_name))

    def _swap(self) -> None:
        self._say(f"{self._cluster.where}: putting it in place of the old one")
        self._cluster.replace(rotation.swapped_secret(self.turn.secret or {}, self.wanted, clock.now()))

    def _confirm(self) -> None:
        self._say(f"{self._cluster.where}: having the root sync pull with it")
        self._fetched(FLUX_SYNC, self._timeout, "the old key still has its right at the forge")

    def _close(self) -> None:
        """The Secret beside goes last: it tells the next run that there is something to end."""
        self._delete(*_SOURCE, rotation.beside(FLUX_SYNC))
        # A key that somebody else registered by one of our titles is the one that is given now, for all we know.
        if self._forge and self._generated:
            for key in rotation.departure(self._forge.deploy_keys(), self._titles, self.new):
                self._say(f"{self._cluster.where}: removing deploy key {key.title} from the forge")
                self._forge.delete_deploy_key(key)
        self._delete("v1", "Secret", rotation.beside(self.turn.secret_name))

    def _delete(self, version: str, kind: str, own: str) -> None:
        found = self._cluster.get(version, kind, own, FLUX_NAMESPACE)
        if found:
            self._cluster.delete({"apiVersion": version, "kind": kind, **found})

    def _fetched(self, own: str, timeout: float, otherwise: str) -> None:
        """Wait until a source has fetched when asked; raises NotReady in its words."""
        now = datetime.now(UTC).isoformat()

        def probe() -> Document | None:
            return self._cluster.get(*_SOURCE, own, FLUX_NAMESPACE)

        def done(found: Document | None) -> bool:
            return bool(found) and ready.answered(found or {}) == now and ready.flux_object(found).ready

        asked = probe()
        flux.request(self._cluster, [{"apiVersion": _SOURCE[0], "kind": _SOURCE[1], **asked}] if asked else [], now)
        found = wait(probe, done, timeout)
        if not done(found):
            words = ready.flux_object(found).message or "it is not there"
            raise NotReady(f"{self._cluster.where}: GitRepository {FLUX_NAMESPACE}/{own}: {words}: {otherwise}")
