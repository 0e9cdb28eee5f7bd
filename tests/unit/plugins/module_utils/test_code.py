# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the code promises of itself: purity, and budgets that keep it small."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

import pytest
import yaml

from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import ROOT

UTILITIES = ROOT / "plugins" / "module_utils"
OURS = "ansible_collections.fluxops.fleet.plugins.module_utils._fleet"
# What a pure module may use: nothing that reads a clock, a file, the network or the environment.
PURE = {
    *("__future__", "base64", "collections", "copy", "dataclasses", "decimal", "functools", "hashlib", "json", "re"),
    *("difflib", "fnmatch", "hmac", "math", "secrets", "typing", "urllib.parse", "jinja2", "yaml"),
}
BUILTINS = {"open", "input", "exec", "eval", "compile", "__import__", "print", "breakpoint"}


def sources(*folders: str) -> list[Path]:
    """The Python files of the collection below some folders of plugins/."""
    found = [path for folder in folders for path in sorted((ROOT / "plugins" / folder).rglob("*.py"))]
    assert found
    return found


def in_its_folder(path: Path) -> str:
    """A file as tests name it."""
    return f"{path.parent.name}-{path.name}"


def parsed(path: Path) -> ast.Module:
    """The tree of one file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> set[str]:
    """The names of all imported modules, those within functions too."""
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names | {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def is_pure(name: str) -> bool:
    """Whether a module of that name may be imported."""
    return name == OURS or name.startswith(f"{OURS}.") or any(name == one or name.startswith(f"{one}.") for one in PURE)


@pytest.mark.parametrize("path", sources("module_utils/_fleet"), ids=lambda path: path.name)
def test_fleet_is_pure(path: Path) -> None:
    tree = parsed(path)
    assert sorted(name for name in imported(tree) if not is_pure(name)) == []
    called = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert sorted(called & BUILTINS) == []


@pytest.mark.parametrize(
    "name",
    ["os", "pathlib", "subprocess", "socket", "time", "datetime", "ansible", "kubernetes", "urllib", "urllib.request"],
)
def test_fleet_purity_refuses(name: str) -> None:
    assert not is_pure(name)


def test_fleet_purity_refuses_the_impure_half() -> None:
    assert not is_pure(OURS.replace("_fleet", "_io"))
    assert not is_pure(f"{OURS}_more")


def code_lines(text: str, tree: ast.AST, *, noun: bool = False) -> set[int]:
    """The lines that hold code: no docstrings, comments and blank lines; of a noun no imports and no ARGUMENTS."""
    left_out: set[int] = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        first = body[0] if isinstance(body, list) and body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            left_out |= span(first)
        if noun and (isinstance(node, ast.Import | ast.ImportFrom) or is_data(node)):
            left_out |= span(node)
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in skipped:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return lines - left_out


def span(node: ast.stmt) -> set[int]:
    """The lines of a statement."""
    return set(range(node.lineno, (node.end_lineno or node.lineno) + 1))


# What people read of a noun and of a module: the specification of its arguments, and its documentation.
DATA = {"ARGUMENTS", "DOCUMENTATION", "EXAMPLES", "RETURN"}


def is_data(node: ast.AST) -> bool:
    """Whether a statement is one of these."""
    targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets if isinstance(node, ast.Assign) else []
    return any(isinstance(target, ast.Name) and target.id in DATA for target in targets)


@pytest.mark.parametrize("path", sources("module_utils", "plugin_utils", "filter"), ids=lambda path: path.name)
def test_file_has_at_most_250_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 250


@pytest.mark.parametrize(
    "path",
    sources("module_utils", "plugin_utils", "filter", "action"),
    ids=in_its_folder,
)
def test_function_has_at_most_30_lines_of_code(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = parsed(path)
    lines = code_lines(text, tree)
    sizes = {
        node.name: len([line for line in lines if node.lineno <= line <= (node.end_lineno or 0)])
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: size for name, size in sizes.items() if size > 30} == {}


@pytest.mark.parametrize("path", sources("module_utils/_nouns"), ids=lambda path: path.name)
def test_noun_has_at_most_60_lines_of_code(path: Path) -> None:
    assert len(code_lines(path.read_text(encoding="utf-8"), parsed(path), noun=True)) <= 60


def mutable(tree: ast.Module) -> set[str]:
    """The module's own names for dictionaries, lists and sets."""
    named = [one for one in tree.body if isinstance(one, (ast.Assign, ast.AnnAssign))]
    places = [(one.targets if isinstance(one, ast.Assign) else [one.target], one.value) for one in named]
    displays = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp)
    return {
        name.id
        for names, value in places
        if isinstance(value, displays)
        for name in names
        if isinstance(name, ast.Name)
    }


# ansible-test's pylint refuses them (dangerous-default-value), late in a run of all gates; ruff sees literals alone.
@pytest.mark.parametrize("path", [*sources("."), *sorted((ROOT / "tests" / "unit").rglob("*.py"))], ids=in_its_folder)
def test_no_default_is_a_dictionary_that_others_share(path: Path) -> None:
    tree = parsed(path)
    functions = [one.args for one in ast.walk(tree) if isinstance(one, (ast.FunctionDef, ast.Lambda))]
    defaults = [
        value for one in functions for value in (*one.defaults, *one.kw_defaults) if isinstance(value, ast.Name)
    ]
    assert sorted(one.id for one in defaults if one.id in mutable(tree)) == []


def returned(options: object) -> set[str]:
    """All keys of a module's documented result, at any depth."""
    found = set()
    for key, one in options.items() if isinstance(options, dict) else ():
        found |= {key} | returned(one.get("contains"))
    return found


# ansible-core 2.21 refuses them, late in a run of all gates: in a template `result.values` is the dictionary's method.
@pytest.mark.parametrize("path", sources("modules"), ids=in_its_folder)
def test_results_have_no_keys_that_templates_cannot_reach(path: Path) -> None:
    texts = [
        ast.literal_eval(node.value)
        for node in parsed(path).body
        if isinstance(node, ast.Assign) and [getattr(one, "id", "") for one in node.targets] == ["RETURN"]
    ]
    assert len(texts) == 1
    assert sorted(returned(yaml.safe_load(texts[0])) & set(dir({}))) == []


@pytest.mark.parametrize("path", sources("action", "modules"), ids=in_its_folder)
def test_skin_has_at_most_30_lines_of_code(path: Path) -> None:
    assert len(code_lines(path.read_text(encoding="utf-8"), parsed(path), noun=True)) <= 30


CODE = """\
{quotes}Doc.{quotes}

import os  # why

ARGUMENTS = {{
    "a": 1,
}}
# comment
def f():
    {quotes}Doc.

    More.
    {quotes}
    return {quotes}two
lines{quotes}
"""


def test_code_lines_counts_code_alone() -> None:
    text = CODE.format(quotes='"' * 3)
    assert code_lines(text, ast.parse(text)) == {3, 5, 6, 7, 9, 14, 15}
    assert code_lines(text, ast.parse(text), noun=True) == {9, 14, 15}
