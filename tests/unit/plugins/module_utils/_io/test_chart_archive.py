# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts' archives: what is read of them, and those that are none or do harm."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.subcharts import Contents, Subchart
from ansible_collections.fluxops.fleet.plugins.module_utils._io import chart_archive

SCHEMA = b'{"type": "object"}'


def packed(files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> bytes:
    """An archive of files, and of links (path → target)."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz", compresslevel=1) as tar:
        for path, target in (links or {}).items():
            entry = tarfile.TarInfo(path)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return written.getvalue()


def test_schema_and_own_values() -> None:
    files = {"app/Chart.yaml": b"", "app/values.yaml": b"a: 1\nb: {c: no}\n", "app/values.schema.json": SCHEMA}
    assert chart_archive.read(packed(files)) == Contents({"type": "object"}, {"a": 1, "b": {"c": "no"}})


@pytest.mark.parametrize(
    "files",
    [
        {"app/values.yaml": b"a: 1\n"},
        {"app/templates/values.schema.json": SCHEMA, "values.schema.json": SCHEMA},
    ],
)
def test_chart_without_a_schema(files: Mapping[str, bytes]) -> None:
    assert chart_archive.read(packed(files)).schema is None


CACHE = {"cache/Chart.yaml": b"name: cache\n", "cache/values.yaml": b"size: 1\n", "cache/values.schema.json": SCHEMA}


@pytest.mark.parametrize(
    "files",
    [
        {"app/charts/cache/Chart.yaml": b"name: cache\n"},
        {"app/charts/cache-1.tgz": packed({"cache/Chart.yaml": b"name: cache\n"})},
        {"app/values.yaml": b"a:\n  <<: {}\n"},
    ],
)
def test_values_that_come_from_elsewhere(files: Mapping[str, bytes]) -> None:
    found = chart_archive.read(packed({**files, "app/values.schema.json": SCHEMA}))
    assert (found.more, found.subcharts) == (True, ())


@pytest.mark.parametrize(
    "files",
    [
        {f"app/charts/{path}": content for path, content in CACHE.items()},
        {"app/charts/cache-1.0.0.tgz": packed(CACHE)},
    ],
)
@pytest.mark.parametrize("place", ["app/Chart.yaml", "app/requirements.yaml"])
def test_charts_in_a_chart(files: Mapping[str, bytes], place: str) -> None:
    dependencies = b"dependencies: [{name: cache, alias: store, condition: store.enabled}]\n"
    found = chart_archive.read(packed({**files, "app/values.yaml": b"a: 1\n", place: dependencies}))
    contents = Contents({"type": "object"}, {"size": 1})
    assert found == Contents(None, {"a": 1}, True, (Subchart("store", contents, ["store.enabled"], []),))
    assert found.has_schema


def test_charts_in_charts_in_a_chart() -> None:
    queue = {"queue/Chart.yaml": b"name: queue\n", "queue/charts/cache-1.tgz": packed(CACHE)}
    found = chart_archive.read(packed({"app/charts/queue-1.tgz": packed(queue)}))
    (outer,) = found.subcharts
    (inner,) = outer.contents.subcharts
    assert (outer.name, inner.name, inner.contents.defaults) == ("queue", "cache", {"size": 1})


@pytest.mark.parametrize("place", ["_cache", ".cache", "cache/templates", "cache/files/charts/x"])
def test_what_is_no_chart_in_a_chart_is_passed_over(place: str) -> None:
    assert chart_archive.read(packed({f"app/charts/{place}/values.schema.json": SCHEMA})) == Contents()


def test_what_merge_keys_bring_may_switch_charts_off() -> None:
    files = {"app/values.yaml": b"a:\n  <<: {}\n", "app/charts/cache-1.tgz": packed(CACHE)}
    assert chart_archive.read(packed(files)).subcharts == ()


def test_links_are_not_followed() -> None:
    found = packed({"app/x.json": SCHEMA}, {"app/values.schema.json": "x.json", "app/values.yaml": "/etc/passwd"})
    assert chart_archive.read(found) == Contents()


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (b"", "its archive can't be read"),
        (b"<html>", "its archive can't be read"),
        (packed({"app/values.schema.json": SCHEMA})[:-20], "its archive can't be read"),
        (gzip.compress(b"x" * 2000), "its archive can't be read"),
        (packed({"app/values.schema.json": bytes(6 * 1024 * 1024)}), "values.schema.json is larger than 5242880 bytes"),
        (packed({"app/values.schema.json": b"{]"}), "its values.schema.json is no JSON"),
        (packed({"app/values.schema.json": b"[" * 100000}), "its values.schema.json is no JSON"),
        (packed({"app/values.schema.json": SCHEMA, "app/values.yaml": b"a: [\n"}), "its values.yaml can't be read"),
        (packed({"app/values.schema.json": SCHEMA, "app/values.yaml": b"\xff"}), "its values.yaml can't be read"),
        (packed({"app/charts/cache-1.tgz": b"<html>"}), r"^its archive can't be read \(Not a gzip"),
        (packed({"app/charts/cache-1.tgz": packed(CACHE), "app/Chart.yaml": b"a: ["}), "its Chart.yaml can't be read"),
        (
            packed({"app/charts/cache-1.tgz": packed({**CACHE, "cache/values.schema.json": b"{]"})}),
            r"^in charts/cache-1.tgz: its values.schema.json is no JSON",
        ),
    ],
    ids=range(12),
)
def test_what_is_no_chart(archive: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        chart_archive.read(archive)


def test_archive_that_swells() -> None:
    archive = packed({"app/x": bytes(101 * 1024 * 1024), "app/values.schema.json": SCHEMA})
    assert len(archive) < 1024 * 1024
    with pytest.raises(ValueError, match="it holds more than 104857600 bytes"):
        chart_archive.read(archive)


def test_archive_whose_charts_swell_together() -> None:
    half = packed({"half/x": bytes(60 * 1024 * 1024)})
    with pytest.raises(ValueError, match="it holds more than 104857600 bytes"):
        chart_archive.read(packed({"app/charts/a-1.tgz": half, "app/charts/b-1.tgz": half}))


def test_archive_without_an_end() -> None:
    archive = packed(CACHE)
    for _depth in range(9):
        archive = packed({"app/charts/next-1.tgz": archive})
    with pytest.raises(ValueError, match="charts in it lie more than 8 deep"):
        chart_archive.read(archive)
