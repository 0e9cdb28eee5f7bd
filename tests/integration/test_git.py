# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Git transaction, against the lab's forge over SSH and HTTPS; a bare repository where the forge has no part."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import (
    FleetError,
    GitError,
    InvalidInput,
    LostRace,
    PushRefused,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git import (
    Author,
    Proposal,
    Published,
    Remote,
    Repository,
    transact,
)
from tests.lab import Forge, Lab

KINDS = ("ssh", "https")
ABSENT = "0123456789" * 4
Tree = Mapping[str, tuple[str, bytes]]  # path to mode and content


@dataclass(frozen=True)
class Place:
    """A repository of its own at the forge, and the ways to it."""

    forge: Forge
    name: str
    ssh: Remote
    https: Remote
    read_only: Remote
    work: Path

    def remote(self, kind: str) -> Remote:
        return {"ssh": self.ssh, "https": self.https}[kind]

    def head(self, branch: str = "main") -> str:
        """The branch's head, empty where there is none; the forge's API learns of a push only later."""
        return self.git("ls-remote", self.https.url, f"refs/heads/{branch}").partition("\t")[0]

    def commits(self, branch: str = "main") -> list[str]:
        """The ids of the branch's commits, newest first."""
        if not self.head(branch):
            return []
        self.git("fetch", "--quiet", self.https.url, branch)
        return self.git("rev-list", "FETCH_HEAD").splitlines()

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        """Git as any other client of the forge uses it."""
        settings = {"user.name": "Other", "user.email": "o@lab.invalid"}
        settings["http.extraHeader"] = f"Authorization: token {self.forge.facts['token']}"
        variables = {"GIT_SSL_CAINFO": self.forge.facts["ca_cert"], "GIT_CONFIG_COUNT": str(len(settings))}
        for number, (key, value) in enumerate(settings.items()):
            variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        command = ["git", "-C", str(self.work), *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, check=False, env=os.environ | variables)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def seed(self, tree: Tree, *, commits: int = 1) -> list[str]:
        """Other people's history: the ids of its commits, oldest first. Each but the first changes one file."""
        lines = [b"feature done"]
        for number in range(commits):
            lines += [b"commit refs/heads/main", b"committer O <o@lab.invalid> now", b"data 2", b"o\n"]
            files = tree if number == 0 else {"count": ("100644", b"%d" % number)}
            for path, (mode, content) in files.items():
                if mode == "160000":
                    lines += [b"M 160000 %b %b" % (content, path.encode())]
                else:
                    lines += [f"M {mode} inline {path}".encode(), b"data %d" % len(content), content]
        self.git("fast-import", "--quiet", "--date-format=now", stdin=b"\n".join([*lines, b"done", b""]))
        self.git("push", "--quiet", "--force", self.https.url, "main")
        return self.git("rev-list", "--reverse", "main").splitlines()

    def tree(self) -> dict[str, str]:
        """What another client sees at the branch: path to mode, kind and id."""
        self.git("fetch", "--quiet", self.https.url, "main")
        listing = self.git("ls-tree", "-r", "-z", "FETCH_HEAD").split("\0")
        return dict(reversed(line.split("\t", 1)) for line in listing if line)


def make_key(folder: Path, passphrase: str = "") -> tuple[str, str]:
    """A key pair: the private and the public half."""
    path = folder / secrets.token_hex(4)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "test", "-f", str(path)], check=True)
    return path.read_text(), path.with_suffix(".pub").read_text().strip()


@pytest.fixture(scope="module")
def forge(lab: Lab) -> Forge:
    return lab.forge


@pytest.fixture
def place(forge: Forge, tmp_path: Path) -> Iterator[Place]:
    facts, name = forge.facts, f"git-{secrets.token_hex(6)}"
    urls = forge.create_repository(name)
    try:
        private: dict[bool, str] = {}
        for read_only in (False, True):
            private[read_only], public = make_key(tmp_path)
            body = {"title": f"read_only={read_only}", "key": public, "read_only": read_only}
            forge.call("POST", f"/repos/{facts['user']}/{name}/keys", json=body)
        ssh = Remote(urls["ssh_url"], "main", private_key=private[False], known_hosts=facts["known_hosts"])
        https = Remote(urls["https_url"], "main", token=facts["token"], ca_cert=Path(facts["ca_cert"]).read_text())
        work = tmp_path / "work"
        subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", str(work)], check=True)
        yield Place(forge, name, ssh, https, replace(ssh, private_key=private[True]), work)
    finally:
        forge.delete_repository(name)


@pytest.fixture
def bare(tmp_path: Path) -> Remote:
    """A repository without a server that knows filters."""
    path = tmp_path / "server.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", str(path)], check=True)
    return Remote(f"file://{path}", "main", protocols=("file",))


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders go; empty again after the test, or it fails."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def publish(remote: Remote, changes: Mapping[str, bytes | None], **options: Any) -> Published:
    with Repository(remote) as repository:
        return transact(repository, lambda _snapshot: Proposal(changes, "change"), **options)


def error_of(call: Callable[[], object], kind: type[FleetError] = GitError) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind or kind is GitError
    return str(caught.value)


# Transactions


@pytest.mark.parametrize("kind", KINDS)
def test_transact_from_empty_to_deletion(place: Place, kind: str) -> None:
    remote = place.remote(kind)
    files = {"clusters/a/cluster.yaml": b"name: a\n", 'odd/ä "quoted\\ name': "größe\n".encode(), "empty": b""}
    first = publish(remote, files)
    assert first.committed
    assert first.previous is None
    assert place.commits() == [first.revision]
    with Repository(remote) as repository:
        assert repository.head == first.revision
        assert set(repository.entries()) == set(files)
        assert set(repository.entries("clusters/a/", "odd")) == {"clusters/a/cluster.yaml", 'odd/ä "quoted\\ name'}
        assert repository.entries("clusters/a/cluster", "cluster") == {}
        assert repository.read([*files, "absent", "clusters"]) == files
    second = publish(remote, files)
    assert second == Published(first.revision, first.revision, committed=False, attempts=1)
    third = publish(remote, {"empty": None, "absent": None})
    assert third.previous == first.revision
    assert place.commits() == [third.revision, first.revision]
    assert set(place.tree()) == set(files) - {"empty"}


def test_transact_commits_nothing_without_proposal(place: Place) -> None:
    with Repository(place.ssh) as repository:
        assert transact(repository, lambda _snapshot: None) == Published(None, None, committed=False, attempts=1)
        nothing = transact(repository, lambda _snapshot: Proposal({"absent": None}, "nothing"))
        assert nothing == Published(None, None, committed=False, attempts=1)
    assert place.commits() == []


def test_transact_author_and_message(place: Place) -> None:
    message = "onboard payments in staging\n\nprojects/staging: 1\n\nTenant: payments\n"
    with Repository(place.https, author=Author("Ops Ärzte", "ops@corp.example")) as repository:
        transact(repository, lambda _snapshot: Proposal({"a": b"a"}, message))
    place.git("fetch", "--quiet", place.https.url, "main")
    assert place.git("log", "--format=%B", "FETCH_HEAD") == message.strip()
    assert place.git("log", "--format=%an <%ae> %cn <%ce>", "FETCH_HEAD") == " ".join(
        ["Ops Ärzte <ops@corp.example>"] * 2
    )


@pytest.mark.parametrize("kind", KINDS)
def test_transact_loses_a_race_and_lands(place: Place, kind: str) -> None:
    heads: list[str | None] = []

    def propose(repository: Repository) -> Proposal:
        heads.append(repository.head)
        if len(heads) == 1:
            publish(place.remote(kind), {"theirs": b"1"})
        assert ("theirs" in repository.entries()) == (len(heads) == 2)
        return Proposal({"ours": b"1"}, "ours")

    with Repository(place.remote(kind)) as repository:
        published = transact(repository, propose)
    assert published.attempts == 2
    assert heads[0] is None  # the race was for the creation of the branch
    assert place.commits() == [published.revision, published.previous]
    assert heads[1] == published.previous


def test_push_is_compare_and_swap(place: Place) -> None:
    place.seed({"a": ("100644", b"a")})
    with Repository(place.ssh) as ours, Repository(place.https) as theirs:
        our_commit, their_commit = ours.commit({"b": b"1"}, "b"), theirs.commit({"b": b"2"}, "b")
        theirs.push(their_commit)
        error_of(lambda: ours.push(our_commit), LostRace)
        assert place.commits()[0] == their_commit
        ours.fetch()
        assert ours.read(["b"]) == {"b": b"2"}
        assert not ours.follows(our_commit)
        assert "does not descend" in error_of(lambda: ours.push(our_commit))


def test_transact_fifty_writers(place: Place) -> None:
    def write(number: int) -> Published:
        return publish(place.remote(KINDS[number % 2]), {f"tenants/{number}.yaml": b"%d\n" % number})

    with ThreadPoolExecutor(50) as pool:
        published = list(pool.map(write, range(50)))
    commits = place.commits()
    assert sorted(commits) == sorted(str(each.revision) for each in published)
    previous = {each.revision: each.previous for each in published}
    assert [previous[commit] for commit in commits] == [*commits[1:], None]
    assert set(place.tree()) == {f"tenants/{number}.yaml" for number in range(50)}


def test_transact_gives_up_after_its_attempts(place: Place) -> None:
    written: list[int] = []

    def propose(_repository: Repository) -> Proposal:
        written.append(1)
        publish(place.https, {"theirs": b"%d" % len(written)})
        return Proposal({"ours": b"1"}, "ours")

    with Repository(place.https) as repository:
        text = error_of(lambda: transact(repository, propose, attempts=2, sleep=lambda _seconds: None), LostRace)
    assert "Gave up after 2 attempts" in text
    assert len(place.commits()) == len(written) == 2


@pytest.mark.parametrize("rewrite", ["amended", "rolled back", "removed"])
def test_transact_stops_when_the_branch_was_rewritten(place: Place, rewrite: str) -> None:
    first, second = place.seed({"a": ("100644", b"a")}, commits=2)
    place.git("push", "--quiet", place.https.url, "main:work")
    amended = place.git("commit-tree", f"{second}^{{tree}}", "-p", first, "-m", "amended")
    source = {"amended": f"+{amended}", "rolled back": f"+{first}", "removed": ""}[rewrite]

    def propose(repository: Repository) -> Proposal:
        assert repository.head == second
        place.git("push", "--quiet", place.https.url, f"{source}:refs/heads/work")
        return Proposal({"ours": b"1"}, "ours")

    with Repository(replace(place.ssh, branch="work")) as repository:
        text = error_of(lambda: transact(repository, propose))
    assert "was rewritten or removed meanwhile" in text
    assert second in text
    assert place.commits("work") == {"amended": [amended, first], "rolled back": [first], "removed": []}[rewrite]


# What is not ours


FOREIGN: Tree = {
    "lfs.bin": ("100644", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 5\n"),
    "clusters/run.sh": ("100755", b"#!/bin/sh\n"),
    "clusters/crlf.yaml": ("100644", b"a: 1\r\nb: \xff\x00\r\n"),
    "tenants": ("120000", b"/etc"),
    "vendor/module": ("160000", b"1" * 40),
    ".gitattributes": ("100644", b"* text=auto eol=crlf\n*.bin filter=lfs\n"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_commit_leaves_foreign_files_as_they_are(place: Place, kind: str) -> None:
    place.seed(FOREIGN)
    before = place.tree()
    publish(place.remote(kind), {"clusters/new.bin": b"a\r\nb\n", "clusters/run.sh": b"#!/bin/sh\nexit\n"})
    after = place.tree()
    new, script = after.pop("clusters/new.bin"), after.pop("clusters/run.sh")
    assert script.startswith("100755 blob")
    assert after == {path: entry for path, entry in before.items() if path != "clusters/run.sh"}
    with Repository(place.remote(kind)) as repository:
        assert repository.read([*FOREIGN, "clusters/new.bin"]) == {
            "lfs.bin": FOREIGN["lfs.bin"][1],
            "clusters/crlf.yaml": FOREIGN["clusters/crlf.yaml"][1],
            ".gitattributes": FOREIGN[".gitattributes"][1],
            "clusters/run.sh": b"#!/bin/sh\nexit\n",
            "clusters/new.bin": b"a\r\nb\n",
        }
        assert repository.entries("clusters/new.bin")["clusters/new.bin"].id == new.split()[2]


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("tenants/payments.yaml", "would go through tenants, which is a symbolic link"),
        ("tenants", "is a symbolic link"),
        ("vendor/module/x", "would go through vendor/module, which is a submodule"),
        ("clusters", "is a folder"),
        ("clusters/run.sh/x", "would go through clusters/run.sh, which is a file"),
        ("../x", "give a path within the repository"),
        ("clusters/.GIT/config", "must not have a segment .git"),
    ],
)
def test_commit_refuses_unsafe_paths(place: Place, path: str, hint: str) -> None:
    place.seed(FOREIGN)
    before = place.commits()
    assert hint in error_of(lambda: publish(place.ssh, {path: b"x", "fine": b"x"}), InvalidInput)
    assert place.commits() == before


def test_snapshot_stays_small_in_a_large_repository(place: Place) -> None:
    files = {f"projects/staging/{n % 16:x}/{n}.yaml": ("100644", b"name: %d\n" % n) for n in range(11_000)}
    place.seed(files)
    chosen = [f"projects/staging/{n % 16:x}/{n}.yaml" for n in range(40)]

    def objects(repository: Repository) -> list[str]:
        listing = ("cat-file", "--batch-all-objects", "--batch-check=%(objecttype)")
        return repository._git.run(*listing).decode().split()

    with Repository(place.https) as repository:
        assert len(repository.entries()) == 11_000
        assert sorted(set(objects(repository))) == ["commit", "tree"]
        assert repository.read(chosen) == {path: files[path][1] for path in chosen}
        assert objects(repository).count("blob") == len(chosen)
        changes = dict.fromkeys(chosen, b"changed\n") | {"projects/staging/0/16.yaml": None}
        repository.push(repository.commit(changes, "change"))
        assert objects(repository).count("blob") == len(chosen) + 1
        assert objects(repository).count("commit") == 2
        everything = repository.entries(*(f"projects/staging/{n % 16:x}/{n}.yaml" for n in range(9_000)))
        assert len(everything) == 8_999
    assert len(place.tree()) == 10_999


# What the forge refuses


def test_read_only_key_is_refused_at_once(place: Place) -> None:
    asked: list[int] = []

    def propose(_repository: Repository) -> Proposal:
        asked.append(1)
        return Proposal({"a": b"a"}, "a")

    def write() -> None:
        with Repository(place.read_only) as repository:
            transact(repository, propose)

    text = error_of(write, PushRefused)
    assert "may not push" in text
    assert "is not authorized to write" in text
    assert place.ssh.url in text
    assert asked == [1]


@pytest.mark.parametrize("seeded", [False, True])
def test_can_push_writes_nothing(place: Place, seeded: bool) -> None:
    if seeded:
        place.seed({"a": ("100644", b"a")})
    before = place.commits()
    for kind in KINDS:
        with Repository(place.remote(kind)) as repository:
            repository.can_push()
    reader = place.forge.create_token(place.forge.facts["user"], ["read:repository"])
    for remote in (place.read_only, replace(place.https, token=reader)):
        with Repository(remote) as repository:
            assert repository.head == (before[0] if seeded else None)
            error_of(repository.can_push, PushRefused)
    assert place.commits() == before


@pytest.mark.parametrize("kind", KINDS)
def test_protected_branch_is_refused_in_the_forges_words(place: Place, kind: str) -> None:
    place.seed({"a": ("100644", b"a")})
    rule = {"rule_name": "main", "enable_push": False}
    place.forge.call("POST", f"/repos/{place.forge.facts['user']}/{place.name}/branch_protections", json=rule)
    text = error_of(lambda: publish(place.remote(kind), {"b": b"b"}), PushRefused)
    assert "Not allowed to push to protected branch main" in text
    assert "pre-receive hook declined" in text


def test_wrong_access_is_told_apart(place: Place, tmp_path: Path) -> None:
    port, user = place.forge.facts["ssh_port"], place.forge.facts["user"]
    stranger, other_host = make_key(tmp_path)
    encrypted, _public = make_key(tmp_path, "right")
    other = " ".join([f"[127.0.0.1]:{port}", *other_host.split()[:2]])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = listener.getsockname()[1]
    cases = {
        "host key is not in known_hosts": replace(place.ssh, known_hosts=None),
        "another host key than the pinned one": replace(place.ssh, known_hosts=other),
        "refuses the SSH key": replace(place.ssh, private_key=stranger),
        "passphrase (fleet_repository_passphrase) does not open": replace(
            place.ssh, private_key=encrypted, passphrase="wrong"
        ),
        "server refuses the SSH key": replace(place.ssh, private_key=encrypted, passphrase="right"),
        "cannot read the private key": replace(place.ssh, private_key="nonsense"),
        "refuses the token": replace(place.https, token="wrong-" + secrets.token_hex(8)),
        "wants credentials": replace(place.https, token=None),
        "certificate is not trusted": replace(place.https, ca_cert=None),
        "no such repository": replace(place.https, url=place.https.url.replace(place.name, "absent")),
        f"repository: {user}/absent": replace(place.ssh, url=place.ssh.url.replace(place.name, "absent")),
        "name cannot be resolved": replace(place.https, url="https://forge.invalid/a/b.git"),
        "Could not resolve hostname": replace(place.ssh, url="ssh://git@forge.invalid/a/b.git"),
        "cannot be reached": replace(place.https, url=f"https://127.0.0.1:{closed}/a/b.git"),
    }
    for words, remote in cases.items():
        with Repository(remote) as repository:
            text = error_of(repository.fetch)
        assert words in text
        assert text.startswith(remote.url)


def test_server_that_never_answers_is_left(place: Place, temporary: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = "127.0.0.1:" + str(listener.getsockname()[1])
        for url in (f"ssh://git@{address}/a.git", f"https://{address}/a.git"):
            with Repository(replace(place.ssh, url=url), timeout=2) as repository:
                assert "no result within 2 s" in error_of(repository.fetch)
                command_lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
                assert not [line for line in command_lines if str(repository._git.folder).encode() in line]
    assert list(temporary.iterdir()) == []


def test_environment_of_the_user_is_kept_out(place: Place, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (temporary / ".gitconfig").write_text(
        '[url "file:///nowhere"]\n\tinsteadOf = https://\n[core]\n\tsshCommand = false\n'
    )
    for name, value in {
        "HOME": str(temporary),
        "GIT_DIR": "/nowhere",
        "GIT_SSH_COMMAND": "false",
        "GIT_TRACE": str(temporary / "trace"),
        "GIT_SSL_CAINFO": "/nowhere",
        "GIT_CONFIG_COUNT": "x",
    }.items():
        monkeypatch.setenv(name, value)
    for kind in KINDS:
        with Repository(place.remote(kind)) as repository:
            assert repository.head is None
    (temporary / ".gitconfig").unlink()
    assert list(temporary.iterdir()) == []
    monkeypatch.setenv("GIT_SSL_NO_VERIFY", "1")
    monkeypatch.delenv("GIT_SSL_CAINFO")
    with Repository(replace(place.https, ca_cert=None)) as repository:
        assert "certificate is not trusted" in error_of(repository.fetch)


def test_agent_of_the_user_serves_only_without_a_key(place: Place, tmp_path: Path) -> None:
    address = str(tmp_path / "agent")
    variables = {"SSH_AUTH_SOCK": address}
    command = ["ssh-agent", "-D", "-a", address]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as agent:
        try:
            assert agent.stdout
            agent.stdout.readline()  # it listens once it has said where
            key = str(place.ssh.private_key).encode()
            subprocess.run(["ssh-add", "-q", "-"], input=key, check=True, env=os.environ | variables)
            with Repository(replace(place.ssh, private_key=None), environment=variables) as repository:
                assert repository.head is None
            stranger, _public = make_key(tmp_path)
            with Repository(replace(place.ssh, private_key=stranger), environment=variables) as repository:
                assert "refuses the SSH key" in error_of(repository.fetch)
        finally:
            agent.terminate()


def test_proxy_of_the_environment_is_used(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        listener.settimeout(60)

        def first_line() -> bytes:
            connection, _address = listener.accept()
            with connection:
                line = connection.recv(4096).split(b"\r\n")[0]
                connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return line

        asked = pool.submit(first_line)
        proxies = {"https_proxy": f"http://127.0.0.1:{listener.getsockname()[1]}", "no_proxy": ""}
        with Repository(place.https, environment=proxies) as repository:
            error_of(repository.fetch)
        host = place.https.url.split("/")[2]
        assert asked.result() == f"CONNECT {host} HTTP/1.1".encode()


def test_git_that_is_missing_or_old_is_named(bare: Remote, tmp_path: Path) -> None:
    for script, words in {
        "": "was not found",
        "#!/bin/sh\necho git version 2.30.2\n": "2.34 or newer is needed",
    }.items():
        folder = tmp_path / secrets.token_hex(4)
        folder.mkdir()
        if script:
            (folder / "git").write_text(script)
            (folder / "git").chmod(0o755)
        text = error_of(lambda path=folder: Repository(bare, environment={"PATH": str(path)}).__enter__())
        assert words in text


@pytest.mark.parametrize("head", ["refs/heads/gone", "refs/heads/other", "detached"])
def test_default_branch_of_the_server_does_not_matter(bare: Remote, head: str) -> None:
    first, server = publish(bare, {"a": b"1"}), bare.url.removeprefix("file://")
    other = publish(replace(bare, branch="other"), {"b": b"1"})
    place = ["update-ref", "--no-deref", "HEAD", str(other.revision)]
    command = place if head == "detached" else ["symbolic-ref", "HEAD", head]
    subprocess.run(["git", f"--git-dir={server}", *command], check=True)
    with Repository(bare) as repository:
        assert repository.head == first.revision
        assert list(repository.entries()) == ["a"]
    second = publish(bare, {"a": b"2"})
    assert (second.committed, second.previous) == (True, first.revision)


def test_full_disk_is_said(bare: Remote, tmp_path: Path, temporary: Path) -> None:
    publish(bare, {"a": secrets.token_bytes(100_000)})
    git, folder = shutil.which("git"), tmp_path / "path"
    folder.mkdir()
    # The kernel refuses what a file has beyond this size, as it does where a disk is full.
    (folder / "git").write_text(f'#!/bin/sh\ntrap "" XFSZ\nulimit -f 8\nexec {git} "$@"\n')
    (folder / "git").chmod(0o755)
    with Repository(bare, environment={"PATH": f"{folder}:{os.environ['PATH']}"}) as repository:
        text = error_of(lambda: repository.read(["a"]))
    assert "can't write its temporary files on this machine. Set TMPDIR to a folder with space" in text
    assert "File too large" in text
    assert list(temporary.iterdir()) == []


# Replies that are lost


class Cutter:
    """A TCP proxy before the forge: armed, it cuts the first connection whose answer comes after the push landed."""

    def __init__(self, port: int, landed: Callable[[], bool]) -> None:
        self.landed, self.target = landed, port
        self.armed, self.cuts = False, 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.accepting = threading.Thread(target=self.accept)

    def __enter__(self) -> Cutter:
        self.accepting.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)  # closing it alone would not end the accept
        self.accepting.join()
        self.listener.close()

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                for source, sink, answers in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self.pump, args=(source, sink, answers), daemon=True).start()

    def pump(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                with self.lock:
                    if answers and self.armed and self.landed():
                        self.armed, self.cuts = False, self.cuts + 1
                        break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("followed", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_push_whose_reply_is_lost_has_landed(place: Place, kind: str, followed: bool) -> None:
    (base,) = place.seed({"a": ("100644", b"a")})
    facts = place.forge.facts

    def landed() -> bool:
        moved = place.head() != base
        if moved and followed:
            publish(place.remote(kind), {"theirs": b"1"})
        return moved

    port = facts["ssh_port"] if kind == "ssh" else int(place.https.url.split("/")[2].split(":")[1])
    cutter = Cutter(port, landed)
    direct = place.remote(kind)
    known = direct.known_hosts.replace(f":{port}", f":{cutter.port}") if direct.known_hosts else None
    remote = replace(direct, url=direct.url.replace(f":{port}/", f":{cutter.port}/"), known_hosts=known)

    def propose(_repository: Repository) -> Proposal:
        cutter.armed = True
        return Proposal({"ours": b"1"}, "ours")

    with cutter, Repository(remote) as repository:
        published = transact(repository, propose)
    assert cutter.cuts == 1
    assert published.committed
    assert published.attempts == 1
    assert place.commits()[-2:] == [published.revision, base]
    assert len(place.commits()) == (3 if followed else 2)


# History


@pytest.mark.parametrize("kind", KINDS)
def test_contains_deepens_as_far_as_needed(place: Place, kind: str) -> None:
    commits = place.seed({"a": ("100644", b"a")}, commits=1_500)
    side = place.git("commit-tree", f"{commits[700]}^{{tree}}", "-p", commits[700], "-m", "side")
    place.git("push", "--quiet", place.https.url, f"{side}:refs/heads/side")
    with Repository(place.remote(kind)) as repository:
        assert repository.contains(commits[-1], commits[-1])
        assert repository.contains(commits[-1], commits[-2])
        assert not repository.contains(commits[-2], commits[-1])
        assert repository.contains(commits[-1], commits[800])
        assert not repository.contains(commits[-1], side)
        assert repository.contains(side, commits[3])
        assert repository.contains(commits[-1], commits[0])
        assert not repository.contains(commits[-1], ABSENT)
        assert not repository.contains(ABSENT, commits[0])  # one of another repository, as a moved cluster has applied
        assert "no commit id" in error_of(lambda: repository.contains("main", commits[0]))
        kinds = repository._git.run(
            "cat-file", "--batch-all-objects", "--batch-check=%(objecttype)", repository="history"
        )
        assert set(kinds.split()) == {b"commit"}


def test_server_without_filters_is_read_plainly(bare: Remote, tmp_path: Path) -> None:
    first = publish(bare, {"a": b"1", "b/c": b"2"})
    second = publish(bare, {"a": b"3"})
    with Repository(bare) as repository:
        assert repository.read(["a", "b/c"]) == {"a": b"3", "b/c": b"2"}
        assert repository.contains(str(second.revision), str(first.revision))
        assert not repository.contains(str(first.revision), str(second.revision))
        repository.can_push()


# Secrets, and what a killed run leaves


class Sampler:
    """Looks for canaries in the command lines and environments of all other processes and in a folder, all the time."""

    def __init__(self, folder: Path, canaries: list[str]) -> None:
        self.folder, self.canaries = folder, [canary.encode() for canary in canaries]
        self.found: set[str] = set()
        self.seen: set[bytes] = set()
        self.files = 0
        self.done = threading.Event()

    def __enter__(self) -> Sampler:
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self.done.set()
        self.thread.join()

    def run(self) -> None:
        while not self.done.is_set():
            self.look()

    def look(self) -> None:
        own = str(os.getpid())
        for process in Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                with contextlib.suppress(OSError):
                    content = (process / name).read_bytes()
                    self.check(f"{name} of {content[:60]!r}", b"" if process.name == own else content)
                    if name == "cmdline":
                        self.seen.add(content.split(b"\0")[0].rpartition(b"/")[2])
        for folder, _folders, files in os.walk(self.folder):  # it bears that what it walks goes away
            for path in (Path(folder, name) for name in files):
                with contextlib.suppress(OSError):
                    self.check(str(path), path.read_bytes())
                    self.files += 1

    def check(self, where: str, content: bytes) -> None:
        if any(canary in content for canary in self.canaries):
            self.found.add(where)


def canaries_of(place: Place) -> list[str]:
    """The token, and a line of each private key that no other key has."""
    keys = [remote.private_key for remote in (place.ssh, place.read_only)]
    return [str(place.https.token), *(key.splitlines()[3] for key in keys if key)]


def test_secrets_are_seen_nowhere(place: Place, temporary: Path) -> None:
    token = place.forge.create_token(place.forge.facts["user"], ["all"])
    place = replace(place, https=replace(place.https, token=token))
    canaries = canaries_of(place)
    texts = [repr(place.ssh), repr(place.https)]
    with Sampler(temporary, canaries) as sampler:
        for kind in KINDS:
            publish(place.remote(kind), {kind: b"1"})
            publish(place.remote(kind), {kind: b"2"})
        texts.append(error_of(lambda: publish(place.read_only, {"x": b"1"})))
        leaky = replace(place.https, url=place.https.url.replace("https://", f"https://x:{token}@"))
        texts.append(error_of(lambda: publish(leaky, {"x": b"1"}), InvalidInput))
        texts.append(error_of(lambda: publish(replace(place.https, url=place.https.url + "x"), {"x": b"1"})))
    assert {b"git", b"ssh"} <= sampler.seen
    assert sampler.files
    assert not sampler.found
    assert not [text for text in texts for canary in canaries if canary in text]
    assert list(temporary.iterdir()) == []


KILLED = """
import json, sys, time
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git import Proposal, Remote, Repository, transact
with Repository(Remote(**json.load(sys.stdin))) as repository:
    repository.commit({"a": b"1"}, "never pushed")
    print("here", flush=True)
    time.sleep(600)
"""


def test_killed_run_leaves_no_secret_and_is_swept(place: Place, bare: Remote, temporary: Path) -> None:
    for kind in KINDS:
        description = json.dumps(asdict(place.remote(kind)))
        process = subprocess.Popen([sys.executable, "-c", KILLED], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with process:
            try:
                assert process.stdin
                assert process.stdout
                process.stdin.write(description.encode())
                process.stdin.close()
                assert process.stdout.readline() == b"here\n"
                young = {path.name for path in temporary.iterdir()}
            finally:
                process.send_signal(signal.SIGKILL)
    left = list(temporary.iterdir())
    assert len(left) == 2
    assert {path.stat().st_mode & 0o777 for path in left} == {0o700}
    sampler = Sampler(temporary, [*canaries_of(place), str(place.forge.facts["token"])])
    sampler.look()
    assert sampler.files
    assert not sampler.found
    assert place.commits() == []
    with Repository(bare) as repository:
        live = repository._git.folder
        for folder in (*left, live):
            os.utime(folder, (0, 0))
        with Repository(bare):
            assert live.exists()
            assert not [folder for folder in left if folder.exists()]
            assert live.name not in young
    assert list(temporary.iterdir()) == []
    shutil.rmtree(temporary)
    assert "no place for temporary files" in error_of(lambda: Repository(bare).__enter__())
