# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What is suspended in a cluster, why and by whom, written on the suspended objects themselves.

Flux leaves an object alone whose ``spec.suspend`` is true: https://fluxcd.io/flux/components/kustomize/kustomizations/#suspend.
Only what carries our annotations is resumed by us; what people suspended otherwise is theirs to resume.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, some
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import (
    FLUX_NAMESPACE,
    FLUX_SYNC,
    LABEL_DOMAIN,
    tenant_sync,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name as object_name

SCOPE = f"{LABEL_DOMAIN}/suspended"
REASON = f"{LABEL_DOMAIN}/suspended-reason"
BY = f"{LABEL_DOMAIN}/suspended-by"
SINCE = f"{LABEL_DOMAIN}/suspended-since"
CLUSTER, TENANT = "cluster", "tenant"
# What changes a cluster; sources only fetch.
_KINDS = ("Kustomization", "HelmRelease")
_NAMED = 3


@dataclass(frozen=True)
class Mark:
    """Why an object is suspended. ``scope``: with its cluster or with its tenant; empty where we did not do it."""

    scope: str = ""
    reason: str = ""
    by: str = ""
    since: str = ""

    @property
    def annotations(self) -> dict[str, str]:
        """The mark as it stands on an object."""
        return {SCOPE: self.scope, REASON: self.reason, BY: self.by, SINCE: self.since}

    def __str__(self) -> str:
        who = "".join((f" by {self.by}" if self.by else "", f" since {self.since}" if self.since else ""))
        return f"suspended{who}" + (f": {self.reason}" if self.reason else "")


_NO_MARK = dict.fromkeys(Mark().annotations)


def mark(one: Mapping[str, Any]) -> Mark:
    """The mark that an object carries."""
    found = one["metadata"].get("annotations") or {}
    return Mark(*(str(found.get(key, "")) for key in (SCOPE, REASON, BY, SINCE)))


def suspended(one: Mapping[str, Any]) -> bool:
    """Whether Flux leaves an object alone."""
    return bool((one.get("spec") or {}).get("suspend"))


def why(one: Mapping[str, Any]) -> str:
    """A suspended object with the reason that stands on it."""
    return f"{object_name(one)} {mark(one) if mark(one).scope else 'suspended'}"


def problems(where: str, state: str, reason: str) -> list[Problem]:
    """Nobody is to wonder why something is suspended."""
    missing = state == "suspended" and not reason.strip()
    return [Problem(where, "fleet_reason", "", "say why, for those who find it suspended")] if missing else []


def targets(found: Mapping[str, Sequence[Document]], owners: Mapping[str, str], tenant: str) -> list[Document]:
    """All that changes a cluster, or all that changes what one tenant has there; what applies the others first.

    ``owners``: namespace → the tenant that its label names.
    """
    every = [one for kind in _KINDS for one in found[kind]]
    names = ("Kustomization", FLUX_NAMESPACE, tenant_sync(tenant))
    wanted = [one for one in every if not tenant or _key(one) == names or owners.get(_key(one)[1]) == tenant]
    return sorted(wanted, key=lambda one: (_key(one) != _ROOT, _key(one)[1] != FLUX_NAMESPACE, _key(one)))


_ROOT = ("Kustomization", FLUX_NAMESPACE, FLUX_SYNC)


def suspend(one: Mapping[str, Any], new: Mark) -> dict[str, Any] | None:
    """The patch that suspends an object; None where it is suspended as wished, otherwise, or for its tenant alone."""
    old = mark(one)
    if not suspended(one):
        return _patch(True, new.annotations)
    if not old.scope or (old.scope, new.scope) == (TENANT, CLUSTER):
        return None
    if (old.scope, old.reason) == (new.scope, new.reason):
        return None
    return _patch(True, {**new.annotations, SINCE: old.since})


def resume(one: Mapping[str, Any], scope: str) -> dict[str, Any] | None:
    """The patch that resumes an object; None where nobody suspended it, or others did, or for another scope."""
    old = mark(one)
    if not old.scope or (suspended(one) and old.scope != scope):
        return None
    return _patch(None, _NO_MARK)


def _patch(held: bool | None, annotations: Mapping[str, str | None]) -> dict[str, Any]:
    return {"metadata": {"annotations": dict(annotations)}, "spec": {"suspend": held}}


def patched(one: Document, patch: Mapping[str, Any] | None) -> Document:
    """The object as a patch leaves it, as far as suspension goes."""
    if not patch:
        return one
    annotations = {**(one["metadata"].get("annotations") or {}), **patch["metadata"]["annotations"]}
    metadata = {**one["metadata"], "annotations": {key: value for key, value in annotations.items() if value}}
    return {**one, "metadata": metadata, "spec": {**one["spec"], **patch["spec"]}}


def suspensions(objects: Iterable[Document]) -> list[dict[str, Any]]:
    """What is suspended, by reason: ``scope``, ``reason``, ``by``, ``since`` and the names of its ``objects``."""
    groups: dict[Mark, list[str]] = {}
    for one in objects:
        if suspended(one):
            groups.setdefault(mark(one) if mark(one).scope else Mark(), []).append(object_name(one))
    return [
        {"scope": one.scope, "reason": one.reason, "by": one.by, "since": one.since, "objects": names}
        for one, names in groups.items()
    ]


def said(found: Iterable[Mapping[str, Any]]) -> str:
    """Suspensions (as ``suspensions`` tells them) in one line."""
    return "; ".join(_line(one) for one in found)


def _line(one: Mapping[str, Any]) -> str:
    names = list(one["objects"])
    return f"{Mark(one['scope'], one['reason'], one['by'], one['since'])} ({some(names, _NAMED)})"


def diff(where: str, before: Iterable[Document], after: Iterable[Document]) -> list[dict[str, str]]:
    """What is suspended, before and after."""
    header = f"suspended in {where}"
    texts = ["".join(f"{why(one)}\n" for one in ones if suspended(one)) for ones in (before, after)]
    if texts[0] == texts[1]:
        return []
    return [{"before_header": header, "after_header": header, "before": texts[0], "after": texts[1]}]


def _key(one: Mapping[str, Any]) -> tuple[str, str, str]:
    return one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]
