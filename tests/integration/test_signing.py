# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commits signed by keys of the real gpg and ssh-keygen, in a bare repository, as git verifies them; without a lab."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._io import private_folder
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git import (
    Author,
    Proposal,
    Remote,
    Repository,
    transact,
)
from tests.integration.project import eventually
from tests.integration.test_git import Sampler, bare, error_of, make_key, temporary

__all__ = ["bare", "temporary"]

PASSPHRASE = "correct horse " + secrets.token_hex(8)
needs_gpg = pytest.mark.skipif(not shutil.which("gpg"), reason="there is no gpg")


@dataclass(frozen=True)
class People:
    """A home folder of somebody who has GPG keys."""

    home: Path

    def gpg(self, *arguments: str, passphrase: str = "") -> str:
        loopback = ("--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", passphrase)
        command = ["gpg", "--homedir", str(self.home), *loopback, *arguments]
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout

    def author(self, name: str, passphrase: str = "", expires: str = "never", use: str = "sign") -> Author:
        """One who signs by a new key; its public half stays in the home."""
        address = f"{name}@corp.example"
        self.gpg("--quick-generate-key", f"{name} <{address}>", "ed25519", use, expires, passphrase=passphrase)
        text = self.gpg("--armor", "--export-secret-keys", address, passphrase=passphrase)
        return Author(name, address, text, passphrase or None)

    def verified(self, remote: Remote) -> list[str]:
        """The names of those whose signatures git finds good, one for each commit of the branch."""
        environment = {**os.environ, "GNUPGHOME": str(self.home)}
        command = ["git", f"--git-dir={remote.url.removeprefix('file://')}", "log", "--format=%G?|%GS", "main"]
        done = subprocess.run(command, capture_output=True, check=True, text=True, env=environment)
        answers = [line.split("|") for line in done.stdout.splitlines()]
        assert {kind for kind, _name in answers} <= {"G", "U"}, done.stdout  # U: good, its owner not vouched for
        return [name.partition(" <")[0] for _kind, name in answers]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    if not shutil.which("gpg"):
        pytest.skip("there is no gpg")
    with private_folder.private_folder(private_folder.in_memory()) as home:  # a socket's path must be short
        yield People(home)
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)


def agents(*homes: Path) -> list[str]:
    """The command lines of agents of GnuPG's that serve a home folder of ours, but for these."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode("utf-8", "replace").replace("\0", " ")
        except OSError:
            continue
        if "gpg-agent" in words and "fluxops-fleet-" in words and not any(str(home) in words for home in homes):
            found.append(words)
    return found


def folders() -> set[Path]:
    return set((private_folder.in_memory() or Path("/nowhere")).glob(private_folder.PREFIX + "*"))


def commit(remote: Remote, author: Author, path: str = "a") -> None:
    with Repository(remote, author=author) as repository:
        transact(repository, lambda _snapshot: Proposal({path: path.encode()}, f"change {path}"))


def refused(remote: Remote, author: Author) -> str:
    """What the opening of a repository says, which comes before anything is read or written."""
    return error_of(lambda: Repository(remote, author=author).__enter__(), InvalidInput)


def test_commits_are_signed_by_a_gpg_key(bare: Remote, temporary: Path, people: People) -> None:
    before = folders()
    plain, locked = people.author("plain"), people.author("locked", PASSPHRASE)
    line = str(locked.signing_key).splitlines()[4]
    with Sampler(temporary, [line, PASSPHRASE]) as sampler:
        commit(bare, locked, "a")
        commit(bare, plain, "b")
        commit(bare, replace(locked, signing_key=str(locked.signing_key).replace("\n", "\r\n")), "c")
        commit(bare, plain, "c")  # nothing to do
    assert people.verified(bare) == ["locked", "plain", "locked"]
    assert {b"gpg", b"gpg-agent"} <= sampler.seen
    assert not sampler.found
    assert folders() == before
    eventually(lambda: not agents(people.home), "the agents end")
    assert list(temporary.iterdir()) == []


def test_a_gpg_key_that_cannot_sign_is_refused_first(bare: Remote, people: People, tmp_path: Path) -> None:
    locked = people.author("shut", PASSPHRASE)
    old, two = people.author("old", expires="seconds=1"), people.author("two")
    certifier = people.author("certifier", use="cert")
    public = people.gpg("--armor", "--export", locked.email)
    both = people.gpg("--armor", "--export-secret-keys", two.email, certifier.email)
    eventually(lambda: ":e:" in people.gpg("--with-colons", "--list-keys", old.email)[:400], "the key expires")
    half = str(two.signing_key)[:120] + "\n-----END PGP PRIVATE KEY BLOCK-----\n"
    nowhere = {"PATH": str(tmp_path)}
    (tmp_path / "git").symlink_to(str(shutil.which("git")))
    cases = {
        "signing_passphrase: does not open the signing key": replace(locked, signing_passphrase="wrong"),
        "does not open the signing key: give the right one": replace(locked, signing_passphrase=None),
        "is the public half": replace(locked, signing_key=public),
        "the GPG key expired on 20": old,
        "no part of the GPG key may sign": certifier,
        "gpg finds 2 private keys": replace(two, signing_key=both),
        "gpg finds 0 private keys": replace(two, signing_key=half),
        "must not contain line breaks": replace(locked, signing_passphrase="a\nb"),
    }
    for words, author in cases.items():
        text = refused(bare, author)
        assert words in text
        assert PASSPHRASE not in text
    asked = error_of(lambda: Repository(bare, author=two, environment=nowhere).__enter__(), InvalidInput)
    assert "needs the programs gpg and gpg-agent: install GnuPG" in asked
    eventually(lambda: not agents(people.home), "the agents end")


def test_without_memory_the_key_is_among_temporary_files(
    bare: Remote, temporary: Path, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    author = people.author("diskless", PASSPHRASE)
    monkeypatch.setattr(private_folder, "MEMORY", Path("/nowhere"))
    if len(str(temporary)) > 70:  # the agent's socket there has a name that is too long for the kernel
        assert "gpg does not work here: gpg-agent does not start: " in refused(bare, author)
        assert list(temporary.iterdir()) == []
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="t-") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        commit(bare, author)
        assert list(Path(folder).iterdir()) == []
    assert people.verified(bare) == ["diskless"]


def test_racers_who_sign(bare: Remote, people: People) -> None:
    authors = [people.author(f"racer{number}", PASSPHRASE * (number % 2)) for number in range(4)]
    with ThreadPoolExecutor(len(authors)) as pool:
        list(pool.map(lambda author: commit(bare, author, author.name), authors))
    assert sorted(people.verified(bare)) == [author.name for author in authors]


KILLED = """
import json, sys, time
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git import Author, Remote, Repository
remote, author = json.load(sys.stdin)
with Repository(Remote(**remote), author=Author(**author)) as repository:
    repository.commit({"a": b"1"}, "never pushed")
    print(repository._git.signing["GNUPGHOME"], flush=True)
    time.sleep(600)
"""


def test_a_killed_run_leaves_no_gpg_key_and_no_agent(bare: Remote, temporary: Path, people: People) -> None:
    author = people.author("killed", PASSPHRASE)
    with subprocess.Popen([sys.executable, "-c", KILLED], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdin
            assert process.stdout
            process.stdin.write(json.dumps([asdict(bare), asdict(author)]).encode())
            process.stdin.close()
            home = Path(process.stdout.readline().decode().strip())
            assert home.stat().st_mode & 0o777 == 0o700
            assert list((home / "private-keys-v1.d").iterdir())
        finally:
            process.send_signal(signal.SIGKILL)
    eventually(lambda: not home.exists(), "the key goes")
    eventually(lambda: not agents(people.home), "the agent ends")
    assert temporary.exists()


def ssh_author(folder: Path, passphrase: str) -> tuple[Author, str]:
    """One who signs by a new SSH key, and its public half."""
    private, public = make_key(folder, passphrase)
    return Author("Ops", "ops@corp.example", private, passphrase), public


def test_an_encrypted_ssh_key_signs(bare: Remote, tmp_path: Path) -> None:
    author, public = ssh_author(tmp_path, PASSPHRASE)
    commit(bare, author)
    allowed = tmp_path / "allowed"
    allowed.write_text(f"{author.email} {public}")
    place = f"--git-dir={bare.url.removeprefix('file://')}"
    command = ["git", place, "-c", f"gpg.ssh.allowedSignersFile={allowed}", "verify-commit", "main"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    cases: dict[str, Callable[[], Author]] = {
        "signing_passphrase: does not open the signing key": lambda: replace(author, signing_passphrase="wrong"),
        "is encrypted: give its passphrase too, as signing_passphrase": lambda: replace(author, signing_passphrase=""),
        "commits can't be signed by it": lambda: replace(author, signing_key=str(author.signing_key)[:200]),
    }
    for words, other in cases.items():
        assert words in refused(bare, other())
