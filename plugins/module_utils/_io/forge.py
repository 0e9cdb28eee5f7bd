# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Deploy keys at the forges: registered, checked, taken away."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import PushRefused
from ansible_collections.fluxops.fleet.plugins.module_utils._io.forge_api import NoRepository
from ansible_collections.fluxops.fleet.plugins.module_utils._io.forge_kinds import KINDS, DeployKey, Forge
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_faults import BY_PULL_REQUEST


def choose(forges: Iterable[Mapping[str, Any]], repository_url: str) -> Mapping[str, Any] | None:
    """The settings of the forge that hosts a repository: the one whose URL has the same host, whatever the port."""
    host = urlsplit(repository_url).hostname
    return next((one for one in forges if host and urlsplit(one["url"]).hostname == host), None)


def at(settings: Mapping[str, Any], repository_url: str) -> Forge:
    """A repository at its forge."""
    return KINDS[settings["kind"]](settings, repository_url)


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
        forge = at(settings, url)
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
        at(settings, repository_url).deploy_keys()


class Registration:
    """The right of one cluster's key to read one repository, under a title that no other cluster's key can take."""

    def __init__(self, settings: Mapping[str, Any] | None, repository_url: str, titles: Sequence[str]) -> None:
        """``titles``: the first is that of a new key."""
        self._titles, self.title, self._url = titles, titles[0], repository_url
        self._forge = at(settings, repository_url) if settings else None
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


def check_push(settings: Mapping[str, Any] | None, url: str, branch: str, token: str | None) -> None:
    """Raises PushRefused where the forge already says that a push to the branch would be refused.

    It says so of its own token's owner: of a run that pushes with the same token.
    """
    if settings and token and settings["token"] == token and not at(settings, url).may_push(branch):
        raise PushRefused(f"{url}: the forge protects branch {branch} from this token. {BY_PULL_REQUEST}")
