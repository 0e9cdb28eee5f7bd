# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Git's objects as values: what git prints of them; changes, which of them are real or unsafe; how git commits them.

Nothing here calls a program.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_author import Author

FOLDER = "040000"
_NAMES = {"120000": "a symbolic link", "160000": "a submodule", FOLDER: "a folder"}


@dataclass(frozen=True)
class Entry:
    """What a tree holds at a path: git's mode (six octal digits), its kind (blob, tree, commit) and its object id."""

    mode: str
    kind: str
    id: str

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file, executable or not."""
        return self.mode.startswith("100")


@dataclass(frozen=True)
class Commit:
    """What a commit says of itself: the id of its tree, those of its parents, its message."""

    tree: str
    parents: tuple[str, ...]
    message: str


@dataclass(frozen=True)
class Edit:
    """What becomes of one file: its mode and content; None deletes it."""

    mode: str
    content: bytes | None


def ancestors(path: str) -> Iterator[str]:
    """The folders that a path lies in: ``a/b/c`` gives ``a`` and ``a/b``."""
    return (path[: found.start()] for found in re.finditer("/", path))


def parse_listing(output: bytes) -> dict[str, Entry]:
    """Path to entry, from what ``git ls-tree -z`` printed."""
    found = {}
    for record in output.split(b"\0")[:-1]:
        facts, _tab, path = record.partition(b"\t")
        found[path.decode("utf-8", "surrogateescape")] = Entry(*facts.decode().split(" "))
    return found


def parse_contents(output: bytes) -> dict[str, bytes]:
    """Object id to content, from what ``git cat-file --batch`` printed."""
    found, position = {}, 0
    while position < len(output):
        line = output.index(b"\n", position)
        name, _kind, size = output[position:line].decode().split(" ")
        position = line + 1 + int(size)
        found[name] = output[line + 1 : position]
        position += 1
    return found


def parse_commit(output: bytes) -> Commit:
    """A commit, from what ``git cat-file commit`` printed."""
    head, _blank, message = output.decode("utf-8", "replace").partition("\n\n")
    found: dict[str, list[str]] = {"tree": [], "parent": []}
    for key, _space, value in (line.partition(" ") for line in head.splitlines()):
        found.setdefault(key, []).append(value)
    return Commit(found["tree"][0], tuple(found["parent"]), message)


def check_paths(changes: Mapping[str, bytes | None]) -> None:
    """Raises InvalidInput with every path that no repository may hold or that would leave it."""
    _raise_for({path: _path_problem(path) for path in changes})


def edits(changes: Mapping[str, bytes | None], listing: Mapping[str, Entry]) -> dict[str, Edit]:
    """The changes that differ from what the tree holds. ``listing`` has what it holds at the paths and above them.

    Raises InvalidInput with every path that is (or goes through) a symlink or a submodule, or where a file would take
    the place of a folder or the other way round. An existing file keeps its mode.
    """
    _raise_for({path: _place_problem(path, changes, listing) for path in changes})
    found = {}
    for path, content in changes.items():
        held = listing.get(path)
        if content is None and held:
            found[path] = Edit(held.mode, None)
        elif content is not None and (held is None or held.id != blob_id(content, len(held.id))):
            found[path] = Edit(held.mode if held else "100644", content)
    return found


def import_stream(reference: str, base: str | None, author: Author, message: str, changed: Mapping[str, Edit]) -> bytes:
    """What git-fast-import(1) reads to make one commit over ``base``, and to print its id.

    It reads only the folders on the way to what is changed, and no content that is there already.
    """
    lines = [f"commit {reference}", "mark :1", f"committer {author.name} <{author.email}> now"]
    stream = ["\n".join(lines).encode(), _data(message.rstrip("\n").encode() + b"\n")]
    if base:
        stream.append(f"from {base}".encode())
    # deletions first: a file may make room for a folder of its name
    stream += [b"D " + _quoted(path) for path, edit in changed.items() if edit.content is None]
    for path, edit in changed.items():
        if edit.content is not None:
            stream += [f"M {edit.mode} inline ".encode() + _quoted(path), _data(edit.content)]
    return b"\n".join([*stream, b"get-mark :1", b"done", b""])


def _raise_for(hints: Mapping[str, str | None]) -> None:
    problems = [Problem("repository", "path", path, hint) for path, hint in hints.items() if hint]
    if problems:
        raise InvalidInput(problems=problems)


def _path_problem(path: str) -> str | None:
    segments = path.split("/")
    if {"", ".", ".."} & set(segments):
        return "give a path within the repository, without empty segments, . and .."
    if any(segment.lower() == ".git" for segment in segments):
        return "must not have a segment .git"
    if re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", path):
        return "must be valid Unicode without control characters"
    return None


def _place_problem(path: str, changes: Mapping[str, bytes | None], listing: Mapping[str, Entry]) -> str | None:
    held = listing.get(path)
    if held and not held.is_file:
        return f"is {_NAMES.get(held.mode, held.kind)} in the repository, and is left alone"
    for above in ancestors(path):
        held = listing.get(above)
        if changes.get(above) is not None:
            return f"needs a folder {above}, which is a file of the same changes"
        if held and held.mode != FOLDER and not (held.is_file and above in changes):
            return f"would go through {above}, which is {_NAMES.get(held.mode, 'a file')} in the repository"
    return None


def blob_id(content: bytes, digits: int) -> str:
    """The id that git gives the content; repositories have SHA-1 or SHA-256, seen by the length of their ids."""
    digest = hashlib.sha256() if digits == 64 else hashlib.sha1(usedforsecurity=False)
    digest.update(b"blob %d\0" % len(content))
    digest.update(content)
    return digest.hexdigest()


def _data(content: bytes) -> bytes:
    return b"data %d\n%b" % (len(content), content)


def _quoted(path: str) -> bytes:
    """The path as a C string; what passed ``check_paths`` has no control characters."""
    return b'"' + path.encode().replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
