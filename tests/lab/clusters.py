# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one cluster consists of: its programs, its one fake node, its kubeconfig."""

from __future__ import annotations

import base64
import contextlib
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
import yaml

from . import certificates
from .kube import Api, Gone
from .settings import ROOT, LabError, Settings, write
from .supervision import Program

NODE = "node-1"
NODE_PATH = f"/api/v1/nodes/{NODE}"
_FAKE = {"kwok.x-k8s.io/node": "fake"}
# Flux's pods are real processes, which the runner plays; KWOK plays all others.
_NOT_FLUX = {"key": '.metadata.labels["app.kubernetes.io/part-of"]', "operator": "NotIn", "values": ["flux"]}
# Never dialled: the address at which pods would find the API server, if there were a network for pods.
_ADVERTISED = "192.0.2.1"


def prepare(settings: Settings, name: str) -> None:
    """Make a cluster's keys and files where they are missing."""
    folder = settings.cluster(name)
    folder.mkdir(parents=True, exist_ok=True)
    certificates.make_signing_key(folder / "service-accounts")
    write(folder / "stages.yaml", _stages(settings.share / "kwok"))
    write(folder / "kubeconfig", yaml.safe_dump(kubeconfig(settings, [name])), 0o600)


def programs(settings: Settings, name: str) -> list[Program]:
    """The processes of a cluster."""
    folder, binaries = settings.cluster(name), settings.bin
    ports = settings.state["clusters"][name]["ports"]
    config = f"--kubeconfig={folder}/kubeconfig"
    alone = ["--leader-elect=false", "--bind-address=127.0.0.1", *_certificate(settings)]
    manager = [
        "--use-service-account-credentials=true",
        f"--secure-port={ports['controller-manager']}",
        f"--root-ca-file={settings.certificates}/ca.crt",
        f"--service-account-private-key-file={folder}/service-accounts.key",
        # Objects of kinds that are new count against quotas only from the next round on; Kubernetes' own pace is 5 min.
        "--resource-quota-sync-period=10s",
    ]
    kwok = [
        f"--config={folder}/stages.yaml",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        # Off by default, and without a lease the node is taken for dead after 50 s.
        "--node-lease-duration-seconds=40",
    ]
    scheduler = f"--secure-port={ports['scheduler']}"
    runner = [sys.executable, "-m", "tests.lab.runner", str(settings.directory), name]
    return [
        Program("kube-apiserver", _api_server(settings, name), priority=200),
        Program("kube-controller-manager", [f"{binaries}/kube-controller-manager", config, *alone, *manager]),
        Program("kube-scheduler", [f"{binaries}/kube-scheduler", config, *alone, scheduler]),
        Program("kwok", [f"{binaries}/kwok", config, *kwok]),
        # Ends the controllers first, which takes as long as the slowest of them.
        Program("flux", runner, directory=ROOT, patience=30),
    ]


def is_ready(settings: Settings, name: str) -> bool:
    """Whether a cluster serves and its node can take pods; makes the node where it is missing."""
    api = Api(settings, name)
    try:
        if api.get("/readyz") != "ok":
            return False
        node = _node(api)
        ready = {"type": "Ready", "status": "True"}.items()
        conditions = node.get("status", {}).get("conditions", [])
        if not any(ready <= condition.items() for condition in conditions) or node["spec"].get("taints"):
            return False
        _tell_kubelet(api, node, settings.state["clusters"][name]["pods"][1])
        return _has_default_account(api)
    except OSError:
        return False


def version(settings: Settings, name: str) -> str:
    """The API server's version; empty when it does not answer."""
    try:
        return str(Api(settings, name).get("/version")["gitVersion"])
    except OSError:
        return ""


def wipe(settings: Settings, name: str) -> None:
    """Forget all that a stopped cluster has stored, in etcd and on disk."""
    # '0' follows '/', so the range holds the keys below the cluster's prefix and not those of "<name>-2".
    prefix = f"/clusters/{name}"
    span = {"key": _base64(f"{prefix}/"), "range_end": _base64(f"{prefix}0")}
    url = f"http://127.0.0.1:{settings.state['ports']['etcd']}/v3/kv/deleterange"
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(url, json=span, timeout=30)
    if not answer.ok:
        raise LabError(f"etcd did not forget {name}: {answer.status_code} {answer.text[:300]}")
    shutil.rmtree(settings.cluster(name) / "pods", ignore_errors=True)


def kubeconfig(settings: Settings, names: list[str]) -> dict[str, Any]:
    """An administrator's kubeconfig with a context for each cluster, all of it embedded."""

    def data(file: str) -> str:
        return base64.b64encode((settings.certificates / file).read_bytes()).decode()

    clusters = [
        {
            "name": name,
            "cluster": {
                "server": f"https://127.0.0.1:{settings.state['clusters'][name]['ports']['api']}",
                "certificate-authority-data": data("ca.crt"),
            },
        }
        for name in names
    ]
    contexts = [{"name": name, "context": {"cluster": name, "user": name}} for name in names]
    user = {"client-certificate-data": data("admin.crt"), "client-key-data": data("admin.key")}
    # A user for each, so that tools which rewrite one context leave the others alone.
    users = [{"name": name, "user": dict(user)} for name in names]
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "current-context": names[0],
        "clusters": clusters,
        "contexts": contexts,
        "users": users,
    }


def _certificate(settings: Settings) -> list[str]:
    return [
        f"--tls-cert-file={settings.certificates}/server.crt",
        f"--tls-private-key-file={settings.certificates}/server.key",
    ]


def _api_server(settings: Settings, name: str) -> list[str]:
    folder = settings.cluster(name)
    return [
        str(settings.bin / "kube-apiserver"),
        f"--etcd-servers=http://127.0.0.1:{settings.state['ports']['etcd']}",
        f"--etcd-prefix=/clusters/{name}",
        "--bind-address=127.0.0.1",
        f"--secure-port={settings.state['clusters'][name]['ports']['api']}",
        *_certificate(settings),
        f"--client-ca-file={settings.certificates}/ca.crt",
        "--authorization-mode=RBAC",
        "--allow-privileged=true",
        f"--cert-dir={folder}",
        f"--advertise-address={_ADVERTISED}",
        "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder}/service-accounts.pub",
        f"--service-account-signing-key-file={folder}/service-accounts.key",
    ]


def _node(api: Api) -> Mapping[str, Any]:
    with contextlib.suppress(Gone):
        return dict(api.get(NODE_PATH))
    labels = {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    metadata = {"name": NODE, "annotations": _FAKE, "labels": labels}
    with contextlib.suppress(Gone):
        return dict(api.post("/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": metadata}))
    return dict(api.get(NODE_PATH))


def _tell_kubelet(api: Api, node: Mapping[str, Any], port: int) -> None:
    """Have the API server ask for logs at this port, the runner's: KWOK has none for a node."""
    addresses = [{"type": "InternalIP", "address": "127.0.0.1"}]
    wanted = {"addresses": addresses, "daemonEndpoints": {"kubeletEndpoint": {"Port": port}}}
    if not wanted.items() <= node["status"].items():
        api.patch_status(NODE_PATH, wanted)


def _has_default_account(api: Api) -> bool:
    # Pods are refused until the controller manager has made it.
    try:
        api.get("/api/v1/namespaces/default/serviceaccounts/default")
    except Gone:
        return False
    return True


def _stages(folder: Path) -> str:
    documents: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*/*/*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            if document and document.get("kind") == "Stage":
                if document["spec"]["resourceRef"]["kind"] == "Pod":
                    document["spec"]["selector"].setdefault("matchExpressions", []).append(_NOT_FLUX)
                documents.append(document)
    if not documents:
        raise LabError(f"no stages for KWOK in {folder}")
    return yaml.safe_dump_all(documents, sort_keys=False)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
