# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reaches an API server: whose name, which token, by which proxy. The server writes down what it was asked."""

from __future__ import annotations

import base64
import json
import os
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from urllib3.exceptions import DependencyWarning

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import ClusterError, Unreachable
from ansible_collections.fluxops.fleet.plugins.module_utils._io import connection
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster
from ansible_collections.fluxops.fleet.plugins.module_utils._io.connection import connect

PLUGIN = 'echo "{\\"apiVersion\\": \\"client.authentication.k8s.io/v1\\", \\"kind\\": \\"ExecCredential\\", '
PLUGIN += '\\"status\\": {\\"token\\": \\"of-$PROFILE\\"}}"'


class Server:
    """An API server of one answer, and a proxy just as well: it notes path and headers of what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                groups = self.headers.get_all("Impersonate-Group") or []
                asked[-1][1]["groups"] = ",".join(groups)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps({"gitVersion": "v1.36.3"}).encode())

            def log_message(self, *_arguments: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def kubeconfig(server: str, user: dict[str, Any], **cluster: Any) -> dict[str, Any]:
    """A kubeconfig with two contexts, the second of them current and of no use."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": user}, {"name": "other", "user": {"as": "wrong"}}],
        "contexts": [
            {"name": "right", "context": {"cluster": "c", "user": "u"}},
            {"name": "wrong", "context": {"cluster": "c", "user": "other"}},
        ],
        "current-context": "wrong",
    }


def ask(auth: dict[str, Any]) -> str:
    with Cluster(auth, "here") as cluster:
        return cluster.version()


def headers(server: Server, auth: dict[str, Any]) -> dict[str, str]:
    """The headers of one request."""
    assert ask(auth) == "v1.36.3"
    return server.asked[-1][1]


def test_kubeconfig_may_act_as_another(server: Server) -> None:
    user = {"token": "t", "as": "fleet", "as-groups": ["a", "b"], "as-uid": "7"}
    found = headers(server, {"kubeconfig": kubeconfig(server.url, user), "context": "right"})
    assert (found["impersonate-user"], found["groups"], found["impersonate-uid"]) == ("fleet", "a,b", "7")
    assert found["authorization"] == "Bearer t"


def test_kubeconfig_as_text_with_its_current_context(server: Server) -> None:
    text = json.dumps({**kubeconfig(server.url, {"as": "fleet"}), "current-context": "right"}, indent=1)
    assert headers(server, {"kubeconfig": text})["impersonate-user"] == "fleet"


def test_files_that_a_kubeconfig_names_lie_beside_it(server: Server, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("beside")
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(kubeconfig(server.url, {"tokenFile": "token", "as": "fleet"})))
    found = headers(server, {"kubeconfig": str(path), "context": "right"})
    assert (found["authorization"], found["impersonate-user"]) == ("Bearer beside", "fleet")


def test_of_several_kubeconfigs_each_has_its_share(server: Server, tmp_path: Path) -> None:
    whole = kubeconfig(server.url, {"token": "t"})
    paths = []
    for section in ("clusters", "users", "contexts"):
        paths.append(tmp_path / section)
        paths[-1].write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", section: whole[section]}))
    auth = {"kubeconfig": os.pathsep.join(map(str, paths)), "context": "right"}
    assert headers(server, auth)["authorization"] == "Bearer t"


def test_only_what_the_context_names_is_taken_into_memory(server: Server, tmp_path: Path) -> None:
    data = base64.b64encode(b"canary").decode()
    config = kubeconfig(server.url, {"token": "t"})
    config["users"][1]["user"] = {"client-key-data": data}
    config["clusters"][0]["cluster"]["certificate-authority-data"] = data
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(config))
    _client, files, _acting = connect({"kubeconfig": str(path), "context": "right"}, "here")
    assert len(files) == 1
    for file in files:
        file.close()


@pytest.mark.parametrize("text", ["", "just words"])
def test_file_that_is_no_kubeconfig(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(Unreachable, match="can't be used"):
        ask({"kubeconfig": str(path), "context": "right"})


def test_option_wins_over_what_the_kubeconfig_acts_as(server: Server) -> None:
    user = {"as": "fleet", "as-groups": ["a"], "as-uid": "7"}
    auth = {"kubeconfig": kubeconfig(server.url, user), "context": "right", "impersonate_user": "me"}
    found = headers(server, auth)
    assert (found["impersonate-user"], found["groups"]) == ("me", "")
    assert "impersonate-uid" not in found


def test_options_win_over_the_kubeconfigs_server_and_token_in_every_request(server: Server) -> None:
    config = kubeconfig("http://api.invalid:6443", {"token": "of the kubeconfig"})
    with Cluster({"kubeconfig": config, "context": "right", "host": server.url, "api_key": "mine"}, "here") as cluster:
        assert [cluster.version() for _again in range(2)] == ["v1.36.3"] * 2
    assert [found["authorization"] for _path, found in server.asked] == ["Bearer mine"] * 2
    with Cluster({"kubeconfig": config, "context": "right", "host": server.url}, "here") as cluster:
        assert [cluster.version() for _again in range(2)] == ["v1.36.3"] * 2
    assert server.asked[-1][1]["authorization"] == "Bearer of the kubeconfig"


def test_token_of_a_credential_plugin_is_renewed_before_its_end(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_SIGNED_SECONDS", 0)
    issued = """{"token": "'$$'", "expirationTimestamp": "2026-01-01T00:00:00Z"}"""
    answer = f"""{{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {issued}}}"""
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", f"echo '{answer}'"]}
    auth = {"kubeconfig": kubeconfig(server.url, {"exec": plugin}), "context": "right"}
    with Cluster(auth, "here") as cluster:
        assert [cluster.version() for _again in range(2)] == ["v1.36.3"] * 2
    first, second = (found["authorization"] for _path, found in server.asked)
    assert first.startswith("Bearer ")
    assert first != second


def test_nobody_is_acted_as_unless_said(server: Server) -> None:
    assert "impersonate-user" not in headers(server, {"host": server.url, "api_key": "t"})


def test_token_and_basic_authentication(server: Server) -> None:
    assert headers(server, {"host": server.url, "api_key": "canary"})["authorization"] == "Bearer canary"
    found = headers(server, {"host": server.url, "username": "u", "password": "p"})
    assert found["authorization"] == "Basic dTpw"


def test_credential_plugin_sees_the_environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", PLUGIN]}
    auth = {"kubeconfig": kubeconfig(server.url, {"exec": plugin}), "context": "right"}
    for profile in ("staging", "production"):
        monkeypatch.setenv("PROFILE", profile)
        assert headers(server, auth)["authorization"] == f"Bearer of-{profile}"


def test_certificate_of_a_credential_plugin_is_in_no_file(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    issued = {"clientCertificateData": "certificate", "clientKeyData": "canary"}
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": issued}
    plugin = {"apiVersion": answer["apiVersion"], "command": "echo", "args": [json.dumps(answer)]}
    # The library keeps its own places in mind for as long as the process lives.
    written: list[str] = []
    make = tempfile.mkstemp

    def mkstemp(*given: Any, **named: Any) -> tuple[int, str]:
        made = make(*given, **named)
        written.append(made[1])
        return made

    monkeypatch.setattr(tempfile, "mkstemp", mkstemp)
    for _again in range(2):
        auth = {"kubeconfig": kubeconfig(server.url, {"exec": plugin}), "context": "right"}
        api, files, _acting = connect(auth, "staging-1")
        assert Path(api.configuration.cert_file).read_text() == "certificate"
        assert Path(api.configuration.key_file).read_text() == "canary"
        for file in files:
            file.close()
    assert written, "the library has written nothing: this test is in vain"
    assert not any(Path(path).exists() for path in written)


@pytest.mark.parametrize("how", ["option", "kubeconfig"])
def test_proxy_is_asked_and_not_the_server(server: Server, how: str) -> None:
    far = "http://api.invalid:6443"
    auth: dict[str, Any] = {"host": far, "proxy": server.url}
    if how == "kubeconfig":
        auth = {"kubeconfig": kubeconfig(far, {"token": "t"}, **{"proxy-url": server.url}), "context": "right"}
    assert ask(auth) == "v1.36.3"
    assert server.asked[-1][0] == f"{far}/version"


def test_socks_without_its_package_is_said(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "socks", None)
    monkeypatch.delitem(__import__("sys").modules, "urllib3.contrib.socks", raising=False)
    with pytest.warns(DependencyWarning), pytest.raises(ClusterError, match="PySocks") as found:
        ask({"host": server.url, "proxy": "socks5://user:canary@127.0.0.1:1"})
    assert "canary" not in str(found.value)


@pytest.mark.parametrize(("field", "value"), [("tls-server-name", "api.example"), ("proxy-url", "http://127.0.0.1:1")])
def test_client_that_leaves_a_field_out_is_refused(
    server: Server, monkeypatch: pytest.MonkeyPatch, field: str, value: str
) -> None:
    from kubernetes.config import kube_config

    original = kube_config.KubeConfigLoader._set_config

    def older(self: Any, configuration: Any) -> None:
        original(self, configuration)
        configuration.tls_server_name = configuration.proxy = None

    monkeypatch.setattr(kube_config.KubeConfigLoader, "_set_config", older)
    auth = {"kubeconfig": kubeconfig(server.url, {"token": "t"}, **{field: value}), "context": "right"}
    with pytest.raises(Unreachable, match=f"knows no {field}: install a newer one"):
        ask(auth)
    assert server.asked == []


def test_unknown_form_of_impersonation_is_refused(server: Server) -> None:
    auth = {"kubeconfig": kubeconfig(server.url, {"as": "x", "as-user-extra": {"a": ["b"]}}), "context": "right"}
    with pytest.raises(Unreachable, match="as-user-extra is not supported"):
        ask(auth)
