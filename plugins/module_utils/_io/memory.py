# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Secrets for programs and libraries that only take file names: files that are never on a disk."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import FleetError


class MemoryFile:
    """Content behind a path that this process and the programs it starts can read.

    It dies with this process, however that ends. The path is one of this process, not ``/proc/self``, since ssh closes
    the descriptors that it inherits. A context manager, or closed by ``close``.
    """

    def __init__(self, content: bytes, *, executable: bool = False) -> None:
        if not hasattr(os, "memfd_create") or not Path("/proc/self/fd").exists():
            raise FleetError("Secrets are handed over as memory files: this needs Linux, with /proc")
        self._descriptor = os.memfd_create("fluxops-fleet")
        os.fchmod(self._descriptor, 0o700 if executable else 0o600)
        with os.fdopen(self._descriptor, "wb", closefd=False) as file:
            file.write(content)
        self.path = f"/proc/{os.getpid()}/fd/{self._descriptor}"

    def __enter__(self) -> MemoryFile:
        return self

    def __exit__(self, *_unused: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the content go."""
        os.close(self._descriptor)


def memory_text(stack: contextlib.ExitStack, text: str) -> str:
    """A path that programs of this user can read the text from, for as long as the stack is open.

    Line breaks are made Unix's, with one at the end: OpenSSH takes no other key, and variables often lose the last.
    """
    content = text.replace("\r\n", "\n").rstrip("\n").encode() + b"\n"
    return stack.enter_context(MemoryFile(content)).path


def answering(stack: contextlib.ExitStack, words: str) -> str:
    """A program that prints these words: without a terminal there is no other way to give ssh a passphrase."""
    script = f"#!/bin/sh\nexec cat {memory_text(stack, words)}\n"
    return stack.enter_context(MemoryFile(script.encode(), executable=True)).path
