# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates: whatever a value holds, it stays a value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import mappings, text, trees

HOSTILE = (
    "main\n  url: evil",
    "main\nurl: evil",
    "{{ lookup('pipe', 'id') }}",
    "{% for x in range(9) %}x{% endfor %}",
    "{# gone #}",
    "a: b",
    "- a",
    "*alias",
    "&anchor x",
    "!!python/object/apply:os.system [id]",
    "---\na: 1",
    "# comment",
    "x # comment",
    "'\"",
    "}}",
    "fleet0123456789abcdefx0x",
    "\\1\\g<0>",
)


def render(template: str, **variables: Any) -> Document:
    """The one document of a template."""
    (document,) = Renderer({"t.yaml.j2": template}).render("t.yaml.j2", variables)
    return document


def refusal(template: str, **variables: Any) -> str:
    """The message with which a template is refused; it always names the template."""
    with pytest.raises(InvalidInput) as caught:
        render(template, **variables)
    assert [problem.where for problem in caught.value.problems] == ["t.yaml.j2"]
    return str(caught.value)


def test_text_is_no_yaml_and_keeps_what_another_engine_reads() -> None:
    renderer = Renderer({"t.j2": "{% raw -%}\n{{ .Name }}\n{% endraw %}\n# {{ v }}: {{ v }}\n"})
    assert renderer.text("t.j2", {"v": "a: [b"}) == "{{ .Name }}\n# a: [b: a: [b\n"


def test_text_refuses_what_is_missing() -> None:
    with pytest.raises(InvalidInput, match="'v' is undefined"):
        Renderer({"t.j2": "{{ v }}"}).text("t.j2", {})


@pytest.mark.parametrize("value", HOSTILE)
def test_render_hostile_text_stays_text(value: str) -> None:
    document = render("spec:\n  branch: {{ v }}\n  text: x {{ v }} y\n  {{ v }}: [1, {{ v }}]\n", v=value)
    assert document == {"spec": {"branch": value, "text": f"x {value} y", value: [1, value]}}
    assert documents.read(documents.write([document]), "x.yaml") == [document]


@given(text, text)
def test_render_any_text_never_becomes_structure(value: str, other: str) -> None:
    template = "a: {{ v }}\nb: <{{ v }}|{{ w }}{{ v }}>\nc:\n- {{ w }}\n- 'q {{ v }}'\n- \"{{ w }}\"\n- |\n  {{ v }}\n"
    assert render(template, v=value, w=other) == {
        "a": value,
        "b": f"<{value}|{other}{value}>",
        "c": [other, f"q {value}", other, f"{value}\n"],
    }


@given(text, text)
def test_render_any_text_as_key(key: str, value: str) -> None:
    assert render("outer:\n  {{ k }}: {{ v }}\n  x-{{ k }}: 1\n", k=key, v=value) == {
        "outer": {key: value, f"x-{key}": 1}
    }


@given(trees)
def test_render_any_value_keeps_its_type(value: Any) -> None:
    found = render("a: {{ v }}\nb: [{{ v }}]\nc: {x: {{ v }}}\n", v=value)
    assert json.dumps(found) == json.dumps({"a": value, "b": [value], "c": {"x": value}})


@given(mappings)
def test_render_loop_over_any_mapping(value: dict[str, Any]) -> None:
    assume(value)
    template = "data:\n{% for key, item in v.items() %}\n  {{ key }}: {{ item }}\n{% endfor %}\n"
    assert json.dumps(render(template, v=value)) == json.dumps({"data": value})


@pytest.mark.parametrize(("value", "shown"), [(True, "true"), (False, "false"), (7, "7"), (1.5, "1.5"), ("x", "x")])
def test_render_scalar_within_text(value: Any, shown: str) -> None:
    assert render("a: n-{{ v }}-m\n", v=value) == {"a": f"n-{shown}-m"}


@pytest.mark.parametrize("value", [None, [1], {"a": 1}])
def test_render_structure_within_text_is_refused(value: Any) -> None:
    assert "can't stand within text" in refusal("a: n-{{ v }}\n", v=value)


@pytest.mark.parametrize("value", [None, 1, True, [1], {"a": 1}])
def test_render_key_that_is_no_text_is_refused(value: Any) -> None:
    assert "a key must be text" in refusal("{{ v }}: 1\n", v=value)


def test_render_two_keys_that_turn_out_the_same_are_refused() -> None:
    assert "stands twice" in refusal("{{ a }}: 1\n{{ b }}: 2\n", a="same", b="same")


@pytest.mark.parametrize(
    "template",
    [
        "a: {{ nope }}\n",
        "a: x {{ nope }}\n",
        "a: {{ v.nope }}\n",
        "a: {{ v['nope'] }}\n",
        "a: {{ nope.deeper }}\n",
        "a: {{ [nope] }}\n",
        "a: {{ {'x': v.nope} }}\n",
        "{% if nope %}\na: 1\n{% endif %}\n",
        "{% for x in nope %}\na: 1\n{% endfor %}\n",
        "{{ nope }}: 1\n",
    ],
)
def test_render_undefined_is_refused(template: str) -> None:
    assert "nope" in refusal(template, v={"x": 1})


def test_render_undefined_with_a_default() -> None:
    assert render("a: {{ nope | default('x') }}\nb: {{ 1 if nope is defined else 2 }}\n") == {"a": "x", "b": 2}


@pytest.mark.parametrize(
    "template",
    [
        "{% macro m(x) %}\nb: {{ x }}\n{% endmacro %}\n{{ m(v) }}\n",
        "{% macro m(x) %}{{ x }}{% endmacro %}\na: {{ m(v) | upper }}\n",
        "{% macro m(x) %}{{ x }}{% endmacro %}\na: {{ [m(v)] }}\n",
        "{% macro m() %}[{{ caller() }}]{% endmacro %}\na: {% call m() %}{{ v }}{% endcall %}\n",
        "{% set x %}\nb: {{ v }}\n{% endset %}\n{{ x }}\n",
        "{% set x %}{{ v }}{% endset %}\na: {{ x }}\n",
        "{% set x %}{{ v }}{% endset %}\na: {{ x | upper }}\n",
        "{% set x %}{{ v }}{% endset %}\na: {{ {'k': [x]} }}\n",
        "{% set x | upper %}{{ v }}{% endset %}\na: {{ x }}\n",
        "{% filter upper %}\na: {{ v }}\n{% endfilter %}\n",
    ],
)
def test_render_macros_and_set_blocks_are_refused(template: str) -> None:
    assert "set-block" in refusal(template, v="x")


def test_render_values_through_plain_set_and_filters() -> None:
    template = "{% set name = v ~ '-x' %}\na: {{ name | upper }}\nb: {{ [v, name] | join(',') }}\n"
    assert render(template, v="q") == {"a": "Q-X", "b": "q,q-x"}


@pytest.mark.parametrize(
    "template",
    [
        "a: {{ v.__class__ }}\n",
        "a: {{ ''.__class__.__mro__[1].__subclasses__() }}\n",
        "a: {{ v['__class__'] }}\n",
        "a: {{ v | attr('__class__') }}\n",
        "a: {{ cycler.__init__.__globals__ }}\n",
        "a: {{ v.update({'x': 1}) }}\n",
        "a: {{ w.append(1) }}\n",
        "a: {{ '{0.__class__}'.format(v) }}\n",
        "a: {{ lookup('pipe', 'id') }}\n",
        "{% include '/etc/passwd' %}\n",
        "{% include '../other' %}\n",
        "{% for x in range(1000000000) %}{% endfor %}\n",
    ],
)
def test_render_sandbox_holds(template: str) -> None:
    values: dict[str, Any] = {"v": {"k": 1}, "w": [1]}
    refusal(template, **values)
    assert values == {"v": {"k": 1}, "w": [1]}


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("a: {{ v\n", "line 1"),
        ("a: 1\n{% if %}\n", "line 2"),
        ("{% nope %}\n", "unknown tag"),
        ("a: {{ v | nope }}\n", "nope"),
        ("a: {{ 1 + 'x' }}\n", "unsupported operand"),
        ("a: {{ 1 / 0 }}\n", "division by zero"),
        ("a: {{ v.items(1) }}\n", "argument"),
        ("a: {{ 'x' | int(base=99) + [] }}\n", ""),
        ("a: [{{ v }}\n", "YAML"),
        ("a: 1\na: 2\n", "stands twice"),
        ("- {{ v }}\n", "must be a mapping"),
        ("{{ v }}\n", "must be a mapping"),
    ],
)
def test_render_faulty_template_is_named(template: str, said: str) -> None:
    assert said in refusal(template, v={"k": 1})


@pytest.mark.parametrize("expression", ["v | map('upper')", "v.keys()", "v.items", "range(3)"])
def test_render_value_of_no_yaml_type_is_refused(expression: str) -> None:
    assert "is no value of YAML" in refusal("a: {{ " + expression + " }}\n", v={"k": 1})


@pytest.mark.parametrize(
    ("expression", "value"),
    [("v | e", "x&amp;y"), ("v | list", ["x", "&", "y"]), ("(v, 1)", ["x&y", 1]), ("{v: (1,)}", {"x&y": [1]})],
)
def test_render_value_of_a_filter_is_plain(expression: str, value: Any) -> None:
    document = render("a: {{ " + expression + " }}\n", v="x&y")
    assert documents.read(documents.write([document]), "x.yaml") == [{"a": value}]


def test_render_unknown_template_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"other\.yaml\.j2"):
        Renderer({}).render("other.yaml.j2", {})


def test_render_several_documents_and_included_files() -> None:
    renderer = Renderer(
        {"a.j2": "{% for x in v %}\n---\n{% include 'part.j2' %}\n{% endfor %}\n", "part.j2": "a: {{ x }}\n"}
    )
    assert renderer.render("a.j2", {"v": [1, "on"]}) == [{"a": 1}, {"a": "on"}]


def test_render_same_shape_is_parsed_once() -> None:
    renderer = Renderer({"t": "a: {{ v }}\n{% if w %}\nb: {{ w }}\n{% endif %}\n"})
    for number in range(50):
        assert renderer.render("t", {"v": number, "w": number % 2}) == [
            {"a": number, "b": 1} if number % 2 else {"a": number}
        ]
    assert len(renderer._parsed) == 2


@given(st.lists(mappings, min_size=2, max_size=4))
def test_render_results_share_nothing(values: list[dict[str, Any]]) -> None:
    renderer = Renderer({"t": "fixed: {list: [1]}\nv: {{ v }}\n"})
    expected = [json.dumps({"fixed": {"list": [1]}, "v": value}) for value in values]
    found = []
    for value in values:
        (document,) = renderer.render("t", {"v": value})
        found.append(json.dumps(document))
        document["fixed"]["list"].append("changed")
        document["v"]["changed"] = True
    assert found == expected
