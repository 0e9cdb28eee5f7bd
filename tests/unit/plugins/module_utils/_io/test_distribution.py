# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The install manifest from a file and from the flux program, by its digest or for the first time."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Distribution
from ansible_collections.fluxops.fleet.plugins.module_utils._io import distribution

TEXT = "# ümläut\nkind: Namespace\n"
DIGEST = hashlib.sha256(TEXT.encode()).hexdigest()


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A manifest in a file."""
    path = tmp_path / "install.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def refusal(of: Distribution, get: str = "load") -> str:
    """What is said of a manifest that can't be had."""
    with pytest.raises(InvalidInput) as caught:
        getattr(distribution, get)(of, "stg-1")
    return str(caught.value)


def test_load_by_digest_and_share_it(release: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    wanted = Distribution("v2.9.4", str(release), DIGEST)
    assert distribution.load(wanted, "stg-1", str(cache)).text == TEXT
    release.unlink()
    assert distribution.load(wanted, "stg-1", str(cache)).digest == DIGEST


def test_load_refuses_a_changed_byte_and_names_both_digests(release: Path) -> None:
    release.write_text(TEXT + " ", encoding="utf-8")
    said = refusal(Distribution("v2.9.4", str(release), DIGEST))
    assert DIGEST in said
    assert hashlib.sha256(f"{TEXT} ".encode()).hexdigest() in said


def test_load_wants_a_digest_and_fetch_leaves_it_to_the_lock(release: Path) -> None:
    unknown = Distribution("v2.9.4", str(release), "")
    assert "run the phases repository and clusters together" in refusal(unknown)
    assert distribution.fetch(unknown, "stg-1").digest == DIGEST


@pytest.mark.parametrize("get", ["load", "fetch"])
def test_what_is_no_manifest_is_refused_by_name(tmp_path: Path, get: str) -> None:
    missing = Distribution("v2.9.4", str(tmp_path / "none.yaml"), DIGEST)
    assert "stg-1: fleet_flux_manifest" in refusal(missing, get)
    path = tmp_path / "image.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    assert "this is no text" in refusal(Distribution("v2.9.4", str(path), DIGEST), get)


def test_the_flux_program_is_missed_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "there is no flux program on PATH" in refusal(Distribution("v2.9.4", "flux", ""), "fetch")


@pytest.mark.skipif(not os.environ.get("FLUX"), reason="FLUX names no flux program")
def test_the_flux_program_says_what_it_installs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "flux").symlink_to(os.environ["FLUX"])
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = distribution.fetch(Distribution("v2.9.4", "flux", ""), "stg-1")
    assert found.version.startswith("v2.")
    assert {"source-controller", "kustomize-controller"} <= set(found.components)
    assert found.digest == distribution.fetch(Distribution("v2.9.4", "flux", ""), "stg-1").digest
