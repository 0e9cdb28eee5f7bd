# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests from files, directories and data: every problem of every one at once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request_reader import MAX_BYTES
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rules import Rules
from ansible_collections.fluxops.fleet.plugins.module_utils._io import requests
from ansible_collections.fluxops.fleet.tests.unit.plugins.tenant_samples import small

REQUEST = """\
tenant: {name}
owner: {{team: {name}}}
sources: [{{name: deploy, url: "https://git.example/{name}.git"}}]
environments: {{staging: {{ref: {{tag: 1.10}}}}}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the run is started in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "requests" / "teams").mkdir(parents=True)
    return tmp_path / "requests"


def names(*paths: str, data: tuple[dict[str, Any], ...] = ()) -> list[tuple[str, str]]:
    """The tenants that are found, and where each stands."""
    return [(one.name, one.request.place()) for one in requests.load(paths, data, Rules())]


def said(*paths: str, data: tuple[dict[str, Any], ...] = ()) -> list[str]:
    """What is wrong."""
    with pytest.raises(InvalidInput) as caught:
        requests.load(paths, data, Rules())
    return [str(one) for one in caught.value.problems]


def test_files_directories_and_data(folder: Path) -> None:
    (folder / "b.yml").write_text(REQUEST.format(name="b") + "---\n" + REQUEST.format(name="c"))
    (folder / "teams" / "a.yaml").write_text(REQUEST.format(name="a"))
    for ignored in (".hidden.yml", "notes.txt", "teams/x.yml~"):
        (folder / ignored).write_text("no: request")
    (folder.parent / "one.request").write_text(REQUEST.format(name="d"))
    assert names("requests/", "one.request", data=(small("e"),)) == [
        ("e", "fleet_tenants[0]"),
        ("b", "requests/b.yml:1"),
        ("c", "requests/b.yml:6"),
        ("a", "requests/teams/a.yaml:1"),
        ("d", "one.request:1"),
    ]


def test_values_are_as_they_were_written(folder: Path) -> None:
    (folder / "a.yml").write_text(REQUEST.format(name="a"))
    (found,) = requests.load(["requests"], (), Rules())
    assert found.placements[0].delivery.ref == ("tag", "1.10")


def test_data_is_as_the_inventory_has_it() -> None:
    (found,) = said(data=(small(environments={"staging": {"ref": {"tag": 1.1}}}),))
    assert found.startswith("fleet_tenants[0]: environments.staging.ref.tag is '1.1': the short name of a tag, found")
    assert found.endswith("a number: put it in quotes")


def test_every_problem_at_once(folder: Path) -> None:
    (folder / "a.yml").write_text(REQUEST.format(name="a"))
    (folder / "b.yml").write_text(REQUEST.format(name="a"))
    (folder / "c.yml").write_text("tenant: [\n")
    (folder / "d.yml").write_text("tenant: Foo\nowner: {team: x, tema: y}\n")
    (folder / "e.yml").write_bytes(b"#" * (MAX_BYTES + 1))
    found = said("requests", "missing.yml", data=({"tenant": 1},))
    assert len(found) == 12
    assert "missing.yml: fleet_requests: can't be read on the controller: No such file or directory" in found
    assert "requests/b.yml:1: tenant is 'a': this tenant stands twice, see requests/a.yml:1" in found
    assert "requests/d.yml:2: owner.tema: there is no such field, did you mean team? (known: team, contact)" in found


def test_directory_without_requests(folder: Path) -> None:
    assert said("requests") == ["requests: fleet_requests: no file in this directory ends in .yml or .yaml"]


def test_no_regular_file(folder: Path) -> None:
    os.mkfifo(folder / "a.yml")
    assert said("requests") == ["requests/a.yml: fleet_requests: this is no regular file"]
    assert said("/dev/zero") == ["/dev/zero: fleet_requests: this is no regular file"]


def test_endless_file_is_not_read_to_its_end(folder: Path) -> None:
    with (folder / "a.yml").open("wb") as file:
        file.truncate(10 * 1024**3)
    assert "at most" in said("requests")[0]
