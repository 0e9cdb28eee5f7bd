# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flux's objects as a cluster has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import COMPONENT_LABEL, TENANT_LABEL

GROUPS = {"Kustomization": "kustomize.toolkit.fluxcd.io/v1", "HelmRelease": "helm.toolkit.fluxcd.io/v2"}
SOURCE = {"kind": "GitRepository", "name": "flux-system"}
NEW, OLD = "main@sha1:bbb", "main@sha1:aaa"


def flux(
    kind: str,
    full_name: str,
    status: str = "True",
    *,
    reason: str = "Reason",
    revision: str = NEW,
    labels: Mapping[str, str] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """One object, ``namespace/name``, with its Ready condition."""
    namespace, _slash, name = full_name.partition("/")
    condition = {"type": "Ready", "status": status, "reason": reason, "message": f"{name} in Flux's words"}
    applied = {"lastAppliedRevision": revision, "lastAttemptedRevision": revision}
    held = applied if kind == "Kustomization" else {"artifact": {"revision": revision}}
    return {
        "apiVersion": GROUPS.get(kind, "source.toolkit.fluxcd.io/v1"),
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "generation": 1, "labels": dict(labels or {})},
        "spec": spec,
        "status": {"observedGeneration": 1, "conditions": [condition], **held},
    }


def sync(name: str, status: str = "True", **changes: Any) -> dict[str, Any]:
    """A Kustomization of the fleet's own, in flux-system."""
    return flux("Kustomization", f"flux-system/{name}", status, **{"sourceRef": SOURCE, **changes})


def tenant_sync(name: str, status: str = "True", **changes: Any) -> dict[str, Any]:
    """``tenant-<name>``."""
    return sync(f"tenant-{name}", status, labels={TENANT_LABEL: name}, **changes)


def component_sync(name: str, status: str = "True", **changes: Any) -> dict[str, Any]:
    """``infrastructure-<name>``."""
    return sync(f"infrastructure-{name}", status, labels={COMPONENT_LABEL: name}, **changes)


def found(*objects: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Kind → objects, with a root sync and its controllers where none are given."""
    kinds: dict[str, list[dict[str, Any]]] = {
        kind: []
        for kind in ("Deployment", "GitRepository", "OCIRepository", "HelmRepository", "Kustomization", "HelmRelease")
    }
    root = (flux("GitRepository", "flux-system/flux-system"), sync("flux-system"))
    given = {(one["kind"], one["metadata"]["name"], one["metadata"]["namespace"]) for one in objects}
    for one in (*(one for one in root if (one["kind"], "flux-system", "flux-system") not in given), *objects):
        kinds[one["kind"]].append(one)
    if not kinds["Deployment"]:
        kinds["Deployment"] = [controller("source-controller"), controller("kustomize-controller")]
    return kinds


def controller(name: str) -> dict[str, Any]:
    """A controller that runs."""
    return {
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "flux-system", "generation": 1},
        "spec": {},
        "status": {"observedGeneration": 1, "updatedReplicas": 1, "availableReplicas": 1},
    }
