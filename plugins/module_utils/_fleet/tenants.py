# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""From a tenant to its files in one environment, and what can be read from these files again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, exceptions, tenant_patches
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import (
    LABEL_DOMAIN,
    Layout,
    tenant_sync,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenant import Placement, Tenant
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenant_variables import template_variables

CREDENTIAL_ANNOTATION = f"{LABEL_DOMAIN}/credential"
GENERATED = "generated"
TENANT_TEMPLATE, SYNC_TEMPLATE = "tenant.yaml.j2", "sync.yaml.j2"


@dataclass(frozen=True)
class Rendered:
    """A tenant's files in one environment: objects and texts, and the ``directory`` that Flux applies (``./…``).

    ``sync`` is for all clusters but those of ``exceptions``, which have a text of their own each.
    """

    tenant: Tenant
    environment: str
    documents: list[Document]
    text: str
    sync_documents: list[Document]
    sync: str
    directory: str
    exceptions: Mapping[str, str] = field(default_factory=dict)

    @property
    def sync_name(self) -> str:
        """The name of the Flux Kustomization that applies all of it."""
        return tenant_sync(self.tenant.name)

    @cached_property
    def namespaces(self) -> tuple[str, ...]:
        """All namespaces that the tenant gets there, those of a user's own template included."""
        return tuple(dict.fromkeys([*self.tenant.namespaces, *namespaces(self.documents)]))

    @property
    def placement(self) -> Placement:
        """What the request says of this environment."""
        return next(one for one in self.tenant.placements if one.environment == self.environment)

    @property
    def claim(self) -> str:
        """The text of the file that claims a namespace."""
        return claim(self.tenant.name)


def render(
    tenant: Tenant, placement: Placement, renderer: Renderer, layout: Layout, homes: Mapping[str, str]
) -> Rendered:
    """What a tenant gets in one environment; same request, same bytes. For ``homes`` see ``template_variables``."""
    variables = template_variables(tenant, placement, layout, homes)
    patches = renderer.render(tenant_patches.TEMPLATE, variables)
    found = tenant_patches.apply(renderer.render(TENANT_TEMPLATE, variables), patches)
    sync = renderer.render(SYNC_TEMPLATE, variables)
    own = {
        one: renderer.render(
            SYNC_TEMPLATE,
            {**variables, "sync": {**variables["sync"], "patches": exceptions.patches(tenant, placement, one)}},
        )
        for one in placement.exceptions
    }
    return Rendered(
        tenant=tenant,
        environment=placement.environment,
        documents=found,
        text=documents.write_owned(found),
        sync_documents=sync,
        sync=documents.write_owned(sync),
        directory=variables["sync"]["directory"],
        exceptions={cluster: documents.write_owned(found) for cluster, found in own.items()},
    )


def claim(tenant: str) -> str:
    """The text of the file that says which tenant owns a namespace."""
    return documents.write_owned([{"tenant": tenant}])


def owner(text: str, path: str) -> str:
    """The tenant that a claim names. Raises InvalidInput for a file that names none."""
    found = documents.read(text, path)
    named = found[0].get("tenant") if len(found) == 1 else None
    if not isinstance(named, str):
        hint = "names no tenant: bring it back to 'tenant: <name>', as its history has it"
        raise InvalidInput(problems=[Problem(path, "tenant", "", hint)])
    return named


def claimant(text: str, path: str) -> str:
    """The tenant that a claim names; empty where it can't be read."""
    try:
        return owner(text, path)
    except InvalidInput:
        return ""


def objects(text: str, path: str) -> list[Document]:
    """The objects of a file; none where somebody's edit left it unreadable."""
    try:
        return documents.read(text, path)
    except InvalidInput:
        return []


def namespaces(found: Iterable[Document]) -> list[str]:
    """The names of the Namespaces among a tenant's objects, in their order."""
    names = (documents.part(one, "metadata").get("name") for one in found if one.get("kind") == "Namespace")
    return [str(one) for one in names if one]


def keys(tenant: str, found: Iterable[Document]) -> list[dict[str, str]]:
    """The deploy keys that a tenant's sources need on each cluster: tenant, namespace, secret, source, url."""
    sources = [one for one in found if one.get("kind") == "GitRepository"]
    generated = [
        one
        for one in sources
        if (documents.part(one, "metadata").get("annotations") or {}).get(CREDENTIAL_ANNOTATION) == GENERATED
    ]
    return [
        {
            "tenant": tenant,
            "namespace": str(documents.part(one, "metadata").get("namespace", "")),
            "secret": str((documents.part(one, "spec").get("secretRef") or {}).get("name", "")),
            "source": str(documents.part(one, "metadata").get("name", "")),
            "url": str(documents.part(one, "spec").get("url", "")),
        }
        for one in generated
    ]


def published_names(snapshot: Snapshot, layout: Layout, environment: str, cluster: str) -> list[str]:
    """All tenants that the repository has on a cluster."""
    prefixes = (layout.shard(environment, ""), layout.own_tenants(environment, cluster) + "/")
    syncs = [path for path in snapshot.paths(f"{layout.projects}/{environment}") if path.startswith(prefixes)]
    return sorted(path.rpartition("/")[2].removesuffix(".yaml") for path in syncs if path.endswith(".yaml"))


def published_keys(snapshot: Snapshot, layout: Layout, environment: str, cluster: str) -> list[dict[str, str]]:
    """The deploy keys of all tenants that the repository has on a cluster, as ``keys`` gives them."""
    names = published_names(snapshot, layout, environment, cluster)
    return keys_in(snapshot, [layout.tenant_file(environment, one) for one in names])


def keys_in(snapshot: Snapshot, paths: Iterable[str]) -> list[dict[str, str]]:
    """The deploy keys of some tenants' files (``…/<tenant>/tenant.yaml``), as ``keys`` gives them."""
    texts = snapshot.read(paths)
    return [key for path, text in texts.items() for key in keys(path.split("/")[-2], objects(text, path))]
