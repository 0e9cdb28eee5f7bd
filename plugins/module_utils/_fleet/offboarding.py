# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What one cluster still has of a tenant that leaves, and in which order it goes so that nothing is lost.

Flux finalises a Kustomization that is suspended, or whose service account is gone, without an error and without
deleting what it applied: https://fluxcd.io/flux/components/kustomize/kustomizations/#deletion-policy. So its own go
first, not suspended and with their rights, those that apply others last; then what fences them in; then the namespaces.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, ready
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form import is_tenant_name, namespace_fault
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import (
    LABEL_DOMAIN,
    TENANT_LABEL,
    TENANT_SERVICE_ACCOUNT,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name as object_name

REMOVE_TENANT = "remove_tenant"
LEAVING = f"{LABEL_DOMAIN}/leaving"
SYNCS = (("kustomize.toolkit.fluxcd.io/v1", "Kustomization"), ("helm.toolkit.fluxcd.io/v2", "HelmRelease"))
# Rights first: nobody is to bring anything back while the rest goes.
FENCES = (
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("v1", "ServiceAccount"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("v1", "ResourceQuota"),
    ("v1", "LimitRange"),
)
# Annotations of one object may have 256 KiB: https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/
_MOST_CHARACTERS = 200_000


@dataclass(frozen=True, order=True)
class Reference:
    """An object by its names."""

    namespace: str
    kind: str
    name: str
    api_version: str

    def __str__(self) -> str:
        return f"{self.kind} {'/'.join(part for part in (self.namespace, self.name) if part)}"


@dataclass(frozen=True)
class Remains:
    """What one cluster still has of a tenant: its labelled namespaces, ``tenant-<name>``, its own syncs and releases.

    ``made``: all that these applied, as far as it is known.
    """

    tenant: str
    namespaces: tuple[Document, ...] = ()
    sync: Document | None = None
    own: tuple[Document, ...] = ()
    made: frozenset[Reference] = frozenset()

    @property
    def anything(self) -> bool:
        """Whether there is anything."""
        return bool(self.namespaces or self.sync or self.own)

    @property
    def lasting(self) -> list[str]:
        """The namespaces that nobody has deleted yet."""
        return [one["metadata"]["name"] for one in self.namespaces if not deleting(one)]

    @property
    def workloads_change(self) -> bool:
        """Whether the first step has anything to write."""
        running = [self.sync] if self.sync and not suspended(self.sync) else []
        return bool(running) or any(not deleting(one) for one in self.own)

    @property
    def workloads(self) -> list[str]:
        """What the first step takes away, in words."""
        return [*(object_name(one) for one in self.own), *(str(one) for one in sorted(self.made))]


def name_problems(names: Iterable[str]) -> list[Problem]:
    """Names that no tenant can have: a typing error, or a try to get at other files and objects."""
    hint = "the name of a tenant, as its request has it"
    return [Problem("run", "tenant", one or "empty", hint) for one in names if not is_tenant_name(one)]


def problems(where: str, found: Remains, accounts: Iterable[tuple[str, str]], allow: Iterable[str]) -> list[Problem]:
    """Why a tenant must not be taken off a cluster. ``accounts``: namespace and name of the service accounts there."""
    field, there = f"tenant {found.tenant}", set(accounts)
    names = [one["metadata"]["name"] for one in found.namespaces]
    hint = f"the label {TENANT_LABEL} stands on a namespace that is no tenant's: take the label off"
    wrong = [Problem(where, field, name, hint) for name in names if namespace_fault(name)]
    if found.anything and REMOVE_TENANT not in set(allow):
        hint = (
            f"all that it runs would be deleted, with the namespaces {', '.join(names) or '(none)'}; "
            f"if that is meant, run again with fleet_allow: [{REMOVE_TENANT}]"
        )
        wrong.append(Problem(where, field, "", hint))
    for one in found.own:
        space, account = one["metadata"]["namespace"], _account(one)
        if space in found.lasting and account != TENANT_SERVICE_ACCOUNT and (space, account) not in there:
            hint = "is not there: put it back with its rights, else Flux forgets what this runs and deletes nothing"
            wrong.append(Problem(where, f"serviceAccountName of {object_name(one)}", account, hint))
    return wrong


def _account(sync: Document) -> str:
    spec = sync["spec"]
    return TENANT_SERVICE_ACCOUNT if spec.get("kubeConfig") else spec.get("serviceAccountName", TENANT_SERVICE_ACCOUNT)


def rights(found: Remains) -> list[Document]:
    """The service account and the role binding by which Flux acts for the tenant, in each of its namespaces."""
    spaces = found.lasting
    subjects = [{"kind": "ServiceAccount", "name": TENANT_SERVICE_ACCOUNT, "namespace": space} for space in spaces]
    group = "rbac.authorization.k8s.io"
    role = {"apiGroup": group, "kind": "ClusterRole", "name": TENANT_SERVICE_ACCOUNT}
    wanted: list[Document] = []
    for space in spaces:
        about = {"name": TENANT_SERVICE_ACCOUNT, "namespace": space, "labels": {TENANT_LABEL: found.tenant}}
        wanted += [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": about},
            {
                "apiVersion": f"{group}/v1",
                "kind": "RoleBinding",
                "metadata": about,
                "roleRef": role,
                "subjects": subjects,
            },
        ]
    return wanted


def deleting(found: Document) -> bool:
    """Whether an object was deleted, and is kept by finalizers."""
    return bool(found["metadata"].get("deletionTimestamp"))


def suspended(found: Document) -> bool:
    """Whether an object of Flux is suspended."""
    return bool(found["spec"].get("suspend"))


def split(own: Sequence[Document]) -> tuple[list[Document], list[Document]]:
    """The syncs and releases to delete now, and those that wait, since they apply others or others depend on them.

    Where they hold each other in a circle, all go at once.
    """
    held = {other for one in own for other in (*parents(one), *_dependencies(one)) if other != key(one)}
    first = [one for one in own if key(one) not in held]
    return (first, [one for one in own if key(one) in held]) if first else (list(own), [])


def key(one: Document) -> tuple[str, str, str]:
    """By what one sync or release is told from others: kind, namespace, name."""
    return one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]


def parents(one: Document) -> list[tuple[str, str, str]]:
    """What applied an object, by the labels that Flux puts on all that it applies."""
    groups = {"Kustomization": "kustomize.toolkit.fluxcd.io", "HelmRelease": "helm.toolkit.fluxcd.io"}
    return [
        (kind, documents.label(one, f"{group}/namespace"), documents.label(one, f"{group}/name"))
        for kind, group in groups.items()
    ]


def _dependencies(one: Document) -> list[tuple[str, str, str]]:
    space = one["metadata"]["namespace"]
    return [(one["kind"], item.get("namespace") or space, item["name"]) for item in one["spec"].get("dependsOn") or []]


def inventory(sync: Document) -> list[Reference]:
    """What a sync or a release applied: https://fluxcd.io/flux/components/kustomize/kustomizations/#inventory."""
    entries = ((sync.get("status") or {}).get("inventory") or {}).get("entries") or []
    return [_reference(str(entry["id"]), str(entry["v"])) for entry in entries]


def _reference(identity: str, version: str) -> Reference:
    """``<namespace>_<name>_<group>_<kind>``; a colon in the name, which only names of RBAC hold, is written ``__``."""
    namespace, _mark, rest = identity.partition("_")
    full, group, kind = rest.rsplit("_", 2)
    return Reference(namespace, kind, full.replace("__", ":"), f"{group}/{version}" if group else version)


def recorded(namespaces: Iterable[Document]) -> set[Reference]:
    """What an earlier run has written down."""
    texts = [(one["metadata"].get("annotations") or {}).get(LEAVING, "[]") for one in namespaces]
    try:
        return {Reference(*map(str, fields)) for text in texts for fields in json.loads(text)}
    except (TypeError, ValueError):  # people have edited it
        return set()


def record(made: Iterable[Reference]) -> str:
    """What is known, to be written down before anything goes: with a sync its inventory goes too.

    What does not fit is left out, and so not waited for; in the tenant's namespaces it goes with them anyway.
    """
    left = sorted(made)
    while True:
        fields = [[one.namespace, one.kind, one.name, one.api_version] for one in left]
        text = json.dumps(fields, separators=(",", ":"))
        if len(text) <= _MOST_CHARACTERS:
            return text
        left = left[: len(left) // 2]


def says(found: Document) -> str:
    """Why an object that was deleted is still there, in its own words."""
    metadata, conditions = found["metadata"], (found.get("status") or {}).get("conditions") or []
    if found["kind"] == "Namespace":
        remaining = [str(one.get("message")) for one in conditions if one.get("status") == "True"]
        return f"{object_name(found)}: {'; '.join(remaining) or 'its contents are being deleted'}"
    kept = ", ".join(metadata.get("finalizers") or [])
    why = f"deleted, and kept by the finalizer {kept}" if kept else "being deleted"
    words = ready.flux_object(found) if (found["apiVersion"], found["kind"]) in SYNCS else None
    return f"{object_name(found)}: {why}" + (f": {words.message}" if words and not words.ready else "")
