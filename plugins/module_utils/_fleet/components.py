# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The components of a fleet: what the inventory's layers of variables come to for each cluster, and in which order."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import component_actions, component_sources
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_access import bindings
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_clusters import FIELD, Place, is_for
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_fields import KINDS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_layers import Layers
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_secrets import whole
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_sources import Origin
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_sync import Syncing
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem, raise_if

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
_NOWHERE = Place("", "")


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
    syncing: Syncing
    helm: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    values_from: Sequence[Mapping[str, Any]] = ()
    origin: Origin | None = None
    path: str = ""
    manifests: Sequence[Document] = ()
    bindings: Sequence[Mapping[str, Any]] = ()
    external_secrets: Sequence[Mapping[str, str]] = ()

    @classmethod
    def from_fields(cls, name: str, fields: Fields) -> Component:
        """A component from its merged fields, which must be whole (see ``is_whole``)."""
        kind = kinds_of(fields)[0]
        helm = _helm(name, fields["helm"]) if kind == "helm" else {}
        directory = fields.get("kustomize", {})
        return cls(
            name=name,
            layer=fields["layer"],
            kind=kind,
            namespace=fields.get("namespace", name),
            depends_on=tuple(fields.get("depends_on", ())),
            interval=fields.get("interval", "10m"),
            timeout=fields.get("timeout", "5m"),
            syncing=Syncing.from_fields(name, kind, fields),
            helm=helm,
            values=fields.get("values", {}),
            values_from=[dict(one) for one in fields.get("values_from", ())],
            origin=component_sources.origin(kind, helm or directory),
            path=_directory(directory.get("path", "")),
            manifests=fields.get("manifests", ()),
            bindings=bindings(name, fields.get("access", {})),
            external_secrets=whole(fields.get("external_secrets", ())),
        )


@dataclass(frozen=True)
class Declared:
    """What the inventory says for one cluster (component → fields): ``shared`` with its environment, and ``own``."""

    layers: Sequence[Mapping[str, Fields]]
    shared: Mapping[str, Fields]
    own: Mapping[str, Fields]
    place: Place = _NOWHERE

    @classmethod
    def from_layers(cls, layers: Sequence[Mapping[str, Any]], place: Place = _NOWHERE) -> Declared:
        """From the values of VARIABLES on one host, in that order; those at the end may be left out."""
        plain = [_plain(layer) for layer in layers] + [{}] * (len(VARIABLES) - len(layers))
        return cls(plain, _layered(plain[:_SHARED]), _layered(plain), place)

    @property
    def wanted(self) -> dict[str, Fields]:
        """The components that are to be, on this cluster or on others."""
        return {name: fields for name, fields in self.own.items() if fields.get("state") != "absent"}

    @property
    def present(self) -> dict[str, Fields]:
        """The components that this cluster is to have."""
        return {name: fields for name, fields in self.wanted.items() if is_for(fields.get(FIELD), self.place)}

    def differs(self, name: str) -> bool:
        """Whether a component's region or cluster says anything of its own."""
        return any(name in layer for layer in self.layers[_SHARED:])


def given(layers: Any, host: str) -> list[Mapping[str, Any]]:
    """The values of VARIABLES on a host, as a list or as the text of one in JSON; InvalidInput where it is neither.

    Ansible walks through every part of a value, for each task anew; a text is one part.
    """
    try:
        found = json.loads(layers) if isinstance(layers, str) else layers
    except ValueError as error:
        hint = f"the layers of its components, as preflight returns them: {error}"
        raise InvalidInput(problems=[Problem(host, "components", "", hint)]) from None
    if not isinstance(found, list) or len(found) > len(VARIABLES):
        hint = f"a list of at most {len(VARIABLES)} mappings of components"
        raise InvalidInput(problems=[Problem(host, "components", "", hint)])
    hint = "a mapping of components by name"
    wrong = [name for name, one in zip(VARIABLES, found, strict=False) if not isinstance(one, Mapping)]
    raise_if(Problem(host, name, "", hint) for name in wrong)
    return found


def merged(layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Mappings merged deeply, key by key, the later over the earlier; a list is replaced as a whole."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
            result[key] = merged([result[key], value]) if both else value
    return result


def _layered(layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Components merged deeply; of fields that stand for one another the later variable's one stays."""
    result: dict[str, Any] = {}
    for layer in layers:
        for name, fields in layer.items():
            both = isinstance(fields, Mapping) and isinstance(result.get(name), Mapping)
            before = component_sources.replaced(result[name], fields) if both else {}
            result[name] = merged([before, fields]) if both else fields
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


def _helm(name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What is said under ``helm`` with what is so where nothing is said; a chart of Git is a directory there."""
    chart = _directory(fields["path"]) if "git" in fields else name
    return {"chart": chart, "release": name, **fields, "actions": component_actions.actions(fields)}


def _directory(path: str) -> str:
    return path.removeprefix("./").rstrip("/")


def is_whole(fields: Fields) -> bool:
    """Whether these fields make a component by themselves."""
    kinds = kinds_of(fields)
    return bool(fields.get("layer")) and len(kinds) == 1 and not lacking(kinds[0], fields)


def lacking(kind: str, fields: Fields) -> dict[str, str]:
    """The fields that a component of this kind needs and that are not there, with what is said of them."""
    found = component_sources.lacking(kind, fields[kind])
    return {f"{kind}.{key}": hint for key, hint in found.items()}


def present(declared: Declared, layers: Layers) -> list[Component]:
    """A cluster's components in the order of their layers, then of their names; their fields must be whole."""
    found = [Component.from_fields(name, fields) for name, fields in declared.present.items()]
    order = {layer: place for place, layer in enumerate(layers.names)}
    return sorted(found, key=lambda one: (order[one.layer], one.name))


def dependencies(components: Sequence[Component], layers: Layers) -> dict[str, list[str]]:
    """Component → what it waits for: what it names itself, and all of the layers before its own that exist here."""
    members: dict[str, list[str]] = defaultdict(list)
    for one in components:
        members[one.layer].append(one.name)
    earlier = {layer: [name for one in layers.before(layer, members) for name in members[one]] for layer in [*members]}
    return {one.name: sorted({*one.depends_on, *earlier[one.layer]}) for one in components}
