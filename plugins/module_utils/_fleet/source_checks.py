# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What is wrong with the sources of a well-formed request: with Git, with OCI, or with their host."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import known_hosts
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Path
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Fault
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.source import APP, is_oci

_OCI_FIELDS, _GIT_FIELDS = ("certSecret",), ("recurseSubmodules", "sparseCheckout")
_OCI_REFS, _GIT_REFS = ("tag", "semver", "digest"), ("branch", "tag", "semver", "commit")
# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
# https://fluxcd.io/flux/components/source/gitrepositories/#provider, …/ocirepositories/#provider
_GIT_PROVIDERS, _OCI_PROVIDERS = ("aws", "azure", APP), ("aws", "azure", "gcp")
_OCI_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


def faults(content: Mapping[str, Any], pinned: str | None) -> Iterator[Fault]:
    """What is wrong with the sources, and with what environments follow of them. ``pinned``: as in ``Rules``."""
    sources = content["sources"]
    names = [one["name"] for one in sources]
    asked = content["environments"].values()
    used = {one.get("source", names[0] if len(names) == 1 else None) for one in asked}
    for number, source in enumerate(sources):
        path = ("sources", number)
        if source["name"] in names[:number]:
            yield (*path, "name"), source["name"], "stands twice: each source has its own name"
        elif source["name"] not in used:
            yield path, source["name"], "no environment uses this source: name it in one, or take it out"
        yield from _host_faults(source, (*path, "url"), pinned)
        yield from _kind_faults(source, path)
        yield from verify_faults(source, (*path, "verify"))
        yield from _provider_faults(source, path)
    named = {one["name"]: one for one in sources}
    for environment, one in content["environments"].items():
        source = named.get(one.get("source", names[0]))
        if source:
            yield from ref_faults(one, ("environments", environment), source)


def _host_faults(source: Mapping[str, Any], path: Path, pinned: str | None) -> Iterator[Fault]:
    """A host whose key nobody pinned; a Secret that the tenant brings holds its own."""
    url = source["url"]
    if pinned is None or "secret" in source or not url.startswith("ssh://"):
        return
    name = known_hosts.entry(url)
    if not known_hosts.holds(known_hosts.trusted(pinned, url), name):
        hint = f"no line of fleet_known_hosts is for {name}: add the host's key there, as its operator publishes it"
        yield path, url, hint


def _kind_faults(source: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    """Fields that only the other kind of source has."""
    oci = is_oci(source["url"])
    for name in _GIT_FIELDS if oci else _OCI_FIELDS:
        if name in source:
            hint = "is for Git alone" if oci else "is for oci:// alone; of https:// the Secret itself holds ca.crt"
            yield (*path, name), "", f"{hint}: take it out"
    for directory in source.get("sparseCheckout", ()):
        if not directory.strip("./"):
            yield (*path, "sparseCheckout"), directory, "a directory below the root: for all of it leave the field out"


def verify_faults(source: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    """Verification that says too little or too much."""
    oci, verify = is_oci(source["url"]), source.get("verify")
    if verify is None:
        return
    for name in ("mode",) if oci else ("matchOIDCIdentity",):
        if name in verify:
            yield (*path, name), "", f"is for {'Git' if oci else 'oci://'} alone: take it out"
    if oci and ("secret" in verify) == ("matchOIDCIdentity" in verify):
        yield path, "", "exactly one of secret and matchOIDCIdentity: the keys, or who may sign without one"
    if not oci and "secret" not in verify:
        yield (*path, "secret"), "", "is missing: the Secret with the public keys of who may sign"


def _provider_faults(source: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    """A cloud identity that such a source does not know, or beside another credential."""
    if "provider" not in source:
        return
    provider, known = source["provider"], _OCI_PROVIDERS if is_oci(source["url"]) else _GIT_PROVIDERS
    if provider not in known or source["url"].startswith("ssh://"):
        hint = f"for oci:// one of {', '.join(_OCI_PROVIDERS)}, for https:// of Git one of {', '.join(_GIT_PROVIDERS)}"
        yield (*path, "provider"), provider, hint
    elif provider == APP and "secret" not in source:
        yield (*path, "secret"), "", "is missing: the Secret that holds the GitHub App"
    elif provider != APP and "secret" in source:
        yield (*path, "secret"), source["secret"], f"the identity of {provider} reads the source: keep one of them"


def ref_faults(asked: Mapping[str, Any], path: Path, source: Mapping[str, Any]) -> Iterator[Fault]:
    """What is followed that such a source does not have, in the environment and in its exceptions."""
    oci, signed_tag = is_oci(source["url"]), source.get("verify", {}).get("mode", "HEAD") != "HEAD"
    kinds = _OCI_REFS if oci else _GIT_REFS
    places = {path: asked, **{(*path, "exceptions", name): one for name, one in asked.get("exceptions", {}).items()}}
    for place, one in places.items():
        kind, value = next(iter(one.get("ref", {}).items()), ("", ""))
        if kind and kind not in kinds:
            what = f"source {source['name']} is {'an OCI artifact' if oci else 'a Git repository'}"
            yield (*place, "ref", kind), value, f"{what}: one of {', '.join(kinds)}"
        elif oci and kind == "tag" and not _OCI_TAG.fullmatch(value):
            yield (*place, "ref", kind), value, "a tag of a registry: letters, digits, '.', '_' and '-', at most 128"
        elif signed_tag and (kind or place == path) and kind not in ("tag", "semver"):
            yield (*place, "ref"), value, f"source {source['name']} has its tags verified: follow tag or semver"
