# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys as OpenSSH reads them, and whether they are encrypted."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import KEY_ALGORITHMS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import secret
from ansible_collections.fluxops.fleet.plugins.module_utils._io import keys


@pytest.mark.parametrize("algorithm", KEY_ALGORITHMS)
def test_openssh_reads_what_is_generated(algorithm: str, tmp_path: Path) -> None:
    pair = keys.generate("here", algorithm)
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_text(pair.private)
    said = subprocess.run(["ssh-keygen", "-y", "-f", str(path)], capture_output=True, text=True, check=True).stdout
    assert said.split()[:2] == pair.public.split()[:2] == keys.public_of(pair.private, "here").split()[:2]
    size = subprocess.run(["ssh-keygen", "-l", "-f", str(path)], capture_output=True, text=True, check=True).stdout
    assert size.split()[0] == {"ed25519": "256"}.get(algorithm, algorithm.rpartition("-")[2].lstrip("p"))


@pytest.mark.parametrize("form", ["RFC4716", "PEM", "PKCS8"])
@pytest.mark.parametrize("passphrase", ["", "a pass phrase"])
def test_encryption_is_seen_in_the_text(form: str, passphrase: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    command = ["ssh-keygen", "-q", "-t", "ecdsa", "-m", form, "-N", passphrase, "-f", str(path)]
    subprocess.run(command, check=True)
    assert secret.is_encrypted(path.read_text()) is bool(passphrase)
