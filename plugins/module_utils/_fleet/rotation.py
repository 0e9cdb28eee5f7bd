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

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE, FLUX_SYNC, LABEL_DOMAIN
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
class Turn:
    """How far a rotation is: the source, its Secret, and the Secret beside it (None: no rotation is under way)."""

    source: Document | None
    secret: Document | None
    staged: Document | None

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
        full = f"{FLUX_NAMESPACE}/{FLUX_SYNC}"
        if not self.source or not self.secret_name:
            hint = "is not there, or pulls without a Secret: run the playbook bootstrap first"
            return [Problem(where, f"GitRepository {full}", "", hint)]
        found = []
        if self.source["spec"].get("suspend"):
            hint = "is suspended, so that Flux can't prove that a new credential works: resume it first"
            found.append(Problem(where, f"GitRepository {full}", "", hint))
        if not self.secret:
            hint = "is not there: run the playbook bootstrap, which makes it"
            found.append(Problem(where, f"Secret {FLUX_NAMESPACE}/{self.secret_name}", "", hint))
        if self.staged and _STAGED not in (self.staged["metadata"].get("annotations") or {}):
            hint = "is where the new credential lies until it is proven, and it is not ours: move it away"
            found.append(Problem(where, name(self.staged), "", hint))
        return found


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
    metadata = {
        "name": beside(secret_name),
        "namespace": wanted["metadata"]["namespace"],
        "annotations": {_STAGED: secret_name},
    }
    return {**wanted, "metadata": metadata}


def swapped_secret(secret: Document, staged: Document, now: str) -> Document:
    """The source's Secret with the new credential."""
    annotations = {**(secret["metadata"].get("annotations") or {}), ROTATED: now}
    about = {"apiVersion": "v1", "kind": "Secret", "type": staged.get("type", "Opaque"), "data": staged["data"]}
    return {**secret, **about, "metadata": {**secret["metadata"], "annotations": annotations}}


def proof(source: Document, secret_name: str) -> Document:
    """A source that fetches as the cluster's own does, but with the new credential."""
    spec = {**source["spec"], "secretRef": {"name": beside(secret_name)}, "interval": "1h"}
    metadata = {
        "name": beside(source["metadata"]["name"]),
        "namespace": source["metadata"]["namespace"],
        "annotations": {_STAGED: secret_name},
    }
    return {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": metadata, "spec": spec}


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


def diff(where: str, before: Mapping[str, str], after: Mapping[str, str]) -> list[dict[str, str]]:
    """What takes what's place, by names and public keys alone."""
    texts = ["".join(f"{key}: {value}\n" for key, value in one.items()) for one in (before, after)]
    header = f"credential by which {where} pulls"
    return [{"before_header": header, "after_header": header, "before": texts[0], "after": texts[1]}]
