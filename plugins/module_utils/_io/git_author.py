# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Whose name commits bear, and the key that signs them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import secret
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem

_GPG = "-----BEGIN PGP PRIVATE KEY BLOCK-----"
_SSH = "-----BEGIN [A-Z ]*PRIVATE KEY-----"
_WANTED = "give the text of a private key: of SSH in OpenSSH's format, of GPG as --armor --export-secret-keys prints it"

_UNOPENED = r"(?:bad|incorrect|no|invalid) passphrase|no pinentry|inappropriate ioctl|operation cancelled"


@dataclass(frozen=True)
class Author:
    """Name and address in commits. ``signing_key``: the text of a private key, of OpenSSH or armored of GPG."""

    name: str = "Flux fleet"
    email: str = "fleet@localhost"
    signing_key: str | None = field(default=None, repr=False)
    signing_passphrase: str | None = field(default=None, repr=False)

    @property
    def signs_by_gpg(self) -> bool:
        """Whether the key is GPG's, and not SSH's."""
        return _GPG in (self.signing_key or "")

    def check(self) -> None:
        """Raises InvalidInput with every problem that the texts alone show."""
        given = {"author_name": self.name, "author_email": self.email}
        hint = "give a text without < > and line breaks"
        problems = [
            Problem("repository", key, repr(value), hint)
            for key, value in given.items()
            if not value or re.search(r"[<>\n\0]", value)
        ]
        problems += [Problem("repository", key, "", hint) for key, hint in self._key_problems()]
        if problems:
            raise InvalidInput(problems=problems)

    def _key_problems(self) -> Iterator[tuple[str, str]]:
        key, passphrase = self.signing_key or "", self.signing_passphrase or ""
        if key and not self.signs_by_gpg:
            if "-----BEGIN PGP PUBLIC KEY" in key:
                yield "signing_key", f"is the public half: {_WANTED}"
            elif not re.search(_SSH, key):
                yield "signing_key", _WANTED
            elif secret.is_encrypted(key) and not passphrase:
                yield "signing_key", "is encrypted: give its passphrase too, as signing_passphrase, or a key without"
        if re.search(r"[\r\n\0]", passphrase):
            yield "signing_passphrase", "must not contain line breaks"


def unusable(words: str) -> InvalidInput:
    """What is the matter with a key that did not sign, by what git, ssh-keygen or gpg said of it."""
    if re.search(_UNOPENED, words, re.IGNORECASE):
        hint = "does not open the signing key: give the right one (fleet_repository_signing_passphrase)"
        return InvalidInput(problems=[Problem("repository", "signing_passphrase", "", hint)])
    said = " ".join(line.strip() for line in words.splitlines() if line.strip() and "[GNUPG:]" not in line)[-500:]
    hint = f"commits can't be signed by it: {said}: give a whole private key, and its passphrase where it has one"
    return InvalidInput(problems=[Problem("repository", "signing_key", "", hint)])
