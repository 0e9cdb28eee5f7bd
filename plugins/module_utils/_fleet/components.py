# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The components of a fleet: what the inventory's layers of variables come to for each cluster, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_fields import KINDS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document

Fields = Mapping[str, Any]
"""A component's fields, as the inventory names them."""

# The inventory's variables, each over those before it. What the first two say is the environment's.
VARIABLES = (
    "fleet_components",
    "fleet_components_environment",
    "fleet_components_region",
    "fleet_components_cluster",
)
_SHARED = 2
_NEEDED = {"helm": ("repository", "version"), "kustomize": ("path",), "manifests": ()}


@dataclass(frozen=True)
class Component:
    """One component as a cluster, or an environment, is to have it. ``kind`` is one of KINDS."""

    name: str
    layer: str
    kind: str
    namespace: str
    depends_on: tuple[str, ...]
    interval: str
    timeout: str
    helm: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""
    manifests: Sequence[Document] = ()

    @classmethod
    def from_fields(cls, name: str, fields: Fields) -> Component:
        """A component from its merged fields, which must be whole (see ``is_whole``)."""
        helm = {"chart": name, "release": name, **fields["helm"]} if "helm" in fields else {}
        return cls(
            name=name,
            layer=fields["layer"],
            kind=kinds_of(fields)[0],
            namespace=fields.get("namespace", name),
            depends_on=tuple(fields.get("depends_on", ())),
            interval=fields.get("interval", "10m"),
            timeout=fields.get("timeout", "5m"),
            helm=helm,
            values=fields.get("values", {}),
            path=_directory(fields.get("kustomize", {}).get("path", "")),
            manifests=fields.get("manifests", ()),
        )


@dataclass(frozen=True)
class Declared:
    """What the inventory says for one cluster (component → fields): ``shared`` with its environment, and ``own``."""

    layers: Sequence[Mapping[str, Fields]]
    shared: Mapping[str, Fields]
    own: Mapping[str, Fields]

    @classmethod
    def from_layers(cls, layers: Sequence[Mapping[str, Any]]) -> Declared:
        """From the values of VARIABLES on one host, in that order; those at the end may be left out."""
        plain = [_plain(layer) for layer in layers] + [{}] * (len(VARIABLES) - len(layers))
        return cls(plain, merged(plain[:_SHARED]), merged(plain))

    @property
    def present(self) -> dict[str, Fields]:
        """The components that this cluster is to have."""
        return {name: fields for name, fields in self.own.items() if fields.get("state") != "absent"}

    def differs(self, name: str) -> bool:
        """Whether a component's region or cluster says anything of its own."""
        return any(name in layer for layer in self.layers[_SHARED:])


def merged(layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Mappings merged deeply, key by key, the later over the earlier; a list is replaced as a whole."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
            result[key] = merged([result[key], value]) if both else value
    return result


def _plain(value: Any) -> Any:
    """The value with text for every key: YAML reads ``8080:`` as a number, and Kubernetes knows text only."""
    if isinstance(value, Mapping):
        return {_key(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def kinds_of(fields: Fields) -> list[str]:
    """The kinds of component of which these fields have something; there should be one."""
    return [kind for kind in KINDS if kind in fields]


def _directory(path: str) -> str:
    return path.removeprefix("./").rstrip("/")


def is_whole(fields: Fields) -> bool:
    """Whether these fields make a component by themselves."""
    kinds = kinds_of(fields)
    return bool(fields.get("layer")) and len(kinds) == 1 and not lacking(kinds[0], fields)


def lacking(kind: str, fields: Fields) -> list[str]:
    """The fields that a component of this kind needs, and that are not there."""
    return [f"{kind}.{key}" for key in _NEEDED[kind] if key not in fields[kind]]


def present(declared: Declared, layers: Sequence[str]) -> list[Component]:
    """A cluster's components in the order of their layers, then of their names; their fields must be whole."""
    found = [Component.from_fields(name, fields) for name, fields in declared.present.items()]
    return sorted(found, key=lambda one: (layers.index(one.layer), one.name))


def dependencies(components: Sequence[Component], layers: Sequence[str]) -> dict[str, list[str]]:
    """Component → what it waits for: what it names itself, and all of the layer before it that exists here."""
    existing = [layer for layer in layers if any(one.layer == layer for one in components)]
    before = dict(zip(existing[1:], existing, strict=False))
    earlier = {layer: [one.name for one in components if one.layer == layer] for layer in existing}
    return {one.name: sorted({*one.depends_on, *earlier.get(before.get(one.layer, ""), [])}) for one in components}
