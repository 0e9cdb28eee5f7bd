# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kube-proxy is to a node: a fixed port for each Service of Flux, led to the pod that is ready."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Mapping

# Service: (program, port in the container)
SERVICES = {
    "source-controller": ("source-controller", 9090),
    "notification-controller": ("notification-controller", 9090),
    "webhook-receiver": ("notification-controller", 9292),
}


class Proxy:
    """Forwards connections; `targets` maps a port of ours to the port that serves it now (without one: refused)."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self.ports = {name: ports[name] for name in SERVICES}
        self.targets: dict[int, int] = {}
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:
            # A runner without its Services would only look alive; the supervisor starts it again.
            print(f"services: {error}", file=sys.stderr, flush=True)
            os._exit(1)

    async def _serve(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            for port in self.ports.values():

                def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int = port):  # type: ignore[no-untyped-def]
                    return self._connection(port, reader, writer)

                await stack.enter_async_context(await asyncio.start_server(handler, "127.0.0.1", port))
            await asyncio.Event().wait()

    async def _connection(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError), contextlib.closing(writer):
            target = self.targets.get(port)
            if target is None:
                return
            there, away = await asyncio.open_connection("127.0.0.1", target)
            with contextlib.closing(away):
                await asyncio.gather(_pump(reader, away), _pump(there, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
