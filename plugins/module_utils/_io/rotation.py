# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""A credential by which a source pulls, replaced step by step; each step is one that a killed run may end at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import KEY_ALGORITHMS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import ready, rotation, secret
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import FleetError, NotReady, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rotation import Turn
from ansible_collections.fluxops.fleet.plugins.module_utils._io import clock, flux, forge, keys
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster
from ansible_collections.fluxops.fleet.plugins.module_utils._io.credentials import Wanted
from ansible_collections.fluxops.fleet.plugins.module_utils._io.forge_kinds import Forge

SOURCE = ("source.toolkit.fluxcd.io/v1", "GitRepository")


@dataclass(frozen=True)
class Credential:
    """What takes the old one's place: its kind, the Secret to be, and where its key is registered.

    ``key`` is what was asked for, of a tenant's source.
    """

    kind: str
    url: str
    forge: Mapping[str, Any] | None
    secret: Wanted
    algorithm: str = KEY_ALGORITHMS[0]
    key: Mapping[str, Any] | None = None


class Rotation:
    """One rotation. ``turn`` is how far it was when this run began."""

    def __init__(self, cluster: Cluster, turn: Turn, credential: Credential, say: Callable[[str], None]) -> None:
        self._cluster, self.turn, self._credential, self._say = cluster, turn, credential, say
        self._place, self._namespace = turn.place, turn.place.namespace
        self._titles = turn.place.titles(cluster.where)

    @cached_property
    def _forge(self) -> Forge | None:
        settings = self._credential.forge
        return forge.at(settings, self._credential.url) if settings and self.generated else None

    @property
    def generated(self) -> bool:
        """Whether the credential is a key that is made here."""
        return self._credential.kind == "deploy_key"

    @property
    def old(self) -> str:
        """The public key that goes; empty where it is none, or is the new one already."""
        found = self.turn.secret if secret.identity(self.turn.secret) and not self.turn.swapped else None
        return secret.public_key(found) if found else ""

    @property
    def new(self) -> str:
        """The public key that comes; empty for what is no generated key."""
        return secret.public_key(self.wanted) if self.generated else ""

    @property
    def by_hand(self) -> bool:
        """Whether somebody else has to register and remove keys."""
        return self.generated and not self._credential.forge

    @cached_property
    def wanted(self) -> Document:
        """The Secret as it is to be: a key that lies ready is used, and none is made after the swap."""
        staged = self.turn.staged
        needed = self.generated and not secret.identity(staged)
        key = keys.generate(self._cluster.where, self._credential.algorithm) if needed else None
        return self._credential.secret(staged, key)

    def problems(self) -> list[Problem]:
        """What stands in the way."""
        where, key = self._cluster.where, self._credential.key
        return [*self.turn.problems(where), *(rotation.unlike(where, self.turn, key) if key else [])]

    def left_by_hand(self) -> list[str]:
        """The old key, where it keeps its right: without a forge, or where people registered it by their own title."""
        if not self.generated or not self.old:
            return []
        known = self._forge.deploy_keys() if self._forge else []
        theirs = any(key.public == self.old and key.title not in self._titles for key in known)
        return [f"{self._credential.url}: remove the deploy key {self.old}"] if self.by_hand or theirs else []

    def is_needed(self, older_than: int) -> bool:
        """Whether there is anything to do: to end what was begun, or a credential that is due and is another."""
        limit = clock.ago(older_than) if older_than else ""
        current = (self.turn.secret or {}).get("data")
        return bool(self.turn.staged) or (self.turn.is_due(limit) and current != self.wanted["data"])

    def described(self, due: Collection[Rotation], *, check_mode: bool) -> dict[str, Any]:
        """What is done, for results; ``due``: those that are."""
        return {
            **(self._credential.key or {}),
            "changed": self in due,
            "resumed": bool(self.turn.staged),
            "old_key": self.old,
            "public_key": "" if check_mode or self not in due else self.new,
        }

    def diff(self, *, check_mode: bool) -> list[dict[str, str]]:
        """What takes what's place, as people see it."""
        before, after = "********", "******** (as given)"
        if self.generated:
            to_come = self.new if self.turn.staged or not check_mode else "to be generated by the run"
            before, after = self.old or before, to_come
        kind = self._credential.kind
        return rotation.diff(self._cluster.where, self._place, {kind: before}, {kind: after})

    def check(self) -> None:
        """See that it can be done, before anything is written; raises FleetError."""
        found = self.problems()
        if found:
            raise FleetError("; ".join(str(one) for one in found))
        if self._forge:
            self._forge.deploy_keys()

    def stage(self) -> None:
        """Write the Secret beside."""
        document, staged = rotation.staged_secret(self.wanted, self.turn.secret_name), self.turn.staged
        if staged and staged.get("data") == document["data"]:
            return
        self._note(f"writing {name(document)}")
        merged = secret.merged(staged, document) if staged else None
        self._cluster.replace(merged) if merged else self._cluster.create(document)

    def register(self) -> None:
        """Give a new key its right at the forge, beside the old one."""
        if not self._forge:
            return
        found = rotation.arrival(self._forge.deploy_keys(), self._titles, self.old, self.new)
        for key in found.stale:
            self._forge.delete_deploy_key(key)
        if found.title:
            self._note(f"registering deploy key {found.title} at the forge, read-only")
            self._forge.add_deploy_key(found.title, self.new)

    def offer(self) -> None:
        """Make the source that is to pull with it."""
        source = rotation.proof(self.turn.source or {}, self.turn.secret_name)
        self._note(f"having Flux pull with it, by {name(source)}")
        self._cluster.apply(source)

    def swap(self) -> None:
        """Put it in the old one's place."""
        self._note("putting it in place of the old one")
        self._cluster.replace(rotation.swapped_secret(self.turn.secret or {}, self.wanted, clock.now()))

    def puller(self, *, proof: bool) -> str:
        """Namespace and name of the source that is to pull: the one beside (``proof``), or its own."""
        return rotation.beside(self._place.full) if proof else self._place.full

    def ask(self, now: str, *, proof: bool) -> None:
        """Have it fetch now."""
        if not proof:
            self._note(f"having {self._place.full if self._place.tenant else 'the root sync'} pull with it")
        found = self._cluster.get(*SOURCE, self.puller(proof=proof).partition("/")[2], self._namespace)
        flux.request(self._cluster, [{"apiVersion": SOURCE[0], "kind": SOURCE[1], **found}] if found else [], now)

    def judge(self, found: Document | None, now: str, *, proof: bool) -> None:
        """Raise NotReady where it has not fetched since ``now``, in Flux's words; what is not accepted is withdrawn."""
        if rotation.fetched(found, now):
            return
        otherwise = "the old key still has its right at the forge"
        if proof:
            hint = f"register this key read-only at {self._credential.url} and run again: {self.new}"
            otherwise = hint if self.by_hand else "the old one stays in place"
            self._withdraw()
        words = ready.flux_object(found).message or "it is not there"
        who = f"tenant {self._place.tenant}: " if self._place.tenant else ""
        raise NotReady(f"{who}{SOURCE[1]} {self.puller(proof=proof)}: {words}: {otherwise}")

    def close(self) -> None:
        """Take the old key's right. The Secret beside goes last: it tells the next run that not all is done."""
        self._delete(*SOURCE, rotation.beside(self._place.source))
        # A key that somebody else registered by one of our titles is the one that is given now, for all we know.
        for key in rotation.departure(self._forge.deploy_keys(), self._titles, self.new) if self._forge else ():
            self._note(f"removing deploy key {key.title} from the forge")
            self._forge.delete_deploy_key(key) if self._forge else None
        self._delete("v1", "Secret", rotation.beside(self.turn.secret_name))

    def _withdraw(self) -> None:
        """Nothing is to fail in the cluster for what was not accepted; a generated key stays, for who registers it."""
        self._delete(*SOURCE, rotation.beside(self._place.source))
        if not self.generated:
            self._delete("v1", "Secret", rotation.beside(self.turn.secret_name))

    def _delete(self, version: str, kind: str, own: str) -> None:
        found = self._cluster.get(version, kind, own, self._namespace)
        if found:
            self._cluster.delete({"apiVersion": version, "kind": kind, **found})

    def _note(self, text: str) -> None:
        who = f"{self._place.full}: " if self._place.tenant else ""
        self._say(f"{self._cluster.where}: {who}{text}")
