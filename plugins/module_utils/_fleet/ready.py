# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""When something is ready, by Flux's and Kubernetes' own rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name

# https://fluxcd.io/flux/components/kustomize/kustomizations/#triggering-a-reconcile
REQUESTED_AT = "reconcile.fluxcd.io/requestedAt"
# Ready is False for these as well, though nothing has failed: https://pkg.go.dev/github.com/fluxcd/pkg/apis/meta#pkg-constants
_DEPENDS = "DependencyNotReady"
# A new quota refuses everything until Kubernetes has counted for the first time, which takes half a minute where the
# kinds are new too: https://kubernetes.io/docs/concepts/policy/resource-quotas/.
_UNCOUNTED = "status unknown for quota"
_FETCHES = (
    "ArtifactFailed",
    "Source",
)  # "Source artifact not found", "Source not ready"; a path that is not there has failed


@dataclass(frozen=True)
class Readiness:
    """``state`` is ready, waiting, failed, suspended or missing; ``message`` is the object's own words."""

    state: str
    message: str = ""
    revision: str = ""

    @property
    def ready(self) -> bool:
        """Whether all is well."""
        return self.state == "ready"


def flux_object(found: Mapping[str, Any] | None) -> Readiness:
    """Readiness of an object of Flux, by its Ready condition: https://fluxcd.io/flux/components/kustomize/kustomizations/#ready-kustomization."""
    if not found:
        return Readiness("missing")
    status = found.get("status") or {}
    revision = _revision(status)
    if found.get("spec", {}).get("suspend"):
        return Readiness("suspended", "suspended", revision)
    if found.get("spec", {}).get("type") == "oci":  # a HelmRepository that only says where charts lie has no status
        return Readiness("ready")
    condition = _condition(status, "Ready")
    message = str(condition.get("message", "not reconciled yet"))
    state = {"True": "ready", "False": "failed"}.get(str(condition.get("status")), "waiting")
    # A release whose chart can't be had says so, and has not dealt with its specification yet.
    seen = (status.get("observedGeneration", -1), condition.get("observedGeneration", -1) if state == "failed" else -1)
    if found["metadata"].get("generation") not in seen:
        return Readiness("waiting", message, revision)
    fetches = condition.get("reason") == _FETCHES[0] and message.startswith(_FETCHES[1])
    if state == "failed" and (fetches or _UNCOUNTED in message or condition.get("reason") == _DEPENDS):
        state = "waiting"
    return Readiness(state, message, revision)


def in_progress(found: Mapping[str, Any]) -> bool:
    """Whether its controller is just at it, so that its Ready condition says nothing of what it did before."""
    condition = _condition(found.get("status") or {}, "Ready")
    at_it = (condition.get("status"), condition.get("reason")) == ("Unknown", "Progressing")
    return at_it and not found["spec"].get("suspend")


def asked(found: Mapping[str, Any]) -> str:
    """The word by which an object of Flux was last asked to reconcile."""
    return str((found["metadata"].get("annotations") or {}).get(REQUESTED_AT, ""))


def answered(found: Mapping[str, Any]) -> str:
    """The last of these words that its controller has dealt with."""
    return str((found.get("status") or {}).get("lastHandledReconcileAt", ""))


def _revision(status: Mapping[str, Any]) -> str:
    """What was applied, the version of the installed chart, or what a source holds."""
    history = status.get("history") or [{}]
    chart = history[0].get("chartVersion") if isinstance(history[0], Mapping) else None
    return str(status.get("lastAppliedRevision") or chart or (status.get("artifact") or {}).get("revision") or "")


def deployment(found: Mapping[str, Any] | None) -> Readiness:
    """Readiness of a Deployment: rolled out, and every replica available."""
    if not found:
        return Readiness("missing")
    status, wanted = found.get("status") or {}, found["spec"].get("replicas", 1)
    available, updated = status.get("availableReplicas", 0), status.get("updatedReplicas", 0)
    message = ": ".join([f"{available} of {wanted} replicas available", *_stuck(status)])
    rolled_out = status.get("observedGeneration", -1) == found["metadata"].get("generation") and updated == wanted
    return Readiness("ready" if rolled_out and available == wanted else "waiting", message)


def _stuck(status: Mapping[str, Any]) -> list[str]:
    """Why it makes no progress, in the deployment controller's own words."""
    found = [_condition(status, "ReplicaFailure"), _condition(status, "Progressing")]
    wrong = [one for one, bad in zip(found, ("True", "False"), strict=True) if one.get("status") == bad]
    return [str(one["message"]) for one in wrong if one.get("message")][:1]


def custom_resource_definition(found: Mapping[str, Any] | None) -> Readiness:
    """Whether the API server serves what a CustomResourceDefinition defines."""
    if not found:
        return Readiness("missing")
    condition = _condition(found.get("status") or {}, "Established")
    return Readiness("ready" if condition.get("status") == "True" else "waiting", str(condition.get("message", "")))


def first_failure(objects: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """The first object that is not ready, in Flux's words; kind → objects, in the order in which causes come first."""
    for kind, found in objects.items():
        for item in found:
            readiness = deployment(item) if kind == "Deployment" else flux_object(item)
            if readiness.state not in ("ready", "suspended"):
                return f"{name({**item, 'kind': kind})}: {readiness.message}"
    return ""


def _condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    conditions = status.get("conditions") or []
    return next((condition for condition in conditions if condition.get("type") == kind), {})
