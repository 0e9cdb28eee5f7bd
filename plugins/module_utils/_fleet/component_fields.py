# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The fields of a component: which there are, and what each must be by itself."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import check_label, without_credentials

Check = Callable[[str, str, Any], list[Problem]]
"""Where (a host), field and value → what is wrong with that value."""

KINDS = ("helm", "kustomize", "manifests")
STATES = ("present", "absent")
# The name of its Flux Kustomization, "infrastructure-<name>", becomes a label's value: at most 63 characters.
LONGEST_NAME = 48
# https://helm.sh/docs/chart_template_guide/getting_started/#adding-a-simple-template-call
LONGEST_RELEASE = 53
# The form that Flux's own CRDs ask for.
_DURATION = re.compile(r"([0-9]+(\.[0-9]+)?(ms|s|m|h))+")
_ONE_VERSION = r"v?(\d+|[xX*])(\.(\d+|[xX*])){0,2}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?"
_BOUND = rf"((=|!=|<|>|<=|>=|=<|=>|~|~>|\^) *)?{_ONE_VERSION}"
_BOUNDS = rf"{_BOUND}( *, *{_BOUND}| +{_BOUND}| +- +{_ONE_VERSION})*"
# https://github.com/Masterminds/semver#checking-version-constraints: what Helm and Flux read.
_VERSIONS = re.compile(rf"{_BOUNDS}( *\|\| *{_BOUNDS})*")
# A DNS subdomain, as Kubernetes wants it for the names of most objects.
_OBJECT_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_TYPES = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}


def problems(where: str, variable: str, fragment: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with one variable of the inventory (component → fields) whatever the others say."""
    found = []
    for name, fields in fragment.items():
        found += check_name(where, variable, name)
        found += _component(where, f"{variable}.{name}", fields)
    return found


def check_name(where: str, field: str, value: str) -> list[Problem]:
    """Problems of a component's name."""
    if len(value) > LONGEST_NAME:
        return [Problem(where, field, value, f"a component's name has at most {LONGEST_NAME} characters")]
    return check_label(where, field, value)


def _wrong_type(where: str, field: str, value: Any, wanted: str) -> list[Problem]:
    found = _TYPES.get(type(value), "nothing")
    return [Problem(where, field, "", f"must be {wanted}, and is {found}")]


def _text(pattern: re.Pattern[str] | None, hint: str) -> Check:
    def check(where: str, field: str, value: Any) -> list[Problem]:
        if not isinstance(value, str):
            return _wrong_type(where, field, value, "text: put it in quotes")
        if not value or (pattern and not pattern.fullmatch(value)):
            return [Problem(where, field, value or "empty", hint)]
        return []

    return check


def _mapping(fields: Mapping[str, Check]) -> Check:
    def check(where: str, field: str, value: Any) -> list[Problem]:
        if not isinstance(value, Mapping):
            return _wrong_type(where, field, value, "a mapping")
        hint = f"there is no such field; the fields are {', '.join(fields)}"
        found = [Problem(where, f"{field}.{key}", "", hint) for key in value if key not in fields]
        return found + [
            problem for key in fields if key in value for problem in fields[key](where, f"{field}.{key}", value[key])
        ]

    return check


def _label(where: str, field: str, value: Any) -> list[Problem]:
    return check_label(where, field, value) if isinstance(value, str) else _wrong_type(where, field, value, "text")


def _release(where: str, field: str, value: Any) -> list[Problem]:
    if isinstance(value, str) and len(value) > LONGEST_RELEASE:
        return [Problem(where, field, value, f"a release's name has at most {LONGEST_RELEASE} characters")]
    return _label(where, field, value)


def _names(where: str, field: str, value: Any) -> list[Problem]:
    if not isinstance(value, list):
        return _wrong_type(where, field, value, "a list of components")
    return [problem for name in value for problem in _label(where, field, name)]


def _state(where: str, field: str, value: Any) -> list[Problem]:
    return [] if value in STATES else [Problem(where, field, str(value), f"one of {' and '.join(STATES)}")]


def _repository(where: str, field: str, value: Any) -> list[Problem]:
    if not isinstance(value, str):
        return _wrong_type(where, field, value, "text")
    hint = _fault_of_repository(value)
    return [Problem(where, field, without_credentials(value) or "empty", hint)] if hint else []


def _fault_of_repository(value: str) -> str:
    try:
        parts = urlsplit(value)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return "this is no URL"
    if "@" in parts.netloc:
        return "credentials stand in the URL: take them out, and name a Secret of fleet_secrets in helm.secret"
    if parts.scheme not in ("https", "oci") or not parts.hostname or not port_is_fine:
        return "https://host/path of a chart repository, or oci://host/path of a registry"
    if parts.query or parts.fragment or any(ord(character) < 33 for character in value):
        return "a chart repository's URL holds no white space, '?' or '#'"
    return ""


def _path(where: str, field: str, value: Any) -> list[Problem]:
    if not isinstance(value, str):
        return _wrong_type(where, field, value, "text")
    steps = value.removeprefix("./").removesuffix("/").split("/")
    foreign = [step for step in steps if step in ("", ".", "..") or not step.isprintable()]
    hint = "a directory of the fleet repository, from its root: infrastructure/base/…"
    return [Problem(where, field, value or "empty", hint)] if foreign else []


def _tree(where: str, field: str, value: Any) -> list[Problem]:
    """A value that JSON, and so Kubernetes, can hold."""
    if isinstance(value, Mapping):
        return [problem for key, item in value.items() for problem in _tree(where, f"{field}.{key}", item)]
    if isinstance(value, list):
        return [problem for place, item in enumerate(value) for problem in _tree(where, f"{field}[{place}]", item)]
    if isinstance(value, float) and not math.isfinite(value):
        return [Problem(where, field, str(value), "Kubernetes knows finite numbers only")]
    return []


def _values(where: str, field: str, value: Any) -> list[Problem]:
    return _tree(where, field, value) if isinstance(value, Mapping) else _wrong_type(where, field, value, "a mapping")


def _manifests(where: str, field: str, value: Any) -> list[Problem]:
    if not isinstance(value, list):
        return _wrong_type(where, field, value, "a list of objects, or a path on the controller")
    if not value:
        return [Problem(where, field, "", "holds no object")]
    return [
        problem for place, item in enumerate(value) for problem in check_object(where, f"{field}[{place}]", item)
    ] + _repeated(where, field, value)


def check_object(where: str, field: str, value: Any) -> list[Problem]:
    """Problems of one object of Kubernetes that is to be written into the repository."""
    if not isinstance(value, Mapping):
        return _wrong_type(where, field, value, "an object of Kubernetes")
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    named = {"apiVersion": value.get("apiVersion"), "kind": value.get("kind"), "metadata.name": name}
    found = [
        Problem(where, f"{field}.{key}", "", "is missing, or no text")
        for key, given in named.items()
        if not given or not isinstance(given, str)
    ]
    if value.get("kind") == "Secret":
        hint = "a Secret would lie in Git in clear: name it in fleet_secrets, which puts it into the cluster"
        found.append(Problem(where, f"{field}.kind", "Secret", hint))
    return found + _tree(where, field, value)


def identity(document: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """What tells an object from all others: API group, kind, namespace, name."""
    metadata = document.get("metadata") or {}
    group = str(document.get("apiVersion", "")).rpartition("/")[0]
    return group, str(document.get("kind")), str(metadata.get("namespace") or ""), str(metadata.get("name"))


def _repeated(where: str, field: str, objects: Sequence[Any]) -> list[Problem]:
    seen, found = set(), []
    for one in objects:
        if not isinstance(one, Mapping) or not isinstance(one.get("metadata") or {}, Mapping):
            continue
        key = identity(one)
        if key in seen:
            found.append(Problem(where, field, " ".join(filter(None, key)), "stands twice"))
        seen.add(key)
    return found


_duration = _text(_DURATION, "a duration as Flux writes it, such as 10m or 1h30m")
_secret = _text(_OBJECT_NAME, "the name of a Secret in flux-system, which fleet_secrets puts there")
_HELM: Mapping[str, Check] = {
    "repository": _repository,
    "chart": _text(re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*"), "the chart's name in its repository"),
    "version": _text(_VERSIONS, "a version or a range of versions, such as 1.18.2, 1.18.x or >=1.18.0 <2.0.0"),
    "release": _release,
    "secret": _secret,
    "ca_secret": _secret,
}
_component = _mapping(
    {
        "layer": _label,
        "state": _state,
        "namespace": _label,
        "helm": _mapping(_HELM),
        "values": _values,
        "kustomize": _mapping({"path": _path}),
        "manifests": _manifests,
        "depends_on": _names,
        "interval": _duration,
        "timeout": _duration,
    }
)
