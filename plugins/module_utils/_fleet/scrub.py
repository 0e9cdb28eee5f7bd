# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Secrets are seen nowhere: their values, in every form in which they travel, are taken out of what people see."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput

MASK = "********"
# Shorter values (a port, 'yes') would blank out half of the output and hide nothing.
_SHORTEST = 6
# Fields of a kubeconfig that are secret: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/#AuthInfo
_KUBECONFIG_SECRETS = ("token", "password", "client-key-data", "refresh-token", "id-token", "access-token")
_KUBECONFIG_LINE = re.compile(rf"\b(?:{'|'.join(_KUBECONFIG_SECRETS)})[\"']?\s*:\s*[\"']?([^\s\"',}}]+)")

# Fields of a Secret that Flux and Kubernetes read and that are public: to blank out a user's name would take it out of
# every URL that a result hands on.
_PUBLIC_FIELDS = ("username", "known_hosts", "identity.pub", "ca.crt", "tls.crt")

# The password, or in https:// the name alone, that people put before a URL's host. It is refused, but not shown either.
_URL_CREDENTIALS = re.compile(r"://[^/\s:@]*:([^/\s]+)@|https?://([^/\s:@]+)@")


def secret_values(specification: Mapping[str, Any], parameters: Mapping[str, Any]) -> set[str]:
    """The values of all options that the argument specification marks ``no_log``, nested ones included."""
    found: set[str] = set()
    for option, rules in specification.items():
        value = parameters.get(option)
        if value is None:
            continue
        if rules.get("no_log"):
            found.update(_strings(value))
        elif rules.get("options"):
            for item in value if isinstance(value, list) else [value]:
                found |= secret_values(rules["options"], item) if isinstance(item, Mapping) else set()
        elif option == "kubeconfig":
            found.update(_kubeconfig(_parsed(value)))
        elif option == "url":
            found.update(one or two for one, two in _URL_CREDENTIALS.findall(str(value)))
    return found


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from () if key in _PUBLIC_FIELDS else _strings(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _strings(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _parsed(kubeconfig: Any) -> Any:
    """A kubeconfig given as content, as a tree, and its secrets by their lines: the error of a broken one shows it."""
    if not isinstance(kubeconfig, str) or "\n" not in kubeconfig:
        return kubeconfig
    lines = {"token": _KUBECONFIG_LINE.findall(kubeconfig)}
    try:
        return [lines] if documents.IMPORT_ERROR else [lines, *documents.read(kubeconfig, "kubeconfig")]
    except InvalidInput:
        return [lines]


def _kubeconfig(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _strings(value) if key in _KUBECONFIG_SECRETS else _kubeconfig(value)
    elif isinstance(node, list):
        for item in node:
            yield from _kubeconfig(item)


class Scrubber:
    """Takes secrets out of text and data: as they are, line by line, in base64 and as part of a URL."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms: set[str] = set()
        for secret in secrets:
            lines = [line.strip() for line in secret.splitlines()]
            forms.update(form for text in (secret, secret.strip(), *lines) for form in _forms(text))
        self._forms = sorted((form for form in forms if len(form) >= _SHORTEST), key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text without secrets."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return text

    def data(self, value: Any) -> Any:
        """The data without secrets, in values and in keys."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.data(key): self.data(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.data(item) for item in value]
        is_secret = isinstance(value, (int, float)) and self.text(str(value)) != str(value)
        return MASK if is_secret else value


def _forms(text: str) -> Iterator[str]:
    if text and not text.startswith("-----"):
        yield from (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1])
        yield from (quote(text, safe="", errors="surrogatepass"), quote_plus(text, errors="surrogatepass"))
    data = text.encode("utf-8", "surrogatepass")
    if data:
        yield base64.b64encode(data).decode().rstrip("=")
    # Within a longer text (``user:token``) base64 looks different, by where it begins: three ways, less the ends.
    for offset, start in ((0, 0), (1, 2), (2, 3)):
        encoded = base64.b64encode(b"\0" * offset + data).decode().rstrip("=")
        within = encoded[start : len(encoded) - bool((offset + len(data)) % 3)]
        yield from (within, within.replace("+", "-").replace("/", "_"))
