# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What in a cluster differs from the fleet repository, component by component: findings, and how they are judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import difference, pause, ready
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_objects import identity
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document, mapping
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import some
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.health import View
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import (
    FLUX_NAMESPACE,
    FLUX_SYNC,
    component_sync,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name as object_name

EDITED, MISSING, EXTRA = "edited", "missing", "extra"
SUSPENDED, FAILING, BEHIND = "suspended", "failing", "not yet applied"
_LISTED = 3
KUSTOMIZE, HELM = "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"
KINDS = {KUSTOMIZE: "Kustomization", HELM: "HelmRelease"}
CONTROLLERS = {KUSTOMIZE: "kustomize-controller", HELM: "helm-controller"}
# What applies an object only in part, or no more: https://fluxcd.io/flux/components/kustomize/kustomizations/#controlling-the-apply-behavior-of-resources
# and https://fluxcd.io/flux/components/helm/helmreleases/#drift-detection.
_LEFT_ALONE = {
    f"{KUSTOMIZE}/reconcile": ("disabled",),
    f"{KUSTOMIZE}/ssa": ("Ignore", "IfNotPresent"),
    f"{HELM}/driftDetection": ("disabled",),
}


@dataclass(frozen=True)
class Finding:
    """One difference: its component, which kind of difference it is, of which object, and what is known of it."""

    component: str
    finding: str
    object: str
    why: str

    def as_dict(self) -> dict[str, str]:
        """The same as plain data."""
        return {"component": self.component, "finding": self.finding, "object": self.object, "why": self.why}


@dataclass(frozen=True)
class Expected:
    """What the repository says of one component on one cluster.

    ``behind``: what of it the cluster has not applied yet, in words. ``sync``: its Flux Kustomization, ``documents``:
    what that applies, both at the revision that the cluster has applied.
    """

    behind: str = ""
    sync: Document = field(default_factory=dict)
    documents: Sequence[Document] = ()
    notes: Sequence[str] = ()
    """Why the documents are not all that it applies."""

    @classmethod
    def from_params(cls, given: Mapping[str, Any]) -> Expected:
        """From a result of ``expected``."""
        return cls(given["behind"], given["sync"], given["documents"], given["notes"])


@dataclass(frozen=True)
class Owner:
    """Who applied some objects for a component: its Kustomization, or a release. ``group`` is its kind's API group.

    ``documents``: what is known to be wanted; ``listed``: the keys of all that it applied, None where it does not say.
    """

    component: str
    group: str
    name: str
    documents: Sequence[Document]
    listed: frozenset[Key] | None
    ignore: Sequence[Mapping[str, Any]] = ()

    def is_extra(self, live: Document) -> bool:
        """Whether an object bears this owner's label, and it has not applied it."""
        labels, metadata = mapping(live["metadata"].get("labels")), live["metadata"]
        ours = labels.get(f"{self.group}/name") == self.name
        free = not metadata.get("ownerReferences") and not metadata.get("deletionTimestamp")
        return ours and free and self.listed is not None and identity(live) not in self.listed

    def pointers(self, wanted: Document) -> list[str]:
        """JSON pointers to what a release is told to let differ in an object."""
        found = []
        for rule in self.ignore:
            target = mapping(rule.get("target"))
            named = {"kind": wanted["kind"], "name": wanted["metadata"]["name"]}
            if all(target.get(field) in (None, "", value) for field, value in named.items()):
                found += [str(path) for path in rule.get("paths") or ()]
        return found


Key = tuple[str, str, str, str]
"""What tells an object from all others: its ``identity``."""


def is_left_alone(one: Mapping[str, Any]) -> bool:
    """Whether Flux does not see to an object's fields, by its annotations or labels; or can't be compared at all."""
    said = {**mapping(one["metadata"].get("labels")), **mapping(one["metadata"].get("annotations"))}
    return "sops" in one or any(said.get(name) in values for name, values in _LEFT_ALONE.items())


def edited(
    owner: Owner, wanted: Document, live: Document, paths: Iterable[difference.Path], note: str
) -> list[Finding]:
    """The finding for an object that differs in some places (none: no finding). Values are never told."""
    pointers = owner.pointers(wanted)
    # What is not mentioned is added by controllers when they apply, such as Flux's own labels.
    said_of = [path for path in dict.fromkeys(paths) if difference.mentioned(wanted, path)]
    left = [path for path in said_of if not difference.ignored(path, pointers)]
    if not left:
        return []
    by = difference.managers(live, left, CONTROLLERS.values())
    said = some([difference.said(path) for path in left], _LISTED)
    why = said + (f", by {', '.join(by)}" if by else "") + (f" ({note})" if note else "")
    return [Finding(owner.component, EDITED, object_name(live), why)]


def syncs(found: Mapping[str, Sequence[Document]]) -> dict[str, Document]:
    """The Kustomizations in Flux's own namespace by name."""
    ones = [one for one in found.get("Kustomization", ()) if one["metadata"]["namespace"] == FLUX_NAMESPACE]
    return {one["metadata"]["name"]: one for one in ones}


def revision(sync: Document) -> str:
    """The commit whose objects a Kustomization applied; empty where it never did.

    One that waits in vain for its objects' health has applied what it attempted.
    """
    status = sync.get("status") or {}
    conditions = {one.get("type"): one.get("reason") for one in status.get("conditions") or ()}
    attempted = conditions.get("Ready") in ("HealthCheckFailed", "Progressing")
    said = status.get("lastAttemptedRevision" if attempted else "lastAppliedRevision") or ""
    return str(said).rpartition(":")[2]


def revisions(found: Mapping[str, Sequence[Document]], names: Iterable[str]) -> dict[str, str]:
    """Component → the commit that its Kustomization applied; under an empty name, that of the root sync."""
    known = syncs(found)
    root = {"": revision(known[FLUX_SYNC])} if FLUX_SYNC in known else {}
    own = {name: known[component_sync(name)] for name in names if component_sync(name) in known}
    return root | {name: revision(one) if _is_ours(one) else root.get("", "") for name, one in own.items()}


def _is_ours(sync: Document) -> bool:
    """Whether what it applies lies in the fleet repository. The fields of others are told by the root's commit."""
    source = mapping(sync["spec"].get("sourceRef"))
    return (source.get("kind"), source.get("name")) == ("GitRepository", FLUX_SYNC)


def of_flux(
    view: View, found: Mapping[str, Sequence[Document]], expected: Mapping[str, Expected] | None
) -> Iterator[Finding]:
    """What Flux's own objects tell. ``expected``: component → what the repository says, None where that is unknown."""
    known = syncs(found)
    if FLUX_SYNC in known:
        yield from _state(FLUX_SYNC, [known[FLUX_SYNC]])
    for name in sorted({*view.components, *(expected or {})}):
        sync, wanted = known.get(component_sync(name)), expected.get(name) if expected is not None else Expected()
        said = f"Kustomization {FLUX_NAMESPACE}/{component_sync(name)}"
        if wanted is None:
            yield Finding(name, EXTRA, said, "the fleet repository has no such component for this cluster")
        elif sync is None:
            why = wanted.behind or "the fleet repository has it"
            yield Finding(name, BEHIND if wanted.behind else MISSING, said, why)
        else:
            unwell = list(_unwell(view, name, known=expected is not None))
            if wanted.behind and not unwell:  # which says why
                yield Finding(name, BEHIND, said, wanted.behind)
            yield from _state(name, [sync, *(one for one in view.of_component(name) if one is not sync)])
            yield from unwell


def _state(component: str, own: Sequence[Document]) -> Iterator[Finding]:
    """What is suspended; of the root sync also what fails."""
    for one in own:
        state = ready.flux_object(one)
        if state.state == "suspended":
            mark = pause.mark(one)
            yield Finding(component, SUSPENDED, object_name(one), str(mark) if mark.scope else "by other means")
        elif state.state == "failed" and component == FLUX_SYNC:
            yield Finding(component, FAILING, object_name(one), state.message)


def _unwell(view: View, name: str, *, known: bool) -> Iterator[Finding]:
    """A component that fails or is on its way. That Flux has yet to see a commit with nothing for it is no finding."""
    health = view.component(name)
    said, _mark, why = health.failure.partition(": ")
    if health.state == "failed":
        yield Finding(name, FAILING, said, why)
    own = [ready.flux_object(one).state for one in view.of_component(name)]
    if health.state == "waiting" and not (known and set(own) <= {"ready", "suspended"}):
        yield Finding(name, BEHIND, said, why)
