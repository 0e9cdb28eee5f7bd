# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forges that no lab has, as their public documentation says that they answer, on a port of this machine.

https://docs.github.com/en/rest/deploy-keys, https://docs.github.com/en/rest/pulls,
https://docs.gitlab.com/api/deploy_keys/, https://docs.gitlab.com/api/merge_requests/, https://docs.gitlab.com/api/branches/
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "the-token"
Answer = tuple[int, Any]


@dataclass
class Double:
    """One repository at GitHub, ``group/fleet``. ``page``: its longest page."""

    page: int = 100
    keys: list[dict[str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    protected: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    busy: list[int] = field(default_factory=list)
    """What it answers to the next requests, in place of what it would."""
    root, repository, keys_at, pulls_at, number = "/api/v3", "/repos/group/fleet", "/keys", "/pulls", "number"

    def refusal(self, headers: Mapping[str, str]) -> Answer | None:
        """What is wrong with who asks."""
        known = headers.get("x-github-api-version") == "2022-11-28" and "github+json" in headers.get("accept", "")
        if headers.get("authorization") != f"Bearer {TOKEN}" or not known:
            return 401, {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"}
        return None

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any]) -> Answer:
        """Status and content."""
        if not path.startswith(self.root + self.repository + "/"):
            return 404, {"message": "Not Found"}
        path = path.removeprefix(self.root + self.repository)
        found = re.fullmatch(rf"({self.keys_at}|{self.pulls_at})(?:/(\d+))?", path)
        if not found:
            return self.branch(path)
        items = self.keys if found[1] == self.keys_at else self.pulls
        if method == "GET":
            return 200, [one for one in items if self.wanted(one, query)]
        if method == "POST":
            return self.made(items, body)
        (one,) = [one for one in items if one[self.number if items is self.pulls else "id"] == int(found[2])]
        if method == "DELETE":
            items.remove(one)
            return 204, None
        one.update(body)
        return 200, one

    def branch(self, _path: str) -> Answer:
        """A branch as GitHub shows it to those who may read."""
        return 200, {"name": "main", "protected": self.protected}

    def wanted(self, one: Mapping[str, Any], query: Mapping[str, str]) -> bool:
        """Whether a list is to have it."""
        if "head" not in query:
            return True
        return (one["state"], one["head"]["label"], one["base"]["ref"]) == tuple(
            query[key] for key in ("state", "head", "base")
        )

    def made(self, items: list[dict[str, Any]], body: Mapping[str, Any]) -> Answer:
        """A new one of a list."""
        if items is self.keys:
            if any(one["key"] == body["key"] for one in items):
                error = {"resource": "PublicKey", "code": "custom", "field": "key", "message": "key is already in use"}
                return 422, {"message": "Validation Failed", "errors": [error]}
            items.append({**body, "id": len(items) + 1, "verified": True})
            return 201, items[-1]
        number, label = len(items) + 1, f"group:{body['head']}"
        if any(one["head"]["label"] == label for one in items):
            error = {"message": f"A pull request already exists for {label}."}
            return 422, {"message": "Validation Failed", "errors": [error]}
        same = {"repo": {"full_name": "group/fleet"}}
        sides = {"head": {"label": label, "ref": body["head"], **same}, "base": {"ref": body["base"], **same}}
        url = f"https://forge.example/group/fleet/pull/{number}"
        items.append({**body, **sides, "number": number, "state": "open", "html_url": url})
        return 201, items[-1]


@dataclass
class GitLab(Double):
    """GitLab's words for the same, ``group/sub/fleet``."""

    root, repository = "/api/v4", "/projects/group%2Fsub%2Ffleet"
    keys_at, pulls_at, number = "/deploy_keys", "/merge_requests", "iid"

    def refusal(self, headers: Mapping[str, str]) -> Answer | None:
        """What is wrong with who asks."""
        return None if headers.get("authorization") == f"Bearer {TOKEN}" else (401, {"message": "401 Unauthorized"})

    def branch(self, path: str) -> Answer:
        """A branch, and whether the one who asks may push to it."""
        if path != "/repository/branches/release%2F1":
            return 404, {"message": "404 Branch Not Found"}
        return 200, {"name": "release/1", "protected": self.protected, "can_push": not self.protected}

    def wanted(self, one: Mapping[str, Any], query: Mapping[str, str]) -> bool:
        """Whether a list is to have it."""
        keys = ("state", "source_branch", "target_branch")
        return "state" not in query or all(one[key] == query[key] for key in keys)

    def made(self, items: list[dict[str, Any]], body: Mapping[str, Any]) -> Answer:
        """A new one of a list."""
        if items is self.keys:
            if any(one["key"] == body["key"] for one in items):
                return 400, {"message": {"deploy_key.fingerprint_sha256": ["has already been taken"]}}
            items.append({**body, "id": len(items) + 1})
            return 201, items[-1]
        number = len(items) + 1
        url = f"https://forge.example/group/sub/fleet/-/merge_requests/{number}"
        facts = {"id": 100 + number, "iid": number, "state": "opened", "web_url": url}
        items.append({**body, **facts, "source_project_id": 7, "target_project_id": 7})
        return 201, items[-1]


@contextmanager
def served(double: Double) -> Iterator[str]:
    """The double's URL, for as long as the context is open."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(double))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def handler(double: Double) -> type[BaseHTTPRequestHandler]:
    """HTTP around a double: pages with their headers, JSON."""

    class Handler(BaseHTTPRequestHandler):
        def reply(self) -> None:
            parts = urlsplit(self.path)
            query = {key: value[-1] for key, value in parse_qs(parts.query).items()}
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            double.asked.append((self.command, self.path))
            headers = {name.lower(): str(value) for name, value in self.headers.items()}
            status, found = (
                (double.busy.pop(0), None)
                if double.busy
                else double.refusal(headers)
                or double.answer(self.command, parts.path, query, json.loads(content or b"{}"))
            )
            self.send_response(status)
            if status in (429, 503):
                self.send_header("Retry-After", "1")
            if isinstance(found, list):
                found = self.paged(found, query)
            self.end_headers()
            if found is not None:
                self.wfile.write(json.dumps(found).encode())

        def paged(self, items: list[Any], query: Mapping[str, str]) -> list[Any]:
            size, page = min(double.page, int(query.get("per_page", 30))), int(query.get("page", 1))
            if len(items) > size * page:
                self.send_header("Link", f'<http://elsewhere.invalid/?page={page + 1}>; rel="next"')
            return items[size * (page - 1) : size * page]

        def log_message(self, *_unused: object) -> None:
            """Say nothing."""

    for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.reply)
    return Handler


MAKERS: Mapping[str, Callable[..., Double]] = {"github": Double, "gitlab": GitLab}
