# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What each kind of forge calls deploy keys, pull requests and branch rules in its API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

from ansible_collections.fluxops.fleet.plugins.module_utils._io.forge_api import Api, NoRepository

GITHUB = "github.com"


@dataclass(frozen=True)
class DeployKey:
    """One key that may read (or write) one repository; ``public`` is type and key, without the comment."""

    id: int
    title: str
    public: str
    read_only: bool


@dataclass(frozen=True)
class PullRequest:
    """An open pull (GitLab: merge) request: its number in the repository, and where people see it."""

    number: int
    url: str


class Forge(Protocol):
    """One repository at a forge. All methods raise ForgeError, or NoRepository where the forge shows none."""

    def __init__(self, settings: Mapping[str, Any], repository_url: str) -> None: ...

    def deploy_keys(self) -> list[DeployKey]:
        """All deploy keys of the repository."""

    def add_deploy_key(self, title: str, public: str) -> None:
        """Let a key read the repository."""

    def delete_deploy_key(self, key: DeployKey) -> None:
        """Take a key's right to read away."""

    def pull_request(self, topic: str, branch: str) -> PullRequest | None:
        """The open pull request from one branch of the repository to another, where there is one."""

    def open_pull_request(self, topic: str, branch: str, title: str, text: str) -> PullRequest:
        """A new pull request."""

    def edit_pull_request(self, pull_request: PullRequest, title: str, text: str) -> None:
        """Say anew what a pull request is about."""

    def may_push(self, branch: str) -> bool:
        """False where the forge says that the token's owner may not push to this branch."""


def public_part(line: str) -> str:
    """Type and key of a public key's line; forges drop or change the comment."""
    return " ".join(line.split()[:2])


def repository_path(forge_url: str, repository_url: str) -> str:
    """``owner/name`` of a repository; a forge below a path of its host has that path in its HTTPS URLs, too."""
    path = urlsplit(repository_url).path.strip("/").removesuffix(".git")
    below = urlsplit(forge_url).path.strip("/")
    return path.removeprefix(f"{below}/") if below else path


class Gitea:
    """Gitea's and Forgejo's API: https://docs.gitea.com/api/."""

    _size = "limit=50"

    def __init__(self, settings: Mapping[str, Any], repository_url: str) -> None:
        path = repository_path(settings["url"], repository_url)
        self._api = self._reached(settings)
        self._owner = path.partition("/")[0]
        self._repository = f"/repos/{quote(path)}"

    @staticmethod
    def _reached(settings: Mapping[str, Any]) -> Api:
        headers = {"Authorization": f"token {settings['token']}"}
        return Api(settings["url"].rstrip("/") + "/api/v1", headers, settings.get("ca_cert"))

    def deploy_keys(self) -> list[DeployKey]:
        """All deploy keys of the repository."""
        found = self._api.pages(f"{self._repository}/keys", self._size)
        return [DeployKey(key["id"], key["title"], public_part(key["key"]), key["read_only"]) for key in found]

    def add_deploy_key(self, title: str, public: str) -> None:
        """Let a key read the repository."""
        self._api.ask("POST", f"{self._repository}/keys", {"title": title, "key": public, "read_only": True})

    def delete_deploy_key(self, key: DeployKey) -> None:
        """Take a key's right to read away."""
        self._api.ask("DELETE", f"{self._repository}/keys/{key.id}")

    def pull_request(self, topic: str, branch: str) -> PullRequest | None:
        """The open pull request from one branch of the repository to another, where there is one."""
        for one in self._api.pages(f"{self._repository}/pulls?{self._wanted(topic, branch)}", self._size):
            # One from a fork may have a branch of the same name.
            own = (one["head"].get("repo") or {}).get("full_name") == (one["base"].get("repo") or {}).get("full_name")
            if own and (one["head"]["ref"], one["base"]["ref"]) == (topic, branch):
                return PullRequest(one["number"], one["html_url"])
        return None

    def _wanted(self, topic: str, branch: str) -> str:
        return "state=open"  # Gitea can't filter by branch

    def open_pull_request(self, topic: str, branch: str, title: str, text: str) -> PullRequest:
        """A new pull request."""
        body = {"head": topic, "base": branch, "title": title, "body": text}
        made = self._api.ask("POST", f"{self._repository}/pulls", body)
        return PullRequest(made["number"], made["html_url"])

    def edit_pull_request(self, pull_request: PullRequest, title: str, text: str) -> None:
        """Say anew what a pull request is about."""
        self._api.ask("PATCH", f"{self._repository}/pulls/{pull_request.number}", {"title": title, "body": text})

    def may_push(self, branch: str) -> bool:
        """False where the forge says that the token's owner may not push to this branch."""
        try:
            found = self._api.ask("GET", f"{self._repository}/branches/{quote(branch, safe='')}")
        except NoRepository:  # the branch is still to come
            return True
        return bool(found.get("user_can_push", True))


class GitHub(Gitea):
    """GitHub's and GitHub Enterprise Server's API: https://docs.github.com/rest."""

    _size = "per_page=100"

    @staticmethod
    def _reached(settings: Mapping[str, Any]) -> Api:
        headers = {
            "Authorization": f"Bearer {settings['token']}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        public = urlsplit(settings["url"]).hostname == GITHUB
        root = f"https://api.{GITHUB}" if public else settings["url"].rstrip("/") + "/api/v3"
        return Api(root, headers, settings.get("ca_cert"))

    def _wanted(self, topic: str, branch: str) -> str:
        return urlencode({"state": "open", "head": f"{self._owner}:{topic}", "base": branch})

    def may_push(self, branch: str) -> bool:
        """GitHub does not say it to those who only use the repository."""
        return True


class GitLab:
    """GitLab's API, of gitlab.com and of self-managed servers: https://docs.gitlab.com/api/rest/."""

    _size = "per_page=100"

    def __init__(self, settings: Mapping[str, Any], repository_url: str) -> None:
        headers = {"Authorization": f"Bearer {settings['token']}"}
        self._api = Api(settings["url"].rstrip("/") + "/api/v4", headers, settings.get("ca_cert"))
        self._project = f"/projects/{quote(repository_path(settings['url'], repository_url), safe='')}"

    def deploy_keys(self) -> list[DeployKey]:
        """All deploy keys of the project."""
        found = self._api.pages(f"{self._project}/deploy_keys", self._size)
        return [
            DeployKey(key["id"], key["title"], public_part(key["key"]), not key.get("can_push", False)) for key in found
        ]

    def add_deploy_key(self, title: str, public: str) -> None:
        """Let a key read the project."""
        self._api.ask("POST", f"{self._project}/deploy_keys", {"title": title, "key": public, "can_push": False})

    def delete_deploy_key(self, key: DeployKey) -> None:
        """Take a key's right to read away."""
        self._api.ask("DELETE", f"{self._project}/deploy_keys/{key.id}")

    def pull_request(self, topic: str, branch: str) -> PullRequest | None:
        """The open merge request from one branch of the project to another, where there is one."""
        wanted = urlencode({"state": "opened", "source_branch": topic, "target_branch": branch})
        for one in self._api.pages(f"{self._project}/merge_requests?{wanted}", self._size):
            if one["source_project_id"] == one["target_project_id"]:  # not one from a fork
                return PullRequest(one["iid"], one["web_url"])
        return None

    def open_pull_request(self, topic: str, branch: str, title: str, text: str) -> PullRequest:
        """A new merge request."""
        body = {"source_branch": topic, "target_branch": branch, "title": title, "description": text}
        made = self._api.ask("POST", f"{self._project}/merge_requests", {**body, "remove_source_branch": True})
        return PullRequest(made["iid"], made["web_url"])

    def edit_pull_request(self, pull_request: PullRequest, title: str, text: str) -> None:
        """Say anew what a merge request is about."""
        path = f"{self._project}/merge_requests/{pull_request.number}"
        self._api.ask("PUT", path, {"title": title, "description": text})

    def may_push(self, branch: str) -> bool:
        """False where the forge says that the token's owner may not push to this branch."""
        try:
            found = self._api.ask("GET", f"{self._project}/repository/branches/{quote(branch, safe='')}")
        except NoRepository:  # the branch is still to come
            return True
        return bool(found.get("can_push", True))


KINDS: dict[str, type[Forge]] = {"gitea": Gitea, "github": GitHub, "gitlab": GitLab}
