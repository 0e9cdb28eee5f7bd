# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""One chart repository or registry, spoken to."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin, urlsplit

from ansible.module_utils.urls import open_url

from ansible_collections.fluxops.fleet.plugins.module_utils._io.memory import MemoryFile

Data = Mapping[str, str]
"""What a Secret holds."""

DENIED = (401, 403)
_SECONDS = 10
_LARGEST, _LARGEST_ARCHIVE = 128 * 1024 * 1024, 10 * 1024 * 1024
_MOST_PAGES = 100
_MOVED = (301, 302, 303, 307, 308)
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_NEXT = re.compile(r'<([^>]+)>\s*;\s*rel="?next"?')
# https://helm.sh/docs/topics/registries/#helm-chart-manifest
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Client:
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
        url = f"{self._place(chart)}/tags/list?n=1000"
        headers, found = self._admitted(url, {}), []
        for _page in range(_MOST_PAGES):
            content, link = self._get(url, headers)
            answer = json.loads(content)
            found += [str(one).replace("_", "+") for one in (answer.get("tags") or [])]
            following = _NEXT.search(link)
            if not following:
                break
            url = urljoin(url, following[1])
        return found

    def archive(self, location: str, digest: str) -> bytes:
        """A chart's archive, from where an index says that it is. A login is for the repository's own host."""
        url = urljoin(f"{self.url}/", location)
        if not location or not url.startswith("https://"):
            raise ValueError("its index names no https:// address of its archive")
        own = urlsplit(url).netloc == urlsplit(self.url).netloc
        return _verified(self._moved(url, self._basic() if own else {}), digest)

    def layer(self, chart: str, version: str) -> bytes:
        """A chart's archive, from a registry."""
        place = self._place(chart)
        url, accepted = f"{place}/manifests/{version.replace('+', '_')}", {"Accept": _MANIFEST}
        headers = self._admitted(url, accepted)
        manifest = json.loads(self._get(url, {**accepted, **headers})[0])
        layers = [one for one in manifest.get("layers") or [] if one.get("mediaType") == _LAYER]
        digest = _DIGEST.fullmatch(str(layers[0].get("digest"))) if layers else None
        if not digest:
            raise ValueError("its manifest names no chart")
        return _verified(self._moved(f"{place}/blobs/{digest[0]}", headers), digest[1])

    def _place(self, chart: str) -> str:
        """Where a registry has a chart."""
        place = urlsplit(self.url)
        return f"https://{place.netloc}/v2/{place.path.strip('/')}/{chart}".replace("/v2//", "/v2/")

    def _moved(self, url: str, headers: Mapping[str, str]) -> bytes:
        """An archive: registries send those who have a login to a place that needs none."""
        try:
            return self._get(url, headers, _LARGEST_ARCHIVE)[0]
        except HTTPError as error:
            target = urljoin(url, error.headers.get("Location") or "")
            if error.code not in _MOVED or not headers or not target.startswith("https://"):
                raise
        return self._get(target, {}, _LARGEST_ARCHIVE)[0]

    def _admitted(self, url: str, accepted: Mapping[str, str]) -> dict[str, str]:
        """The headers by which a registry lets us in: https://distribution.github.io/distribution/spec/auth/token/."""
        try:
            self._get(url, accepted)
        except HTTPError as error:
            told = error.headers.get("WWW-Authenticate") or ""
            if error.code not in DENIED or not told:
                raise
        else:
            return {}
        if not told.lower().startswith("bearer"):
            return self._basic()
        said = dict(reversed(_CHALLENGE.findall(told)))  # of the first way in; others may stand behind it
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

    def _get(self, url: str, headers: Mapping[str, str], largest: int = _LARGEST) -> tuple[bytes, str]:
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
            content: bytes = answer.read(largest + 1)
            if len(content) > largest:
                raise ValueError(f"its answer is larger than {largest} bytes")
            return content, answer.headers.get("Link") or ""


def _verified(content: bytes, digest: str) -> bytes:
    """The content of that digest (an index may have none)."""
    wanted = digest.removeprefix("sha256:").lower()
    if wanted and hashlib.sha256(content).hexdigest() != wanted:
        raise ValueError("its archive is not the one that the digest is of")
    return content
