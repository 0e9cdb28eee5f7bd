# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Which rules of Kubernetes' RBAC a tenant may have without getting over its fence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

GROUP = "rbac.authorization.k8s.io"
# Other verbs (escalate, bind, impersonate, use, approve …) lend what somebody else may do.
READING = ("get", "list", "watch")
VERBS = (*READING, "create", "update", "patch", "delete", "deletecollection")
# What holds the fence, in whatever group: other makers of networks call theirs by the same names.
_FENCE = (
    *("roles", "rolebindings", "networkpolicies", "resourcequotas", "limitranges"),
    # Who writes these has traffic led into other tenants' pods: https://github.com/kubernetes/kubernetes/issues/103675
    *("endpoints", "endpointslices"),
    # What a pod runs on and as is the scheduler's and the kubelet's to say, and passes no admission.
    *("bindings", "pods/binding", "pods/ephemeralcontainers", "pods/status"),
    "serviceaccounts/token",
)
_CLUSTER_GROUPS = (
    *("admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "certificates.k8s.io"),
    *("flowcontrol.apiserver.k8s.io", "node.k8s.io", "resource.k8s.io", "scheduling.k8s.io", "storage.k8s.io"),
)
_CLUSTER_RESOURCES = (
    *("namespaces", "nodes", "persistentvolumes", "componentstatuses", "clusterroles", "clusterrolebindings"),
    *("ingressclasses", "ipaddresses", "servicecidrs", "tokenreviews", "subjectaccessreviews", "clusterissuers"),
)

Fault = tuple[tuple[Any, ...], str, str]
"""Path (of texts and numbers) within the rules, the value there, and what would be right."""


def faults(rules: Iterable[Mapping[str, Any]]) -> Iterator[Fault]:
    """What lets a tenant over its fence. ``rules``: each with the lists of texts apiGroups, resources and verbs."""
    for number, rule in enumerate(rules):
        for field in ("apiGroups", "resources", "verbs"):
            for position, value in enumerate(rule.get(field) or ()):
                hint = _everything(value) or (_verb(value) if field == "verbs" else "")
                if hint:
                    yield (number, field, position), str(value), hint
        for position, group in enumerate(rule.get("apiGroups") or ()):
            if group in _CLUSTER_GROUPS:
                yield (number, "apiGroups", position), group, "its objects belong to the whole cluster"
        writes = any(verb in VERBS and verb not in READING for verb in rule.get("verbs") or ())
        for position, resource in enumerate(rule.get("resources") or ()):
            hint = _resource(str(resource), writes=writes)
            if hint:
                yield (number, "resources", position), str(resource), hint


def _everything(value: Any) -> str:
    return "name each: * holds what is not thought of today" if "*" in str(value) else ""


def _verb(value: Any) -> str:
    return "" if value in VERBS else f"one of {', '.join(VERBS)}"


def _resource(resource: str, *, writes: bool) -> str:
    if resource.partition("/")[0] in _CLUSTER_RESOURCES:
        return "its objects belong to the whole cluster"
    if writes and (resource in _FENCE or resource.partition("/")[0] in _FENCE):
        return f"is what fences tenants in: no more than {', '.join(READING)}"
    return ""
