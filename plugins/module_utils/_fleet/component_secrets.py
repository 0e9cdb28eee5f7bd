# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Secrets that a component brings: made by External Secrets Operator of what a store holds, or encrypted with SOPS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import external_secrets, plain_secrets
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_values import LABEL, NAMES, secret_name
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Path
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Fault, Schema, Text, Word
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.sops import Sops
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.structures import Items, Record

_VARIABLE = "fleet_components"
_DEFAULTS = {"namespace": FLUX_NAMESPACE, "kind": "ClusterSecretStore"}
_ONE = Record(
    "",
    {
        **external_secrets.FIELDS,
        "name": secret_name("The name of the Secret that is made."),
        "namespace": Text(f"Its namespace; {FLUX_NAMESPACE} where it is left out.", LABEL, f"{NAMES}, at most 63", 63),
        "kind": Word(
            "ClusterSecretStore (so where it is left out), or SecretStore, of the namespace.",
            ("ClusterSecretStore", "SecretStore"),
        ),
    },
    ("name", "store", "key"),
)


@dataclass(frozen=True)
class _Secrets:
    """A list of them, no two of which make one Secret."""

    description: str
    items: Items

    def schema(self) -> Schema:
        return self.items.schema()

    def faults(self, value: Any, path: Path) -> Iterator[Fault]:
        found = list(self.items.faults(value, path))
        yield from found
        made = [f"{one['namespace']}/{one['name']}" for one in whole(value)] if not found else []
        for number, one in enumerate(made):
            if one in made[:number]:
                yield (*path, number, "name"), one, "stands twice: each Secret has its own name"


EXTERNAL_SECRETS = _Secrets("Secrets that External Secrets Operator makes of what a store holds.", Items("", _ONE))


def whole(given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same with what they leave out."""
    return [{**_DEFAULTS, **one} for one in given]


def undecryptable(component: Mapping[str, Any], environment: str, sops: Sops) -> Iterator[tuple[str, str]]:
    """Field and hint of each encrypted object of a component that no cluster of the environment could read.

    Which keys are in a Secret of the component's own is not known here.
    """
    if "decryption" in component:
        return
    keys = {*sops.fleet, *sops.environments.get(environment, ())}
    for number, one in enumerate(component.get("manifests") or ()):
        own = one.get("sops")
        if not isinstance(own, Mapping):
            continue
        recipients = [entry.get("recipient") for entry in own.get("age") or () if isinstance(entry, Mapping)]
        if not sops.decryption:
            yield f"manifests[{number}]", "is encrypted with SOPS, and without fleet_sops nothing is decrypted: set it"
        elif recipients and not keys.intersection(recipients):
            hint = (
                f"is encrypted for no key that fleet_sops has for {environment}: sops updatekeys brings it up to date"
            )
            yield f"manifests[{number}]", hint


def problems(
    wanted: Mapping[str, Mapping[str, Mapping[str, Any]]], environments: Mapping[str, str], sops: Sops
) -> Iterator[Problem]:
    """The same of all hosts: host → component → its fields, host → environment."""
    for host, components in wanted.items():
        for name, fields in components.items():
            for field, hint in undecryptable(fields, environments[host], sops):
                yield Problem(host, f"{_VARIABLE}.{name}.{field}", "", hint)


def warnings(components: Iterable[Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """What reads like a password among the values of releases, each told once; of each host component → its fields."""
    hint = (
        "reads like a password, and stands in Git in clear: put it into a Secret of fleet_secrets, named in values_from"
    )
    found = {
        f"{_VARIABLE}.{name}.values.{path}"
        for one in components
        for name, fields in one.items()
        for path in plain_secrets.passwords(fields.get("values") or {})
    }
    return [f"{place} {hint}" for place in sorted(found)]
