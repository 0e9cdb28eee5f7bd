# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many hosts of an inventory on a few API servers, each a cluster of its own to those that look.

The collection refuses two hosts that are one cluster, so each host gets an address of its own: a proxy with a port for
each, which in all that it hands on puts the host's directory (``clusters/<host>``) in place of the one that the API
server's Flux follows, and another UID in place of that of ``kube-system``; in requests the other way round. Everything
else is the API server's own: every request is answered by it, nothing is remembered. The proxy counts requests. It runs
in the benchmark's process and takes its share of the processors, whoever is measured.
"""

from __future__ import annotations

import base64
import contextlib
import http.server
import re
import ssl
import threading
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3
import yaml

from tests.integration.clusters import Cluster
from tests.lab import Lab

_HOP = {
    "connection",
    "keep-alive",
    "transfer-encoding",
    "content-length",
    "content-encoding",
    "accept-encoding",
    "host",
}


@dataclass
class Host:
    """One host: its name, its cluster of the lab, and the name of the host whose directory that cluster follows."""

    name: str
    cluster: str
    stands_for: str
    port: int = 0
    uid: str = ""
    requests: Counter[str] = field(default_factory=Counter)
    """Reads and writes; reviews and dry runs, which change nothing, are reads."""


def hosts(names: Sequence[str], clusters: Sequence[str]) -> list[Host]:
    """The first host of each cluster is the one that it follows; all others share them in turn."""
    return [
        Host(name, clusters[number % len(clusters)], names[number % len(clusters)]) for number, name in enumerate(names)
    ]


@contextlib.contextmanager
def proxies(lab: Lab, found: Sequence[Host]) -> Iterator[None]:
    """Serve these hosts; each knows its port then."""
    certificates = lab.settings.certificates
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.crt", certificates / "server.key")
    files = {"ca_certs": "ca.crt", "cert_file": "admin.crt", "key_file": "admin.key"}
    pool = urllib3.PoolManager(maxsize=64, **{option: str(certificates / file) for option, file in files.items()})
    uids = {name: Cluster(lab, name).identity() for name in {one.cluster for one in found}}
    with contextlib.ExitStack() as stack:
        for host in found:
            host.uid = str(uuid.uuid5(uuid.UUID(uids[host.cluster]), host.name))
            port = lab.settings.state["clusters"][host.cluster]["ports"]["api"]
            server = _Server(host, pool, f"https://127.0.0.1:{port}", uids[host.cluster])
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            host.port = server.server_address[1]
            stack.callback(server.server_close)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
        yield


def kubeconfig(lab: Lab, found: Sequence[Host]) -> dict[str, Any]:
    """A kubeconfig with a context for each host."""
    authority = base64.b64encode((lab.settings.certificates / "ca.crt").read_bytes()).decode()
    entries = [
        {
            "clusters": {"server": f"https://127.0.0.1:{one.port}", "certificate-authority-data": authority},
            "contexts": {"cluster": one.name, "user": one.name},
            "users": {"token": "the proxy has its own"},
        }
        for one in found
    ]
    sections: Mapping[str, str] = {"clusters": "cluster", "contexts": "context", "users": "user"}
    named = {
        section: [{"name": one.name, kind: entry[section]} for one, entry in zip(found, entries, strict=True)]
        for section, kind in sections.items()
    }
    return {"apiVersion": "v1", "kind": "Config", "current-context": found[0].name, **named}


def write_kubeconfig(lab: Lab, found: Sequence[Host], path: Path) -> Path:
    """The same as a file."""
    path.write_text(yaml.safe_dump(kubeconfig(lab, found)))
    return path


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, host: Host, pool: urllib3.PoolManager, url: str, uid: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.host, self.pool, self.url = host, pool, url
        names = (host.stands_for, host.name)
        self._directories = [
            (re.compile(rb"\bclusters/%s\b" % one.encode()), b"clusters/" + one.encode()) for one in names
        ]
        self._uids = uid.encode(), host.uid.encode()

    def outward(self, text: bytes) -> bytes:
        """What the host says, of what its cluster said."""
        (theirs, _text), (_pattern, ours) = self._directories
        return theirs.sub(ours, text).replace(*self._uids)

    def inward(self, text: bytes) -> bytes:
        """What its cluster is asked, of what the host was asked."""
        (_pattern, theirs), (ours, _text) = self._directories
        return ours.sub(theirs, text).replace(*reversed(self._uids))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are no news."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self) -> None:
        """Hand a request on, and its answer back."""
        body = self.server.inward(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP | {"authorization"}}
        self.server.host.requests[self._kind()] += 1
        found = self.server.pool.request(self.command, self.server.url + self.path, body=body, headers=headers)
        text = self.server.outward(found.data)
        self.send_response(found.status)
        for name, value in found.headers.items():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - the names are the library's

    def _kind(self) -> str:
        address = urlsplit(self.path)
        harmless = "dryRun=" in address.query or address.path.endswith("reviews")
        return "reads" if self.command == "GET" or harmless else "writes"

    def log_message(self, *_unused: Any) -> None:
        """Says nothing."""
