# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""One GPG key for the ``gpg`` that git calls: in a folder in memory, with an agent of its own that ends with us.

GnuPG signs by its agent alone, so the key has to be in a home folder. That folder goes when this process ends, however
it ends: ``gpg-agent --daemon`` runs a program and ends with it (gpg-agent(1)), and that program waits for the end of
our pipe and removes the folder.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_author import unusable
from ansible_collections.fluxops.fleet.plugins.module_utils._io.memory import memory_text
from ansible_collections.fluxops.fleet.plugins.module_utils._io.private_folder import in_memory, private_folder

_TIMEOUT = 120.0  # seconds for one call of gpg
_WATCH = 'echo; cat > /dev/null; rm -rf -- "$1"'
_MISSING = "is a GPG key, which needs the programs gpg and gpg-agent: install GnuPG 2.2 or newer on the controller"
_EXPORT = "give what gpg --armor --export-secret-keys prints for one key"


@dataclass(frozen=True)
class Keyring:
    """A home folder of GnuPG's that holds one key."""

    home: Path
    fingerprint: str


@contextlib.contextmanager
def keyring(key: str, passphrase: str, base: Mapping[str, str]) -> Iterator[Keyring]:
    """A key (armored private key), ready to sign. ``base``: the environment. Raises InvalidInput."""
    with contextlib.ExitStack() as stack:
        try:
            home = stack.enter_context(private_folder(in_memory()))
            answer = memory_text(stack, passphrase)
            settings = f"batch\nno-tty\nquiet\npinentry-mode loopback\npassphrase-file {answer}\ndisable-dirmngr\n"
            (home / "gpg.conf").write_text(settings)
            environment = {**base, "GNUPGHOME": str(home), "LC_ALL": "C"}
            stack.enter_context(_agent(home, environment))
            imported = _gpg(environment, "--import", stdin=key.encode())
            listed = _gpg(environment, "--with-colons", "--fixed-list-mode", "--list-secret-keys")
            fingerprint = _fingerprint(_text(listed.stdout), _text(imported.stderr).strip())
            tried = _gpg(environment, "--detach-sign", "--local-user", fingerprint, stdin=b"proof")
        except (OSError, subprocess.TimeoutExpired) as error:
            hint = _MISSING if isinstance(error, FileNotFoundError) else f"gpg does not work here: {error}"
            raise _refused(hint) from error
        if tried.returncode:  # asked here, since not every git passes on what gpg says
            raise unusable(_text(tried.stderr))
        yield Keyring(home, fingerprint)


@contextlib.contextmanager
def _agent(home: Path, environment: Mapping[str, str]) -> Iterator[None]:
    options = ("--homedir", str(home), "--quiet", "--disable-scdaemon", "--daemon")
    pipe = subprocess.PIPE
    with subprocess.Popen(  # pylint: disable=ansible-bad-function  # not a module: there is no run_command here
        ["gpg-agent", *options, "sh", "-c", _WATCH, "fluxops-fleet", str(home)],
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        env=dict(environment),
        start_new_session=True,  # not ended by the terminal's Ctrl+C, before it has cleaned up
    ) as process:
        if process.stdout and process.stderr and not process.stdout.readline():
            raise OSError(f"gpg-agent does not start: {_text(process.stderr.read()).strip()}")
        yield


def _gpg(environment: Mapping[str, str], *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # pylint: disable=ansible-bad-function  # not a module: there is no run_command here
        ["gpg", *arguments],
        check=False,
        capture_output=True,
        input=stdin,
        env=dict(environment),
        start_new_session=True,
        timeout=_TIMEOUT,
    )


def _fingerprint(listing: str, complaint: str) -> str:
    """Of the one key of a listing (gpg's doc/DETAILS, "colon listings format"). InvalidInput if it can't sign."""
    lines = [line.split(":") for line in listing.splitlines()]
    found = [fields for fields in lines if fields[0] == "sec"]
    if len(found) != 1:
        words = f"gpg finds {len(found)} private keys in it{f' ({complaint})' if complaint else ''}"
        raise _refused(f"{words}: {_EXPORT}")
    validity, expires, uses = found[0][1], found[0][6], found[0][11]
    if validity == "e":
        day = f" on {datetime.fromtimestamp(int(expires), UTC):%Y-%m-%d}" if expires.isdigit() else ""
        raise _refused(f"the GPG key expired{day}: give one that is valid, or extend it and export it again")
    if "S" not in uses:  # a capital letter: the key as a whole, with those of its parts that are usable
        raise _refused("no part of the GPG key may sign now: give a key for signing that is not expired or revoked")
    return next(fields[9] for fields in lines if fields[0] == "fpr")


def _text(output: bytes) -> str:
    return output.decode("utf-8", "replace")


def _refused(hint: str) -> InvalidInput:
    return InvalidInput(problems=[Problem("repository", "signing_key", "", hint)])
