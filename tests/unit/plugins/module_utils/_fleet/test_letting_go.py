# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects leave directories of other people's layouts, and nothing else changes there."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.letting_go import Mark, emptied, mark, without
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.overlays import Tree
from ansible_collections.fluxops.fleet.tests.unit.plugins.old_fleets import PER_ENVIRONMENT


def thing(name: str, kind: str = "ConfigMap") -> str:
    return f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: {name}}}\n"


def leaves(files: Mapping[str, str], directory: str, *names: str) -> dict[str, set[Mark]]:
    """All objects of these names in a directory."""
    return {directory: {mark(one) for one in Tree(files).build(directory).objects if mark(one)[2] in names}}


def refusal(files: Mapping[str, str], leaving: Mapping[str, set[Mark]]) -> str:
    with pytest.raises(InvalidInput) as caught:
        without(Tree(files), leaving)
    return str(caught.value)


def test_a_tenant_leaves_the_list_of_its_environment_with_its_patch() -> None:
    ways = ("clusters/production-1", "projects/production", "clusters/staging-1")
    leaving = {**{way: set[Mark]() for way in ways}, **leaves(PER_ENVIRONMENT, "projects/staging", "search")}
    tree = Tree(PER_ENVIRONMENT)
    leaving["projects/staging"] |= {
        mark(one) for one in tree.build("projects/staging").objects if "/search/" in one.path
    }
    changed = without(tree, leaving)
    assert changed == {
        "projects/staging/kustomization.yaml": """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
# one line for each team
bases:
  - ../base/payments   # since 2021
patchesStrategicMerge:
  - payments.yaml
  # search has its own branch
""",
        "projects/staging/search.yaml": None,
    }


def test_documents_leave_their_file_and_files_go_that_are_empty() -> None:
    files = {
        "all/one.yaml": f"# ours\n{thing('a')}---\n# of b\n{thing('b')}---\n{thing('c')}",
        "all/d.yaml": thing("d"),
    }
    changed = without(Tree(files), leaves(files, "all", "b", "d"))
    assert changed == {"all/one.yaml": f"# ours\n{thing('a')}---\n{thing('c')}", "all/d.yaml": None}
    changed = without(Tree(files), leaves(files, "all", "a"))
    assert changed == {"all/one.yaml": f"# of b\n{thing('b')}---\n{thing('c')}"}


def test_what_loses_all_is_built_by_nobody() -> None:
    files = {"all/kustomization.yaml": "resources: [a.yaml]\n", "all/a.yaml": thing("a"), "other/b.yaml": thing("b")}
    leaving = {**leaves(files, "all", "a"), "other": set[Mark]()}
    assert emptied(Tree(files), leaving) == {"all"}
    assert without(Tree(files), leaving) == {"all/kustomization.yaml": None, "all/a.yaml": None}


def test_entries_below_entries() -> None:
    files = {
        "all/kustomization.yaml": "resources:\n- ../teams\n- x.yaml\npatches:\n- target: {kind: ConfigMap, name: a}\n"
        "  patch: '[{op: remove, path: /data}]'\n- target: {kind: ConfigMap}\n  patch: '[]'\n",
        "all/x.yaml": thing("x"),
        "teams/kustomization.yaml": "resources:\n- a.yaml\n- b.yaml\n",
        "teams/a.yaml": thing("a"),
        "teams/b.yaml": thing("b"),
    }
    changed = without(Tree(files), leaves(files, "all", "a"))
    assert changed == {
        "all/kustomization.yaml": "resources:\n- ../teams\n- x.yaml\npatches:\n- target: {kind: ConfigMap}\n"
        "  patch: '[]'\n",
        "teams/kustomization.yaml": "resources:\n- b.yaml\n",
        "teams/a.yaml": None,
    }
    files["late/kustomization.yaml"] = "resources:\n- ../teams\n"
    assert "late" in refusal(files, leaves(files, "all", "a"))


def test_what_can_not_be_taken_out_is_refused() -> None:
    files = {
        "all/kustomization.yaml": "resources: [a.yaml, b.yaml]\n",
        "all/a.yaml": thing("a"),
        "all/b.yaml": thing("b"),
    }
    assert "within brackets" in refusal(files, leaves(files, "all", "a"))
    files["all/kustomization.yaml"] = "resources:\n- a.yaml\n- b.yaml\nnamePrefix: x-\n"
    assert "all" in refusal(files, leaves(files, "all", "x-a"))


@given(st.lists(st.sampled_from("abcdefg"), unique=True, min_size=2), st.data())
def test_any_of_them_leave(names: list[str], data: st.DataObject) -> None:
    cuts = [data.draw(st.booleans()) for _name in names]
    files = {"all/kustomization.yaml": "resources:\n"}
    for number, name in enumerate(names):
        if cuts[number] or f"all/f{number - 1}.yaml" not in files:
            files[f"all/f{number}.yaml"] = thing(name)
            files["all/kustomization.yaml"] += f"  - f{number}.yaml  # {name}\n"
        else:
            files[f"all/f{number}.yaml"] = files.pop(f"all/f{number - 1}.yaml") + "---\n" + thing(name)
            files["all/kustomization.yaml"] = files["all/kustomization.yaml"].replace(f"f{number - 1}.", f"f{number}.")
    gone = data.draw(st.sets(st.sampled_from(names), min_size=1, max_size=len(names) - 1))
    changed = without(Tree(files), leaves(files, "all", *gone))
    after = {path: text for path, text in {**files, **changed}.items() if text is not None}
    left = [one.document["metadata"]["name"] for one in Tree(after).build("all").objects]
    assert left == [name for name in names if name not in gone]
    assert Tree(after).build("all").faults == []
