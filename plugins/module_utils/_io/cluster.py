# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""One cluster's API: objects read, planned by dry run, applied. The only file that knows its paths and verbs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlencode

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import ClusterError, Unreachable
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name as object_name
from ansible_collections.fluxops.fleet.plugins.module_utils._io.connection import Connection

Found = TypeVar("Found")
_PAUSES = (0.1, 2.0)  # seconds, at least and at most, between two looks at what is waited for
_LATE = 0.05  # and in between this share of what was waited already: so late is its end known at most
MANAGER = "fluxops-fleet"
# Discovery costs some twenty requests; these are the kinds that we meet. False: cluster-scoped.
_PLURALS = {
    "Alert": ("alerts", True),
    "ClusterRole": ("clusterroles", False),
    "ClusterRoleBinding": ("clusterrolebindings", False),
    "ConfigMap": ("configmaps", True),
    "CustomResourceDefinition": ("customresourcedefinitions", False),
    "Deployment": ("deployments", True),
    "Event": ("events", True),
    "ExternalArtifact": ("externalartifacts", True),
    "GitRepository": ("gitrepositories", True),
    "HelmRelease": ("helmreleases", True),
    "HelmRepository": ("helmrepositories", True),
    "ImagePolicy": ("imagepolicies", True),
    "ImageUpdateAutomation": ("imageupdateautomations", True),
    "Kustomization": ("kustomizations", True),
    "LimitRange": ("limitranges", True),
    "Namespace": ("namespaces", False),
    "NetworkPolicy": ("networkpolicies", True),
    "OCIRepository": ("ocirepositories", True),
    "PersistentVolumeClaim": ("persistentvolumeclaims", True),
    "Pod": ("pods", True),
    "Receiver": ("receivers", True),
    "ResourceQuota": ("resourcequotas", True),
    "Role": ("roles", True),
    "RoleBinding": ("rolebindings", True),
    "Secret": ("secrets", True),
    "SelfSubjectAccessReview": ("selfsubjectaccessreviews", False),
    "Service": ("services", True),
    "ServiceAccount": ("serviceaccounts", True),
}


class Cluster:
    """Context manager around the connection to one cluster. ``where`` is the host's name in errors."""

    def __init__(self, auth: Mapping[str, Any], where: str) -> None:
        self.where = where
        self._connection = Connection(auth, where)
        self._discovered: dict[str, dict[str, tuple[str, bool]]] = {}

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def get(self, api_version: str, kind: str, name: str, namespace: str = "") -> Document | None:
        """One object; None where it, its namespace or its kind is missing."""
        try:
            return self._ask("GET", self._path(api_version, kind, namespace, name))
        except ClusterError as error:
            if error.status == 404:
                return None
            raise

    def list(self, api_version: str, kind: str, namespace: str = "", selector: str = "") -> list[Document]:
        """All objects of a kind, in pages of 500; empty where the kind is missing."""
        items: list[Document] = []
        query = {"limit": "500", **({"labelSelector": selector} if selector else {})}
        try:
            while True:
                page = self._ask("GET", self._path(api_version, kind, namespace), query)
                items += page.get("items") or []
                query["continue"] = (page.get("metadata") or {}).get("continue") or ""
                if not query["continue"]:
                    return items
        except ClusterError as error:
            if error.status == 404:
                return []
            raise

    def apply(
        self, document: Document, manager: str = MANAGER, *, force: bool = False, dry_run: bool = False
    ) -> Document:
        """The object as server-side apply leaves it: https://kubernetes.io/docs/reference/using-api/server-side-apply/."""
        query = {"fieldManager": manager, "force": str(force).lower()} | ({"dryRun": "All"} if dry_run else {})
        path, what = self._path_of(document), object_name(document)
        return self._ask("PATCH", path, query, document, content_type="application/apply-patch+yaml", what=what)

    def create(self, document: Document) -> Document:
        """Create an object that does not exist."""
        namespace = document["metadata"].get("namespace", "")
        path = self._path(document["apiVersion"], document["kind"], namespace)
        return self._ask("POST", path, {"fieldManager": MANAGER}, document, what=object_name(document))

    def replace(self, document: Document) -> Document:
        """Replace an object by one that carries the resourceVersion it was read at."""
        path = self._path_of(document)
        return self._ask("PUT", path, {"fieldManager": MANAGER}, document, what=object_name(document))

    def first(self, api_version: str, kind: str, most: int) -> tuple[Sequence[Document], int]:
        """The first objects of a kind in all namespaces, and how many there are, by one request."""
        page = self._ask("GET", self._path(api_version, kind), {"limit": str(most)})
        items = page.get("items") or []
        return items, len(items) + int((page.get("metadata") or {}).get("remainingItemCount") or 0)

    def merge(self, document: Document, patch: Mapping[str, Any], subresource: str = "") -> None:
        """Set single fields of an object, as ``flux reconcile`` and ``flux suspend`` do; None takes one away."""
        path = self._path_of(document) + (f"/{subresource}" if subresource else "")
        self._ask("PATCH", path, {"fieldManager": MANAGER}, patch, content_type="application/merge-patch+json")

    def delete(self, document: Document) -> None:
        """Delete this object, and in the background what it owns; one that is gone, or is another by now, is left."""
        options = {"propagationPolicy": "Background", "preconditions": {"uid": document["metadata"]["uid"]}}
        try:
            self._ask("DELETE", self._path_of(document), None, options, what=object_name(document))
        except ClusterError as error:
            if error.status not in (404, 409):
                raise

    def log(self, pod: str, namespace: str, lines: int) -> str:
        """The last lines that a pod of one container wrote; empty where the API server can't get at them."""
        path = f"{self._path('v1', 'Pod', namespace, pod)}/log?tailLines={lines}"
        try:
            status, answer = self._connection.request("GET", path, None, "", retries=False)
        except Unreachable:
            return ""
        return answer.decode("utf-8", "replace") if status < 400 else ""

    def version(self) -> str:
        """The API server's version, such as v1.36.3."""
        return str(self._ask("GET", "/version").get("gitVersion", ""))

    def openapi(self, api_version: str) -> Document:
        """The schemas of an API version, as OpenAPI v3; ClusterError where the server does not have it."""
        return self._ask("GET", f"/openapi/v3/{'apis' if '/' in api_version else 'api'}/{api_version}")

    def uid(self) -> str:
        """What tells this cluster from all others: the UID of its namespace kube-system."""
        found = self.get("v1", "Namespace", "kube-system")
        return str(found["metadata"]["uid"]) if found else ""

    def may(self, verb: str, group: str, resource: str, namespace: str = "") -> bool:
        """Whether these credentials may do ``verb`` on ``resource``, by the API server's own review."""
        attributes = {"verb": verb, "group": group, "resource": resource, "namespace": namespace}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        path = self._path("authorization.k8s.io/v1", "SelfSubjectAccessReview")
        return bool(self._ask("POST", path, None, review).get("status", {}).get("allowed"))

    def resource(self, api_version: str, kind: str) -> str:
        """The plural by which rights name a kind; ClusterError (404) where the API server knows none."""
        return self._path(api_version, kind).rpartition("/")[2]

    def _path_of(self, document: Document) -> str:
        metadata = document["metadata"]
        return self._path(document["apiVersion"], document["kind"], metadata.get("namespace", ""), metadata["name"])

    def _path(self, api_version: str, kind: str, namespace: str = "", name: str = "") -> str:
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        plural, namespaced = _PLURALS.get(kind) or self._discover(root, kind)
        scope = f"/namespaces/{namespace}" if namespaced and namespace else ""
        return f"{root}{scope}/{plural}" + (f"/{name}" if name else "")

    def _discover(self, root: str, kind: str) -> tuple[str, bool]:
        if root not in self._discovered:
            resources = self._ask("GET", root).get("resources") or []
            own = [resource for resource in resources if "/" not in resource["name"]]
            self._discovered[root] = {item["kind"]: (item["name"], item["namespaced"]) for item in own}
        if kind not in self._discovered[root]:
            raise ClusterError(f"{self.where}: the API server knows no {kind} in {root}", status=404)
        return self._discovered[root][kind]

    def _ask(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None, **about: str
    ) -> Document:
        data = json.dumps(body).encode() if body is not None else None
        target = path + (f"?{urlencode(query)}" if query else "")
        content_type = about.get("content_type", "application/json")
        status, answer = self._connection.request(method, target, data, content_type)
        parsed = _parse(answer)
        if status < 400 and parsed is None:
            raise Unreachable(
                f"{self.where}: the answer to {method} {path} is not JSON (HTTP {status}): is this an API server?"
            )
        parsed = parsed or {}
        if status < 400:
            return parsed
        message = str(parsed.get("message") or f"HTTP {status}")
        if status == 401:
            hint = "the API server does not accept these credentials (401): renew them"
            raise Unreachable(f"{self.where}: {hint}", status=401)
        what = f"{about['what']}: " if "what" in about else ""
        raise ClusterError(f"{self.where}: {what}{message}", status=status, reason=str(parsed.get("reason") or ""))


def _parse(answer: bytes) -> Document | None:
    try:
        parsed = json.loads(answer or b"{}")
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def wait(probe: Callable[[], Found], done: Callable[[Found], bool], timeout: float) -> Found:
    """Probe until ``done``, or ``timeout`` seconds have passed: the last finding, either way.

    A server that is away for a while is waited for as well. At least half of the time is left to others: a look that
    takes long is taken less often.
    """
    start = time.monotonic()
    deadline = start + timeout
    while True:
        looked = time.monotonic()
        try:
            found = probe()
            if done(found) or time.monotonic() >= deadline:
                return found
        except Unreachable:
            if time.monotonic() >= deadline:
                raise
        now = time.monotonic()
        pause = min(max(_PAUSES[0], (now - start) * _LATE, now - looked), _PAUSES[1])
        time.sleep(max(min(pause, deadline - now), 0))
