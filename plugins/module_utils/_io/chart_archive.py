# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What a chart's archive says of its values and those of its subcharts, read without unpacking anything to a disk;
bounded as Helm bounds it."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, subcharts
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.subcharts import Contents, Subchart

# MaxDecompressedChartSize and MaxDecompressedFileSize of Helm's loader.
_LARGEST, _LARGEST_FILE = 100 * 1024 * 1024, 5 * 1024 * 1024
_DEEPEST = 8  # charts in charts
_SCHEMA, _VALUES, _CHART = "values.schema.json", "values.yaml", "Chart.yaml"
_UNREADABLE = "its archive can't be read"
_LISTS = (_CHART, "requirements.yaml")  # where dependencies stand; in charts of Helm 2 in the second
# Of what lies in charts/, Helm passes over names that begin with a dot or an underscore.
_TOLD = re.compile(
    r"(charts/[^/._][^/]*/)*(values\.schema\.json|values\.yaml|Chart\.yaml|requirements\.yaml|charts/[^/._][^/]*\.tgz)"
)
_INNER = re.compile(r"charts/([^/]+)(?:/(.+))?", re.DOTALL)
# A merge key, which our reader of YAML leaves as it stands.
_MERGED = re.compile(r"<<[\"']?\s*:")


def read(archive: bytes) -> Contents:
    """Raises ValueError for what is no chart."""
    return _contents(_files(archive, _Budget()))


@dataclass
class _Budget:
    """What may still be unpacked of an archive, those in it among it."""

    left: int = _LARGEST
    depth: int = _DEEPEST


@dataclass
class _Folder:
    """A chart's files that tell of values, by name, and its charts, by their folder or archive."""

    files: dict[str, bytes] = field(default_factory=dict)
    charts: dict[str, _Folder] = field(default_factory=dict)

    def put(self, path: str, content: bytes, budget: _Budget) -> None:
        """One file of the archive, where it belongs."""
        inner = _INNER.fullmatch(path)
        if not inner:
            self.files[path] = content
        elif inner[2]:
            self.charts.setdefault(inner[1], _Folder()).put(inner[2], content, budget)
        else:
            self.charts[inner[1]] = _files(content, budget)


def _contents(folder: _Folder) -> Contents:
    inner = {name: _inner(name, one) for name, one in folder.charts.items()}
    schema, more = _schema(folder.files), bool(folder.charts)
    if schema is None and not any(one.has_schema for one in inner.values()):
        return Contents()
    text = _text(folder.files, _VALUES)
    found, merged = _mapping(text, _VALUES), bool(_MERGED.search(text))
    # What merge keys bring might switch a subchart off.
    charts = [] if merged else list(_subcharts(folder, inner))
    return Contents(schema, found, more or merged, tuple(charts))


def _inner(place: str, folder: _Folder) -> Contents:
    try:
        return _contents(folder)
    except ValueError as error:
        raise ValueError(f"in charts/{place}: {error}") from None


def _subcharts(folder: _Folder, inner: Mapping[str, Contents]) -> Iterator[Subchart]:
    lists = [_mapping(_text(folder.files, name), name).get("dependencies") for name in _LISTS]
    dependencies = [one for each in lists if isinstance(each, list) for one in each if isinstance(one, Mapping)]
    for place, contents in inner.items():
        if contents.has_schema:
            about = _mapping(_text(folder.charts[place].files, _CHART), _CHART)
            yield from subcharts.listed(str(about.get("name")), dependencies, contents)


def _schema(files: Mapping[str, bytes]) -> Any:
    try:
        return json.loads(files[_SCHEMA]) if _SCHEMA in files else None
    except (ValueError, RecursionError):
        raise ValueError(f"its {_SCHEMA} is no JSON") from None


def _text(files: Mapping[str, bytes], name: str) -> str:
    try:
        return files.get(name, b"").decode()
    except ValueError:
        raise ValueError(f"its {name} can't be read") from None


def _mapping(text: str, name: str) -> Mapping[str, Any]:
    try:
        found = documents.read(text, name)
    except (InvalidInput, ValueError):
        raise ValueError(f"its {name} can't be read") from None
    return found[0] if found else {}


def _files(archive: bytes, budget: _Budget) -> _Folder:
    try:
        return _unpacked(archive, budget)
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, OverflowError) as error:
        words = str(error)  # perhaps of an archive in it
        raise ValueError(words if words.startswith(_UNREADABLE) else f"{_UNREADABLE} ({words})") from None


def _unpacked(archive: bytes, budget: _Budget) -> _Folder:
    """The files that tell of values. The first folder's name says nothing to Helm."""
    found = _Folder()
    budget.depth -= 1
    if budget.depth < 0:
        raise ValueError(f"charts in it lie more than {_DEEPEST} deep")
    with (
        gzip.GzipFile(fileobj=io.BytesIO(archive)) as unpacked,
        tarfile.open(fileobj=_Bounded(unpacked, budget), mode="r|") as tar,
    ):
        for entry in tar:
            path = entry.name.partition("/")[2]
            content = tar.extractfile(entry) if _TOLD.fullmatch(path) and entry.isreg() else None
            if content:
                if entry.size > _LARGEST_FILE:
                    raise ValueError(f"{path} is larger than {_LARGEST_FILE} bytes")
                found.put(path, content.read(), budget)
    budget.depth += 1
    return found


class _Bounded(io.RawIOBase):
    """A stream that ends with an error where it comes to more than a chart may hold."""

    def __init__(self, stream: io.BufferedIOBase | gzip.GzipFile, budget: _Budget) -> None:
        super().__init__()
        self._stream = stream
        self._budget = budget

    def read(self, size: int = -1) -> bytes:
        """At most so many bytes."""
        left = self._budget.left
        content = self._stream.read(left + 1 if size < 0 else min(size, left + 1))
        self._budget.left -= len(content)
        if self._budget.left < 0:
            raise ValueError(f"it holds more than {_LARGEST} bytes")
        return content
