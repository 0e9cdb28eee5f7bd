# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""YAML as the fleet repository holds it: one way to write, one strict way to read, a header that knows edits."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem

Document = dict[str, Any]

HEADER = "# Written by fluxops.fleet from the inventory: change it there. An edit made here is held and reported.\n"
DIGEST = "# fluxops.fleet/digest: sha256:"

_DIGEST_LINE = re.compile(rf"^{re.escape(DIGEST)}([0-9a-f]{{64}})\r?$", re.MULTILINE)
# What YAML 1.1 (https://yaml.org/type/) or the YAML 1.2 core schema (https://yaml.org/spec/1.2.2/#103-core-schema)
# reads as something other than a string. Wider than either: a needless quote harms nobody.
_AMBIGUOUS = re.compile(
    r"[-+]?(\.[0-9_]|[0-9])[-+0-9_.,:eExXoObBa-fA-FT ]*Z?|[-+]?\.(inf|nan)|[yn~=]|<<|yes|no|on|off|true|false|null",
    re.IGNORECASE,
)

_BaseDumper: Any = object
_BaseLoader: Any = object
try:
    import yaml

    _BaseDumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    _BaseLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    IMPORT_ERROR: ImportError | None = None
except ImportError as error:  # the controller always has it; a bastion gets it with the Kubernetes client
    IMPORT_ERROR = error


class _Dumper(_BaseDumper):  # type: ignore[misc]
    """Block style, no aliases, ambiguous strings quoted, text of several lines as a literal block."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_str(dumper: Any, value: str) -> Any:
    style = "|" if "\n" in value else '"' if _AMBIGUOUS.fullmatch(value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


class _Loader(_BaseLoader):  # type: ignore[misc]
    """Reads as Kubernetes does: no dates, no sexagesimals, no yes/no; a key that stands twice is an error."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        # Only when it constructs deeply does PyYAML see a node that contains itself.
        return super().construct_object(node, deep=True)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[Any] = set()
        for key_node, _value in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, (str, int, float, bool)):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a scalar", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} stands twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


if IMPORT_ERROR is None:
    _Dumper.add_representer(str, _represent_str)
    for _tag, _pattern, _first in (
        ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
        ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
        ("int", r"[-+]?(0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
        ("float", r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+", "-+.0123456789"),
    ):
        _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))

    # Kubernetes knows JSON's types only.
    for _tag in ("binary", "timestamp", "omap", "pairs", "set"):
        _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _Loader.construct_undefined)


def write(documents: Iterable[Mapping[str, Any]]) -> str:
    """Documents as canonical YAML text, separated by ``---``; refuses text that is no Unicode."""
    return "---\n".join(_dump(dict(document)) for document in documents)


def write_list(items: list[Any]) -> str:
    """A list as canonical YAML text, for a place within a file that is not all ours."""
    return _dump(items)


def _dump(data: Any) -> str:
    try:
        text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=4096)
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        hint = f"character U+{ord(error.object[error.start]):04X} is half of a surrogate pair, which no file can hold"
        raise InvalidInput(problems=[Problem("rendered file", "text", "", hint)]) from None
    return text


def read(text: str, where: str) -> list[Document]:
    """The documents of a YAML text, empty ones left out. ``where`` names the file in errors."""
    documents = [document for document in trees(text, where) if document is not None]
    for document in documents:
        if not isinstance(document, dict):
            hint = f"each document must be a mapping, found {type(document).__name__}"
            raise InvalidInput(problems=[Problem(where, "YAML", "", hint)])
    return documents


def trees(text: str, where: str) -> list[Any]:
    """All documents of a YAML text, whatever they are. ``where`` names the file in errors."""
    try:
        return list(yaml.load_all(text, Loader=_Loader))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problem = Problem(where, "YAML", "", " ".join(str(error).split()))
        raise InvalidInput(problems=[problem]) from None


def part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """``metadata`` or ``spec`` of an object; empty where people wrote something else there."""
    found = document.get(name)
    return found if isinstance(found, Mapping) else {}


def nodes(text: str) -> list[Any]:
    """PyYAML's nodes of all documents of a text, which know their lines. Raises ValueError for what is no YAML."""
    try:
        return [node for node in yaml.compose_all(text, Loader=_Loader) if node is not None]
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(str(error)) from None


def mapping(value: Any) -> Mapping[str, Any]:
    """A mapping as it is; an empty one where people wrote something else."""
    return value if isinstance(value, Mapping) else {}


def label(document: Mapping[str, Any], key: str) -> str:
    """What an object's label says; empty where it has none. An object that people wrote may have any shape."""
    metadata = document.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, Mapping) else None
    return str(labels.get(key) or "") if isinstance(labels, Mapping) else ""


def digest(documents: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 (hex) over the JSON of the documents in order: sorted keys, no spaces, empty documents left out."""
    return digest_of(canonical(document) for document in documents if document)


def digest_of(forms: Iterable[str]) -> str:
    """The same of the canonical forms of documents."""
    return hashlib.sha256(f"[{','.join(forms)}]".encode()).hexdigest()


def canonical(document: Mapping[str, Any]) -> str:
    """A document as JSON that is the same for the same content."""
    # Once through JSON first: it makes text of keys, and keys of several types can't be sorted.
    return json.dumps(json.loads(json.dumps(document)), sort_keys=True, separators=(",", ":"))


def write_owned(documents: Iterable[Mapping[str, Any]]) -> str:
    """A file of ours: the header with the digest, then the documents."""
    kept = list(documents)
    return owned((write([one]) for one in kept), (canonical(one) for one in kept if one))


def owned(texts: Iterable[str], forms: Iterable[str]) -> str:
    """The same of documents that are written already, and of their canonical forms."""
    return "---\n".join([f"{HEADER}{DIGEST}{digest_of(forms)}\n", *texts])


def recorded_digest(text: str) -> str | None:
    """The digest in the header of a file of ours; None for a foreign file."""
    found = _DIGEST_LINE.search(text.split("---\n", 1)[0])
    return found.group(1) if found else None
