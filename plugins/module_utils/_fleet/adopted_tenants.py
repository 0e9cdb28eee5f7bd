# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The tenants of a fleet repository that others laid out, and the requests by which they would have come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, request_reader
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.adopted_clusters import (
    Reader,
    Seen,
    is_sync,
    key,
    metadata,
    source_of,
    spec,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document, mapping
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_fence import KEY
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import without_credentials
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.requested import from_request
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rules import Rules

# What `flux create tenant` puts on all that is a tenant's.
LABEL = "toolkit.fluxcd.io/tenant"
_TEAM = ("team", "owner")
_LEVEL = "pod-security.kubernetes.io/enforce"
_KEPT = ("interval", "timeout", "suspend")
# The branch that Flux takes where a source names none: https://fluxcd.io/flux/components/source/gitrepositories/#reference
_DEFAULT_REF = {"GitRepository": ("branch", "master"), "OCIRepository": ("tag", "latest")}
HEAD = """\
# Made by fluxops.fleet.adopt from what the fleet repository says of this tenant.{guess}
# The tenant stays as it is until somebody moves it: onboarding this while the old files are there would apply it twice.
"""
GUESS = "\n# owner.team is a guess: the repository does not say who answers for it."


@dataclass(frozen=True)
class Delivery:
    """One of a tenant's own Kustomizations on one cluster, and its source (empty: not in the repository)."""

    tenant: str
    cluster: str
    environment: str
    sync: Document
    source: Document
    where: str


@dataclass(frozen=True)
class Found:
    """One tenant: what is delivered where, its namespaces, and who answers for it (empty: nobody is named).

    ``spaces``: the Namespaces among the objects of its clusters.
    """

    name: str
    deliveries: Sequence[Delivery]
    namespaces: Sequence[str]
    team: str
    spaces: Sequence[Document] = ()

    @property
    def environments(self) -> dict[str, list[Delivery]]:
        """Environment → what is delivered there."""
        return {
            name: [one for one in self.deliveries if one.environment == name]
            for name in sorted({one.environment for one in self.deliveries})
        }

    def as_dict(self) -> dict[str, Any]:
        """Plain data for results."""
        return {
            "tenant": self.name,
            "namespaces": list(self.namespaces),
            "environments": {name: _delivered(found) for name, found in self.environments.items()},
        }


def _delivered(found: Iterable[Delivery]) -> list[dict[str, Any]]:
    return [
        {
            "cluster": one.cluster,
            "sync": "/".join(key(one.sync)[1:]),
            "source": without_credentials(str(spec(one.source).get("url") or " ".join(source_of(one.sync)))),
            "ref": {name: str(value) for name, value in mapping(spec(one.source).get("ref")).items()},
            "path": str(spec(one.sync).get("path") or "./"),
            "where": one.where,
        }
        for one in found
    ]


def tenants(clusters: Iterable[Seen], reader: Reader) -> list[Found]:
    """All tenants: whoever has a Kustomization of a source that is not the fleet repository."""
    deliveries: dict[str, list[Delivery]] = {}
    spaces: dict[str, dict[str, None]] = {}
    teams: dict[str, str] = {}
    there: dict[str, list[Document]] = {}
    for seen in clusters:
        owners = {
            key(one.document)[2]: str(mapping(metadata(one.document).get("labels")).get(LABEL) or "")
            for one, _way in seen.objects
            if one.document.get("kind") == "Namespace"
        }
        for one, _way in seen.objects:
            if not is_sync(one.document) or reader.is_own(one.document):
                continue
            name = _tenant(one.document, owners)
            source = seen.by_key.get(source_of(one.document), {})
            made = Delivery(name, seen.name, seen.environment, one.document, source, one.path)
            deliveries.setdefault(name, []).append(made)
            mine = (key(one.document)[1], str(spec(one.document).get("targetNamespace") or ""))
            more = (space for space, owner in owners.items() if owner == name)
            spaces.setdefault(name, {}).update(dict.fromkeys([*mine, *more]))
            there.setdefault(name, []).extend(_namespaces(seen, spaces[name]))
            teams[name] = teams.get(name) or _team([one.document, source, *_namespaces(seen, mine)])
    own = {name: [space for space in found if space not in ("", FLUX_NAMESPACE)] for name, found in spaces.items()}
    return [
        Found(name, found, own[name], teams[name], [one for one in there[name] if key(one)[2] in own[name]])
        for name, found in sorted(deliveries.items())
    ]


def _namespaces(seen: Seen, names: Iterable[str]) -> list[Document]:
    return [seen.by_key.get(("Namespace", "", name), {}) for name in names]


def _tenant(sync: Document, owners: Mapping[str, str]) -> str:
    """Whose a Kustomization is: by the label, its namespace, the namespace that it writes to, its own name."""
    _kind, namespace, name = key(sync)
    labelled = mapping(metadata(sync).get("labels")).get(LABEL) or owners.get(namespace)
    elsewhere = namespace if namespace not in ("", "default", FLUX_NAMESPACE) else spec(sync).get("targetNamespace")
    return str(labelled or elsewhere or name)


def _team(documents_of_it: Iterable[Mapping[str, Any]]) -> str:
    for one in documents_of_it:
        for where in ("annotations", "labels"):
            for name, value in mapping(metadata(one).get(where)).items():
                if str(name).rpartition("/")[2] in _TEAM and value:
                    return str(value)
    return ""


def request_of(found: Found, clusters: Mapping[str, Sequence[str]]) -> tuple[str, list[str]]:
    """A tenant's request as a file's text, or why there is none. ``clusters``: environment → all that it has."""
    sources: dict[str, dict[str, Any]] = {}
    environments, faults = {}, []
    for environment, deliveries in found.environments.items():
        said = {repr(_said(one)) for one in deliveries}
        if len(said) > 1:
            names = sorted({"/".join(key(one.sync)[1:]) for one in deliveries})
            faults.append(
                f"{environment}: a request has one Kustomization an environment, and here are {', '.join(names)}"
            )
            continue
        first = deliveries[0]
        if first.source.get("kind") not in _DEFAULT_REF:
            named = " ".join(source_of(first.sync))
            faults.append(f"{environment}: its source, {named}, is no GitRepository or OCIRepository that is here")
            continue
        own, placement = _placement(first)
        name = sources.setdefault(repr({**own, "name": ""}), own)["name"]
        chosen = sorted({one.cluster for one in deliveries})
        part = {} if chosen == sorted(clusters[environment]) else {"clusters": chosen}
        environments[environment] = {"source": name, **placement, **part}
    if faults:
        return "", faults
    text = _written(found, list(sources.values()), environments)
    return text, _faults(text, found.name)


def _written(found: Found, sources: list[dict[str, Any]], environments: Mapping[str, Any]) -> str:
    content = {
        "tenant": found.name,
        "owner": {"team": found.team or found.name},
        "namespaces": list(found.namespaces) or [found.name],
        "profile": "open",
        **_marked(found.spaces),
        "sources": sources,
        "environments": environments,
    }
    return HEAD.format(guess="" if found.team else GUESS) + documents.write([content])


def _marked(spaces: Sequence[Document]) -> dict[str, Any]:
    """What the namespaces bear that others may go by, in the words of a request."""
    found: dict[str, Any] = {}
    for part in ("labels", "annotations"):
        pairs = {str(name): str(value) for one in spaces for name, value in mapping(metadata(one).get(part)).items()}
        level = pairs.get(_LEVEL)
        found |= {"podSecurity": level} if level else {}
        asked = {name: value for name, value in sorted(pairs.items()) if not list(KEY.faults(name, ()))}
        found |= {part: asked} if asked else {}
    return found


def _placement(one: Delivery) -> tuple[dict[str, Any], dict[str, Any]]:
    """The source of a request, and what it says of an environment."""
    source, sync = spec(one.source), spec(one.sync)
    ref, default = mapping(source.get("ref")), _DEFAULT_REF[str(one.source.get("kind"))]
    kind = next((name for name in ("commit", "digest", "semver", "tag", "branch") if ref.get(name)), default[0])
    kept = {name: sync[name] for name in _KEPT if sync.get(name)}
    keys = mapping(mapping(sync.get("decryption")).get("secretRef")).get("name")
    values = mapping(mapping(sync.get("postBuild")).get("substitute"))
    kept |= {"decryption": {"secret": str(keys)}} if keys else {}
    kept |= {"substitute": dict(values)} if values else {}
    own = {"name": key(one.source)[2], "url": str(source.get("url") or ""), **_options(source)}
    return own, {"ref": {kind: str(ref.get(kind) or default[1])}, "path": str(sync.get("path") or "./"), **kept}


def _said(one: Delivery) -> Any:
    """All that a request would say of it; its source's name where that is of a kind that requests do not have."""
    return _placement(one) if one.source.get("kind") in _DEFAULT_REF else source_of(one.sync)


def _options(source: Mapping[str, Any]) -> dict[str, Any]:
    """What else a source has that a request has a place for."""
    named = {"secret": source.get("secretRef"), "certSecret": source.get("certSecretRef")}
    found: dict[str, Any] = {field: str(mapping(one).get("name") or "") for field, one in named.items()}
    found["provider"] = source.get("provider") if source.get("provider") != "generic" else ""
    found["ignore"] = [line for line in str(source.get("ignore") or "").splitlines() if line.strip()]
    found["recurseSubmodules"] = bool(source.get("recurseSubmodules"))
    return {field: value for field, value in found.items() if value}


def _faults(text: str, name: str) -> list[str]:
    """What our own reader has to say of a request."""
    found, problems = request_reader.read(text.encode(), name)
    if not problems:
        _tenant_read, problems = from_request(found[0], Rules())
    return [f"{one.field}{f' is {one.value!r}' if one.value else ''}: {one.hint}" for one in problems]
