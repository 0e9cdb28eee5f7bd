# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private keys of age are handed over once, through a file of the user's; and a checkout is looked through."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IDENTITY = re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]{58}")


def play(folder: Path, playbook: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A run that needs no cluster, in a folder of its own."""
    program = Path(sys.executable).with_name("ansible-playbook")
    command = [str(program), str(ROOT / "playbooks" / f"{playbook}.yml"), *arguments]
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "HOME": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_keys_are_handed_over_once_and_shown_nowhere(tmp_path: Path) -> None:
    path, password = tmp_path / "age.yml", tmp_path / "password"
    password.write_text("pw\n")
    names = ["-e", f"fleet_age_file={path}", "-e", '{"fleet_age_names": ["staging", "production"]}']
    vault = ["--vault-password-file", str(password)]
    refused = play(tmp_path, "age_keys", *names)
    assert (refused.returncode != 0, path.exists()) == (True, False)
    assert "no password to encrypt the file by" in refused.stdout
    assert play(tmp_path, "age_keys", *names, *vault, "--check").returncode == 0
    assert not path.exists()
    made = play(tmp_path, "age_keys", *names, *vault, "-vvv")
    assert made.returncode == 0, made.stdout
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("$ANSIBLE_VAULT;")
    shown = set(re.findall(r"age1[0-9a-z]{58}", made.stdout))
    assert len(shown) == 2
    kept = path.read_bytes()
    again = play(tmp_path, "age_keys", *names, *vault)
    assert (again.returncode, "changed=0" in again.stdout, path.read_bytes()) == (0, True, kept)
    assert set(re.findall(r"age1[0-9a-z]{58}", again.stdout)) == shown
    view = [str(Path(sys.executable).with_name("ansible-vault")), "view", *vault, str(path)]
    text = subprocess.run(view, capture_output=True, text=True, check=True).stdout
    identities = IDENTITY.findall(text)
    assert len(identities) == 2
    assert not [one for one in identities for said in (made, again) if one in said.stdout + said.stderr]
    more = play(tmp_path, "age_keys", *vault, *names[:2], "-e", '{"fleet_age_names": ["qa"]}')
    assert more.returncode != 0
    assert "has no key for qa: give another file" in " ".join(more.stdout.split())
    stranger = play(tmp_path, "age_keys", *names)
    assert "give the vault's password" in " ".join(stranger.stdout.split())


@pytest.mark.parametrize(("word", "code"), [("", 2), ('{"fleet_allow": ["plain_secret"]}', 0)])
def test_a_checkout_is_looked_through_for_secrets_in_clear(tmp_path: Path, word: str, code: int) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "door.yaml").write_text("# ours\nkind: Secret\nstringData: {key: canary}\n")
    run = play(tmp_path, "validate", "-e", "fleet_worktree=.", *(["-e", word] if word else []))
    assert run.returncode == code, run.stdout
    assert ("door.yaml:2: Secret without a name: key: stands in clear" in run.stdout) == (code != 0)
    assert "canary" not in run.stdout
