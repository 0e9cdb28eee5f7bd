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

from jinja2 import DictLoader, StrictUndefined, TemplateError, Undefined, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem


class Renderer:
    """Renders templates (name → text) to YAML documents.

    Each interpolated value leaves a placeholder in the text; the text is parsed as YAML, and the values are put
    into the parsed tree. A value can therefore never become structure, whatever it holds. Renders whose text is
    the same (all tenants of one shape) are parsed once.
    """

    def __init__(self, templates: Mapping[str, str]) -> None:
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

    def render(self, name: str, variables: Mapping[str, Any]) -> list[documents.Document]:
        """The documents of template ``name`` for ``variables``; raises InvalidInput that names the template."""
        self._values = []
        try:
            text = self._environment.get_template(name).render(variables)
        except TemplateError as error:
            line = getattr(error, "lineno", None)
            place = f"line {line}" if line else "template"
            raise InvalidInput(problems=[Problem(name, place, "", str(error.message))]) from None
        if (name, text) not in self._parsed:
            self._parsed[name, text] = documents.read(text, name)
        return [self._fill(document, name) for document in self._parsed[name, text]]

    def _finalizer(self) -> Any:
        @pass_context  # keeps Jinja2 from folding constants, which would take placeholders at compile time
        def finalize(context: Context, value: Any) -> str:
            if isinstance(value, Undefined):
                value._fail_with_undefined_error()
            if isinstance(value, str) and self._nonce in value:
                raise TemplateError(
                    "a macro or set-block gives text that was rendered already: "
                    "write the structure in place, and give only values in {{ … }}"
                )
            self._values.append(value)
            return f"{self._nonce}x{len(self._values) - 1}x"

        return finalize

    def _fill(self, node: Any, name: str) -> Any:
        if isinstance(node, dict):
            return {self._fill_key(key, name): self._fill(value, name) for key, value in node.items()}
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
