# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What a run is about, as values that were checked at the border."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.controllers import Settings
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem

# RFC 1123 label, as Kubernetes wants it for names that become hosts, namespaces and label values:
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_VERSION = re.compile(r"v[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# What Flux accepts between ${ and } when it substitutes: https://fluxcd.io/flux/components/kustomize/kustomizations/#post-build-variable-substitution
_VARIABLE = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
# The rules of git-check-ref-format(1) that a branch name can break.
_BAD_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/.]|/\.|\.lock(/|$)|[/.]$|^(@|HEAD)$")
# An SSH URL of which all may be shown: its user is no secret, the cluster's file in the repository holds it too.
_LEADING_DASH, _NOT_IN_PATHS = re.compile(r"(//|@)-"), re.compile(r"[@?#]")
_PLAIN_SSH = re.compile(r"ssh://([A-Za-z0-9._-]+@)?[^@?#]*")

RESERVED_ENVIRONMENTS = ("base",)


@dataclass(frozen=True)
class Distribution:
    """Which Flux: ``version`` (``v2.9.4``), ``manifest`` (URL, file or ``flux``), its ``digest`` (SHA-256, hex).

    Where no digest is given, that counts which the fleet repository has locked.
    """

    version: str
    manifest: str
    digest: str

    @property
    def minor(self) -> tuple[int, int]:
        """The first two numbers of the version, which must be well formed."""
        major, minor, _patch = self.version.removeprefix("v").split(".", 2)
        return int(major), int(minor)


@dataclass(frozen=True)
class Sync:
    """What a cluster follows: one branch of the fleet repository."""

    url: str
    branch: str


@dataclass(frozen=True)
class Member:
    """One cluster of a run, for what lies beside Flux itself. ``failure``: why it was not reached, where it was not."""

    host: str
    name: str
    environment: str
    uid: str
    sync: Sync
    reachable: bool = True
    failure: str = ""

    @classmethod
    def from_params(cls, found: Mapping[str, Any]) -> Member:
        """A member from what the noun ``preflight`` returned for its host."""
        sync = Sync(found["repository"]["url"], found["repository"]["branch"])
        names = {key: str(found[key]) for key in ("host", "name", "environment", "uid", "failure")}
        return cls(**names, sync=sync, reachable=bool(found["reachable"]))

    def problems(self) -> list[Problem]:
        """Everything about this member that can be known to be wrong without asking anybody."""
        return _membership(self.host, self.name, self.environment, self.sync)


@dataclass(frozen=True)
class Cluster:
    """One cluster of the inventory. ``uid`` is that of its namespace kube-system; empty where it was not reached.

    ``lockdown`` is a wish, empty for what fits; it and ``taken_over`` are settled by what the repository has.
    ``admission`` are the patterns of URLs that the API lets tenants read from (empty: all); None: it does not look.
    """

    host: str
    name: str
    environment: str
    uid: str
    sync: Sync
    distribution: Distribution
    lockdown: str
    substitutions: tuple[tuple[str, str], ...] = ()
    settings: Settings = field(default_factory=Settings, hash=False)
    taken_over: bool = False
    provider: str = "generic"
    admission: tuple[str, ...] | None = None

    @property
    def facts(self) -> dict[str, str]:
        """What manifests may substitute: ``${cluster_name}`` and the user's own."""
        own = {"cluster_name": self.name, "cluster_environment": self.environment}
        return {**dict(self.substitutions), **own}

    @classmethod
    def from_params(cls, host: str, params: Mapping[str, Any], uid: str = "") -> Cluster:
        """A cluster from a noun's parameters; ``problems`` says what is wrong with it."""
        repository, flux = params["repository"], params["flux"]
        admission = flux.get("admission")
        return cls(
            host=host,
            name=params["name"] or host,
            environment=params["environment"],
            uid=uid,
            sync=Sync(repository["url"], repository["branch"]),
            distribution=Distribution(
                flux["version"], flux["manifest"], (flux["digest"] or "").removeprefix("sha256:")
            ),
            lockdown=flux.get("lockdown") or "",
            provider=flux.get("provider") or "generic",
            admission=None if admission is None else tuple(admission["sources"]),
            substitutions=tuple(sorted((str(k), _text(v)) for k, v in (params.get("substitutions") or {}).items())),
            settings=Settings.from_params(flux),
        )

    def problems(self) -> list[Problem]:
        """Everything about this cluster that can be known to be wrong without asking anybody."""
        found = _membership(self.host, self.name, self.environment, self.sync)
        found += _check(_VERSION, self.host, "fleet_flux_version", self.distribution.version, "write it as v2.9.4")
        hint = "the SHA-256 of the manifest, 64 hex digits (sha256sum install.yaml)"
        if self.distribution.digest:
            found += _check(_SHA256, self.host, "fleet_flux_digest", self.distribution.digest, hint)
        for name, _value in self.substitutions:
            hint = "letters, digits and _ only, no digit first: Flux substitutes nothing else"
            found += _check(_VARIABLE, self.host, "fleet_substitutions", name, hint)
        return found + self.settings.problems(self.host)


def _membership(host: str, name: str, environment: str, sync: Sync) -> list[Problem]:
    found = [
        *check_label(host, "fleet_cluster_name", name),
        *check_label(host, "fleet_environment", environment),
        *check_repository_url(host, "fleet_repository_url", sync.url),
        *check_branch(host, "fleet_repository_branch", sync.branch),
    ]
    if environment in RESERVED_ENVIRONMENTS:
        hint = "this name is taken by the layout of the repository: choose another"
        found.append(Problem(host, "fleet_environment", environment, hint))
    return found


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _check(pattern: re.Pattern[str], where: str, field: str, value: str, hint: str) -> list[Problem]:
    return [] if pattern.fullmatch(value) else [Problem(where, field, value or "empty", hint)]


def check_label(where: str, field: str, value: str) -> list[Problem]:
    """Problems of a name that must be a DNS label; names the first character that is none of ASCII's."""
    foreign = next((character for character in value if not character.isascii()), None)
    hint = "lower-case letters, digits and '-', at most 63, a letter or digit first and last"
    if foreign:
        hint += f" (U+{ord(foreign):04X} is none of them)"
    return _check(_DNS_LABEL, where, field, value, hint)


def check_branch(where: str, field: str, value: str) -> list[Problem]:
    """Problems of a branch name, by the rules of git-check-ref-format(1)."""
    if value and not _BAD_BRANCH.search(value) and not value.startswith("refs/"):
        return []
    return [Problem(where, field, value or "empty", "the short name of a branch that Git accepts, such as main")]


def check_repository_url(where: str, field: str, value: str) -> list[Problem]:
    """Problems of a Git URL: a scheme that we and Flux speak, no credentials in it."""
    hint = _fault_of_url(value)
    return [Problem(where, field, without_credentials(value) or "empty", hint)] if hint else []


def _fault_of_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return "this is no URL"
    if parts.password is not None or (parts.scheme != "ssh" and "@" in parts.netloc):
        return "credentials stand in the URL: take them out, and give fleet_repository_token"
    if parts.scheme not in ("ssh", "https") or not parts.hostname or not port_is_fine or len(parts.path) < 2:
        return "ssh://git@host/path.git or https://host/path.git (Flux knows no host:path form)"
    if _LEADING_DASH.search(f"//{parts.netloc}") or any(ord(character) < 33 for character in value):
        return "a host or user can't begin with '-', a URL holds no white space"
    if _NOT_IN_PATHS.search(value.partition(parts.netloc)[2]):
        return "after the host a Git URL holds no '@' (write %40), '?' or '#'"
    return ""


def without_credentials(url: str) -> str:
    """The URL with nothing that may be secret: what stands before an '@', and after '?' or '#'."""
    if _PLAIN_SSH.fullmatch(url):
        return url
    _secret, at, rest = url.rpartition("@")
    scheme = re.match(r"[a-z+]*://|", url)
    return re.split(r"[?#]", (scheme.group() + "…@" if scheme and at else "") + rest)[0]
