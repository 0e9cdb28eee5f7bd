# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The rotations of one cluster: which there are, and all of them together, step by step."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import rotation, secret
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import FleetError, Unreachable, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rotation import Place, Turn
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.secret import KeyPair
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.standing import Stalled
from ansible_collections.fluxops.fleet.plugins.module_utils._io import flux_listing, forge
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster, wait
from ansible_collections.fluxops.fleet.plugins.module_utils._io.rotation import SOURCE, Credential, Rotation

Say = Callable[[str], None]
# Where somebody has to register a key first there is no use in waiting for it.
_BY_HAND_SECONDS = 10.0


def of_root(cluster: Cluster, how: Mapping[str, Any], parameters: Mapping[str, Any], say: Say) -> Rotation:
    """That of the credential by which the cluster pulls; ``how`` is the new one's."""
    repository = parameters["repository"]

    def wanted(existing: Document | None, key: KeyPair | None) -> Document:
        return secret.pull_secret(how, repository, existing, key)

    source = cluster.get(*SOURCE, rotation.ROOT.source, rotation.ROOT.namespace)
    turn = _beside(cluster, Turn(source, None, None))
    credential = Credential(how["kind"], repository["url"], parameters["forge"], wanted, how["algorithm"])
    return Rotation(cluster, turn, credential, say)


def of_keys(cluster: Cluster, parameters: Mapping[str, Any], say: Say) -> list[Rotation]:
    """Those of the keys of tenants' sources. Raises InvalidInput for what no key could work with."""
    asked = parameters["source_keys"]
    if not asked:
        return []
    known_hosts = parameters["known_hosts"] or parameters["repository"]["known_hosts"] or ""
    raise_if(secret.key_problems(asked, known_hosts, flux_listing.owners(cluster), cluster.where))
    forges = [*([parameters["forge"]] if parameters["forge"] else []), *parameters["forges"]]
    sources = _sources(cluster, "")
    made = []
    for key in asked:
        place = Place.of_key(key)
        turn = _beside(cluster, Turn(sources.get(place.full), None, None, place))
        settings, wanted = forge.choose(forges, key["url"]), _secret_of(key, known_hosts)
        credential = Credential("deploy_key", key["url"], settings, wanted, key=key)
        made.append(Rotation(cluster, turn, credential, say))
    return made


def _secret_of(key: Mapping[str, Any], known_hosts: str) -> Callable[[Document | None, KeyPair | None], Document]:
    return lambda existing, made: secret.key_secret(key, known_hosts, existing, made)


def _beside(cluster: Cluster, turn: Turn) -> Turn:
    """With the Secret, and what lies beside it and its source."""
    own, namespace = turn.secret_name, turn.place.namespace
    if not own:
        return turn
    found = [cluster.get("v1", "Secret", one, namespace) for one in (own, rotation.beside(own))]
    proof = cluster.get(*SOURCE, rotation.beside(turn.place.source), namespace)
    return replace(turn, secret=found[0], staged=found[1], proof=proof)


def _sources(cluster: Cluster, namespace: str) -> dict[str, Document]:
    """Namespace and name → each Git source, by one LIST; of all namespaces where none is named."""
    found = [{"apiVersion": SOURCE[0], "kind": SOURCE[1], **one} for one in cluster.list(*SOURCE, namespace)]
    return {f"{one['metadata']['namespace']}/{one['metadata']['name']}": one for one in found}


class Together:
    """Rotations of one cluster; one that fails stops no other. ``failures``: namespace and name of its source → why."""

    def __init__(self, cluster: Cluster, timeout: float) -> None:
        self._cluster, self._timeout = cluster, timeout
        self.failures: dict[str, str] = {}

    def checked(self, rotations: Sequence[Rotation]) -> list[Rotation]:
        """Those that can be done."""
        return self._each(rotations, Rotation.check)

    def run(self, rotations: Sequence[Rotation]) -> None:
        """All that is left to do."""
        going = [one for one in rotations if not one.turn.swapped]
        for step in (Rotation.stage, Rotation.register, Rotation.offer):
            going = self._each(going, step)
        going = self._each(self._fetched(going, proof=True), Rotation.swap)
        going += [one for one in rotations if one.turn.swapped]
        self._each(self._fetched(going, proof=False), Rotation.close)

    def failure(self, one: Rotation) -> str:
        """Why one failed; empty where it did not."""
        return self.failures.get(one.turn.place.full, "")

    def _each(self, rotations: Sequence[Rotation], step: Callable[[Rotation], None]) -> list[Rotation]:
        """Those for which a step went well. A cluster that is away ends it all, after its time is up."""
        return [one for one in rotations if self._went_well(one, step)]

    def _went_well(self, one: Rotation, step: Callable[[Rotation], None]) -> bool:
        try:
            step(one)
        except Unreachable:
            raise
        except FleetError as error:
            self.failures[one.turn.place.full] = str(error).removeprefix(f"{self._cluster.where}: ")
            return False
        return True

    def _fetched(self, rotations: Sequence[Rotation], *, proof: bool) -> list[Rotation]:
        """Have their sources fetch now; those that did."""
        now = datetime.now(UTC).isoformat()
        asked = self._each(rotations, lambda one: one.ask(now, proof=proof))
        by_hand = [one for one in asked if proof and one.by_hand]
        others = [one for one in asked if not (proof and one.by_hand)]
        first = self._waited(by_hand, now, _BY_HAND_SECONDS, proof=proof)
        return [*first, *self._waited(others, now, self._timeout, proof=proof)]

    def _waited(self, rotations: Sequence[Rotation], now: str, seconds: float, *, proof: bool) -> list[Rotation]:
        spaces = {one.turn.place.namespace for one in rotations}
        names = [one.puller(proof=proof) for one in rotations]
        stalled = Stalled()

        def probe() -> dict[str, Document]:
            return _sources(self._cluster, min(spaces) if len(spaces) == 1 else "")

        def done(found: Mapping[str, Document]) -> bool:
            pending = [rotation.health(one, found.get(one), now) for one in names]
            pending = [one for one in pending if not one.settled]
            return not pending or stalled(pending, time.monotonic())

        found = wait(probe, done, seconds) if rotations else {}
        return self._each(rotations, lambda one: one.judge(found.get(one.puller(proof=proof)), now, proof=proof))
