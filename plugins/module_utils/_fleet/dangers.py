# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What endangers a fleet by what stands in its repository."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import lockdown, overlays, plain_secrets
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.adopted_clusters import metadata
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document, mapping
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.overlays import Tree
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name

Danger = dict[str, str]
"""``where`` (a file) and ``danger``."""

_BINDINGS = ("RoleBinding", "ClusterRoleBinding")
# https://fluxcd.io/flux/components/source/gitrepositories/#secret-reference: the names on the right are today's.
_OLD_KEYS = {"caFile": "ca.crt", "certFile": "tls.crt", "keyFile": "tls.key"}


def dangers(tree: Tree, faults: Iterable[tuple[str, str]]) -> list[Danger]:
    """All of them, by file. ``faults``: what the clusters' directories lack."""
    found = {(path, danger) for path in tree.manifests for one in tree.documents(path) or () for danger in _of(one)}
    found |= set(faults)
    files = {path: tree.texts[path] for path in tree.kustomizations}
    remote = lockdown.remote_bases(files)
    found |= {(one["object"], f"{one['field']}: {one['why']}, which a lockdown refuses") for one in remote}
    return [{"where": path, "danger": danger} for path, danger in sorted(found)]


def dangling(tree: Tree) -> set[tuple[str, str]]:
    """What directories that no cluster follows lack."""
    return {
        fault
        for path in tree.kustomizations
        if not any(one.get("kind") == "Component" for one in tree.documents(path) or ())
        for fault in tree.build(overlays.above(path)).faults
    }


def _of(document: Document) -> Iterator[str]:
    kind = document.get("kind")
    if kind in _BINDINGS and mapping(document.get("roleRef")).get("name") == "cluster-admin":
        yield f"{name(document)} gives cluster-admin to {_subjects(document)}"
    if kind == "HelmRelease":
        for path in plain_secrets.passwords(mapping(mapping(document.get("spec")).get("values"))):
            yield f"{name(document)} spec.values.{path} reads like a secret in clear: valuesFrom may name a Secret"
    if kind != "Secret":
        return
    data = {**mapping(document.get("data")), **mapping(document.get("stringData"))}
    if plain_secrets.is_clear(document):
        yield f"{name(document)} holds its values in clear, for whoever reads the repository: encrypt and renew them"
    for old in sorted(set(data) & set(_OLD_KEYS)):
        today = _OLD_KEYS[old]
        yield f"{name(document)} has key {old}, which Flux calls {today} today: its owner is to rename it"
    if not metadata(document).get("name"):
        yield "a Secret without a name"


def _subjects(document: Mapping[str, object]) -> str:
    found = document.get("subjects")
    names = [mapping(one) for one in found] if isinstance(found, list) else []
    said = [
        f"{one.get('kind')} {'/'.join(str(one[part]) for part in ('namespace', 'name') if one.get(part))}"
        for one in names
    ]
    return ", ".join(said) or "nobody yet"
