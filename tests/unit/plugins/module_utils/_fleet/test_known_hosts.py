# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a known_hosts text pins the key of a host."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import known_hosts

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGm0"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("ssh://git@git.example/a.git", "git.example"),
        ("ssh://git@git.example:22/a.git", "git.example"),
        ("ssh://git@git.example:2222/a.git", "[git.example]:2222"),
        ("ssh://git@GIT.example/a.git", "git.example"),
    ],
)
def test_entry(url: str, name: str) -> None:
    assert known_hosts.entry(url) == name


@pytest.mark.parametrize(
    ("line", "name", "found"),
    [
        (f"git.example {KEY}", "git.example", True),
        (f"git.example {KEY} a comment", "git.example", True),
        (f"  git.example\t{KEY}", "git.example", True),
        (f"GIT.example {KEY}", "git.example", True),
        (f"other.example,git.example,10.0.0.1 {KEY}", "git.example", True),
        (f"*.example {KEY}", "git.example", True),
        (f"gi?.example {KEY}", "git.example", True),
        (f"*.example,!git.example {KEY}", "git.example", False),
        (f"[git.example]:2222 {KEY}", "[git.example]:2222", True),
        (f"[git.example]:2222 {KEY}", "git.example", False),
        (f"git.example {KEY}", "[git.example]:2222", False),
        (f"@cert-authority *.example {KEY}", "git.example", True),
        (f"@revoked git.example {KEY}", "git.example", False),
        (f"# git.example {KEY}", "git.example", False),
        (f"#git.example {KEY}", "git.example", False),
        (f"gitxexample {KEY}", "git.example", False),
        (f"git.example.evil {KEY}", "git.example", False),
        ("git.example", "git.example", False),
        ("git.example ssh-ed25519", "git.example", False),
        (f"|1|notbase64|%% {KEY}", "git.example", False),
        ("", "git.example", False),
    ],
)
def test_holds(line: str, name: str, *, found: bool) -> None:
    assert known_hosts.holds(f"# comment\n{line}\n\n", name) is found


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="hashes are made by OpenSSH's own program")
@pytest.mark.parametrize("name", ["git.example", "[git.example]:2222"])
def test_holds_hashed_names(tmp_path: Path, name: str) -> None:
    file = tmp_path / "known_hosts"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    file.write_text(f"{name} {(tmp_path / 'key.pub').read_text()}")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(file)], check=True, capture_output=True)
    hashed = file.read_text()
    assert hashed.startswith("|1|")
    assert known_hosts.holds(hashed, name)
    assert not known_hosts.holds(hashed, "other.example")


# As the forges publish them: see the sources beside the keys.
FINGERPRINTS = {
    "github.com": ["+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU", "p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM"],
    "gitlab.com": ["eUXGGm1YGsMAS7vkcx6JOJdOGHPem5gQp4taiCfCLB8", "HbW3g8zUjNSksFbqTiUWPWg2Bq1x8xdGUrliXFzSnUw"],
    "bitbucket.org": ["ybgmFkzwOSotHTHLJgHO0QN8L0xErw6vd0VhFA9m3SM", "FC73VB6C4OQLSCrjEayhMp9UMxS97caD/Yyi2bhW/J0"],
    "codeberg.org": ["mIlxA9k46MmM6qdJOdMnAQpzGxF4WIVVL+fj+wZbw0g", "T9FYDEHELhVkulEKKwge5aVhVTbqCW0MIRwAfpARs/E"],
}


@pytest.mark.parametrize("host", sorted(FINGERPRINTS))
def test_published_keys_are_those_that_the_forge_names(host: str) -> None:
    lines = [line.split() for line in known_hosts.trusted(None, f"ssh://git@{host}/a/b.git").splitlines()]
    assert {name for name, _type, _key in lines} == {host}
    digests = [hashlib.sha256(base64.b64decode(key)).digest() for _name, _type, key in lines]
    assert [base64.b64encode(digest).decode().rstrip("=") for digest in digests] == FINGERPRINTS[host]


def test_what_is_given_wins_over_what_is_published() -> None:
    url, mine = "ssh://git@github.com/a/b.git", f"github.com {KEY}"
    assert known_hosts.trusted(mine, url) == mine
    both = known_hosts.trusted(f"git.example {KEY}", url).splitlines()
    assert both[0] == f"git.example {KEY}"
    assert both[1].startswith("github.com ssh-ed25519 ")
    for other in ("ssh://git@git.example/a.git", "ssh://git@github.com.evil/a.git", "ssh://git@github.com:2222/a.git"):
        assert known_hosts.trusted("", other) == ""
    assert known_hosts.trusted("x", "ssh://git@github.com:none/a.git") == "x"
