# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a lab keeps its things, which ports it owns, and how its files are written."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import socket
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SOURCES = Path(__file__).resolve().parent
DEFAULT_CLUSTERS = ("staging-1", "production-1")
# Below Linux' usual ephemeral range (32768 and up), so that no outgoing connection takes a port of a stopped lab.
FIRST_PORT, LAST_PORT = 20000, 32000
SHARED_PORTS = ("etcd", "etcd-peer", "files", "forge", "forge-ssh")
CLUSTER_PORTS = (
    "api",
    "controller-manager",
    "scheduler",
    "source-controller",
    "notification-controller",
    "webhook-receiver",
)
# Each pod of Flux takes up to four; a roll has two pods of each of the four Deployments at once.
POD_PORTS = 40
UNIX_SOCKET_LIMIT = 100


class LabError(Exception):
    """Something that a person must see: a message without a traceback."""


def write(path: Path, content: str | bytes, mode: int = 0o644) -> None:
    """Write a file whole or not at all, with its final mode from the first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
    temporary.replace(path)


def check_name(name: str) -> str:
    """Return a cluster's name, or say why it can't be one (it becomes a path, a context and a DNS label)."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", name):
        raise LabError(f"cluster {name!r}: a name is 1 to 40 of a-z, 0-9 and '-', with no '-' at its ends")
    return name


def is_free(port: int) -> bool:
    """Whether nothing listens on a loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Settings:
    """Folders and state of one lab. The state is `.lab/state.json`:

    {"ports": {name: port}, "socket": path, "clusters": {name: {"ports": {name: port}, "pods": [first, last]}}}
    """

    def __init__(self, directory: Path | None = None) -> None:
        chosen = directory or Path(os.environ.get("LAB_DIR") or ROOT / ".lab")
        self.directory = chosen.absolute().resolve()
        if found := set("%;#,`\n\"'") & set(str(self.directory)):
            raise LabError(f"LAB_DIR {self.directory}: programs' configurations can't hold {' '.join(sorted(found))}")
        self.bin = self.directory / "bin"
        self.share = self.directory / "share"
        self.certificates = self.directory / "certificates"
        self.log = self.directory / "log"
        self.run = self.directory / "run"
        self.forge = self.directory / "forge"
        self.kubeconfig = self.directory / "kubeconfig"
        self.lab_json = self.directory / "lab.json"
        self.state: dict[str, Any] = {}
        self.load()

    def cluster(self, name: str) -> Path:
        """The folder of a cluster's own files."""
        return self.directory / "clusters" / name

    def beside(self, name: str) -> Path:
        """The folder of another lab that goes when this one goes: for tests that run side by side."""
        return self.directory / "beside" / name

    def load(self) -> None:
        """Read the state again; a lab that was never up has an empty one."""
        path = self.directory / "state.json"
        self.state = json.loads(path.read_text()) if path.exists() else {"ports": {}, "clusters": {}}

    def save(self) -> None:
        """Keep the state."""
        write(self.directory / "state.json", json.dumps(self.state, indent=2) + "\n", 0o600)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Only one command changes a lab at a time; the kernel drops the lock with its process."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.directory / "lock").open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print(f"waiting for another command on {self.directory}", flush=True)
                fcntl.flock(stream, fcntl.LOCK_EX)
            self.load()
            yield

    def claim(self, clusters: list[str]) -> None:
        """Give the shared programs and these clusters their ports and the supervisor its socket, once for ever."""
        taken = self._taken()
        for name in SHARED_PORTS:
            if name not in self.state["ports"]:
                self.state["ports"][name] = self._block(1, taken)
        for cluster in map(check_name, clusters):
            if cluster not in self.state["clusters"]:
                first = self._block(len(CLUSTER_PORTS) + POD_PORTS, taken)
                pods = first + len(CLUSTER_PORTS)
                self.state["clusters"][cluster] = {
                    "ports": {name: first + index for index, name in enumerate(CLUSTER_PORTS)},
                    "pods": [pods, pods + POD_PORTS - 1],
                }
        self.state.setdefault("socket", self._socket())
        self.save()

    def _taken(self) -> set[int]:
        taken = set(self.state["ports"].values())
        for cluster in self.state["clusters"].values():
            taken.update(cluster["ports"].values(), range(cluster["pods"][0], cluster["pods"][1] + 1))
        return taken

    def _block(self, size: int, taken: set[int]) -> int:
        # Start at a place that depends on the folder: labs side by side seldom meet, also when one of them is down.
        span = LAST_PORT - FIRST_PORT
        start = zlib.crc32(str(self.directory).encode()) % span
        for offset in range(span):
            first = FIRST_PORT + (start + offset) % span
            ports = range(first, first + size)
            if ports[-1] <= LAST_PORT and not taken.intersection(ports) and all(map(is_free, ports)):
                taken.update(ports)
                return first
        raise LabError(f"no {size} free ports in a row between {FIRST_PORT} and {LAST_PORT}")

    def _socket(self) -> str:
        path = str(self.run / "supervisor.sock")
        if len(path) <= UNIX_SOCKET_LIMIT:
            return path
        return str(Path(tempfile.mkdtemp(prefix="fluxops-lab-")) / "supervisor.sock")
