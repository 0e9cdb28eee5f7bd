# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What a fleet gives to requests that leave it out, and how far a request may go."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import (
    external_secrets,
    fence_checks,
    form_fence,
    form_values,
    patterns,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.profiles import PROFILES
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Path, Request
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Fault, Shape, Text
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.structures import Items, Record, Table

DEFAULTS_VARIABLE, CAPS_VARIABLE = "fleet_tenant_defaults", "fleet_tenant_caps"

_COMMON: dict[str, Shape] = {
    "quota": form_fence.QUOTA,
    "limits": form_fence.LIMITS,
    "interval": form_values.INTERVAL,
    "retryInterval": form_values.RETRY_INTERVAL,
    "timeout": form_values.TIMEOUT,
    "role": form_fence.ROLE,
    "rules": form_fence.RULES,
    "network": form_fence.NETWORK,
    "podSecurity": form_fence.SECURITY,
}
_DEFAULTS = Record(
    "",
    {
        **_COMMON,
        "environments": Table(
            "", form_values.ENVIRONMENT_NAME, Record("", {**_COMMON, "profile": form_fence.PROFILE}), 0
        ),
    },
)
_CAPS = Record(
    "",
    {
        "quota": form_fence.QUOTA,
        "profiles": Items("", form_fence.PROFILE),
        "externalSecrets": external_secrets.CAPS,
        "roles": Items("", form_fence.ROLE_NAME),
        "network": form_fence.NETWORK,
        "podSecurity": form_fence.SECURITY,
        "sources": Items(
            "",
            Text(
                "",
                r"(ssh|https|oci)://[^/*]*(\*[^/*]*)?(/[^/*]*(\*[^/*]*)?)*(/\*\*)?",
                "a URL with * for what lies between two slashes, and /** at its end for all that lies below, "
                "such as ssh://git@git.example/team-*/**",
                2048,
            ),
        ),
    },
)

# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
_DECIMAL = {"m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
# Segments that a server may take for the directory above.
CLIMBS = re.compile(r"(/|%2f)(\.|%2e)+(/|%2f|$)|\\|%5c", re.IGNORECASE)


def quantity(value: object) -> Decimal:
    """The number that a quantity of Kubernetes stands for."""
    number, suffix = re.findall(r"^([0-9.]+)(.*)$", str(value))[0]
    if suffix in _BINARY:
        return Decimal(number) * Decimal(1024) ** (_BINARY.index(suffix) + 1)
    exponent = _DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:])
    return Decimal(number).scaleb(exponent)


@dataclass(frozen=True)
class Policy:
    """Defaults and caps of a fleet, as they were checked by ``problems``."""

    defaults: Mapping[str, Any] = field(default_factory=dict)
    caps: Mapping[str, Any] = field(default_factory=dict)

    def problems(self) -> Iterator[Problem]:
        """What is wrong with the fleet's own variables."""
        wrong = False
        for name, shape, value in ((DEFAULTS_VARIABLE, _DEFAULTS, self.defaults), (CAPS_VARIABLE, _CAPS, self.caps)):
            for path, found, hint in shape.faults(value, ()):
                wrong = True
                yield Request({}, "run").problem((name, *path), found, hint)
        if not wrong:
            for path, found, hint in self._beyond_caps():
                yield Request({}, "run").problem((DEFAULTS_VARIABLE, *path), found, hint)

    def unknown(self, environments: Iterable[str]) -> Iterator[Problem]:
        """Defaults for environments that the inventory does not have: they would never be anybody's."""
        known = sorted(environments)
        for name in sorted(self.defaults.get("environments", {}).keys() - set(known)) if known else ():
            hint = f"no cluster of the inventory is of this environment (there are {', '.join(known)})"
            yield Problem("run", f"{DEFAULTS_VARIABLE}.environments", name, hint)

    def layers(self, environment: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """The defaults of an environment, and the fleet's."""
        return self.defaults.get("environments", {}).get(environment, {}), self.defaults

    def default(self, name: str, environment: str, otherwise: str) -> str:
        """One field that a request leaves out: as the environment has it, or the fleet."""
        own, _fleet = self.layers(environment)
        return str(own.get(name) or self.defaults.get(name) or otherwise)

    def quota(self, environment: str, profile: str, asked: Mapping[str, Any]) -> dict[str, str]:
        """What a namespace may use. Whatever is capped is limited there, also where nobody asked for a limit."""
        found = self._merged("quota", environment, PROFILES[profile].quota)
        for name, cap in self.caps.get("quota", {}).items():
            found[name] = str(min(found.get(name, cap), cap, key=quantity))
        return {**found, **_texts(asked)}

    def limits(self, environment: str, profile: str, asked: Mapping[str, Any]) -> dict[str, str]:
        """What a container gets that says nothing itself."""
        return {**self._merged("limits", environment, PROFILES[profile].limits), **_texts(asked)}

    def _merged(self, name: str, environment: str, profile: Mapping[str, str]) -> dict[str, str]:
        own, _fleet = self.layers(environment)
        return {**profile, **_texts(self.defaults.get(name, {})), **_texts(own.get(name, {}))}

    def faults(self, content: Mapping[str, Any], profiles: Mapping[str, str]) -> Iterator[Fault]:
        """Where a request goes beyond the fleet's caps. ``profiles``: environment → the profile it comes to."""
        yield from self._quota_faults(content.get("quota", {}), ("quota",))
        for environment, own in content["environments"].items():
            yield from self._quota_faults(own.get("quota", {}), ("environments", environment, "quota"))
        yield from external_secrets.faults(content, self.caps.get("externalSecrets", ()))
        for number, source in enumerate(content["sources"]):
            if not self._allows(source["url"]):
                hint = f"the fleet allows sources of {', '.join(self.caps['sources'])} ({CAPS_VARIABLE}.sources)"
                yield ("sources", number, "url"), source["url"], hint
        allowed = self.caps.get("profiles", tuple(PROFILES))
        for environment, profile in profiles.items():
            if profile not in allowed:
                said = "profile" in content and "profile" not in content["environments"][environment]
                path: Path = ("profile",) if said else ("environments", environment, "profile")
                yield path, profile, f"the fleet allows {', '.join(allowed)} ({CAPS_VARIABLE}.profiles)"

    def _beyond_caps(self) -> Iterator[Fault]:
        yield from self._quota_faults(self.defaults.get("quota", {}), ("quota",))
        yield from fence_checks.said(self.defaults, self.caps, ())
        allowed = self.caps.get("profiles", tuple(PROFILES))
        for environment, own in self.defaults.get("environments", {}).items():
            path: Path = ("environments", environment)
            yield from self._quota_faults(own.get("quota", {}), (*path, "quota"))
            yield from fence_checks.said(own, self.caps, path)
            if own.get("profile", allowed[0]) not in allowed:
                yield (*path, "profile"), own["profile"], f"{CAPS_VARIABLE}.profiles allows {', '.join(allowed)}"

    def _quota_faults(self, asked: Mapping[str, Any], path: Path) -> Iterator[Fault]:
        for name, cap in self.caps.get("quota", {}).items():
            if name in asked and quantity(asked[name]) > quantity(cap):
                yield (*path, name), asked[name], f"the fleet allows at most {cap} ({CAPS_VARIABLE}.quota)"

    def _allows(self, url: str) -> bool:
        allowed = self.caps.get("sources")
        return allowed is None or (not CLIMBS.search(url) and any(expression(one).fullmatch(url) for one in allowed))


def expression(pattern: str) -> re.Pattern[str]:
    """A pattern of URLs: what stands for ``*`` holds nothing that could end a host, a user or a directory."""
    return patterns.expression(pattern, "/@:")


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}
