# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few calls to the Git forge's API that tests need."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import requests

from .settings import LabError

SCOPES = ("all",)


class Forge:
    """The forge's API as its administrator; `facts` is lab.json's "forge".

    A repository is named "name" (the administrator's) or "owner/name"."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = facts["ca_cert"]

    def create_repository(self, name: str, private: bool = True, owner: str | None = None) -> dict[str, str]:
        """Make an empty repository; its URLs as {"ssh_url", "https_url"}."""
        body = {"name": name, "private": private, "default_branch": "main", "auto_init": False}
        self.call("POST", f"/admin/users/{owner or self.facts['user']}/repos", json=body)
        return self.urls(name if owner is None else f"{owner}/{name}")

    def urls(self, repository: str) -> dict[str, str]:
        """A repository's URLs, as create_repository returns them."""
        path, facts = f"{self._full(repository)}.git", self.facts
        ssh = f"ssh://{facts['ssh_user']}@{facts['ssh_host']}:{facts['ssh_port']}/{path}"
        return {"ssh_url": ssh, "https_url": f"{facts['url']}/{path}"}

    def delete_repository(self, repository: str) -> None:
        """Remove a repository; one that is not there is no error."""
        self.call("DELETE", f"/repos/{self._full(repository)}", missing=None)

    def create_user(self, name: str) -> str:
        """Make a user without rights on others' repositories (or take the one there is); return a token of theirs."""
        if self.call("GET", f"/users/{name}", missing=None) is None:
            body = {
                "username": name,
                "email": f"{name}@lab.invalid",
                "password": secrets.token_urlsafe(18),
                "must_change_password": False,
            }
            self.call("POST", "/admin/users", json=body)
        return self.create_token(name, SCOPES)

    def create_token(self, user: str, scopes: Sequence[str]) -> str:
        """Make a token with these scopes ("read:repository", "write:repository", … or "all").

        Another user gets a new password by this, since Gitea gives tokens to their owner's password only."""
        password = self.facts["password"]
        if user != self.facts["user"]:
            password = secrets.token_urlsafe(18)
            self.set_password(user, password)
        body = {"name": f"token-{secrets.token_hex(4)}", "scopes": list(scopes)}
        return str(self.call("POST", f"/users/{user}/tokens", json=body, auth=(user, password))["sha1"])

    def set_password(self, user: str, password: str) -> None:
        """Set a user's password."""
        self.call(
            "PATCH",
            f"/admin/users/{user}",
            json={"login_name": user, "source_id": 0, "password": password, "must_change_password": False},
        )

    def deploy_keys(self, repository: str) -> list[dict[str, Any]]:
        """A repository's deploy keys: {"id", "title", "key", "read_only", …} each."""
        return list(self.call("GET", f"/repos/{self._full(repository)}/keys?limit=50"))

    def commits(self, repository: str, branch: str = "main") -> list[dict[str, Any]]:
        """All commits of a branch, newest first: {"sha", "message", "author"} each; none where there is no branch."""
        self._settle(repository, branch)
        found: list[dict[str, Any]] = []
        for page in range(1, 1000):
            query = f"sha={quote(branch)}&limit=50&page={page}&stat=false&verification=false&files=false"
            part = self.call("GET", f"/repos/{self._full(repository)}/commits?{query}", missing=[])
            found.extend(
                {"sha": item["sha"], **{key: item["commit"][key] for key in ("message", "author")}} for item in part
            )
            if len(part) < 50:
                break
        return found

    def file(self, repository: str, path: str, branch: str = "main") -> str | None:
        """A file's text at the head of a branch; None where there is none."""
        self._settle(repository, branch)
        query = f"/repos/{self._full(repository)}/contents/{quote(path)}?ref={quote(branch)}"
        found = self.call("GET", query, missing=None)
        return None if found is None else base64.b64decode(found["content"]).decode()

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """Any call to the API below /api/v1; `missing` is what a 404 (or an empty repository) returns."""
        allowed = "missing" in arguments
        missing = arguments.pop("missing", None)
        if "auth" not in arguments:
            arguments["headers"] = {"Authorization": f"token {self.facts['token']}"}
        answer = self._session.request(method, f"{self.facts['url']}/api/v1{path}", timeout=30, **arguments)
        if allowed and answer.status_code in (404, 409):
            return missing
        if not answer.ok:
            raise LabError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json() if answer.content else None

    def _settle(self, repository: str, branch: str) -> None:
        """Wait until the forge knows of a first push: for a moment its API still calls the repository empty."""
        full = self._full(repository)
        advertised = f"{self.facts['url']}/{full}.git/info/refs?service=git-upload-pack"
        for _ in range(100):
            if not self.call("GET", f"/repos/{full}", missing={"empty": False})["empty"]:
                return
            access = (self.facts["user"], self.facts["token"])
            if f"refs/heads/{branch}" not in self._session.get(advertised, auth=access, timeout=30).text:
                return
            time.sleep(0.1)
        raise LabError(f"{full}: branch {branch} was pushed, and the forge still calls the repository empty")

    def _full(self, repository: str) -> str:
        return repository if "/" in repository else f"{self.facts['user']}/{repository}"
