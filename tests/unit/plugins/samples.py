# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several tests begin with: clusters, a small install manifest, the collection's own templates, any YAML tree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.controllers import Settings
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.manifest import Manifest
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Cluster

ROOT = Path(__file__).resolve().parents[3]
DIGEST = "ab" * 32
UID = "0a1b2c3d-0000-4000-8000-000000000001"
_TEMPLATES = ROOT / "roles" / "bootstrap" / "templates"
TEMPLATES = {
    path.relative_to(_TEMPLATES).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(_TEMPLATES.rglob("*.j2"))
}
COMPONENTS = (Path(__file__).parent / "components.yaml.txt").read_text(encoding="utf-8")
_SETTINGS = {one.name for one in fields(Settings)}
MANIFEST = Manifest(COMPONENTS, "install.yaml")


def parameters(**changes: Any) -> dict[str, Any]:
    """The parameters of one cluster as nouns get them; ``changes`` by the last name of a field."""
    values: dict[str, Any] = {
        "name": "stg-1",
        "environment": "staging",
        "repository": {"url": "ssh://git@git.example/platform/fleet.git", "branch": "main"},
        "flux": {
            "version": "v2.9.4",
            "manifest": "https://mirror.example/install.yaml",
            "digest": f"sha256:{DIGEST}",
            "lockdown": "enforce",
        },
        "substitutions": {},
    }
    for name, value in changes.items():
        known = (values, values["repository"], values["flux"])
        place = next((part for part in known if name in part), values["flux"] if name in _SETTINGS else values)
        place[name] = value
    return values


class Files:
    """A snapshot of a repository that holds these files."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def paths(self, prefix: str) -> list[str]:
        under = f"{prefix.rstrip('/')}/" if prefix else ""
        return sorted(path for path in self.files if path == prefix or path.startswith(under))

    def read(self, paths: Iterable[str]) -> dict[str, str]:
        return {path: self.files[path] for path in paths if path in self.files}


def cluster(host: str = "stg-1", uid: str = UID, **changes: Any) -> Cluster:
    """One cluster, valid unless a change makes it otherwise."""
    return Cluster.from_params(host, parameters(**{"name": host, **changes}), uid)


# What a reader of YAML 1.1 or 1.2, or a hasty writer, takes for something else than text.
_WORDS = """
1e3 08 0o17 0o8 017 on off yes No y N TRUE ~ null Null NULL 1:20 190:20:30 2026-11-22 2026-11-22T10:00:00Z 0x1f 0b1
.inf -.INF ._ .nan NaN = << 1_000 +1 -1 +.5 1. .5 1.e3 - ? : -- --- ... !!str !x &a *a | > % @ ` { } [ ] {} [] , # a:
b:c a#b \\ ' "
"""
_TEXTS = ("", " ", " x", "x ", "\t", "a: b", "a #b", "- a", "\n", "a\n", "\na", " a\n b", "a\n\n", "\r\n", "\ufeff")
AWKWARD = (*_WORDS.split(), *_TEXTS)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(AWKWARD)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3), max_leaves=8
)
mappings = st.dictionaries(text, trees, max_size=4)
labels = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,10}[a-z0-9])?", fullmatch=True)
