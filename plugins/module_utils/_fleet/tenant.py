# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""A tenant, from a request that was checked: nothing of it is wrong that can be known without asking anybody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import known_hosts, profiles
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form import FORM, namespace_fault
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.policy import Policy
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Path, Request

INTERVAL, TIMEOUT = "5m", "5m"


@dataclass(frozen=True)
class Source:
    """A repository of the tenant's. ``secret`` holds what it takes to read it; empty: everybody may read it.

    ``generated``: the secret is a deploy key that we make on each cluster.
    """

    name: str
    url: str
    secret: str
    generated: bool


@dataclass(frozen=True)
class Placement:
    """What a tenant gets in one environment. ``clusters``: all of the environment where none is named.

    ``quota`` and ``limits`` are all that is in force there, by resource.
    """

    environment: str
    source: Source
    ref: tuple[str, str]
    path: str
    clusters: tuple[str, ...]
    suspend: bool
    interval: str
    timeout: str
    profile: str
    quota: Mapping[str, str]
    limits: Mapping[str, str]


@dataclass(frozen=True)
class Tenant:
    """One tenant; ``leaving`` where its request says ``state: absent``."""

    name: str
    request: Request
    leaving: bool = False
    team: str = ""
    contact: str = ""
    namespaces: tuple[str, ...] = ()
    access: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    placements: tuple[Placement, ...] = ()

    @property
    def environments(self) -> tuple[str, ...]:
        """The names of the environments that the request asks for."""
        return tuple(one.environment for one in self.placements)

    def placement(self, environment: str) -> Placement | None:
        """What the tenant gets in an environment."""
        return next((one for one in self.placements if one.environment == environment), None)

    def as_dict(self) -> dict[str, Any]:
        """The request with all that it leaves out, as plain data."""
        sources = {one.source.name: one.source for one in self.placements}
        return {
            "tenant": self.name,
            "state": "absent" if self.leaving else "present",
            "where": self.request.place(),
            "owner": {"team": self.team, "contact": self.contact},
            "namespaces": list(self.namespaces),
            "access": {right: list(groups) for right, groups in self.access.items()},
            "sources": [{"name": one.name, "url": one.url, "secret": one.secret} for one in sources.values()],
            "environments": {one.environment: _placement_as_dict(one) for one in self.placements},
        }


def _placement_as_dict(placement: Placement) -> dict[str, Any]:
    plain = ("path", "suspend", "interval", "timeout", "profile")
    return {
        "source": placement.source.name,
        "ref": dict([placement.ref]),
        "clusters": list(placement.clusters),
        "quota": dict(placement.quota),
        "limits": dict(placement.limits),
        **{name: getattr(placement, name) for name in plain},
    }


@dataclass(frozen=True)
class Rules:
    """What a fleet adds to the form of a request.

    ``profile`` is for requests that name none; ``forbidden`` are namespaces of the platform (``name`` or ``prefix*``);
    ``known_hosts`` is a text with the host keys of all Git hosts, None where they are not to be checked.
    ``policy`` has the fleet's defaults and caps.
    """

    profile: str = profiles.DEFAULT
    forbidden: tuple[str, ...] = ()
    known_hosts: str | None = None
    policy: Policy = field(default_factory=Policy)

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Rules:
        """The rules of a noun's parameters. Raises InvalidInput with all that is wrong with them."""
        policy = Policy(params["defaults"], params["caps"])
        raise_if(policy.problems())
        return cls(params["profile"], tuple(params["forbidden_namespaces"]), params["known_hosts"], policy)

    def profile_of(self, environment: str, request: Mapping[str, Any]) -> str:
        """How closely a request is fenced in, in one environment."""
        asked = request["environments"][environment].get("profile") or request.get("profile")
        return asked or self.policy.default("profile", environment, self.profile)

    def namespace_fault(self, namespace: Any) -> str:
        """What is wrong with a namespace's name; empty where nothing is."""
        prefixes = tuple(one[:-1] for one in self.forbidden if one.endswith("*"))
        if namespace in self.forbidden or str(namespace).startswith(prefixes):
            return "this namespace is the platform's: choose another"
        return namespace_fault(namespace)


def from_request(request: Request, rules: Rules) -> tuple[Tenant | None, list[Problem]]:
    """The tenant of a request; or all that is wrong with it."""
    content = request.content
    faults = [request.problem(*fault) for fault in FORM.faults(content, ())]
    if faults:
        return None, faults
    name, owner = content["tenant"], content.get("owner", {})
    if content.get("state") == "absent":
        return Tenant(name, request, True, owner.get("team", ""), owner.get("contact", "")), []
    problems = [request.problem(*fault) for fault in _faults(content, rules)]
    if problems:
        return None, problems
    sources = {one["name"]: _source(one) for one in content["sources"]}
    asked = content["environments"]
    placements = [_placement(one, asked[one], sources, content, rules) for one in sorted(asked)]
    tenant = Tenant(
        name=name,
        request=request,
        team=owner["team"],
        contact=owner.get("contact", ""),
        namespaces=tuple(content.get("namespaces", [name])),
        access={right: tuple(groups) for right, groups in content.get("access", {}).items()},
        placements=tuple(placements),
    )
    return tenant, []


def _source(content: Mapping[str, Any]) -> Source:
    generated = "secret" not in content and content["url"].startswith("ssh://")
    secret = f"source-{content['name']}" if generated else content.get("secret", "")
    return Source(content["name"], content["url"], secret, generated)


def _placement(
    environment: str,
    content: Mapping[str, Any],
    sources: Mapping[str, Source],
    request: Mapping[str, Any],
    rules: Rules,
) -> Placement:
    kind, value = next(iter(content.get("ref", {"branch": "main"}).items()))
    profile, policy = rules.profile_of(environment, request), rules.policy
    return Placement(
        environment=environment,
        source=sources[content.get("source") or next(iter(sources))],
        ref=(kind, value),
        path=_path(content.get("path", f"./flux/{environment}")),
        clusters=tuple(sorted(content.get("clusters", ()))),
        suspend=content.get("suspend", False),
        interval=content.get("interval") or policy.default("interval", environment, INTERVAL),
        timeout=content.get("timeout") or policy.default("timeout", environment, TIMEOUT),
        profile=profile,
        quota=policy.quota(environment, profile, request.get("quota", {})),
        limits=policy.limits(environment, profile, request.get("limits", {})),
    )


def _path(value: str) -> str:
    parts = [part for part in value.split("/") if part not in ("", ".")]
    return "./" + "/".join(parts)


Fault = tuple[Path, Any, str]


def _faults(content: Mapping[str, Any], rules: Rules) -> Iterator[Fault]:
    """What is wrong between the fields of a well-formed request, and with the rules of the fleet."""
    for number, namespace in enumerate(content.get("namespaces", [content["tenant"]])):
        hint = rules.namespace_fault(namespace)
        if hint and "namespaces" in content:
            yield ("namespaces", number), namespace, hint
        elif hint:
            yield ("tenant",), namespace, f"the namespace of this name: {hint}; name others under namespaces"
    sources = content["sources"]
    names = [one["name"] for one in sources]
    used = {
        one.get("source", names[0] if len(names) == 1 else None) for one in content.get("environments", {}).values()
    }
    for number, source in enumerate(sources):
        if source["name"] in names[:number]:
            yield ("sources", number, "name"), source["name"], "stands twice: each source has its own name"
        elif source["name"] not in used:
            yield ("sources", number), source["name"], "no environment uses this source: name it in one, or take it out"
        yield from _host_faults(source, ("sources", number, "url"), rules)
    yield from rules.policy.faults(content, {one: rules.profile_of(one, content) for one in content["environments"]})
    for environment, asked in content["environments"].items():
        yield from _environment_faults(asked, ("environments", environment), names)


def _host_faults(source: Mapping[str, Any], path: Path, rules: Rules) -> Iterator[Fault]:
    """A host whose key nobody pinned; a Secret that the tenant brings holds its own."""
    url = source["url"]
    if rules.known_hosts is None or "secret" in source or not url.startswith("ssh://"):
        return
    name = known_hosts.entry(url)
    if not known_hosts.holds(known_hosts.trusted(rules.known_hosts, url), name):
        hint = f"no line of fleet_known_hosts is for {name}: add the host's key there, as its operator publishes it"
        yield path, url, hint


def _environment_faults(asked: Mapping[str, Any], path: Path, sources: list[str]) -> Iterator[Fault]:
    known = ", ".join(sources) or "none"
    if "source" not in asked and len(sources) != 1:
        yield (*path, "source"), "", f"is missing: there are several sources, name one of {known}"
    elif "source" in asked and asked["source"] not in sources:
        yield (*path, "source"), asked["source"], f"there is no such source here (sources: {known})"
