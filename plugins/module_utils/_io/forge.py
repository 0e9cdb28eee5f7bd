# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The forge's API: deploy keys of a repository."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit

from ansible.module_utils.urls import open_url

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import ForgeError
from ansible_collections.fluxops.fleet.plugins.module_utils._io.memory import MemoryFile

_SECONDS = 30
_PAGE = 50
_NOT_FOUND = 404


class NoRepository(ForgeError):
    """The forge knows no such repository, or its token may not see it."""


@dataclass(frozen=True)
class DeployKey:
    """One key that may read (or write) one repository; ``public`` is type and key, without the comment."""

    id: int
    title: str
    public: str
    read_only: bool


def public_part(line: str) -> str:
    """Type and key of a public key's line; forges drop or change the comment."""
    return " ".join(line.split()[:2])


class Gitea:
    """Gitea's and Forgejo's API: https://docs.gitea.com/api/."""

    def __init__(self, settings: Mapping[str, Any], repository_url: str) -> None:
        self._root = settings["url"].rstrip("/") + "/api/v1"
        self._token = settings["token"]
        self._ca_cert = settings.get("ca_cert")
        path = urlsplit(repository_url).path.strip("/").removesuffix(".git")
        self._keys = f"/repos/{quote(path)}/keys"

    def deploy_keys(self) -> list[DeployKey]:
        """All deploy keys of the repository."""
        found: list[DeployKey] = []
        while True:
            page = self._ask("GET", f"{self._keys}?limit={_PAGE}&page={len(found) // _PAGE + 1}")
            found += [DeployKey(key["id"], key["title"], public_part(key["key"]), key["read_only"]) for key in page]
            if len(page) < _PAGE:
                return found

    def add_deploy_key(self, title: str, public: str) -> None:
        """Let a key read the repository."""
        self._ask("POST", self._keys, {"title": title, "key": public, "read_only": True})

    def delete_deploy_key(self, key: DeployKey) -> None:
        """Take a key's right to read away."""
        self._ask("DELETE", f"{self._keys}/{key.id}")

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        headers = {
            "Authorization": f"token {self._token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": "fluxops.fleet",
        }
        data = json.dumps(body) if body is not None else None
        request = {"method": method, "data": data, "headers": headers, "timeout": _SECONDS}
        try:
            with MemoryFile(self._ca_cert.encode()) if self._ca_cert else nullcontext() as trusted:
                ca_path = trusted.path if trusted else None
                with open_url(self._root + path, ca_path=ca_path, follow_redirects="none", **request) as answer:
                    content = answer.read()
        except HTTPError as error:
            kind = NoRepository if error.code == _NOT_FOUND else ForgeError
            raise kind(f"{self._root}{path.partition('?')[0]}: {_explain(error)}") from None
        except (OSError, ValueError) as error:
            raise ForgeError(
                f"{self._root}: the forge does not answer: {error}: check fleet_forge.url and ca_cert"
            ) from None
        return json.loads(content) if content else None


def _explain(error: HTTPError) -> str:
    try:
        message = str(json.loads(error.read()).get("message", ""))
    except (ValueError, AttributeError):
        message = ""
    remedy = {
        401: "the forge does not accept fleet_forge_token: renew it",
        403: "fleet_forge_token lacks the right to manage deploy keys of this repository",
        404: "the forge knows no such repository, or fleet_forge_token may not see it",
    }.get(error.code, "")
    return ": ".join(part for part in (f"HTTP {error.code}", message, remedy) if part)


KINDS = {"gitea": Gitea}


def choose(forges: Iterable[Mapping[str, Any]], repository_url: str) -> Mapping[str, Any] | None:
    """The settings of the forge that hosts a repository: the one whose URL has the same host, whatever the port."""
    host = urlsplit(repository_url).hostname
    return next((one for one in forges if host and urlsplit(one["url"]).hostname == host), None)


class Withdrawal:
    """Deploy keys that are taken away, each known by its title at its repository. In check mode they are only found.

    ``removed``: what there was and is gone. ``by_hand``: what we can't do, as text.
    """

    def __init__(self, forges: Sequence[Mapping[str, Any]], *, check_mode: bool) -> None:
        self._forges, self._check_mode = forges, check_mode
        self.removed: list[tuple[str, str]] = []
        self.by_hand: list[str] = []

    def withdraw(self, titles: Mapping[str, Collection[str]]) -> None:
        """Delete the keys of these titles (repository URL → titles). May be said twice. Raises ForgeError."""
        for url, wanted in titles.items():
            settings = choose(self._forges, url)
            try:
                self.removed += [(url, title) for title in self._delete(settings, url, wanted)] if settings else []
                reason = "" if settings else "no forge is given for this host"
            except NoRepository:
                reason = "the forge shows no such repository"
            text = f"{url}: {reason}: where it exists, delete its deploy keys {', '.join(sorted(wanted))}"
            if reason and text not in self.by_hand:
                self.by_hand.append(text)

    def _delete(self, settings: Mapping[str, Any], url: str, titles: Collection[str]) -> list[str]:
        forge = KINDS[settings["kind"]](settings, url)
        found = [key for key in forge.deploy_keys() if key.title in titles and (url, key.title) not in self.removed]
        for key in () if self._check_mode else found:
            forge.delete_deploy_key(key)
        return sorted(key.title for key in found)

    @property
    def diff(self) -> list[dict[str, str]]:
        """The keys as people see them."""
        return [
            {"before_header": header, "after_header": header, "before": f"{title} (read-only)\n", "after": ""}
            for header, title in ((f"deploy key of {url}", title) for url, title in self.removed)
        ]


def check(settings: Mapping[str, Any] | None, repository_url: str) -> None:
    """Ask the forge for what a later step will need, so that a wrong token is known before anything is written."""
    if settings and repository_url.startswith("ssh://"):
        KINDS[settings["kind"]](settings, repository_url).deploy_keys()


class Registration:
    """The right of one cluster's key to read one repository, under a title that no other cluster's key can take."""

    def __init__(self, settings: Mapping[str, Any] | None, repository_url: str, titles: Sequence[str]) -> None:
        """``titles``: the first is that of a new key."""
        self._titles, self.title, self._url = titles, titles[0], repository_url
        self._forge = KINDS[settings["kind"]](settings, repository_url) if settings else None
        self._stale: list[DeployKey] = []

    def needed(self, public: str) -> bool:
        """Whether the forge has to be told of this key; False too where we have no forge to tell.

        A key that people registered under another title, as for clusters that were taken over, is known and theirs:
        forges take a key once only.
        """
        if not self._forge:
            return False
        known = self._forge.deploy_keys()
        if any(key.public == public and key.title not in self._titles for key in known):
            return False
        titled = [key for key in known if key.title in self._titles]
        self._stale = [key for key in titled if key.public != public or not key.read_only]
        return len(titled) == len(self._stale)

    def register(self, public: str) -> None:
        """Register the key read-only; a key of the same title is replaced."""
        if self._forge:
            for key in self._stale:
                self._forge.delete_deploy_key(key)
            self._forge.add_deploy_key(self.title, public)

    def state(self, needed: bool, check_mode: bool) -> str:
        """``registered``, ``missing`` (check mode), or ``by hand`` where no forge is given."""
        if not self._forge:
            return "by hand"
        return "missing" if needed and check_mode else "registered"

    def diff(self, needed: bool) -> list[dict[str, str]]:
        """The registration as people see it."""
        if not needed:
            return []
        header = f"deploy key of {self._url}"
        return [{"before_header": header, "after_header": header, "before": "", "after": f"{self.title} (read-only)\n"}]
