# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Values of Secrets that stand in the fleet repository in clear, whoever wrote them: objects, patches, generators."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.overlays import above, resolved
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot

ALLOW_PLAIN = "plain_secret"
HINT = (
    "stands in clear, for whoever reads the repository: encrypt it with SOPS, or keep it out of Git by fleet_secrets, "
    f"and renew what was committed already; if that is meant, run again with fleet_allow: [{ALLOW_PLAIN}]"
)
_GENERATOR = "secretGenerator"
_ENDINGS = (".yaml", ".yml", ".json")
# What may hold one at all. Most files do not, and reading YAML costs.
_SUSPECT = re.compile(rf"\bkind[\"']?\s*:\s*(?:[&!]\S+\s+)*[\"']?Secret\b|{_GENERATOR}")
_FIELDS = ("data", "stringData")
_VALUE = re.compile(r"(?:ENC\[AES256_GCM,.*)?", re.DOTALL)
# Keys of charts that hold what nobody else may know, and not its name or place.
_PASSWORD = re.compile(
    r"(password|passwd|passphrase|secret_?key|access_?key|api_?key|private_?key|token)$", re.IGNORECASE
)
# Nothing, a variable that Flux fills in, or what SOPS has encrypted.
_HARMLESS = re.compile(r"\s*|\$\{[^}]*\}|ENC\[AES256_GCM,.*", re.DOTALL)
# As SOPS marks what it has encrypted, in YAML, JSON, dotenv and binary files: https://getsops.io/docs/#examples
_ENCRYPTED_FILE = re.compile(r"^sops_mac=|^sops\s*:|\"sops\"\s*:\s*\{|^\[sops\]", re.MULTILINE)


def is_clear(one: Mapping[str, Any]) -> bool:
    """Whether an object is a Secret with values that anybody can read who reads its file."""
    given = [one[name] for name in _FIELDS if isinstance(one.get(name), Mapping)] if one.get("kind") == "Secret" else []
    values = [value for part in given for value in part.values()]
    return bool(values) and ("sops" not in one or not all(_VALUE.fullmatch(str(value or "")) for value in values))


def passwords(values: Mapping[str, Any]) -> list[str]:
    """The paths of what reads like a password among a chart's values: told, and not refused, since nobody knows."""
    found = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            found += [f"{key}.{path}" for path in passwords(value)]
        elif isinstance(value, str) and _PASSWORD.search(str(key)) and not _HARMLESS.fullmatch(value):
            found.append(str(key))
    return found


def in_files(snapshot: Snapshot, paths: Iterable[str], allow: Iterable[str] = ()) -> list[Problem]:
    """What the files of these paths hold in clear, with file and line; nothing where the word for it was said."""
    wanted = [path for path in paths if path.endswith(_ENDINGS)]
    return in_texts(snapshot.read(wanted), snapshot, allow) if wanted and ALLOW_PLAIN not in allow else []


def in_texts(texts: Mapping[str, str], snapshot: Snapshot, allow: Iterable[str] = ()) -> list[Problem]:
    """The same of files (path → text) that were read already."""
    if ALLOW_PLAIN in allow:
        return []
    places = {path: list(_in_text(text, path)) for path, text in texts.items()}
    files = {name for found in places.values() for one in found for name in one.files}
    generated = snapshot.read(files) if files else {}
    return [
        Problem(f"{path}:{one.line}", one.what, "", HINT)
        for path, found in places.items()
        for one in found
        if not one.files or any(_in_clear(generated.get(name)) for name in one.files)
    ]


def in_rendered(text: str, where: str, allow: Iterable[str] = ()) -> list[Problem]:
    """The same of a text that is still to be written. ``where`` names what it is made from."""
    found = [] if ALLOW_PLAIN in allow else _in_text(text, where)
    return [Problem(where, one.what, "", HINT) for one in found if not one.files]


@dataclass(frozen=True)
class _Place:
    """Something in clear at a line (from 1); where ``files`` are named, only if one of these is not encrypted."""

    line: int
    what: str
    files: tuple[str, ...] = ()


def _in_clear(text: str | None) -> bool:
    return text is not None and not _ENCRYPTED_FILE.search(text)


def _in_text(text: str, path: str, before: int = 0) -> Iterator[_Place]:
    """Of a file, or of a text within one that ``before`` lines come before; what is no YAML Flux does not apply."""
    if not _SUSPECT.search(text):
        return
    for node in _nodes(text):
        yield from _below(_Tree(node, path, before), node, set())


def _nodes(text: str) -> list[Any]:
    """PyYAML does not take all of JSON's escapes: where it does not, lines are not known."""
    try:
        return documents.nodes(text)
    except ValueError:
        pass
    try:
        return documents.nodes(documents.write_list([json.loads(text)]))
    except (ValueError, RecursionError, InvalidInput):
        return []


@dataclass(frozen=True)
class _Tree:
    """A document: its root, the file that it stands in, and the lines before it."""

    root: Any
    path: str
    before: int

    def line(self, node: Any) -> int:
        """Where a node stands, from 1."""
        return self.before + int(node.start_mark.line) + 1


def _below(tree: _Tree, node: Any, seen: set[int]) -> Iterator[_Place]:
    """All that stands in clear at a node and below; an alias leads to what was seen before."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if node.id == "mapping":
        fields = _fields(node)
        yield from _secret(tree, fields)
        yield from _generators(tree, fields)
        yield from _patch(tree, fields)
        for value in fields.values():
            yield from _below(tree, value, seen)
    elif node.id == "sequence":
        for item in node.value:
            yield from _below(tree, item, seen)
    elif "\n" in node.value:  # a patch, as kustomize and Flux take them
        yield from _in_text(node.value, tree.path, tree.before + int(node.start_mark.line) + 1)


def _fields(node: Any) -> dict[str, Any]:
    return {key.value: value for key, value in node.value if key.id == "scalar"}


def _text(fields: Mapping[str, Any], name: str) -> str:
    found = fields.get(name)
    return str(found.value) if found is not None and found.id == "scalar" else ""


def _secret(tree: _Tree, fields: Mapping[str, Any]) -> Iterator[_Place]:
    if _text(fields, "kind") != "Secret":
        return
    given = [fields[name] for name in _FIELDS if name in fields and fields[name].id == "mapping"]
    clear = sorted({name for one in given for name, value in _fields(one).items() if not _hidden(value)})
    unsealed = "sops" not in fields and any(one.value for one in given)
    if clear or unsealed:
        metadata = fields.get("metadata")
        named = _fields(metadata) if metadata is not None and metadata.id == "mapping" else {}
        name = "/".join(filter(None, (_text(named, "namespace"), _text(named, "name")))) or "without a name"
        names = clear or sorted(name for one in given for name in _fields(one))
        yield _Place(tree.line(fields["kind"]), f"Secret {name}: {', '.join(names)}")


def _hidden(value: Any) -> bool:
    return value.id == "scalar" and bool(_VALUE.fullmatch(value.value))


def _generators(tree: _Tree, fields: Mapping[str, Any]) -> Iterator[_Place]:
    """https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/secretgenerator/"""
    found = fields.get(_GENERATOR)
    for one in found.value if found is not None and found.id == "sequence" else ():
        own = _fields(one) if one.id == "mapping" else {}
        what = f"{_GENERATOR} {_text(own, 'name') or 'without a name'}"
        if "literals" in own and own["literals"].value:
            yield _Place(tree.line(own["literals"]), f"{what}: literals")
        named = [value for name in ("files", "envs") if name in own for value in own[name].value]
        named += [own["env"]] if "env" in own else []
        folder, names = above(tree.path), [value.value.rpartition("=")[2] for value in named if value.id == "scalar"]
        files = tuple(name for name in (resolved(folder, one) for one in names) if name)
        if files:
            yield _Place(tree.line(one), f"{what}: {', '.join(files)}", files)


def _patch(tree: _Tree, fields: Mapping[str, Any]) -> Iterator[_Place]:
    """A JSON patch (RFC 6902) of a Secret; any other kind of patch reads as an object."""
    target, patch = fields.get("target"), _text(fields, "patch")
    if target is None or target.id != "mapping" or _text(_fields(target), "kind") != "Secret":
        return
    operations = [
        _fields(one) for node in _nodes(patch) if node.id == "sequence" for one in node.value if one.id == "mapping"
    ]
    for one in operations:
        place = _text(one, "path")
        if place.startswith(tuple(f"/{name}" for name in _FIELDS)) and "value" in one and not _hidden(one["value"]):
            yield _Place(tree.line(fields["patch"]), f"patch of Secret {_text(_fields(target), 'name')}: {place}")
