# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a directory is built from: the rules by which Flux takes files in, and all that a kustomization names."""

from __future__ import annotations

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import lines
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.build_sources import relative, sources
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.loaded import Loaded
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import Files

OBJECT = "kind: Namespace\napiVersion: v1\nmetadata: {name: a}\n"


def test_without_a_kustomization_all_manifests_below_are_taken_in() -> None:
    files = {
        "i/x/b.yaml": OBJECT,
        "i/x/a.yml": OBJECT,
        "i/x/deep/er/c.yaml": OBJECT,
        "i/x/.sops.yaml": "a",
        "i/x/.hidden/d.yaml": OBJECT,
        "i/x/README.md": "text",
        "i/x/whole/kustomization.yaml": "resources: [e.yaml]\n",
        "i/x/whole/e.yaml": OBJECT,
        "i/x/whole/not-named.yaml": OBJECT,
        "i/xy/f.yaml": OBJECT,
    }
    found = sources(Files(files), "i/x")
    assert found.resources == ["i/x/a.yml", "i/x/b.yaml", "i/x/deep/er/c.yaml", "i/x/whole"]
    assert found.faults == []
    assert set(found.texts) >= {"i/x/a.yml", "i/x/deep/er/c.yaml", "i/x/whole/kustomization.yaml", "i/x/whole/e.yaml"}
    assert "i/xy/f.yaml" not in found.texts


def test_all_that_a_kustomization_names_is_read() -> None:
    files = {
        "i/x/kustomization.yaml": """\
resources: [../base, own.yaml]
components: [../part]
patches: [{path: p.yaml}, {patch: "- {op: remove, path: /a}"}]
patchesStrategicMerge: [merge.yaml]
replacements: [{path: r.yaml}]
configMapGenerator:
- name: a
  files: [key=../texts/one.txt, two.txt]
  envs: [v.env]
configurations: [names.yaml]
""",
        "i/base/kustomization.yaml": "resources: [deep]\n",
        "i/base/deep/kustomization.yml": "resources: [o.yaml]\n",
        **dict.fromkeys(("i/base/deep/o.yaml", "i/x/own.yaml", "i/x/p.yaml", "i/x/merge.yaml", "i/x/r.yaml"), OBJECT),
        "i/part/kustomization.yaml": "kind: Component\n",
        **dict.fromkeys(("i/texts/one.txt", "i/x/two.txt", "i/x/v.env", "i/x/names.yaml"), "a=b\n"),
    }
    found = sources(Files(files), "i/x")
    assert (found.faults, found.remote, found.resources) == ([], [], [])
    assert set(found.texts) == set(files)
    for path in ("i/x/p.yaml", "i/x/merge.yaml", "i/x/r.yaml", "i/texts/one.txt", "i/x/v.env", "i/base/deep/o.yaml"):
        less = sources(Files({name: text for name, text in files.items() if name != path}), "i/x")
        assert [path in one.hint for one in less.faults] == [True], path


def test_a_directory_that_leads_back_to_itself_ends() -> None:
    files = {"i/x/kustomization.yaml": "resources: [../y]\n", "i/y/kustomization.yaml": "resources: [../x]\n"}
    assert set(sources(Files(files), "i/x").texts) == set(files)


@pytest.mark.parametrize(
    ("text", "line"),
    [("a: b\n", 0), ("a:\n  - b\n c\n", 3), ("a: [b\n", 2), ("a: b\n---\nc: 'd\n", 4), ("a: \x01b\n", 1), ("", 0)],
)
def test_line_of_what_is_no_yaml(text: str, line: int) -> None:
    found = lines.fault(text)
    assert (found.line if found else 0) == line


@pytest.mark.parametrize(
    ("path", "start", "expected"),
    [("i/a/b.yaml", ".o", "../i/a/b.yaml"), ("i/a", "i/b", "../a"), ("i/a", "", "i/a"), ("i/a/b", "i/a", "b")],
)
def test_relative(path: str, start: str, expected: str) -> None:
    assert relative(path, start) == expected


def test_a_snapshot_is_asked_once() -> None:
    asked: list[str] = []

    class Counting(Files):
        def paths(self, prefix: str) -> list[str]:
            asked.append(prefix)
            return super().paths(prefix)

    plain = Files({"i/a/b.yaml": "1", "i/ab.yaml": "2", "c/d.yaml": "3"})
    loaded = Loaded(Counting(plain.files), "i")
    for prefix in ("i", "i/", "i/a", "i/a/", "i/ab.yaml", "i/none"):
        assert loaded.paths(prefix) == plain.paths(prefix.rstrip("/")), prefix
    assert asked == ["i"]
    assert loaded.paths("c") == ["c/d.yaml"]
    assert loaded.read(["i/a/b.yaml", "c/d.yaml", "x"]) == {"i/a/b.yaml": "1", "c/d.yaml": "3"}
