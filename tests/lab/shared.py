# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs that all clusters of a lab share, apart from the forge."""

from __future__ import annotations

import sys

from .settings import Settings
from .supervision import Program


def programs(settings: Settings) -> list[Program]:
    """etcd, and the server of the Flux manifest."""
    ports = settings.state["ports"]
    data = settings.directory / "etcd"
    client, peer = (f"http://127.0.0.1:{ports[name]}" for name in ("etcd", "etcd-peer"))
    etcd = [
        str(settings.bin / "etcd"),
        "--name=lab",
        f"--data-dir={data}",
        "--unsafe-no-fsync",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=lab={peer}",
        "--auto-compaction-mode=periodic",
        "--auto-compaction-retention=10m",
        "--log-level=warn",
    ]
    files = [
        sys.executable,
        "-m",
        "http.server",
        str(ports["files"]),
        "--bind",
        "127.0.0.1",
        "--directory",
        str(settings.share / "www"),
    ]
    return [Program("etcd", etcd, priority=100), Program("files", files, priority=100)]
