# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""A credential that takes another's place: what there is on the way, and what is still to do after a kill.

The new one lies in a Secret of its own beside the old one until Flux itself has pulled with it, by a source of its own.
Then it is put into the old one's Secret, in one write; and only when Flux has pulled with that does the old one go. The
Secret beside goes last: as long as it is there, a rotation is under way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import ready
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.health import Health
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import (
    FLUX_NAMESPACE,
    FLUX_SYNC,
    LABEL_DOMAIN,
    TENANT_LABEL,
    deploy_key_titles,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name

ROTATED = f"{LABEL_DOMAIN}/rotated-at"
_STAGED = f"{LABEL_DOMAIN}/rotation"
_NEXT = "-next"


class Key(Protocol):
    """A deploy key as the forge has it."""

    @property
    def title(self) -> str:
        """Its title."""

    @property
    def public(self) -> str:
        """Type and key."""

    @property
    def read_only(self) -> bool:
        """Whether it can't push."""


@dataclass(frozen=True)
class Place:
    """Which source of a cluster pulls with the credential, whose it is, and the playbook that makes both."""

    namespace: str = FLUX_NAMESPACE
    source: str = FLUX_SYNC
    tenant: str = ""
    playbook: str = "bootstrap"

    @classmethod
    def of_key(cls, key: Mapping[str, Any]) -> Place:
        """That of a tenant's key, as ``tenants.keys`` gives it."""
        return cls(key["namespace"], key["source"], key["tenant"], "onboard")

    @property
    def full(self) -> str:
        """Namespace and name."""
        return f"{self.namespace}/{self.source}"

    @property
    def words(self) -> str:
        """The source, as people are told of it."""
        own = f"GitRepository {self.full}"
        return f"tenant {self.tenant}: {own}" if self.tenant else own

    def titles(self, cluster: str) -> tuple[str, str]:
        """The titles that its key may have at the forge."""
        return deploy_key_titles(cluster, self.namespace, self.source)


ROOT = Place()


@dataclass(frozen=True)
class Turn:
    """How far a rotation is: the source, its Secret, and the Secret beside it (None: no rotation is under way).

    ``proof`` is the source beside it, where there is one.
    """

    source: Document | None
    secret: Document | None
    staged: Document | None
    place: Place = ROOT
    proof: Document | None = None

    @property
    def secret_name(self) -> str:
        """The name of the source's Secret."""
        return str((((self.source or {}).get("spec") or {}).get("secretRef") or {}).get("name", ""))

    @property
    def swapped(self) -> bool:
        """Whether the new credential has taken the old one's place."""
        return bool(self.staged and self.secret and self.staged.get("data") == self.secret.get("data"))

    def is_due(self, limit: str) -> bool:
        """Whether the credential is older than ``limit`` (UTC, as Kubernetes writes times; empty: any is)."""
        metadata = (self.secret or {}).get("metadata") or {}
        since = (metadata.get("annotations") or {}).get(ROTATED) or metadata.get("creationTimestamp", "")
        return not limit or str(since) < limit

    def problems(self, where: str) -> list[Problem]:
        """What stands in the way."""
        own, make = self.place.words, f"run the playbook {self.place.playbook}"
        if not self.source or not self.secret_name:
            return [Problem(where, own, "", f"is not there, or pulls without a Secret: {make} first")]
        found = []
        if self.source["spec"].get("suspend"):
            hint = "is suspended, so that Flux can't prove that a new credential works: resume it first"
            found.append(Problem(where, own, "", hint))
        if not self.secret:
            full = f"Secret {self.place.namespace}/{self.secret_name}"
            found.append(Problem(where, full, "", f"is not there: {make}, which makes it"))
        for beside_it in (self.staged, self.proof):
            if beside_it and _STAGED not in (beside_it["metadata"].get("annotations") or {}):
                hint = "is where the new credential lies until it is proven, and it is not ours: move it away"
                found.append(Problem(where, name(beside_it), "", hint))
        return found


def unlike(where: str, turn: Turn, key: Mapping[str, Any]) -> list[Problem]:
    """A tenant's source that is not what the fleet repository says: tenants can write it, and a key goes to its URL."""
    url = str(((turn.source or {}).get("spec") or {}).get("url", ""))
    if not turn.source or (url, turn.secret_name) == (key["url"], key["secret"]):
        return []
    hint = f"the repository has {key['url']} with the Secret {key['secret']}: have Flux apply that first (reconcile)"
    return [Problem(where, turn.place.words, f"{url} with the Secret {turn.secret_name}", hint)]


def strangers(where: str, followed: Sequence[str], wanted: Sequence[str]) -> list[Problem]:
    """A cluster that follows something else (URL, branch, path) than it is meant to: its credential is not ours."""
    if tuple(followed) == tuple(wanted) or not any(followed):
        return []
    hint = f"is meant to follow {' '.join(wanted)}: mend fleet_cluster_auth, or move it by the playbook bootstrap first"
    return [Problem(where, "what Flux follows", " ".join(followed), hint)]


def beside(own: str) -> str:
    """The name of what lies beside an object while its credential is rotated."""
    return f"{own}{_NEXT}"


def staged_secret(wanted: Document, secret_name: str) -> Document:
    """The Secret beside, with the data of the Secret as it is to be."""
    return {**wanted, "metadata": _beside(wanted["metadata"], secret_name, secret_name)}


def swapped_secret(secret: Document, staged: Document, now: str) -> Document:
    """The source's Secret with the new credential."""
    annotations = {**(secret["metadata"].get("annotations") or {}), ROTATED: now}
    about = {"apiVersion": "v1", "kind": "Secret", "type": staged.get("type", "Opaque"), "data": staged["data"]}
    return {**secret, **about, "metadata": {**secret["metadata"], "annotations": annotations}}


def proof(source: Document, secret_name: str) -> Document:
    """A source that fetches as the cluster's own does, but with the new credential."""
    spec = {**source["spec"], "secretRef": {"name": beside(secret_name)}, "interval": "1h"}
    metadata = _beside(source["metadata"], source["metadata"]["name"], secret_name)
    return {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": metadata, "spec": spec}


def _beside(metadata: Mapping[str, Any], own: str, secret_name: str) -> dict[str, Any]:
    """Of what lies beside an object. A tenant's carries its label, so that it leaves with the tenant."""
    tenant = (metadata.get("labels") or {}).get(TENANT_LABEL)
    labels = {"labels": {TENANT_LABEL: tenant}} if tenant else {}
    about = {"name": beside(own), "namespace": metadata["namespace"], "annotations": {_STAGED: secret_name}}
    return {**about, **labels}


def fetched(found: Document | None, asked: str) -> bool:
    """Whether a source has fetched since it was asked to, by the word ``asked``."""
    return bool(found) and ready.answered(found or {}) == asked and ready.flux_object(found).ready


def health(own: str, found: Document | None, asked: str) -> Health:
    """How a source is that was asked to fetch: what it said before is no answer."""
    answer = ready.flux_object(found)
    answered = found is None or ready.answered(found) == asked
    return Health(own, answer.state if answered else "waiting", failure=answer.message)


@dataclass(frozen=True)
class Keys:
    """What is to happen at the forge before a new key is proven: a title to register it by, and what is in the way."""

    title: str
    stale: tuple[Any, ...]


def arrival(keys: Iterable[Key], titles: Sequence[str], current: str, new: str) -> Keys:
    """How a new key is registered beside the current one (both as type and key): under the title that is free."""
    own = [key for key in keys if key.title in titles]
    stale = tuple(key for key in own if key.public not in (current, new) or (key.public == new and not key.read_only))
    left = [key for key in own if key not in stale]
    free = [title for title in titles if title not in {key.title for key in left}]
    return Keys("" if any(key.public == new for key in left) else free[0], stale)


def departure(keys: Iterable[Key], titles: Collection[str], new: str) -> list[Any]:
    """The keys that go once the new one is proven."""
    return [key for key in keys if key.title in titles and key.public != new]


def diff(where: str, place: Place, before: Mapping[str, str], after: Mapping[str, str]) -> list[dict[str, str]]:
    """What takes what's place, by names and public keys alone."""
    texts = ["".join(f"{key}: {value}\n" for key, value in one.items()) for one in (before, after)]
    header = f"credential by which {where} pulls" + (f" {place.full} of tenant {place.tenant}" if place.tenant else "")
    return [{"before_header": header, "after_header": header, "before": texts[0], "after": texts[1]}]
