# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy before an API server or the forge of the lab that now and then answers as a broken network does.

It ends TLS with the lab's own certificate. Without a fault for it, a request goes to the real server, and its real
answer comes back.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from .settings import Settings

_OWN = {"connection", "content-encoding", "content-length", "transfer-encoding", "date", "server"}


class Exchange(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    proxy: FaultProxy

    def do_GET(self) -> None:
        """Any method: answer as the next fault for it says, or as the real server does."""
        self.body = self._read()
        self.proxy.asked.append(f"{self.command} {self.path}")
        fault = self.proxy.fault(self.proxy.asked[-1])
        fault(self) if fault else self.give(*self.real())

    def real(self) -> tuple[int, dict[str, str], bytes]:
        """What the real server answers: status, headers, body."""
        headers = {name: value for name, value in self.headers.items() if name.lower() not in {"host", *_OWN}}
        url, session = self.proxy.target + self.path, self.proxy.session
        answer = session.request(self.command, url, data=self.body, headers=headers, allow_redirects=False, timeout=60)
        return answer.status_code, dict(answer.headers), answer.content

    def give(self, status: int, headers: dict[str, str], body: bytes, *, length: int | None = None) -> None:
        """Answer; ``length`` is one that the body does not have."""
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in _OWN:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Nothing: tests read ``asked``."""

    def _read(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)


Fault = Callable[[Exchange], None]


def answer(status: int, body: bytes = b"", **headers: str) -> Fault:
    """This answer; the server is not asked. ``headers`` by names with ``_`` for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda exchange: exchange.give(status, named, body)


def cut(exchange: Exchange) -> None:
    """The first half of the real answer, and then the end of the connection."""
    status, headers, body = exchange.real()
    exchange.give(status, headers, body[: len(body) // 2], length=len(body))
    exchange.close_connection = True


def silent(exchange: Exchange) -> None:
    """Not one byte, until the client is tired of it."""
    exchange.proxy.released.wait()
    exchange.close_connection = True


def reset(exchange: Exchange) -> None:
    """A TCP reset in place of an answer."""
    exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    exchange.connection.close()
    exchange.close_connection = True


def changed(change: Callable[[bytes], bytes]) -> Fault:
    """The real answer, changed."""

    def fault(exchange: Exchange) -> None:
        status, headers, body = exchange.real()
        exchange.give(status, headers, change(body))

    return fault


class FaultProxy:
    """A context manager. ``asked`` has a line ``METHOD path`` for each request."""

    def __init__(self, settings: Settings, target: str, *, administrator: bool = False) -> None:
        """``target``: the real server's URL. ``administrator``: as whom it is asked, by certificate, whoever asks."""
        self.target, self.asked, self.released = target.rstrip("/"), list[str](), threading.Event()
        self._faults: list[tuple[re.Pattern[str], deque[Fault], bool]] = []
        folder = settings.certificates
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(folder / "ca.crt")
        if administrator:
            self.session.cert = (str(folder / "admin.crt"), str(folder / "admin.key"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.crt", folder / "server.key")
        methods = dict.fromkeys((f"do_{one}" for one in ("POST", "PUT", "PATCH", "DELETE")), Exchange.do_GET)
        handler = type("Handler", (Exchange,), {"proxy": self, **methods})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads, self._server.block_on_close = True, False
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://127.0.0.1:{self._server.server_port}"

    def inject(self, pattern: str, *faults: Fault, always: bool = False) -> None:
        """These faults for the next requests that match ``METHOD path``, one after the other; or the one for ever."""
        self._faults.append((re.compile(pattern), deque(faults), always))

    @property
    def left(self) -> int:
        """How many faults nobody has met yet."""
        return sum(len(faults) for _pattern, faults, always in self._faults if not always)

    def fault(self, request: str) -> Fault | None:
        """The next one for a request."""
        for pattern, faults, always in self._faults:
            if faults and pattern.search(request):
                return faults[0] if always else faults.popleft()
        return None

    def __enter__(self) -> FaultProxy:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self.session.close()
