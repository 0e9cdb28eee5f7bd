# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few calls that the lab itself makes to a cluster's API server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import requests

from .settings import Settings

TIMEOUT = (3, 10)


class Gone(Exception):
    """The object is not there, or another one has its name."""


class Api:
    """One cluster's API server, as the lab's administrator. Every method raises OSError when it is not to be had."""

    def __init__(self, settings: Settings, cluster: str) -> None:
        self.url = f"https://127.0.0.1:{settings.state['clusters'][cluster]['ports']['api']}"
        self._session = requests.Session()
        # No proxies and no certificates from the environment.
        self._session.trust_env = False
        folder = settings.certificates
        self._session.verify = str(folder / "ca.crt")
        self._session.cert = (str(folder / "admin.crt"), str(folder / "admin.key"))

    def get(self, path: str, **query: str) -> Any:
        """GET a path; JSON or text, as the server says."""
        return self._call("GET", path, params=query)

    def watch(self, path: str, **query: str) -> Iterator[Any]:
        """Each change below a path as the server tells it, until it ends; in a session that no other thread has."""
        with requests.Session() as session:
            session.trust_env, session.verify, session.cert = False, self._session.verify, self._session.cert
            place = {"params": {**query, "watch": "1"}, "stream": True, "timeout": (TIMEOUT[0], None)}
            with session.get(self.url + path, **place) as answer:
                if not answer.ok:
                    raise OSError(f"watch {path}: {answer.status_code} {answer.text[:300]}")
                yield from map(json.loads, answer.iter_lines(chunk_size=None))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """POST a body."""
        return self._call("POST", path, json=body)

    def patch_status(self, path: str, status: dict[str, Any]) -> Any:
        """Patch an object's status, strategically."""
        return self._call(
            "PATCH",
            f"{path}/status",
            json={"status": status},
            headers={"Content-Type": "application/strategic-merge-patch+json"},
        )

    def delete(self, path: str, uid: str) -> Any:
        """End an object at once, if it is still the same one."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0, "preconditions": {"uid": uid}}
        return self._call("DELETE", path, json=options)

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        answer = self._session.request(method, self.url + path, timeout=TIMEOUT, **arguments)
        if answer.status_code in (404, 409):
            raise Gone(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        if not answer.ok:
            raise OSError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json() if "json" in answer.headers.get("Content-Type", "") else answer.text
