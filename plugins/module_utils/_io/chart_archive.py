# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What a chart's archive says of its values, read without unpacking anything; bounded as Helm bounds it."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput

# MaxDecompressedChartSize and MaxDecompressedFileSize of Helm's loader.
_LARGEST, _LARGEST_FILE = 100 * 1024 * 1024, 5 * 1024 * 1024
_SCHEMA, _VALUES, _SUBCHARTS = "values.schema.json", "values.yaml", "charts/"
# A merge key, which our reader of YAML leaves as it stands.
_MERGED = re.compile(r"<<[\"']?\s*:")


@dataclass(frozen=True)
class Contents:
    """A chart's schema (None where it has none) and its own values.

    ``more``: whether further values come in from elsewhere: those of subcharts, and of merge keys in the YAML.
    """

    schema: Any = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    more: bool = False


def read(archive: bytes) -> Contents:
    """Raises ValueError for what is no chart."""
    try:
        files, more = _files(archive)
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, OverflowError) as error:
        raise ValueError(f"its archive can't be read ({error})") from None
    if _SCHEMA not in files:
        return Contents()
    try:
        schema = json.loads(files[_SCHEMA])
    except (ValueError, RecursionError):
        raise ValueError(f"its {_SCHEMA} is no JSON") from None
    try:
        text = files.get(_VALUES, b"").decode()
        found = documents.read(text, _VALUES)
    except (InvalidInput, ValueError):
        raise ValueError(f"its {_VALUES} can't be read") from None
    return Contents(schema, found[0] if found else {}, more or bool(_MERGED.search(text)))


def _files(archive: bytes) -> tuple[dict[str, bytes], bool]:
    """The files that tell of values, and whether there are subcharts. The first folder's name says nothing to Helm."""
    files: dict[str, bytes] = {}
    more = False
    with (
        gzip.GzipFile(fileobj=io.BytesIO(archive)) as unpacked,
        tarfile.open(fileobj=_Bounded(unpacked), mode="r|") as tar,
    ):
        for entry in tar:
            path = entry.name.partition("/")[2]
            more = more or path.startswith(_SUBCHARTS)
            content = tar.extractfile(entry) if path in (_SCHEMA, _VALUES) and entry.isreg() else None
            if content:
                if entry.size > _LARGEST_FILE:
                    raise ValueError(f"{path} is larger than {_LARGEST_FILE} bytes")
                files[path] = content.read()
    return files, more


class _Bounded(io.RawIOBase):
    """A stream that ends with an error where it comes to more than a chart may hold."""

    def __init__(self, stream: io.BufferedIOBase | gzip.GzipFile) -> None:
        super().__init__()
        self._stream = stream
        self._left = _LARGEST

    def read(self, size: int = -1) -> bytes:
        """At most so many bytes."""
        content = self._stream.read(self._left + 1 if size < 0 else min(size, self._left + 1))
        self._left -= len(content)
        if self._left < 0:
            raise ValueError(f"it holds more than {_LARGEST} bytes")
        return content
