# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The install manifest from a file and from the flux program, by its digest or for the first time."""

from __future__ import annotations

import gzip
import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

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


@dataclass
class Mirror:
    """What a web server gives in place of a manifest."""

    url: str
    body: bytes = TEXT.encode()
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(made.status)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(made.body)

        def log_message(self, *_arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Mirror(f"http://127.0.0.1:{server.server_port}/install.yaml")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield made
        server.shutdown()


@pytest.mark.parametrize(
    ("headers", "status", "body", "words"),
    [
        ({"Content-Length": "400000"}, 200, TEXT.encode(), f"broke after {len(TEXT.encode())} of 400000 bytes"),
        ({"Content-Encoding": "gzip"}, 200, gzip.compress(TEXT.encode() * 99)[:-20], "can't be had"),
        ({"Transfer-Encoding": "chunked"}, 200, b"ffff\r\nkind:", "can't be had"),
        ({}, 503, b"", "503"),
    ],
    ids=["cut off", "cut off and compressed", "cut off in a chunk", "503"],
)
def test_manifest_that_does_not_come_whole_is_refused_also_at_its_first_use(
    mirror: Mirror, headers: dict[str, str], status: int, body: bytes, words: str
) -> None:
    mirror.headers, mirror.status, mirror.body = headers, status, body
    said = refusal(Distribution("v2.9.4", mirror.url, ""), "fetch")
    assert said.startswith(f"1 problem(s), nothing was written:\n  - stg-1: fleet_flux_manifest is '{mirror.url}'")
    assert words in said


def test_login_page_in_place_of_the_manifest_is_another_digest(mirror: Mirror) -> None:
    mirror.body = b"<!DOCTYPE html><title>Guest network</title>"
    said = refusal(Distribution("v2.9.4", mirror.url, DIGEST))
    assert f"has SHA-256 {hashlib.sha256(mirror.body).hexdigest()}: this is not the manifest that was pinned" in said


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
