# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a known_hosts text pins the key of a host."""

from __future__ import annotations

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
