# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What a tenant's objects must not do, whoever's template or hand they come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, lockdown, plain_secrets, rights
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document, mapping
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import (
    FLUX_NAMESPACE,
    TENANT_LABEL,
    TENANT_SERVICE_ACCOUNT,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import text
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rules import Rules
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenant_variables import roles
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenants import (
    SYNC_TEMPLATE,
    TENANT_TEMPLATE,
    Rendered,
)

# Kubernetes' own kinds that lie in no namespace; of others it shows by the namespace that they do not name.
_CLUSTER_KINDS = frozenset({
    *("APIService", "CertificateSigningRequest", "ClusterRole", "ClusterRoleBinding", "CSIDriver", "CSINode"),
    *("CustomResourceDefinition", "DeviceClass", "FlowSchema", "IngressClass", "IPAddress", "Node", "PersistentVolume"),
    *("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration", "PriorityClass"),
    *("PriorityLevelConfiguration", "RuntimeClass", "ServiceCIDR", "StorageClass", "VolumeAttachment"),
    *("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration"),
})  # fmt: skip
_FLUX = "toolkit.fluxcd.io"

Fault = tuple[str, str, str]
"""Field, its value, and what would be right."""


@dataclass(frozen=True)
class _Around:
    """What an object is judged by: its tenant's namespaces, the ClusterRoles that it may bind, its own Roles."""

    spaces: Sequence[str]
    roles: Sequence[str]
    own: frozenset[str]


def problems(rendered: Rendered, rules: Rules) -> Iterator[Problem]:
    """What a tenant's files hold that gets over its fence, with the template that says so."""
    own = frozenset(name(one) for one in rendered.documents if one.get("kind") == "Role")
    bound = (one["name"] for one in roles(rendered.placement).values() if one["kind"] == "ClusterRole")
    around = _Around(rendered.namespaces, tuple(dict.fromkeys([TENANT_SERVICE_ACCOUNT, *bound])), own)
    for one in rendered.documents:
        if one.get("kind") == "Namespace":
            found = _of_namespace(one, rendered.tenant.name, rules)
        else:
            found = _faults(one, around)
        yield from _told(TENANT_TEMPLATE, one, found, rendered)
    for one in rendered.sync_documents:
        yield from _told(SYNC_TEMPLATE, one, _of_sync(one, rendered), rendered)


def _told(template: str, one: Document, found: Iterator[Fault], rendered: Rendered) -> Iterator[Problem]:
    for field, value, hint in found:
        yield Problem(template, f"{name(one)}: {field}", value, f"for tenant {rendered.tenant.name}: {hint}")


def _of_namespace(one: Document, tenant: str, rules: Rules) -> Iterator[Fault]:
    asked = mapping(one.get("metadata")).get("name")
    hint = rules.namespace_fault(asked)
    if hint:
        yield "metadata.name", str(asked), hint
    elif documents.label(one, TENANT_LABEL) != tenant:
        found = documents.label(one, TENANT_LABEL)
        yield f"metadata.labels[{TENANT_LABEL}]", found, f"every namespace needs this label, here with {tenant}"


def _faults(one: Document, around: _Around) -> Iterator[Fault]:
    if not all(isinstance(part, str) and part for part in (one.get("apiVersion"), one.get("kind"), _name(one))):
        yield "object", "", "needs apiVersion, kind and metadata.name"
        return
    yield from _of_place(one, around)
    if plain_secrets.is_clear(one):
        yield "data", "", "stands in clear in the repository: encrypt it with SOPS, or have it made in the cluster"
    elif one["kind"] == "RoleBinding":
        yield from _of_binding(one, around)
    elif one["kind"] == "Role":
        for path, value, hint in role_faults(one):
            yield text(("rules", *path)), value, hint
    elif _group(one).endswith(_FLUX):
        yield from _of_flux(one)


def _of_place(one: Document, around: _Around) -> Iterator[Fault]:
    space = mapping(one["metadata"]).get("namespace")
    if one["kind"] in _CLUSTER_KINDS:
        yield "kind", one["kind"], "belongs to the whole cluster: give it to the clusters by infrastructure"
    elif space not in around.spaces:
        hint = f"name one of the tenant's namespaces, {', '.join(around.spaces)}"
        yield "metadata.namespace", str(space or ""), hint


def _of_binding(one: Document, around: _Around) -> Iterator[Fault]:
    role = mapping(one.get("roleRef"))
    asked = str(role.get("name") or "")
    if role.get("kind") == "Role":
        space = mapping(one["metadata"]).get("namespace")
        if f"Role {space}/{asked}" not in around.own:
            yield "roleRef.name", asked, "a Role of this template, whose rules can be checked here"
    elif asked not in around.roles:
        yield "roleRef.name", asked, f"gives more than the fence leaves: one of {', '.join(around.roles)}"


def role_faults(one: Mapping[str, Any]) -> Iterator[rights.Fault]:
    """What is wrong with the rules of a Role."""
    rules = one.get("rules")
    if not isinstance(rules, list) or not all(_is_rule(rule) for rule in rules):
        yield (), "", "a list of rules, each with the lists of texts apiGroups, resources and verbs"
        return
    yield from rights.faults(rules)


def _is_rule(rule: Any) -> bool:
    lists = [mapping(rule).get(field) for field in ("apiGroups", "resources", "verbs")]
    return all(isinstance(one, list) and all(isinstance(item, str) for item in one) for one in lists)


def _of_flux(one: Document) -> Iterator[Fault]:
    spec = mapping(one.get("spec"))
    if one["kind"] in lockdown.ACTING and not spec.get("serviceAccountName"):
        yield "spec.serviceAccountName", "", "is missing: name fleet-tenant, or another account of this namespace"
    for field, target in lockdown.crossing(one):
        yield field, target, "lies in another namespace: refer to objects of this namespace alone"


def _of_sync(one: Document, rendered: Rendered) -> Iterator[Fault]:
    """The one object of a tenant's that lies outside its namespaces: what applies its files."""
    ours = ("Kustomization", FLUX_NAMESPACE, rendered.sync_name)
    metadata = mapping(one.get("metadata"))
    if (one.get("kind"), metadata.get("namespace"), metadata.get("name")) != ours:
        hint = f"only Kustomization {FLUX_NAMESPACE}/{rendered.sync_name} belongs here: all else into {TENANT_TEMPLATE}"
        yield "object", "", hint
        return
    spec = mapping(one.get("spec"))
    if spec.get("path") != rendered.directory:
        yield "spec.path", str(spec.get("path") or ""), f"the tenant's own directory, {rendered.directory}"
    if documents.label(one, TENANT_LABEL) != rendered.tenant.name:
        yield f"metadata.labels[{TENANT_LABEL}]", documents.label(one, TENANT_LABEL), f"is {rendered.tenant.name} here"
    yield from _of_flux(one)


def _name(one: Document) -> Any:
    return mapping(one.get("metadata")).get("name")


def _group(one: Document) -> str:
    return str(one["apiVersion"]).rpartition("/")[0]
