# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Whose name commits bear, and the key that signs them."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._io.memory import MemoryFile


@dataclass(frozen=True)
class Author:
    """Name and address in commits. ``signing_key``: the text of an OpenSSH private key."""

    name: str = "Flux fleet"
    email: str = "fleet@localhost"
    signing_key: str | None = field(default=None, repr=False)

    def check(self) -> None:
        """Raises InvalidInput with every problem."""
        given = {"author_name": self.name, "author_email": self.email}
        hint = "give a text without < > and line breaks"
        problems = [
            Problem("repository", key, repr(value), hint)
            for key, value in given.items()
            if not value or re.search(r"[<>\n\0]", value)
        ]
        if self.signing_key and not re.search("-----BEGIN [A-Z ]*PRIVATE KEY-----", self.signing_key):
            hint = "give the text of an OpenSSH private key, without passphrase"
            problems.append(Problem("repository", "signing_key", "", hint))
        if problems:
            raise InvalidInput(problems=problems)

    def configured(self, stack: contextlib.ExitStack) -> dict[str, dict[str, str]]:
        """Git's configuration for it, section → key → value. What holds the key goes with the stack."""
        user = {"name": self.name, "email": self.email}
        if not self.signing_key:
            return {"user": user}
        content = self.signing_key.replace("\r\n", "\n").rstrip("\n").encode() + b"\n"
        path = stack.enter_context(MemoryFile(content)).path
        return {"user": {**user, "signingKey": path}, "gpg": {"format": "ssh"}}
