# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Signed commits: what git needs for them, the proof that the key can sign, and the signature."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_author import Author, unusable
from ansible_collections.fluxops.fleet.plugins.module_utils._io.gpg import keyring
from ansible_collections.fluxops.fleet.plugins.module_utils._io.memory import answering, memory_text


@dataclass(frozen=True)
class Signing:
    """Git's configuration (section → key → value), and the variables that only calls that sign are given."""

    configuration: Mapping[str, Mapping[str, str]]
    variables: Mapping[str, str] = field(default_factory=dict)


class Outcome(Protocol):
    """How a call of git ended."""

    @property
    def code(self) -> int:
        """Its exit code."""

    @property
    def output(self) -> bytes:
        """What it printed."""

    @property
    def words(self) -> str:
        """What it complained of."""


class Signer(Protocol):
    """The git program, where it can sign."""

    def sign(self, *arguments: str, stdin: bytes = b"") -> Outcome:
        """One call of git."""


@contextlib.contextmanager
def signing(author: Author, base: Mapping[str, str]) -> Iterator[Signing]:
    """What git needs for the author's name and signature. What holds the key is gone afterwards.

    ``base``: the environment that programs are looked for in. Raises InvalidInput for a key that can't be one to sign
    with, or for programs that are missing.
    """
    user = {"name": author.name, "email": author.email}
    key, passphrase = author.signing_key, author.signing_passphrase
    with contextlib.ExitStack() as stack:
        if not key:
            yield Signing({"user": user})
        elif author.signs_by_gpg:
            ring = stack.enter_context(keyring(key, passphrase or "", base))
            configuration = {"user": {**user, "signingKey": ring.fingerprint}, "gpg": {"format": "openpgp"}}
            yield Signing(configuration, {"GNUPGHOME": str(ring.home)})
        else:
            variables = {"SSH_ASKPASS_REQUIRE": "force", "SSH_ASKPASS": answering(stack, passphrase or "")}
            configuration = {"user": {**user, "signingKey": memory_text(stack, key)}, "gpg": {"format": "ssh"}}
            yield Signing(configuration, variables)


def prove(git: Signer) -> None:
    """Raises InvalidInput where the key can't sign: told by a commit of nothing, that nobody ever sees."""
    tree = git.sign("hash-object", "-t", "tree", "-w", "--stdin").output.decode().strip()
    sign(git, tree, (), "Proof of the signing key, never pushed")


def sign(git: Signer, tree: str, parents: tuple[str, ...], message: str) -> str:
    """The id of a signed commit. Raises InvalidInput where the key can't sign."""
    options = [option for parent in parents for option in ("-p", parent)]
    text = message.rstrip("\n").encode() + b"\n"
    answer = git.sign("commit-tree", "-S", *options, "-F", "-", tree, stdin=text)
    if answer.code:
        raise unusable(answer.words)
    return answer.output.decode().strip()
