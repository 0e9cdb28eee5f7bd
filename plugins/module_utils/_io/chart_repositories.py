# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Chart repositories and registries, asked which versions of a chart they have."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin, urlsplit

from ansible.module_utils.urls import open_url

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import charts
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.charts import Answer, Chart
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._io.memory import MemoryFile

Data = Mapping[str, str]
"""What a Secret holds."""

_SECONDS = 10
_AT_ONCE = 8
_LARGEST = 128 * 1024 * 1024
_MOST_PAGES = 100
_DENIED, _MISSING = (401, 403), 404
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_NEXT = re.compile(r'<([^>]+)>\s*;\s*rel="?next"?')


class ChartRepositories:
    """Asks each repository once in a run. ``secrets``: name → what it holds, of those in flux-system."""

    def __init__(self, secrets: Mapping[str, Data]) -> None:
        self._secrets = secrets
        self._known: dict[Chart, Answer] = {}

    def look(self, wanted: Iterable[Chart]) -> dict[Chart, Answer]:
        """What is said of each chart; of several at once."""
        every = sorted(set(wanted))
        new = [one for one in every if one not in self._known]
        if new:
            repositories: dict[tuple[str, ...], list[Chart]] = {}
            for one in new:
                own = (one.name,) if one.url.startswith("oci://") else ()
                repositories.setdefault((one.url, one.secret, one.ca_secret, *own), []).append(one)
            with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
                for found in pool.map(self._ask, repositories.values()):
                    self._known |= found
        return {one: self._known[one] for one in every}

    def _ask(self, same: list[Chart]) -> dict[Chart, Answer]:
        """Charts of one repository; of a registry the same chart."""
        first = same[0]
        client = _Client(first.url, self._secrets.get(first.secret, {}), self._secrets.get(first.ca_secret, {}))
        try:
            if first.url.startswith("oci://"):
                return dict.fromkeys(same, Answer(tuple(client.tags(first.name))))
            index = client.index()
            return {one: charts.listed(index, one.name) for one in same}
        except HTTPError as error:
            answer = self._refused(first, client, error)
        except (OSError, ValueError, HTTPException) as error:
            answer = Answer(silent=f"does not answer ({error})")
        except InvalidInput:
            answer = Answer(silent="what it answers is no index of a chart repository")
        return dict.fromkeys(same, answer)

    def _refused(self, chart: Chart, client: _Client, error: HTTPError) -> Answer:
        """A repository may hide what it has from those who have no password."""
        blind = bool(chart.secret) and not client.has_login
        if error.code == _MISSING and not blind:
            return Answer()
        if blind:
            return Answer(silent=f"needs Secret {chart.secret}, which fleet_secrets does not have here")
        why = "it refuses to say" if error.code in _DENIED else "it answers"
        return Answer(silent=f"{why} (HTTP {error.code})")


@dataclass(frozen=True)
class _Client:
    """One repository, by a user name and password where the Secret of Flux's has them."""

    url: str
    login: Data = field(repr=False)
    authority: Data = field(repr=False)

    @property
    def has_login(self) -> bool:
        return bool(self._basic())

    def index(self) -> str:
        """The text of the index."""
        return self._get(f"{self.url}/index.yaml", self._basic())[0].decode("utf-8", "replace")

    def tags(self, chart: str) -> list[str]:
        """The tags of a chart as versions, page by page.

        https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags. Helm writes + as _ in a tag:
        https://helm.sh/docs/topics/registries/#oci-feature-deprecation-and-behavior-changes-with-v380
        """
        place = urlsplit(self.url)
        url = f"https://{place.netloc}/v2/{place.path.strip('/')}/{chart}/tags/list?n=1000".replace("/v2//", "/v2/")
        headers, found = self._admitted(url), []
        for _page in range(_MOST_PAGES):
            content, link = self._get(url, headers)
            answer = json.loads(content)
            found += [str(one).replace("_", "+") for one in (answer.get("tags") or [])]
            following = _NEXT.search(link)
            if not following:
                break
            url = urljoin(url, following[1])
        return found

    def _admitted(self, url: str) -> dict[str, str]:
        """The headers by which a registry lets us in: https://distribution.github.io/distribution/spec/auth/token/."""
        try:
            self._get(url, {})
        except HTTPError as error:
            told = error.headers.get("WWW-Authenticate") or ""
            if error.code not in _DENIED or not told:
                raise
        else:
            return {}
        if not told.lower().startswith("bearer"):
            return self._basic()
        said = dict(_CHALLENGE.findall(told))
        query = urlencode({key: said[key] for key in ("service", "scope") if key in said})
        realm = said.get("realm", "")
        if not realm.startswith("https://"):
            raise ValueError("its realm is no https:// address")
        answer = json.loads(self._get(f"{realm}?{query}", self._basic())[0])
        return {"Authorization": f"Bearer {answer.get('token') or answer.get('access_token')}"}

    def _basic(self) -> dict[str, str]:
        name, password = self.login.get("username"), self.login.get("password")
        given = f"{name}:{password}" if name and password else self._of_docker()
        encoded = base64.b64encode(given.encode()).decode()
        return {"Authorization": f"Basic {encoded}"} if given else {}

    def _of_docker(self) -> str:
        """``user:password`` of a Secret of type kubernetes.io/dockerconfigjson."""
        try:
            hosts = json.loads(self.login.get(".dockerconfigjson", "{}")).get("auths", {})
            own: Mapping[str, Any] = hosts.get(urlsplit(self.url).netloc, {})
            if own.get("auth"):
                return base64.b64decode(own["auth"]).decode()
            return f"{own['username']}:{own['password']}" if own.get("username") else ""
        except (ValueError, AttributeError, KeyError):
            return ""

    def _get(self, url: str, headers: Mapping[str, str]) -> tuple[bytes, str]:
        """What is there, and where it goes on. A password is for this address alone, so no redirect gets it."""
        authority = self.authority.get("ca.crt", "")
        with MemoryFile(authority.encode()) if authority else nullcontext() as trusted:
            answer = open_url(
                url,
                headers=dict(headers),
                http_agent="fluxops.fleet",
                timeout=_SECONDS,
                follow_redirects="none" if headers else "safe",
                ca_path=trusted.path if trusted else None,
            )
        with answer:
            content: bytes = answer.read(_LARGEST + 1)
            if len(content) > _LARGEST:
                raise ValueError(f"its answer is larger than {_LARGEST} bytes")
            return content, answer.headers.get("Link") or ""
