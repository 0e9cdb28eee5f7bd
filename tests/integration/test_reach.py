# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to a real API server, all by one run: what comes through, and what is said of what does not."""

from __future__ import annotations

import json
import select
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests.integration.conftest import Grounds
from tests.integration.project import STAGING, Project

CREDENTIAL = '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "%s"}}'
PLUGIN = f"printf '{CREDENTIAL}' \"$FLEET_TEST_TOKEN\""

_SOCKS_VERSION = 5


class Tunnel:
    """A proxy that leads on to where it is asked to connect to, in HTTP (CONNECT) or SOCKS5 (RFC 1928)."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        first = client.recv(4096)
        host, port, granted = _socks(client) if first[0] == _SOCKS_VERSION else _http(first)
        self.asked.append(f"{'socks' if first[0] == _SOCKS_VERSION else 'http'} {host}:{port}")
        with client, socket.create_connection((host, port)) as server:
            client.sendall(granted)
            pairs = {client: server, server: client}
            while True:
                for ready in select.select(list(pairs), [], [], 30)[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    pairs[ready].sendall(data)

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()


def _http(request: bytes) -> tuple[str, int, bytes]:
    host, _colon, port = request.decode().split()[1].rpartition(":")
    return host, int(port), b"HTTP/1.1 200 Connection established\r\n\r\n"


def _socks(client: socket.socket) -> tuple[str, int, bytes]:
    client.sendall(bytes((_SOCKS_VERSION, 0)))  # no authentication
    _version, _connect, _reserved, kind = client.recv(4)
    by_name = kind == 3
    host = client.recv(client.recv(1)[0]).decode() if by_name else socket.inet_ntoa(client.recv(4))
    port = int.from_bytes(client.recv(2), "big")
    return host, port, bytes((_SOCKS_VERSION, 0, 0, 1, 0, 0, 0, 0, 0, 0))


@pytest.fixture
def tunnel() -> Iterator[Tunnel]:
    made = Tunnel()
    yield made
    made.close()


def ways(project: Project, tunnel: Tunnel) -> dict[str, dict[str, Any]]:
    """Name → ``auth`` of each way."""
    config = yaml.safe_load(project.lab.kubeconfig.read_text())
    cluster = next(one["cluster"] for one in config["clusters"] if one["name"] == STAGING)
    own = next(one["user"] for one in config["users"] if one["name"] in (STAGING, f"{STAGING}-admin", "admin"))

    def kubeconfig(user: dict[str, Any] = own, **more: Any) -> dict[str, Any]:
        text = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {**cluster, **more}}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        return {"kubeconfig": text}

    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", PLUGIN]}
    return {
        "content": {"kubeconfig": yaml.safe_dump(kubeconfig()["kubeconfig"])},
        "server name": kubeconfig(**{"tls-server-name": "localhost"}),
        "wrong server name": kubeconfig(**{"tls-server-name": "wrong.example"}),
        "proxy-url": kubeconfig(**{"proxy-url": f"http://{tunnel.address}"}),
        "proxy": {**kubeconfig(), "proxy": f"http://{tunnel.address}"},
        "SOCKS proxy": {**kubeconfig(), "proxy": f"socks5h://{tunnel.address}"},
        "plugin": kubeconfig({"exec": plugin}),
        "acting as nobody": kubeconfig({**own, "as": "nobody"}),
        "acting as an operator": {**kubeconfig(), "impersonate_user": "me", "impersonate_groups": ["system:masters"]},
    }


def test_every_way_leads_to_the_same_cluster(grounds: Grounds, tunnel: Tunnel) -> None:
    project, cluster = grounds.fleet(), grounds.clusters[STAGING]
    cluster.kubectl("create", "serviceaccount", "-n", "default", "reach")
    try:
        bind = ["create", "clusterrolebinding", "reach", "--clusterrole=cluster-admin"]
        cluster.kubectl(*bind, "--serviceaccount=default:reach")
        token = cluster.kubectl("create", "token", "-n", "default", "reach").strip()
        project.variables["ways"] = ways(project, tunnel)
        look = {
            "fluxops.fleet.flux_info": {"name": STAGING, "auth": "{{ ways[item] }}"},
            "loop": list(project.variables["ways"]),
            "environment": {"FLEET_TEST_TOKEN": token},
            "register": "found",
        }
        said = "{{ dict(found.results | map(attribute='item') | zip(found.results)) | to_json }}"
        save = {"ansible.builtin.copy": {"content": said, "dest": str(project.folder / "work" / "found.json")}}
        own_python = {"ansible_python_interpreter": sys.executable}
        run = project.run("--limit", STAGING, playbook=project.playbook("reach", look, save), **own_python)
        assert run.code == 0, run.output
        assert token not in run.output
    finally:
        project.variables.pop("ways", None)
        cluster.kubectl("delete", "clusterrolebinding/reach", "serviceaccount/reach", "-n", "default")
    found = json.loads((project.folder / "work" / "found.json").read_text())
    refused = ("wrong server name", "acting as nobody")
    for name, one in found.items():
        if name not in refused:
            assert one["uid"] == cluster.identity(), f"{name}: {one['failure']}"
            assert one["administrator"] is True, name
    assert found["wrong server name"]["reachable"] is False
    assert "wrong.example" in found["wrong server name"]["failure"]
    assert found["acting as nobody"]["administrator"] is False
    assert "nobody" in found["acting as nobody"]["failure"]
    server = urlsplit(yaml.safe_load(project.lab.kubeconfig.read_text())["clusters"][0]["cluster"]["server"])
    assert set(tunnel.asked) == {f"http {server.netloc}", f"socks {server.netloc}"}
    assert len([one for one in tunnel.asked if one.startswith("http")]) >= 2
