# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What other people's files give one tenant on one cluster, held against what it is to get from us."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, plain_secrets, projects
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.adopted_clusters import (
    Key,
    Seen,
    is_sync,
    key,
    source_of,
    spec,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.adoption import Repository
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document, mapping
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE, FLUX_SYNC, Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.overlay_changes import Object
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenants import Rendered

EXTRA = projects.EXTRA
ADOPTED = "adopted.yaml"
HEAD = (
    "# What this tenant had in the old layout beside what its request says. Yours to keep, and applied with the rest.\n"
)
# What our form says otherwise, or what means nothing where it is left out.
_SAID_OTHERWISE = frozenset({
    *("dependsOn", "healthChecks", "interval", "path", "prune", "retryInterval", "serviceAccountName", "sourceRef"),
    *("secretRef", "timeout", "validation", "wait", "ref", "url", "gitImplementation", "accessFrom"),
})  # fmt: skip
_FLUX_OWN = ("toolkit.fluxcd.io/", "kubernetes.io/metadata.name", "fleet.fluxops.io/")


@dataclass(frozen=True)
class Old:
    """One tenant on one cluster; each of its objects with the directory that it comes by.

    ``leads``: directory → the Kustomization that leads there, ``others``: other tenants of the same namespaces.
    """

    cluster: str
    rendered: Rendered
    objects: Sequence[tuple[Object, str]]
    sync: Document
    leads: Mapping[str, str]
    others: Sequence[str] = ()

    @property
    def tenant(self) -> str:
        """The tenant's name."""
        return self.rendered.tenant.name

    @cached_property
    def _new(self) -> dict[Key, Document]:
        return {key(one): one for one in self.rendered.documents}

    @cached_property
    def _replaced(self) -> set[Key]:
        """Sync and source where ours have other names: they go, and what the sync has made is the new one's."""
        mine = {key(self.sync), source_of(self.sync)}
        kept = {
            source_of(one.document)
            for one, _way in self.objects
            if spec(one.document).get("sourceRef") and key(one.document) != key(self.sync)
        }
        return mine - self._new.keys() - kept

    @cached_property
    def extra(self) -> list[Document]:
        """What our form does not have."""
        return [one.document for one, _way in self.objects if key(one.document) not in {*self._new, *self._replaced}]

    def reasons(self) -> list[str]:
        """Why the tenant can't move, in words."""
        return [f"{self.cluster}: {why}" for why in self._reasons()]

    def _reasons(self) -> Iterator[str]:
        for other in self.others:
            yield f"tenant {other} delivers into {', '.join(self.rendered.namespaces)} too"
        for one, _way in self.objects:
            new = self._new.get(key(one.document))
            if new is not None:
                for field in _lost(one.document, new):
                    yield f"{one.path}: {name(one.document)}: {field} has no place in what the request comes to"
        yield from self._replacing()
        yield from self._beside()

    def _replacing(self) -> Iterator[str]:
        """Why a sync of another name can't take the place of the old one."""
        if key(self.sync) in self._replaced:
            for field in _lost(self.sync, self._own_sync):
                yield f"{name(self.sync)}: {field} has no place in what the request comes to"
            if spec(self.sync).get("deletionPolicy") not in (None, "Orphan"):
                yield f"{name(self.sync)}: spec.deletionPolicy would have all deleted when it goes: take it away first"

    def _beside(self) -> Iterator[str]:
        """What must not be written down again."""
        for one in self.extra:
            if "sops" in one:
                yield f"{name(one)} is encrypted as it lies in its file: move that file by hand"
            elif plain_secrets.is_clear(one):
                yield f"{name(one)} stands in clear: take it out of the repository"

    @property
    def _own_sync(self) -> Document:
        """What delivers the tenant's workloads from now on."""
        tenant = self.rendered.tenant
        return self._new.get(("Kustomization", tenant.namespaces[0], tenant.name), {})

    def as_dict(self, gone: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """What a cluster needs to know to keep all of it while it moves."""
        placement = self.rendered.placement
        source = next((one for one in self.rendered.documents if "url" in spec(one)), {})
        going = [key(self.sync)[1:]] if key(self.sync) in self._replaced else []
        return {
            "tenant": self.tenant,
            "namespaces": list(self.rendered.namespaces),
            "objects": [_names(one.document) for one, _way in self.objects if key(one.document) not in self._replaced],
            "replaced": [_names(one.document) for one, _way in self.objects if key(one.document) in self._replaced],
            "parents": sorted({self.leads[way] or f"{FLUX_NAMESPACE}/{FLUX_SYNC}" for _one, way in self.objects}),
            "orphans": ["/".join(one) for one in dict.fromkeys([*going, *gone])],
            "sync": "/".join(key(self.sync)[1:]),
            "target": str(spec(self._own_sync).get("targetNamespace") or ""),
            "role": "" if placement.rules else placement.role,
            "rules": [dict(one) for one in placement.rules],
            "secret": "" if self._makes(source) else str(mapping(spec(source).get("secretRef")).get("name") or ""),
        }

    def _makes(self, source: Mapping[str, Any]) -> bool:
        """Whether the source's Secret is made by the run, or by External Secrets."""
        made = {one["name"] for one in self.rendered.tenant.external_secrets}
        annotations = mapping(mapping(source.get("metadata")).get("annotations"))
        return bool(annotations) or mapping(spec(source).get("secretRef")).get("name") in made


def find(rendered: Rendered, cluster: str, seen: Seen, read: Repository, layout: Layout) -> Old | None:
    """What other people's files give a tenant on a cluster; None where nothing delivers for it."""
    tenant, own = rendered.tenant, f"{layout.tenant(rendered.environment, rendered.tenant.name)}/{EXTRA}/"
    texts = read.tree.texts
    old = [
        (one, way)
        for one, way in seen.objects
        if documents.recorded_digest(texts[one.path]) is None and not one.path.startswith(own)
    ]
    there = {key(one.document) for one, _way in old}
    delivered = {
        found.name: [each for each in found.deliveries if each.cluster == seen.name and key(each.sync) in there]
        for found in read.tenants
    }
    mine = delivered.get(tenant.name, [])
    if not mine:
        return None
    wanted = ("Kustomization", tenant.namespaces[0], tenant.name)
    main = next((one for one in mine if key(one.sync) == wanted), mine[0])
    named = {key(one.sync) for one in mine} | {source_of(one.sync) for one in mine}
    objects = [(one, way) for one, way in old if key(one.document) in named or _lies_in(one, rendered.namespaces)]
    others = [
        who
        for who, found in delivered.items()
        if who != tenant.name and any(_writes_to(each.sync) & set(rendered.namespaces) for each in found)
    ]
    return Old(cluster, rendered, objects, main.sync, seen.ways, others)


def between(olds: Sequence[Old], rendered: Rendered) -> list[str]:
    """What keeps a tenant from moving in an environment as a whole, where the old layout has it."""
    if not olds:
        return []
    had, wanted = {one.cluster for one in olds}, set(rendered.placement.clusters)
    found = [
        f"{environment}: the request names {', '.join(sorted(wanted))}, and the old layout has it on {', '.join(had)}"
        for environment in [rendered.environment]
        if wanted and wanted != had
    ]
    if any(documents.digest(one.extra) != documents.digest(olds[0].extra) for one in olds):
        found.append(f"{rendered.environment}: what it has beside its request differs between {', '.join(sorted(had))}")
    return found


def _lies_in(one: Object, spaces: Iterable[str]) -> bool:
    kind, space, called = key(one.document)
    return (called if kind == "Namespace" else space) in set(spaces)


def _writes_to(sync: Document) -> set[str]:
    return {key(sync)[1], str(spec(sync).get("targetNamespace") or "")} - {"", FLUX_NAMESPACE}


def _names(one: Document) -> dict[str, str]:
    kind, space, called = key(one)
    return {"apiVersion": str(one.get("apiVersion")), "kind": kind, "namespace": space, "name": called}


def _lost(old: Document, new: Document) -> Iterator[str]:
    """The fields of an object that it would not have any more, of those that change what it does."""
    if old.get("kind") == "Namespace":
        for part in ("labels", "annotations"):
            before, after = (mapping(mapping(one.get("metadata")).get(part)) for one in (old, new))
            for field in before.keys() - after.keys():
                if not any(own in field for own in _FLUX_OWN):
                    yield f"metadata.{part}[{field}]"
    elif is_sync(old) or "url" in spec(old):
        yield from _less(spec(old), spec(new), "spec")


def _less(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[str]:
    for field, value in old.items():
        if field in _SAID_OTHERWISE or not value or new.get(field) == value:
            continue
        if isinstance(value, Mapping) and isinstance(new.get(field), Mapping):
            yield from _less(value, new[field], f"{path}.{field}")
        else:
            yield f"{path}.{field}"
