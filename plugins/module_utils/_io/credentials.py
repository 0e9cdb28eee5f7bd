# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Secrets in a cluster: what has to be written for each, and the forge's leave for the keys that are made here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import given_secrets, secret
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import ClusterError, ForgeError, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import (
    FLUX_NAMESPACE,
    FLUX_SYNC,
    deploy_key_titles,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.secret import KeyPair
from ansible_collections.fluxops.fleet.plugins.module_utils._io import flux, flux_listing, forge, keys
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster


class Wanted(Protocol):
    """The Secret as it is and a new key (None where it holds one) → the Secret as it is to be."""

    def __call__(self, existing: Document | None, key: KeyPair | None, /) -> Document:
        """The Secret."""


@dataclass(frozen=True)
class Credential:
    """One Secret: the objects to write for it, and where a key was made for it the key's right at the forge."""

    changes: tuple[Document, ...]
    public: str = ""
    """The public line of a generated key."""
    made_up: bool = False
    """Whether the key is one of this run's, which check mode forgets."""
    registration: forge.Registration | None = None
    needed: bool = False
    """Whether the forge has to be told."""
    key: Mapping[str, Any] | None = None
    """What was asked for, where it is the key of a tenant's source."""
    failure: str = ""
    """Why the forge could not be asked or told."""

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.changes) or self.needed

    def diff(self, *, check_mode: bool) -> list[dict[str, str]]:
        """What changes, as people see it."""
        made_up = check_mode and self.made_up
        shown = [secret.diff(one, made_up=made_up) for one in self.changes]
        return shown + (self.registration.diff(self.needed) if self.registration else [])

    def described(self, *, check_mode: bool) -> dict[str, str]:
        """The generated key, and whether the forge knows it."""
        registered = self.registration.state(self.needed, check_mode) if self.registration else "by hand"
        public = "" if check_mode and self.made_up else self.public
        said = {"public_key": public, "registered": "" if self.failure else registered, "failure": self.failure}
        return {**(self.key or {}), **said}


def put(
    cluster: Cluster,
    parameters: Mapping[str, Any],
    source_keys: Sequence[Mapping[str, Any]],
    *,
    check_mode: bool,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Make the Secrets of one cluster true; the result of the noun ``credentials``, whose ``parameters`` these are."""
    made = _looked_at(cluster, parameters, source_keys)
    if not check_mode:
        done: set[str] = set()
        made = [write(cluster, one, done, say) for one in made]
    described = [one.described(check_mode=check_mode) for one in made]
    return {
        "failures": [one.failure for one in made if one.failure],
        "changed": any(one.changed for one in made),
        "diff": _unique([shown for one in made for shown in one.diff(check_mode=check_mode)]),
        "source_keys": [one for one in described if "tenant" in one],
        "public_key": described[0]["public_key"] if parameters["pull"] else "",
        "registered": described[0]["registered"] if parameters["pull"] else "",
    }


def _looked_at(
    cluster: Cluster, parameters: Mapping[str, Any], source_keys: Sequence[Mapping[str, Any]]
) -> list[Credential]:
    """All that is wanted, the credential by which the cluster pulls first, and what each of them takes."""
    how, repository, where = parameters["pull"], parameters["repository"], cluster.where
    known_hosts = parameters["known_hosts"] or repository["known_hosts"] or ""
    forges = [*([parameters["forge"]] if parameters["forge"] else []), *parameters["forges"]]
    raise_if(secret.problems(how, repository, parameters["secrets"], where))
    wanted = given_secrets.for_tenants(parameters["secrets"], parameters["tenants"])
    owned = [one for one in wanted if one.get("tenant")]
    owners = flux_listing.owners(cluster) if source_keys or owned else {}
    raise_if(
        [
            *secret.key_problems(source_keys, known_hosts, owners, where),
            *given_secrets.owner_problems(owned, owners, where),
        ]
    )
    return [
        *([pull(cluster, how, repository, parameters["forge"])] if how else []),
        *(source(cluster, one, known_hosts, forges) for one in source_keys),
        *(given(cluster, given_secrets.from_params(one)) for one in wanted),
    ]


def _unique(shown: list[dict[str, str]]) -> list[dict[str, str]]:
    """Secrets that share a new namespace show it once."""
    return list({(one["before_header"], one["after"]): one for one in shown}.values())


def given(cluster: Cluster, wanted: Document) -> Credential:
    """A Secret whose content is known."""
    existing = cluster.get("v1", "Secret", wanted["metadata"]["name"], wanted["metadata"]["namespace"])
    return Credential(_missing(cluster, wanted, existing))


def pull(cluster: Cluster, how: Mapping[str, Any], repository: Mapping[str, Any], settings: Any) -> Credential:
    """The Secret by which the cluster pulls from the fleet repository; a forge that can't be asked is an error."""
    if how["kind"] != "deploy_key":
        return given(cluster, secret.pull_secret(how, repository, None, None))
    registration = forge.Registration(settings, repository["url"], deploy_key_titles(cluster.where))

    def wanted(existing: Document | None, key: KeyPair | None) -> Document:
        return secret.pull_secret(how, repository, existing, key)

    made = _generated(cluster, FLUX_NAMESPACE, FLUX_SYNC, wanted, how["algorithm"])
    return replace(made, registration=registration, needed=registration.needed(made.public))


def source(
    cluster: Cluster, one: Mapping[str, Any], known_hosts: str, forges: Iterable[Mapping[str, Any]]
) -> Credential:
    """The Secret of a tenant's source; a forge that can't be asked is that tenant's failure, and no other's."""
    titles = deploy_key_titles(cluster.where, one["namespace"], one["source"])
    registration = forge.Registration(forge.choose(forges, one["url"]), one["url"], titles)

    def wanted(existing: Document | None, key: KeyPair | None) -> Document:
        return secret.key_secret(one, known_hosts, existing, key)

    made = replace(_generated(cluster, one["namespace"], one["secret"], wanted), key=one, registration=registration)
    try:
        return replace(made, needed=registration.needed(made.public))
    except ForgeError as error:
        return replace(made, failure=str(error))


def write(cluster: Cluster, made: Credential, done: set[str], say: Callable[[str], None]) -> Credential:
    """Write the Secret and tell the forge. ``done`` collects the names of what is written: Secrets share namespaces."""
    for document in made.changes:
        if name(document) not in done:
            say(f"{cluster.where}: writing {name(document)}")
            cluster.replace(document) if "uid" in document["metadata"] else _create(cluster, document)
            done.add(name(document))
    if not made.key:
        _register(cluster, made, say)
        return made
    try:
        _register(cluster, made, say)
    except ForgeError as error:
        return replace(made, failure=str(error))
    if made.changed:
        _fetch_again(cluster, made.key)
    return made


def _create(cluster: Cluster, document: Document) -> None:
    """A namespace that is there by now will do: Flux brings those of tenants at the same time."""
    try:
        cluster.create(document)
    except ClusterError as error:
        if document["kind"] != "Namespace" or error.reason != "AlreadyExists":
            raise


def _register(cluster: Cluster, made: Credential, say: Callable[[str], None]) -> None:
    if made.registration and made.needed:
        say(f"{cluster.where}: registering deploy key {made.registration.title} at the forge, read-only")
        made.registration.register(made.public)


def _fetch_again(cluster: Cluster, one: Mapping[str, Any]) -> None:
    """Have a tenant's source try its new key now, where the source is there already."""
    found = cluster.get("source.toolkit.fluxcd.io/v1", "GitRepository", one["source"], one["namespace"])
    if found:
        flux.request(cluster, [found], datetime.now(UTC).isoformat())


def _generated(
    cluster: Cluster,
    namespace: str,
    secret_name: str,
    wanted: Wanted,
    algorithm: str = "ed25519",
) -> Credential:
    existing = cluster.get("v1", "Secret", secret_name, namespace)
    key = None if secret.identity(existing) else keys.generate(cluster.where, algorithm)
    document = wanted(existing, key)
    return Credential(_missing(cluster, document, existing), secret.public_key(document), key is not None)


def _missing(cluster: Cluster, wanted: Document, existing: Document | None) -> tuple[Document, ...]:
    """What has to be written so that one Secret is as wanted: its namespace, itself, or nothing."""
    if existing:
        merged = secret.merged(existing, wanted)
        return (merged,) if merged else ()
    present = cluster.get("v1", "Namespace", wanted["metadata"]["namespace"])
    return (wanted,) if present else (secret.namespace_of(wanted), wanted)
