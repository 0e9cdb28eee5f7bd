# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kubelet fetches for a pod: the token of its service account, and the ConfigMaps and Secrets that it names."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from .kube import Api
from .settings import write

# Seconds; the API server gives no token for less than 600.
TOKEN_LIFETIME = 3600


def write_credentials(api: Api, authority: Path, pod: Mapping[str, Any], folder: Path) -> None:
    """Write `kubeconfig` and `token`: one of the pod's service account, bound to the pod as a kubelet asks for it.

    Programs read the token's file again every minute, so a new one reaches them."""
    metadata, account = pod["metadata"], pod["spec"].get("serviceAccountName", "default")
    bound = {"kind": "Pod", "apiVersion": "v1", "name": metadata["name"], "uid": metadata["uid"]}
    request = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": TOKEN_LIFETIME, "boundObjectRef": bound},
    }
    path = f"/api/v1/namespaces/{metadata['namespace']}/serviceaccounts/{account}/token"
    write(folder / "token", api.post(path, request)["status"]["token"], 0o600)
    context = {"cluster": "pod", "user": "pod", "namespace": metadata["namespace"]}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "pod",
        "clusters": [{"name": "pod", "cluster": {"server": api.url, "certificate-authority": str(authority)}}],
        "users": [{"name": "pod", "user": {"tokenFile": str(folder / "token")}}],
        "contexts": [{"name": "pod", "context": context}],
    }
    write(folder / "kubeconfig", yaml.safe_dump(config), 0o600)


def read_data(api: Api, namespace: str, kind: str, name: str) -> dict[str, str]:
    """The data of a ConfigMap or Secret (kind: "configmaps" or "secrets"), as text."""
    data: dict[str, str] = api.get(f"/api/v1/namespaces/{namespace}/{kind}/{name}").get("data", {})
    if kind == "secrets":
        return {key: base64.b64decode(value).decode(errors="replace") for key, value in data.items()}
    return data
