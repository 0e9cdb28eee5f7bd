# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Jinja2 templates whose values never pass through the YAML parser."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem

# What expressions of a template raise beside Jinja2's own errors: 1 + 'x', 1 / 0, range(10 ** 9).
_FAULTS: tuple[type[Exception], ...] = (
    TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError,
)  # fmt: skip
try:
    from jinja2 import DictLoader, StrictUndefined, TemplateError, Undefined, nodes, pass_context
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    _FAULTS = (TemplateError, *_FAULTS)
    IMPORT_ERROR: ImportError | None = None
except ImportError as error:  # the controller always has it; a bastion renders nothing
    IMPORT_ERROR = error

_RENDERED = (
    "a macro, set-block or filter-block gives text that was rendered already: "
    "write the structure in place, and give only values in {{ … }}"
)


class Renderer:
    """Renders templates (name → text) to YAML documents.

    Each interpolated value leaves a placeholder in the text; the text is parsed as YAML, and the values are put
    into the parsed tree. A value can therefore never become structure, whatever it holds. Renders whose text is
    the same (all tenants of one shape) are parsed once.
    """

    def __init__(self, templates: Mapping[str, str], **constants: Any) -> None:
        """``constants`` are variables that all templates have."""
        nonce = f"fleet{secrets.token_hex(8)}"
        self._nonce = nonce
        self._placeholder = re.compile(rf"{nonce}x([0-9]+)x")
        self._values: list[Any] = []
        self._parsed: dict[tuple[str, str], list[documents.Document]] = {}
        self._environment = ImmutableSandboxedEnvironment(
            loader=DictLoader(dict(templates)),
            undefined=StrictUndefined,
            finalize=self._finalizer(),
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self.know(**constants)
        for name, text in templates.items():
            self._check(name, text)

    def know(self, **constants: Any) -> None:
        """From now on all templates have these variables too."""
        self._environment.globals.update(constants)

    def render(self, name: str, variables: Mapping[str, Any]) -> list[documents.Document]:
        """The documents of template ``name`` for ``variables``; raises InvalidInput that names the template."""
        text = self._laid_out(name, variables)
        if (name, text) not in self._parsed:
            self._parsed[name, text] = documents.read(text, name)
        return [self._fill(document, name) for document in self._parsed[name, text]]

    def text(self, name: str, variables: Mapping[str, Any]) -> str:
        """Template ``name`` as it is, for what is no YAML: nothing keeps its values from being read as structure."""
        text = self._laid_out(name, variables)
        return self._placeholder.sub(lambda found: self._text(self._values[int(found.group(1))], name), text)

    def _laid_out(self, name: str, variables: Mapping[str, Any]) -> str:
        self._values = []
        try:
            return self._environment.get_template(name).render(variables)
        except _FAULTS as error:
            raise _refusal(name, error) from None

    def _check(self, name: str, text: str) -> None:
        # Filters could take a placeholder in such text apart, so that nobody finds it again.
        try:
            tree = self._environment.parse(text, name)
        except TemplateError as error:
            raise _refusal(name, error) from None
        for node in tree.find_all((nodes.Macro, nodes.CallBlock, nodes.AssignBlock, nodes.FilterBlock)):
            raise InvalidInput(problems=[Problem(name, f"line {node.lineno}", "", _RENDERED)])

    def _finalizer(self) -> Any:
        @pass_context  # keeps Jinja2 from folding constants, which would take placeholders at compile time
        def finalize(context: Any, value: Any) -> str:
            self._values.append(self._plain(value))
            return f"{self._nonce}x{len(self._values) - 1}x"

        return finalize

    def _plain(self, value: Any) -> Any:
        """The value as a tree of plain types, looked through for what can't be one."""
        if isinstance(value, Undefined):
            value._fail_with_undefined_error()
        if isinstance(value, str):
            if self._nonce in value:
                raise TemplateError(_RENDERED)
            return str(value)
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, Mapping):
            return {self._plain(key): self._plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._plain(item) for item in value]
        raise TemplateError(f"a {type(value).__name__} is no value of YAML: '| list' may make it one")

    def _fill(self, node: Any, name: str) -> Any:
        if isinstance(node, dict):
            filled = {self._fill_key(key, name): self._fill(value, name) for key, value in node.items()}
            if len(filled) < len(node):
                hint = f"two keys are the same for these values, one of {', '.join(filled)} stands twice"
                raise InvalidInput(problems=[Problem(name, "key", "", hint)])
            return filled
        if isinstance(node, list):
            return [self._fill(item, name) for item in node]
        if not isinstance(node, str) or self._nonce not in node:
            return node
        whole = self._placeholder.fullmatch(node)
        if whole:
            return deepcopy(self._values[int(whole.group(1))])
        return self._placeholder.sub(lambda found: self._text(self._values[int(found.group(1))], name), node)

    def _fill_key(self, key: Any, name: str) -> Any:
        filled = self._fill(key, name)
        if not isinstance(filled, str):
            raise InvalidInput(problems=[Problem(name, "key", repr(filled), "a key must be text")])
        return filled

    @staticmethod
    def _text(value: Any, name: str) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (str, int, float)):
            return str(value)
        hint = f"a {type(value).__name__} can't stand within text: give it a line of its own"
        raise InvalidInput(problems=[Problem(name, "value", repr(value), hint)])


def _refusal(name: str, error: BaseException) -> InvalidInput:
    line = getattr(error, "lineno", None)
    place = f"line {line}" if line else "template"
    return InvalidInput(problems=[Problem(name, place, "", str(getattr(error, "message", None) or error))])
