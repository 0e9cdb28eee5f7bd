# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Files that have much alike, each document of them read and written once.

A hundred clusters of an environment have the same Flux Kustomizations of the same components, and to read and write
YAML is most of what a plan costs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput

# https://yaml.org/spec/1.2.2/#912-document-markers: at the beginning of a line these are never content.
_MARKER = re.compile(r"^---[ \t]*\r?\n", re.MULTILINE)
_KEPT = 4096  # documents


def read(text: str, where: str) -> list[Document]:
    """As ``documents.read``, for those who change nothing of what they get."""
    return [one for document, _canonical in _read(text, where) for one in document]


def digest(text: str, where: str) -> str:
    """The digest of the documents of a text; raises InvalidInput where it can't be read."""
    return documents.digest_of(canonical for _document, canonical in _read(text, where) if canonical)


def is_edited(text: str, where: str) -> bool:
    """Whether a file of ours no longer holds what we wrote last."""
    try:
        return digest(text, where) != documents.recorded_digest(text)
    except InvalidInput:
        return True


def _read(text: str, where: str) -> list[tuple[tuple[Document, ...], str]]:
    try:
        return [_part(part) for part in _MARKER.split(text)]
    except InvalidInput:
        # The whole says on which line it is wrong; and a directive belongs to the document that comes after it.
        return [((one,), documents.canonical(one) if one else "") for one in documents.read(text, where)]


@lru_cache(maxsize=_KEPT)
def _part(text: str) -> tuple[tuple[Document, ...], str]:
    """What stands between two markers, a document or none, and its canonical form."""
    found = tuple(documents.read(text, ""))
    return found, ",".join(documents.canonical(one) for one in found if one)


def write_owned(found: Iterable[Document]) -> str:
    """As ``documents.write_owned``."""
    parts = [_written(_Known(one)) for one in found]
    return documents.owned((text for text, _canonical in parts), (canonical for _text, canonical in parts if canonical))


class _Known:
    """A document that is known by how it is written: 1, 1.0 and true are three things, and so is an order of keys."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._form = repr(document)

    def __hash__(self) -> int:
        return hash(self._form)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Known) and other._form == self._form


@lru_cache(maxsize=_KEPT)
def _written(known: _Known) -> tuple[str, str]:
    """A document as YAML, and in its canonical form (empty for an empty one)."""
    return documents.write([known.document]), documents.canonical(known.document) if known.document else ""
