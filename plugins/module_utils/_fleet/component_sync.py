# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""How a cluster's Flux applies a component, and when it holds it for ready: fields of all kinds of components.

Entries of lists have Flux's own names: https://fluxcd.io/flux/components/kustomize/api/v1/. Its ``force`` is no field:
it would recreate every object that an update can't change, with what the object holds; one object asks for that by its
annotation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_kustomize import PATCHES
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_sources import secret
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_environments import SUBSTITUTE
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_values import (
    LABEL,
    LINE,
    NAMES,
    RETRY_INTERVAL,
    SUBDOMAIN,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Path
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Fault, Flag, Shape, Text, plain
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.structures import Items, Record

_API = Text("", r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?v[a-z0-9]+", "group/version, such as apps/v1", 317)
_KIND = Text("", r"[A-Za-z][A-Za-z0-9]*", "a kind, such as Deployment", 63)
_EXPRESSION = Text("", r"[\s\S]+", "an expression in CEL, as text", 4096)
_NAMESPACE = Text("", LABEL, f"{NAMES}, at most 63", 63)
_HEALTH_CHECK = Record(
    "",
    {"apiVersion": _API, "kind": _KIND, "name": Text("", LINE, "an object's name"), "namespace": _NAMESPACE},
    ("apiVersion", "kind", "name"),
)
_HEALTH_EXPRESSION = Record(
    "",
    {"apiVersion": _API, "kind": _KIND, "current": _EXPRESSION, "inProgress": _EXPRESSION, "failed": _EXPRESSION},
    ("apiVersion", "kind", "current"),
)
FIELDS: Mapping[str, Shape] = {
    "retry_interval": RETRY_INTERVAL,
    "wait": Flag("Whether the component is ready when all its objects are, or when they are applied."),
    "health_checks": Items("The objects that are waited for in place of all of the component's.", _HEALTH_CHECK),
    "health_check_exprs": Items("How custom resources say that they are ready.", _HEALTH_EXPRESSION),
    "service_account": Text("In whose name it is applied.", SUBDOMAIN, "a service account in flux-system"),
    "decryption": Record("How what SOPS encrypted is read.", {"secret": secret("The private keys.")}, ("secret",)),
    "substitute": SUBSTITUTE,
    "target_namespace": Text("Into which namespace all objects go.", LABEL, f"{NAMES}, at most 63", 63),
    "patches": PATCHES,
}


@dataclass(frozen=True)
class Syncing:
    """The fields of FIELDS as they come to hold; empty where the fleet's own holds."""

    wait: bool
    retry_interval: str
    health_checks: Sequence[Mapping[str, str]]
    health_check_exprs: Sequence[Mapping[str, str]]
    service_account: str
    decryption: str
    substitute: Mapping[str, str]
    target_namespace: str
    own_patches: Sequence[Mapping[str, Any]]

    @classmethod
    def from_fields(cls, name: str, kind: str, fields: Mapping[str, Any]) -> Syncing:
        """From a component's checked fields. Flux waits for all of its objects, or for those that are named."""
        checks = [dict(one) for one in fields.get("health_checks", ())]
        if checks and kind == "helm":
            release = {"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "name": name}
            checks.insert(0, {**release, "namespace": FLUX_NAMESPACE})
        return cls(
            wait=fields.get("wait", not checks),
            retry_interval=fields.get("retry_interval", "1m"),
            health_checks=checks,
            health_check_exprs=[dict(one) for one in fields.get("health_check_exprs", ())],
            service_account=fields.get("service_account", ""),
            decryption=fields.get("decryption", {}).get("secret", ""),
            substitute={key: plain(value) for key, value in fields.get("substitute", {}).items()},
            target_namespace=fields.get("target_namespace", ""),
            own_patches=[dict(one) for one in fields.get("patches", ())],
        )


def faults(fields: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    """What does not go together: https://fluxcd.io/flux/components/kustomize/kustomizations/#health-checks."""
    if fields.get("wait") and "health_checks" in fields:
        hint = "with wait Flux looks at all objects and at no health_checks: take one of them out"
        yield (*path, "health_checks"), "", hint
    if fields.get("wait") is False and "health_check_exprs" in fields and "health_checks" not in fields:
        hint = "nothing is waited for: name the objects in health_checks, or leave wait out"
        yield (*path, "health_check_exprs"), "", hint
