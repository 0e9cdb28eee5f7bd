# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What the API of a cluster holds tenants to by Kubernetes' own admission policies, whoever writes for them.

The language of their expressions: https://kubernetes.io/docs/reference/using-api/cel/.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import lockdown, policy
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, some
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import TENANT_SERVICE_ACCOUNT
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Cluster

# https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
_OLDEST_MINOR = 30
_SOURCES = {"source.toolkit.fluxcd.io": ["gitrepositories", "helmrepositories", "ocirepositories", "buckets"]}
_REFERRING = {
    "kustomize.toolkit.fluxcd.io": ["kustomizations"],
    "helm.toolkit.fluxcd.io": ["helmreleases"],
    "notification.toolkit.fluxcd.io": ["alerts", "receivers"],
    "image.toolkit.fluxcd.io": ["imagepolicies", "imageupdateautomations"],
}
_LISTS = ("eventSources", "resources")
# One policy is for several kinds, none of which has all fields: without a type they are looked for as they come.
_SPEC = {"name": "spec", "expression": "dyn(object.spec)"}
_URL = {
    "name": "url",
    "expression": 'has(variables.spec.url) ? variables.spec.url : "https://" + variables.spec.endpoint + "/" + '
    "variables.spec.bucketName",
}
_FIELD = {"name": "field", "expression": 'has(variables.spec.url) ? "spec.url" : "spec.endpoint"'}
_ACCOUNT = {
    "expression": f"!(object.kind in {json.dumps(list(lockdown.ACTING))}) || has(variables.spec.kubeConfig) || "
    '(has(variables.spec.serviceAccountName) && variables.spec.serviceAccountName != "")',
    "message": "spec.serviceAccountName is missing: "
    f"name {TENANT_SERVICE_ACCOUNT}, or another account of this namespace",
}
# A token that never ends, past the right to make tokens: https://kubernetes.io/docs/concepts/configuration/secret/#serviceaccount-token-secrets
_ENDLESS = "kubernetes.io/service-account-token"
_TOKEN = {
    "expression": f'!has(object.type) || object.type != "{_ENDLESS}"',
    "message": f"type is {_ENDLESS}: tenants make no tokens; a pod gets one that ends by a projected volume",
}
_BOTH = ("CREATE", "UPDATE")
_SHOWN = 5


def problems(cluster: Cluster, facts: Mapping[str, Any]) -> Iterator[Problem]:
    """Patterns that are none, and a Kubernetes that has no such policies. ``facts``: what preflight found."""
    if cluster.admission is None:
        return
    if cluster.admission:
        yield from policy.Policy({}, {"sources": list(cluster.admission)}).problems()
    found = re.match(r"v?1\.(\d+)", str(facts["kubernetes_version"]))
    if found and int(found.group(1)) < _OLDEST_MINOR:
        hint = f"admission policies need Kubernetes 1.{_OLDEST_MINOR} or later: upgrade the cluster, or set false"
        yield Problem(cluster.host, "fleet_tenant_admission", "true", hint)


def variables(cluster: Cluster) -> list[dict[str, Any]]:
    """The policies of a cluster as its template takes them, each as ``_policy`` gives it."""
    if cluster.admission is None:
        return []
    references = [_ACCOUNT, *(_of_reference(field) for field in _fields())]
    found = [
        _policy("references", _REFERRING, references, used=[_SPEC]),
        _policy("tokens", {"": ["secrets"]}, [_TOKEN], operations=["CREATE"]),
    ]
    if cluster.admission:
        used = [_SPEC, _URL, _FIELD]
        found.append(_policy("sources", _SOURCES, [_of_sources(cluster.admission)], used=used))
    return found


def _policy(
    name: str,
    resources: Mapping[str, list[str]],
    validations: list[dict[str, str]],
    used: Sequence[dict[str, str]] = (),
    operations: Sequence[str] = _BOTH,
) -> dict[str, Any]:
    """Its name, resources by group, operations, the variables that are used, and what must hold."""
    return {
        "name": f"{TENANT_SERVICE_ACCOUNT}-{name}",
        "resources": resources,
        "operations": list(operations),
        "variables": list(used),
        "validations": validations,
    }


def _fields() -> Iterable[str]:
    return dict.fromkeys(field for fields in lockdown.REFERENCES.values() for field in fields)


def _of_reference(field: str) -> dict[str, str]:
    first, node = field.split(".", maxsplit=1)[0], f"variables.spec.{field}"
    own = f"{node}.all(one, {_is_own('one')})" if field in _LISTS else _is_own(node)
    message = f"spec.{field} refers to another namespace: refer to objects of this namespace alone"
    return {"expression": f"!has(variables.spec.{first}) || {own}", "message": message}


def _is_own(node: str) -> str:
    return f'(!has({node}.namespace) || {node}.namespace in ["", request.namespace])'


def _of_sources(patterns: Sequence[str]) -> dict[str, str]:
    allowed = "|".join(policy.expression(one).pattern for one in patterns)
    climbs = f"(?i){policy.CLIMBS.pattern}"
    said = f": the fleet allows {some(list(patterns), _SHOWN)} ({policy.CAPS_VARIABLE}.sources)"
    matches = f"variables.url.matches({json.dumps(f'^({allowed})$')}) && !variables.url.matches({json.dumps(climbs)})"
    return {
        "expression": matches,
        "messageExpression": f'variables.field + " is " + variables.url + {json.dumps(said)}',
        "message": f"spec.url{said}",
    }
