# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's kustomization.yaml: our block comes and goes, every other byte stays."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, kustomization, patching, render
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.kustomization import BEGIN, END
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import COMPONENTS, MANIFEST, cluster
from ansible_collections.fluxops.fleet.tests.unit.plugins.tools import kustomize

WHERE = "clusters/stg-1/flux-system/kustomization.yaml"
OURS = render.patches(cluster(), Layout(), MANIFEST)
OTHERS = render.patches(cluster("prd-1", environment="production", lockdown="none"), Layout(), MANIFEST)
HEAD = (
    "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
    "resources:\n  - gotk-components.yaml\n  - gotk-sync.yaml\n"
)
MINE = "- target:\n    kind: Deployment\n  patch: |\n    - op: add\n      path: /metadata/labels/mine\n      value: x\n"
# The same with its dash on a line of its own.
APART = "-\n" + MINE.replace("- target", "  target")


def indented(text: str, width: int) -> str:
    """Every line further in."""
    return "".join(" " * width + line for line in text.splitlines(keepends=True))


def less_block(text: str) -> str:
    """The bytes outside of our block."""
    begin, end = text.index(BEGIN), text.index(END) + len(END)
    return text[: text.rindex("\n", 0, begin) + 1] + text[end:].removeprefix("\n")


def targets(text: str) -> list[dict[str, Any]]:
    """The targets of all patches of a file, in order."""
    (document,) = documents.read(text, WHERE)
    return [patch["target"] for patch in document["patches"]]


def refusal(text: str) -> str:
    """Why an update is refused; it names the file."""
    with pytest.raises(InvalidInput) as caught:
        kustomization.update(text, OURS, WHERE)
    assert {problem.where for problem in caught.value.problems} == {WHERE}
    return str(caught.value)


comments = st.sampled_from(
    ["", "# a comment\n", "\n", "  # further in\n\n", "# BEGIN of something\n# END\n", "# ümläut\n"]
)


@st.composite
def files(draw: Any) -> tuple[str, str]:
    """Part before the list of patches, and the list with all after it; a user's own file, in many styles."""
    before = draw(comments) + draw(st.sampled_from(["", "---\n"])) + draw(comments)
    before += HEAD.replace("  - ", draw(st.sampled_from(["- ", "  - ", "    -   "])))
    before += draw(st.sampled_from(["", "images:\n- {name: x, newTag: '1'}\n", "namespace: flux-system # why\n"]))
    width = draw(st.sampled_from([0, 2, 4]))
    item = draw(st.sampled_from([MINE, APART, "- path: mine.yaml\n", "- {path: mine.yaml} # flow\n"]))
    items = "".join(draw(comments) + indented(item, width) for _number in range(draw(st.integers(0, 3))))
    after = (
        items + draw(comments) + draw(st.sampled_from(["", "labels: []\n", "commonAnnotations: {a: b}\n# the end\n"]))
    )
    return before + draw(comments), after


@given(files(), st.sampled_from(["patches:\n", "patches: # mine\n", "patches:   \n"]))
def test_update_with_a_list_keeps_every_other_byte(parts: tuple[str, str], key: str) -> None:
    before, after = parts
    updated = kustomization.update(before + key + after, OURS, WHERE)
    assert less_block(updated) == before + key + after
    mine = documents.read(before + key + after, WHERE)[0]["patches"] or []
    assert documents.read(updated, WHERE)[0]["patches"][len(OURS) :] == mine
    assert kustomization.update(updated, OURS, WHERE) == updated


@given(files())
def test_update_without_a_list_keeps_every_byte(parts: tuple[str, str]) -> None:
    text = parts[0]
    updated = kustomization.update(text, OURS, WHERE)
    assert less_block(updated) == text + "patches:\n"
    assert kustomization.update(updated, OURS, WHERE) == updated


@given(files(), st.sampled_from(["patches: []\n", "patches: [ ]\n", "patches:  [] # none yet\n"]))
def test_update_with_an_empty_list_opens_it(parts: tuple[str, str], key: str) -> None:
    before, comment = parts[0], key.partition("#")[2]
    updated = kustomization.update(before + key + "labels: []\n", OURS, WHERE)
    assert updated.startswith(before + "patches:")
    assert comment in updated
    assert updated.endswith("labels: []\n")
    assert targets(updated) == [patch["target"] for patch in OURS]
    assert kustomization.update(updated, OURS, WHERE) == updated


@given(files())
def test_update_changes_our_block_alone(parts: tuple[str, str]) -> None:
    before, after = parts
    text = before + "patches:\n" + after
    there, back = kustomization.update(text, OURS, WHERE), kustomization.update(text, OTHERS, WHERE)
    assert less_block(there) == less_block(back)
    assert kustomization.update(there, OTHERS, WHERE) == back
    assert kustomization.update(back, OURS, WHERE) == there


@given(files())
def test_update_with_windows_line_ends_keeps_them(parts: tuple[str, str]) -> None:
    before, after = parts
    text = (before + "patches:\n" + after).replace("\n", "\r\n")
    updated = kustomization.update(text, OURS, WHERE)
    assert less_block(updated) == text
    assert kustomization.update(updated, OURS, WHERE) == updated


@pytest.mark.parametrize("width", [0, 2, 4])
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_update_finds_our_block_where_people_moved_it(width: int, place: str) -> None:
    block = kustomization.update(HEAD + "patches:\n", OTHERS, WHERE).partition("patches:\n")[2]
    order = {"first": [block, MINE, MINE], "middle": [MINE, block, MINE], "last": [MINE, MINE, block]}[place]
    text = HEAD + "patches:\n" + "".join(indented(part, width) for part in order) + "# the end\n"
    updated = kustomization.update(text, OURS, WHERE)
    assert less_block(updated) == less_block(text)
    assert len(targets(updated)) == len(OURS) + 2
    assert kustomization.update(updated, OURS, WHERE) == updated


def test_update_file_that_does_not_end_its_last_line() -> None:
    assert kustomization.update(HEAD.rstrip("\n"), OURS, WHERE) == kustomization.update(HEAD, OURS, WHERE)


@pytest.mark.parametrize("text", ["", "\n", "---\n", "# my notes\n", "# my notes\n---\n", "# no line end"])
def test_update_empty_file_becomes_a_fresh_one(text: str) -> None:
    updated = kustomization.update(text, OURS, WHERE)
    assert updated.startswith(text)
    assert documents.read(updated, WHERE) == documents.read(kustomization.fresh(OURS), WHERE)
    assert kustomization.update(updated, OURS, WHERE) == updated


def test_fresh_names_the_files_of_flux_and_nothing_of_users() -> None:
    text = kustomization.fresh(OURS)
    (document,) = documents.read(text, WHERE)
    assert document["resources"] == ["gotk-components.yaml", "gotk-sync.yaml"]
    assert kustomization.update(text, OURS, WHERE) == text
    assert kustomization.without_block(text, WHERE) == {key: document[key] for key in document if key != "patches"}
    assert kustomization.user_changes(text, WHERE) == []


@pytest.mark.parametrize(
    "patches",
    [
        "patches: [{path: mine.yaml}]\n",
        '"patches":\n- path: mine.yaml\n',
        "patches: ~\n",
        "patches:\n  [{path: mine.yaml}]\n",
    ],
)
def test_update_form_without_room_is_refused_with_the_remedy(patches: str) -> None:
    assert "write 'patches:' as a list with one '- ' a line" in refusal(HEAD + patches)


@pytest.mark.parametrize(
    "text",
    [
        HEAD + f"patches:\n{BEGIN}\n{MINE}",
        HEAD + f"patches:\n{MINE}{END}\n",
        HEAD + f"patches:\n{END}\n{MINE}{BEGIN}\n",
        HEAD + f"patches:\n{BEGIN}\n{END}\n{MINE}{BEGIN}\n{END}\n",
        HEAD + f"patches:\n{BEGIN}\n{BEGIN}\n{MINE}{END}\n",
    ],
)
def test_update_block_without_both_ends_is_refused(text: str) -> None:
    assert "BEGIN" in refusal(text)


@pytest.mark.parametrize("tail", ["---\n", "...\n"])
def test_update_file_of_two_documents_is_refused(tail: str) -> None:
    more = HEAD if tail == "---\n" else ""
    text = HEAD + tail + more
    try:
        updated = kustomization.update(text, OURS, WHERE)
    except InvalidInput:
        return
    assert targets(updated) == [patch["target"] for patch in OURS]


@pytest.mark.parametrize("text", ["patches: [\n", "- a\n", "kind: a\nkind: b\n"])
def test_update_file_that_is_no_kustomization_is_refused(text: str) -> None:
    assert "YAML" in refusal(text)


def test_user_changes_names_what_only_kustomize_applies() -> None:
    text = kustomization.update(HEAD + "  - extra.yaml\nimages: []\npatches:\n" + MINE, OURS, WHERE)
    assert kustomization.user_changes(text, WHERE) == ["extra.yaml", "images", "patches"]


def test_apply_patches_leaves_its_input_alone() -> None:
    given_objects = documents.read(COMPONENTS, "x")
    kept = documents.read(COMPONENTS, "x")
    patched = patching.apply(given_objects, OURS)
    assert given_objects == kept
    assert patched != kept


def test_apply_patches_matches_whole_names() -> None:
    objects: list[dict[str, Any]] = [
        {"kind": kind, "metadata": {"name": name}, "spec": {"list": [1]}}
        for kind, name in (("A", "x"), ("A", "xx"), ("B", "x"))
    ]
    grow, new = patching.add("A", "x", "/spec/list/-", 2), patching.add("A", "x", "/spec/new", {"a": 1})
    patched = patching.apply(objects, [grow, new, grow, new])
    assert patched[0]["spec"] == {"list": [1, 2, 2], "new": {"a": 1}}
    assert patched[1:] == objects[1:]


@pytest.mark.parametrize("lockdown", ["enforce", "none"])
@pytest.mark.parametrize("users", ["", indented(MINE, 2), MINE])
def test_apply_patches_builds_what_kustomize_builds(tmp_path: Path, lockdown: str, users: str) -> None:
    command = kustomize()
    one = cluster(lockdown=lockdown)
    patches = render.patches(one, Layout(), MANIFEST)
    sync = render.sync_documents(one, Layout())
    text = kustomization.update(HEAD + "patches:\n" + users, patches, WHERE)
    contents = {"kustomization": text, "gotk-components": COMPONENTS, "gotk-sync": documents.write(sync)}
    for name, content in contents.items():
        (tmp_path / f"{name}.yaml").write_text(content, encoding="utf-8")
    built = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    expected = render.flux_objects(one, Layout(), MANIFEST)
    for document in expected:
        if users and document["kind"] == "Deployment":
            document["metadata"]["labels"]["mine"] = "x"
    assert by_name(yaml.safe_load_all(built.stdout)) == by_name(expected)


def by_name(found: Any) -> dict[tuple[str, str], Any]:
    """Objects by kind and name."""
    return {(document["kind"], document["metadata"]["name"]): document for document in found}


@pytest.mark.parametrize("kept", [[], ["gotk-sync.yaml"], ["gotk-components.yaml", "more.yaml"]])
def test_update_file_that_would_have_flux_remove_itself_is_refused(kept: list[str]) -> None:
    said = refusal(f"kind: Kustomization\nresources: {kept}\n")
    assert "resources" in said
    assert "Flux would remove itself" in said
