# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""How a forge's API is asked: JSON over HTTPS, page by page, its refusals as errors that say what would be right."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError

from ansible.module_utils.urls import open_url

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import ForgeError
from ansible_collections.fluxops.fleet.plugins.module_utils._io.memory import MemoryFile

_SECONDS = 30
_NOT_FOUND = 404
_MOST_PAGES = 1000
# A forge that answers so for a moment has not done what it was asked for, whatever that was.
_NOT_NOW = (429, 503)
_BROKEN = (500, 502, 504)
# Before each further try, in seconds, where the forge does not say how long.
_PAUSES = (0.5, 2.0, 5.0)
_LONGEST_PAUSE = 60.0


class NoRepository(ForgeError):
    """The forge knows no such repository, or its token may not see it."""


@dataclass(frozen=True)
class Api:
    """One forge's API. ``root`` is its URL without a closing slash, ``headers`` say who asks."""

    root: str
    headers: Mapping[str, str] = field(repr=False)
    ca_cert: str | None = None

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What the forge answers, parsed; None where it says nothing. Raises ForgeError."""
        return self._ask(method, path, body)[0]

    def pages(self, path: str, size: str) -> Iterator[Any]:
        """All items of a list. ``size``: the forge's parameter for the length of a page, such as ``limit=50``.

        Servers may have a smaller page than was asked for, so its length says nothing: they tell whether more follows.
        """
        seen = 0
        for number in range(1, _MOST_PAGES):
            items, answered = self._ask("GET", f"{path}{'&' if '?' in path else '?'}{size}&page={number}")
            yield from items
            seen += len(items)
            more = 'rel="next"' in answered.get("link", "") or seen < int(answered.get("x-total-count") or 0)
            if not items or not more:
                return

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[Any, dict[str, str]]:
        """Ask, and again for a while where the forge is busy or broken for the moment."""
        passing = (*_NOT_NOW, *(_BROKEN if method == "GET" else ()))
        pauses = iter(_PAUSES)
        while True:
            try:
                return self._ask_once(method, path, body)
            except HTTPError as error:
                pause = next(pauses, None) if error.code in passing else None
                if pause is None:
                    raise self._refused(path, error) from None
                time.sleep(_asked_pause(error) or pause * random.uniform(0.5, 1.5))  # noqa: S311

    def _refused(self, path: str, error: HTTPError) -> ForgeError:
        kind = NoRepository if error.code == _NOT_FOUND else ForgeError
        return kind(f"{self.root}{path.partition('?')[0]}: {_explain(error)}")

    def _ask_once(self, method: str, path: str, body: Mapping[str, Any] | None) -> tuple[Any, dict[str, str]]:
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "fluxops.fleet"}
        request = {
            "method": method,
            "data": None if body is None else json.dumps(body),
            "headers": {**headers, **self.headers},
            "timeout": _SECONDS,
            "follow_redirects": "none",  # the token is for this address alone
        }
        try:
            with MemoryFile(self.ca_cert.encode()) if self.ca_cert else nullcontext() as trusted:
                answer = open_url(self.root + path, ca_path=trusted.path if trusted else None, **request)
            with answer:
                content = answer.read()
                answered = {name.lower(): value for name, value in answer.headers.items()}
            return (json.loads(content) if content else None), answered
        except HTTPError:
            raise
        except (OSError, ValueError, HTTPException) as error:
            remedy = "check fleet_forge.url and ca_cert"
            raise ForgeError(f"{self.root}: the forge does not answer: {error}: {remedy}") from None


def _asked_pause(error: HTTPError) -> float:
    """The seconds for which a forge asks to be left alone; 0 where it says none, or a date."""
    found = error.headers.get("Retry-After") or ""
    return min(float(found), _LONGEST_PAUSE) if found.isdecimal() else 0.0


def _explain(error: HTTPError) -> str:
    remedy = {
        401: "the forge does not accept fleet_forge_token: renew it",
        403: "fleet_forge_token lacks the right to do this in this repository",
        404: "the forge knows no such repository, or fleet_forge_token may not see it",
    }.get(error.code, "")
    if 300 <= error.code < 400:
        remedy = f"the forge is elsewhere, {error.headers.get('Location', '')}: give that address"
    return ": ".join(part for part in (f"HTTP {error.code}", _said(error), remedy) if part)


def _said(error: HTTPError) -> str:
    """The forge's own words. GitHub and Gitea have ``message`` and ``errors``; GitLab's ``message`` may be a tree."""
    try:
        found = json.loads(error.read())
    except (ValueError, OSError):
        return ""
    if not isinstance(found, dict):
        return ""
    parts = [found.get("message"), found.get("error"), found.get("error_description"), found.get("errors")]
    return "; ".join(part if isinstance(part, str) else json.dumps(part) for part in parts if part)[:500]
