# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing and reading YAML: what is written, every reader reads as what it was."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import pytest
import yaml
from hypothesis import assume, example, given, reject
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import alike, documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import AWKWARD, mappings, text

try:
    from ruamel.yaml import YAML
except ImportError:  # the other readers are asked all the same
    YAML = None

# The patterns of YAML 1.1 as PyYAML reads it: everything here is more than text to somebody.
YAML_1_1 = sorted(
    {pattern.pattern for found in yaml.SafeLoader.yaml_implicit_resolvers.values() for _first, pattern in found}
)


def readers(written: str) -> list[Any]:
    """The tree as every reader at hand reads it."""
    found = [documents.read(written, "x.yaml")[0], yaml.safe_load(written)]
    if YAML is not None:
        found.append(YAML(typ="safe", pure=True).load(io.StringIO(written)))
    return found


def as_json(tree: Any) -> str:
    """A tree's text in which 1, 1.0 and True differ."""
    return json.dumps(tree)


@given(mappings)
def test_write_any_tree_is_read_back_by_every_reader(tree: dict[str, Any]) -> None:
    for found in readers(documents.write([tree])):
        assert as_json(found) == as_json(tree)


@given(st.sampled_from(YAML_1_1).flatmap(lambda pattern: st.from_regex(pattern, fullmatch=True)))
def test_write_text_that_yaml_1_1_reads_otherwise_stays_text(value: str) -> None:
    for found in readers(documents.write([{"key": value, value: ["list", value]}])):
        assert found == {"key": value, value: ["list", value]}


@pytest.mark.parametrize("value", AWKWARD)
def test_write_awkward_text_stays_text(value: str) -> None:
    for found in readers(documents.write([{"key": value, "list": [value]}])):
        assert found == {"key": value, "list": [value]}


@pytest.mark.parametrize("value", ["1e3", "08", "0o17", "on", "y", "1:20", "2026-11-22", "1.10", "null", "0x1f", "="])
def test_write_ambiguous_text_is_quoted(value: str) -> None:
    assert documents.write([{"key": value}]) == f'key: "{value}"\n'


def test_write_canonical_form() -> None:
    script = "set -e\nexit 0\n"
    tree = {"b": 1, "a": {"list": ["x", {"k": None}], "empty": [], "none": {}}, "text": script, "twice": [script] * 2}
    assert documents.write([tree, {"second": True}]) == (
        "b: 1\na:\n  list:\n  - x\n  - k: null\n  empty: []\n  none: {}\n"
        "text: |\n  set -e\n  exit 0\ntwice:\n- |\n  set -e\n  exit 0\n- |\n  set -e\n  exit 0\n"
        "---\nsecond: true\n"
    )


def test_write_same_object_twice_has_no_alias() -> None:
    shared = {"a": 1}
    assert documents.write([{"v": shared, "w": shared}]) == "v:\n  a: 1\nw:\n  a: 1\n"


@given(mappings)
def test_write_same_tree_same_bytes(tree: dict[str, Any]) -> None:
    written = documents.write([tree])
    assert documents.write([documents.read(written, "x.yaml")[0]]) == written


@given(st.lists(mappings.filter(bool), max_size=3))
def test_write_several_documents_stay_apart(trees: list[dict[str, Any]]) -> None:
    assert as_json(documents.read(documents.write(trees), "x.yaml")) == as_json(trees)


@pytest.mark.parametrize("tree", [{"a": "x\ud800y"}, {"\ud800": 1}, {"a": [{"b": "\ud800"}]}])
def test_write_lone_surrogate_is_refused_with_its_code_point(tree: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=r"U\+D800"):
        documents.write([tree])


def test_write_list_of_items() -> None:
    assert documents.write_list([{"a": 1, "b": "on"}, "x"]) == '- a: 1\n  b: "on"\n- x\n'


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("1:20", "1:20"),
        ("2026-11-22", "2026-11-22"),
        ("0755", "0755"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        ("0b11", "0b11"),
        ("=", "="),
        ("1e3", 1000.0),
        ("0o17", 15),
        ("0x1f", 31),
        ("-7", -7),
        ("1.10", 1.1),
        (".5", 0.5),
        ("~", None),
        ("", None),
        ("null", None),
        ("TRUE", True),
        ("false", False),
        ("'1'", "1"),
    ],
)
def test_read_scalars_as_kubernetes_does(written: str, value: Any) -> None:
    found = documents.read(f"a: {written}\n", "x.yaml")[0]["a"]
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", r"'a' stands twice.*line 3, column 1"),
        ("x:\n  a: 1\n  a: 1\n", r"'a' stands twice.*line 3, column 3"),
        ("? [1]\n: 2\n", r"a key must be a scalar.*line 1"),
        ("? {a: 1}\n: 2\n", r"a key must be a scalar.*line 1"),
        ("? ~\n: 2\n", r"a key must be a scalar.*line 1"),
        ("- a\n", r"must be a mapping, found list"),
        ("text\n", r"must be a mapping, found str"),
        ("a: [1\n", r"line 2, column 1"),
        ("a: \tb: c\n", r"line 1"),
        ("a: !!python/name:os.system x\n", r"could not determine a constructor.*line 1"),
        ("a: !!timestamp 2026-11-22\n", r"line 1, column 4"),
        ("a: !!binary aGk=\n", r"line 1, column 4"),
        ("a: !!set {x}\n", r"line 1, column 4"),
        ("a: \x00\n", r"#x0000"),
        ("a: " + "9" * 5000, r"(?i)digits|integer"),
        ("a: " + "[" * 5000 + "]" * 5000, r"(?i)nest|recursion|deep"),
        ("a: &x [*x]\n", r"(?i)recursi|circular|itself"),
        ("a: &x {b: *x}\n", r"(?i)recursi|circular|itself"),
    ],
)
def test_read_refuses_and_names_file_and_place(written: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as caught:
        documents.read(written, "clusters/a/cluster.yaml")
    assert [problem.where for problem in caught.value.problems] == ["clusters/a/cluster.yaml"]


def test_read_leaves_empty_documents_out() -> None:
    assert documents.read("---\n---\na: 1\n---\n# nothing\n---\nb: 2\n...\n", "x.yaml") == [{"a": 1}, {"b": 2}]
    assert documents.read("", "x.yaml") == []


@given(st.text(max_size=40))
def test_read_any_text_is_documents_or_invalid_input(written: str) -> None:
    try:
        found = documents.read(written, "x.yaml")
    except InvalidInput:
        return
    assert all(isinstance(document, dict) for document in found)
    assert len(documents.digest(found)) == 64


def test_digest_is_sha256_over_sorted_json_without_spaces() -> None:
    expected = hashlib.sha256(b'[{"a":[1,true],"b":{"c":null,"d":"x y"}},{"e":1}]').hexdigest()
    found = [{"b": {"d": "x y", "c": None}, "a": [1, True]}, {}, {"e": 1}]
    assert documents.digest(found) == expected


def test_digest_knows_the_order_of_documents_and_lists() -> None:
    first = [{"a": [1, 2]}, {"b": 1}]
    assert documents.digest(first) != documents.digest(first[::-1])
    assert documents.digest(first) != documents.digest([{"a": [2, 1]}, {"b": 1}])


def test_digest_of_keys_of_several_types_is_that_of_text() -> None:
    assert documents.digest([{1: "x", "b": 2, False: 3}]) == documents.digest([{"1": "x", "b": 2, "false": 3}])


@given(mappings.filter(bool), st.randoms(use_true_random=False))
def test_digest_ignores_comments_formatting_and_header(tree: dict[str, Any], random: Any) -> None:
    written = documents.write_owned([tree])
    shuffled = dict(random.sample(list(tree.items()), len(tree)))
    flow = yaml.safe_dump(shuffled, default_flow_style=True, sort_keys=False, allow_unicode=False, width=30)
    try:
        assume(as_json(documents.read(flow, "x.yaml")[0]) == as_json(shuffled))
    except InvalidInput:  # PyYAML left to itself does not quote what YAML 1.2 reads otherwise
        reject()
    reformatted = f"# a comment\n{written.partition('---')[0]}---\n# another\n\n{flow}\n# the last\n"
    assert documents.recorded_digest(reformatted) == documents.digest([tree])
    assert not alike.is_edited(reformatted, "x.yaml")


@given(mappings.filter(bool), st.text("abc", min_size=1), st.integers())
def test_is_edited_after_an_edit(tree: dict[str, Any], key: str, value: int) -> None:
    changed = {**tree, key: value}
    assume(as_json(changed) != as_json(tree))
    header = documents.write_owned([tree]).partition("---\n")[0]
    assert alike.is_edited(f"{header}---\n{documents.write([changed])}", "x.yaml")
    assert alike.is_edited(f"{header}---\n{documents.write([tree])}---\nmore: 1\n", "x.yaml")


@given(st.lists(mappings, max_size=3))
def test_write_owned_is_known_and_unedited(trees: list[dict[str, Any]]) -> None:
    written = documents.write_owned(trees)
    assert written.startswith(documents.HEADER)
    assert documents.recorded_digest(written) == documents.digest(trees)
    assert not alike.is_edited(written, "x.yaml")


def test_recorded_digest_survives_other_line_ends() -> None:
    written = documents.write_owned([{"a": 1}])
    assert documents.recorded_digest(written.replace("\n", "\r\n")) == documents.digest([{"a": 1}])
    assert not alike.is_edited(written.replace("\n", "\r\n"), "x.yaml")


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "a: 1\n",
        documents.HEADER + "a: 1\n",
        documents.DIGEST + "abc\n---\na: 1\n",
        "---\n" + documents.DIGEST + "0" * 64 + "\n---\na: 1\n",
        "text: |\n  " + documents.DIGEST + "0" * 64 + "\n",
    ],
)
def test_recorded_digest_of_a_foreign_file_is_none(foreign: str) -> None:
    assert documents.recorded_digest(foreign) is None


@pytest.mark.parametrize("body", ["a: [", "a: &x [*x]", "a: !!timestamp 2026-11-22", "- a", "a: 1\na: 1"])
def test_is_edited_when_it_can_no_longer_be_read(body: str) -> None:
    header = documents.write_owned([{"a": 1}]).partition("---\n")[0]
    assert alike.is_edited(f"{header}---\n{body}\n", "x.yaml")


@given(text, text)
@example("<<", "x")
def test_write_any_key_stays_text(key: str, value: str) -> None:
    for found in readers(documents.write([{"outer": {key: value}}])):
        assert found == {"outer": {key: value}}
