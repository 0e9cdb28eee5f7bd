# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read and written once comes to the same as what is read and written each time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import alike, documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import mappings

# Few values, so that many are alike without being the same.
likes = st.dictionaries(
    st.sampled_from(["a", "b"]), st.sampled_from([1, 1.0, True, "1", "a\n---\nb", "", [], {}]), max_size=2
)
TEXTS = [
    "a: 1\n---\nb: 2\n",
    "# a comment\n---\na: 1\n---\n---\n# another\n",
    "---\r\na: 1\r\n---\r\nb: 2\r\n",
    "--- \na: 1\n--- {b: 2}\n---\t\nc: 3\n",
    "a: |\n  ---\n  b: 2\n---\nc: '\n  ---'\n",
    "%YAML 1.1\n---\na: 1\n...\n---\nb: 2\n",
    "%TAG !e! tag:yaml.org,2002:\n---\na: !e!str 1\n",
    "{}\n---\na: 1\n",
    "",
]
WRONG = ["a: 1\n---\nb: [\n", "a: 1\n---\n- 1\n", "a: 1\na: 2\n", "a: 'x\n---\ny'\n"]


@given(st.lists(mappings | likes, max_size=4))
def test_files_of_ours_are_the_same(found: list[dict[str, Any]]) -> None:
    text = alike.write_owned(found)
    assert text == documents.write_owned(found)
    assert repr(alike.read(text, "x")) == repr(documents.read(text, "x"))
    assert alike.digest(text, "x") == documents.digest(found) == documents.recorded_digest(text)
    assert not alike.is_edited(text, "x")


def test_what_is_equal_to_python_alone_is_not_taken_for_the_same() -> None:
    for one in ({"a": 1}, {"a": True}, {"a": 1.0}, {"a": "1"}, {"b": 0, "a": 1}, {"a": 1, "b": 0}):
        assert alike.write_owned([one]) == documents.write_owned([one])


@pytest.mark.parametrize("text", TEXTS)
def test_people_s_texts_are_read_the_same(text: str) -> None:
    assert alike.read(text, "x") == documents.read(text, "x")
    assert alike.digest(text, "x") == documents.digest(documents.read(text, "x"))


@pytest.mark.parametrize("text", WRONG)
def test_faults_are_told_with_their_place_in_the_whole(text: str) -> None:
    with pytest.raises(InvalidInput) as ours:
        alike.read(text, "x.yaml")
    with pytest.raises(InvalidInput) as theirs:
        documents.read(text, "x.yaml")
    assert str(ours.value) == str(theirs.value)
    assert alike.is_edited(text, "x.yaml")


def test_edit_is_seen() -> None:
    text = alike.write_owned([{"a": 1}, {"b": 2}])
    assert alike.is_edited(text.replace("b: 2", "b: 3"), "x")
