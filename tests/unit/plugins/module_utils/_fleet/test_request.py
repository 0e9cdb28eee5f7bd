# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests read as people wrote them: what stays text, what is refused, and the line that each thing stands in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import request_reader
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Path, Request
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request_reader import MAX_BYTES, MAX_DEPTH
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import text


def one(content: str) -> Request:
    """The one request of a file in which nothing is wrong."""
    found, problems = request_reader.read(content.encode(), "a.yml")
    assert problems == []
    assert len(found) == 1
    return found[0]


def said(data: bytes) -> list[str]:
    """What is wrong with a file, as people see it."""
    return [str(problem) for problem in request_reader.read(data, "a.yml")[1]]


@pytest.mark.parametrize(
    "written",
    [
        *("1.10", "0755", "1:20", "on", "off", "yes", "no", "y", "~", "1e3", "0x1f", "0o17", ".inf", "2026-11-22"),
        *("2026-11-22T10:00:00Z", "True", "NULL", "-0", "+1", "1_000", "="),
    ],
)
def test_scalar_stays_text(written: str) -> None:
    assert one(f"a: {written}\n").content == {"a": written}


@pytest.mark.parametrize(
    ("written", "value"),
    [("true", True), ("false", False), ("null", None), ("", None), ("0", 0), ("42", 42), ("-7", -7)],
)
def test_scalar_that_is_none(written: str, value: Any) -> None:
    found = one(f"a: {written}\n").content["a"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("written", ["'true'", '"42"', "|-\n  null\n", '"{{ lookup(1) }}"', '"${cluster_name}"'])
def test_scalar_in_quotes_is_text(written: str) -> None:
    assert isinstance(one(f"a: {written}\n").content["a"], str)


def test_integer_without_end_stays_text() -> None:
    assert one(f"a: {'9' * 5000}\n").content == {"a": "9" * 5000}


def quoted(value: Any) -> str:
    """A scalar as YAML's double quotes can hold any of them."""
    if not isinstance(value, str):
        return json.dumps(value)
    return '"' + "".join(one if one.isalnum() and one.isascii() else f"\\U{ord(one):08x}" for one in value) + '"'


@given(st.dictionaries(text, text | st.booleans() | st.none() | st.integers(-(10**17), 10**17), max_size=5))
@settings(max_examples=300)
def test_what_stands_in_quotes_is_read_as_it_is(content: dict[str, Any]) -> None:
    written = ", ".join(f"{quoted(key)}: {quoted(value)}" for key, value in content.items())
    assert one(f"{{{written}}}").content == content


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda found: found.encode("utf-8", "replace")))
@settings(max_examples=1500)
def test_any_bytes_are_requests_or_problems(data: bytes) -> None:
    found, problems = request_reader.read(data, "a.yml")
    assert found or problems
    assert all(problem.where.startswith("a.yml") and problem.hint for problem in problems)


@given(st.text("[]{}:,-?&*!|>'\"%@`# \n\tab<", max_size=60))
@settings(max_examples=1500)
def test_any_signs_of_yaml_are_requests_or_problems(content: str) -> None:
    found, problems = request_reader.read(content.encode(), "a.yml")
    assert found or problems


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"a: &x 1\n", "a.yml:1: YAML is '&x': anchors and aliases"),
        (b"a: 1\nb: *x\n", "a.yml:2: YAML is '*x': anchors and aliases"),
        (b"a: !!str 1\n", "a.yml:1: YAML is 'tag:yaml.org,2002:str': tags have no place"),
        (b"a: !!python/object/apply:os.system [id]\n", "a.yml:1: YAML is 'tag:yaml.org,2002:python/object/apply:os"),
        (b"a: !vault x\n", "a.yml:1: YAML is '!vault': tags have no place"),
        (b"\n<<: {a: 1}\n", "a.yml:2: YAML is '<<': merge keys"),
        (b"a: 1\nb:\n  c: 1\n  c: 2\n", "a.yml:4: b.c: this key stands twice, first in line 3: keep one"),
        (b"tenant: a\n'tenant': b\n", "a.yml:2: tenant: this key stands twice, first in line 1: keep one"),
        (b"? [a]\n: 1\n", "a.yml:1: YAML: a key must be plain text"),
        (b"- a\n", "a.yml:1: request: each document must be a mapping"),
        (b"a: b\n---\nc\n", "a.yml:3: request is 'c': each document must be a mapping"),
        (b"", "a.yml: request: there is no request in this file"),
        (b"# only a comment\n---\n...\n", "a.yml: request: there is no request in this file"),
        (b"a: [1\nb: 2\n", "a.yml:2: YAML: while parsing a flow sequence, did not find expected ',' or ']'"),
        (b"a: b\n\tc: d\n", "a.yml:2: YAML:"),
        (b"a: b: c\n", "a.yml:1: YAML: mapping values are not allowed in this context"),
        (b"a: '\n", "YAML: while scanning a quoted scalar, found unexpected end of stream"),
        (b"a: b\nc: \xff\n", "a.yml:2: encoding: byte 0xff is no UTF-8"),
        (b"a: b\nc: \xed\xa0\x80\n", "a.yml:2: encoding: byte 0xed is no UTF-8"),
        (b'a: "\\ud800"\n', "a.yml:1: YAML: while parsing a quoted scalar, found invalid Unicode"),
        (b"a: b\nc: \x00\n", "a.yml:2: text: character U+0000 can't stand in a YAML file"),
        (b"a: \x1b[31m\n", "a.yml:1: text: character U+001B can't stand in a YAML file"),
        ("a: b\n".encode("utf-16"), "a.yml:1: encoding: save the file as UTF-8"),
        ("a: b\n".encode("utf-32-be"), "a.yml:1: encoding: save the file as UTF-8"),
        (b"a: " + b"x" * MAX_BYTES, f"a.yml: size: a file of requests has at most {MAX_BYTES} bytes"),
    ],
    ids=lambda value: None if isinstance(value, str) else repr(value[:24]),
)
def test_refused(data: bytes, problem: str) -> None:
    assert problem in "\n".join(said(data))


def test_all_problems_of_a_file_at_once() -> None:
    found = said(b"a: &x 1\nb: *x\n<<: {c: 1}\na: 2\nd: !foo 1\ne: [\n")
    assert len(found) == 6


@pytest.mark.parametrize("brackets", ["[", "{a: ", "- ", "[{a: ["])
def test_nesting_ends_in_a_problem_and_not_in_a_crash(brackets: str) -> None:
    found = said(brackets.encode() * (MAX_BYTES // len(brackets)))
    assert found == [f"a.yml:1: YAML: nested deeper than {MAX_DEPTH} levels: no request needs that"]


def test_nesting_up_to_the_limit() -> None:
    assert one("{a: " * MAX_DEPTH + "1" + "}" * MAX_DEPTH).content
    assert said(b"{a: " * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1))


def test_a_bomb_of_aliases_stays_small() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 10)]
    found, problems = request_reader.read("\n".join(lines).encode(), "a.yml")
    assert len(problems) == 10 + 9 * 9
    assert len(repr(found)) < 10_000


def test_byte_order_mark_and_line_ends_of_windows() -> None:
    assert one("\ufefftenant: a\r\nowner:\r\n  team: b\r\n").content == {"tenant": "a", "owner": {"team": "b"}}


def test_several_requests_in_one_file() -> None:
    found, problems = request_reader.read(b"tenant: a\n---\n\n---\ntenant: b\n", "a.yml")
    assert problems == []
    assert [(one.content, one.place()) for one in found] == [({"tenant": "a"}, "a.yml:1"), ({"tenant": "b"}, "a.yml:5")]


LINES = """\
# a comment
tenant: payments
owner: {team: payments,
  contact: x}
sources:
  - name: one
    url: u

  - {name: two, url: v}
environments:
  staging:
    ref:
      branch: main
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 2),
        (("tenant",), 2),
        (("owner",), 3),
        (("owner", "contact"), 4),
        (("sources", 0), 6),
        (("sources", 0, "url"), 7),
        (("sources", 1, "url"), 9),
        (("environments", "staging", "ref", "branch"), 13),
        (("environments", "staging", "source"), 11),  # is not there: the thing around it
        (("access", "admin"), 2),
    ],
)
def test_place(path: Path, line: int) -> None:
    assert one(LINES).place(path) == f"a.yml:{line}"


def test_place_of_data_is_its_variable() -> None:
    assert Request({"tenant": "a"}, "fleet_tenants[0]").place(("tenant",)) == "fleet_tenants[0]"


def test_problem_shows_the_field_and_enough_of_the_value() -> None:
    found = one(LINES).problem(("sources", 1, "url"), "x" * 10_000, "hint")
    assert (found.where, found.field, len(found.value)) == ("a.yml:9", "sources[1].url", 121)
    assert one(LINES).problem(("tenant",), None, "hint").value == ""
    assert one(LINES).problem(("tenant",), {"password": "geheim"}, "hint").value == ""
