# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one thing that an API server asks a kubelet here: what the containers of Flux's pods have written."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .settings import Settings

Words = Callable[[str, str], bytes | None]
"""Namespace and name of a pod → what its process has written; None for a pod that is no process here."""


class Kubelet:
    """Listens from its making until its process ends; like all of the lab on loopback alone, and for anyone there."""

    def __init__(self, settings: Settings, port: int, words: Words) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = _answer(self.path, words)
                self.send_response(status)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: Any) -> None:
                """Nothing."""

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(settings.certificates / "server.crt", settings.certificates / "server.key")
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()


def _answer(target: str, words: Words) -> tuple[int, bytes]:
    """To /containerLogs/<namespace>/<pod>/<container>."""
    parts = urlsplit(target)
    what = parts.path.strip("/").split("/")
    said = words(what[1], what[2]) if len(what) == 4 and what[0] == "containerLogs" else None
    if said is None:
        return 404, b"no such log here"
    last = parse_qs(parts.query).get("tailLines", [""])[0]
    lines = said.splitlines(keepends=True)
    return 200, b"".join(lines[-int(last) :] if last and int(last) else lines)
