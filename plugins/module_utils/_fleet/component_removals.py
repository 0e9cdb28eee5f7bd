# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What a component takes with it when it goes, as its cluster says: its objects, and CRDs with all of theirs.

A cluster is asked before the repository is read, so it is asked for what may go by what the inventory says. Whether it
does go, the repository's side judges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import component_fields, documents, offboarding
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_clusters import Place
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import VARIABLES, Declared, Fields
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, some
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import COMPONENT_LABEL, component_sync
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.offboarding import Reference

REMOVE_CRDS = "remove_crds"
DEFINITION = "CustomResourceDefinition"
NAMED = 5  # objects that are named, of each definition and of each component

_HINT = (
    "would go, and with it all that the cluster has of it: {}; take that away first, or run again with "
    f"fleet_allow: [{REMOVE_CRDS}]"
)

Removal = dict[str, Any]
"""What goes with one component, as plain data: ``objects`` (how many Flux applied), ``named`` (the first of these), and
``definitions``: each with ``name``, ``objects`` (how many there are of it), ``named`` (the first of these), ``release``
(whether a Helm release brought it) and ``stays`` (why it is not removed; empty where it is)."""


@dataclass(frozen=True)
class Loss:
    """What a change of the repository takes from a component: in words, whether all of it, and else which CRDs."""

    words: str
    all: bool = False
    definitions: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Going:
    """What may go with one component: objects that Flux applied, and releases (namespace, name) that it installed."""

    objects: tuple[Reference, ...]
    releases: frozenset[tuple[str, str]]

    @property
    def definitions(self) -> list[str]:
        """The names of the definitions among the objects."""
        return [one.name for one in self.objects if one.kind == DEFINITION]


def going(
    layers: Sequence[Mapping[str, Any]], place: Place, found: Mapping[str, Sequence[Document]]
) -> dict[str, Going]:
    """Component → what may go of it. ``layers``: the values of VARIABLES; ``found``: Flux's kind → its objects.

    Nothing where the inventory is wrong: then it is refused.
    """
    syncs = {documents.label(one, COMPONENT_LABEL): one for one in found.get("Kustomization", ()) if _is_sync(one)}
    if not syncs or any(_faults(name, layer) for name, layer in zip(VARIABLES, layers, strict=False)):
        return {}
    present = Declared.from_layers(layers, place).present
    releases = {_key(one): one for one in found.get("HelmRelease", ())}
    result = {name: _going(present.get(name), sync, releases) for name, sync in syncs.items()}
    return {name: one for name, one in result.items() if one.objects or one.releases}


def _faults(variable: str, layer: Mapping[str, Any]) -> list[Problem]:
    return component_fields.problems("", variable, layer)


def _is_sync(one: Document) -> bool:
    """Whether a Kustomization is a component's own, and none that a component brings."""
    name = documents.label(one, COMPONENT_LABEL)
    return bool(name) and one["metadata"]["name"] == component_sync(name)


def _key(release: Document) -> tuple[str, str]:
    return release["metadata"]["namespace"], release["metadata"]["name"]


def _going(fields: Fields | None, sync: Document, releases: Mapping[tuple[str, str], Document]) -> Going:
    applied = offboarding.inventory(sync)
    gone = [one for one in applied if not _stays(one, fields, releases)]
    own = [(one.namespace, one.name) for one in gone if one.kind == "HelmRelease"]
    return Going(tuple(gone), frozenset(own))


def _stays(one: Reference, fields: Fields | None, releases: Mapping[tuple[str, str], Document]) -> bool:
    """Whether an object that a component has is there after the run for sure, as far as it matters here."""
    if fields is None:
        return False
    if one.kind == DEFINITION and "kustomize" not in fields:
        return one.name in [documents.part(given, "metadata").get("name") for given in fields.get("manifests", ())]
    release = releases.get((one.namespace, one.name)) if one.kind == "HelmRelease" else None
    if release is None or "helm" not in fields:
        return True
    # Helm installs a release anew whose target changes.
    name = documents.label(release, COMPONENT_LABEL)
    wanted = fields.get("namespace", name), fields["helm"].get("release", name)
    return wanted == (release["spec"].get("targetNamespace"), release["spec"].get("releaseName"))


def why_it_stays(definition: Document) -> str:
    """Why a definition of a release outlives it: https://helm.sh/docs/chart_best_practices/custom_resource_definitions/.

    Helm uninstalls what it rendered, and marks that by annotations; what stands in ``crds/`` it never removes.
    """
    annotations = documents.mapping(documents.part(definition, "metadata").get("annotations"))
    if "meta.helm.sh/release-name" not in annotations:
        return "Helm never removes what a chart has in crds/"
    return "its chart says keep" if annotations.get("helm.sh/resource-policy") == "keep" else ""


def said(removal: Removal) -> str:
    """What goes, in words."""
    words = [_count(removal)] if removal["objects"] else []
    for one in removal["definitions"]:
        fate = f"{DEFINITION} {one['name']} with {_count(one)}"
        words.append(f"{fate} stays, since {one['stays']}" if one["stays"] else fate)
    return "; ".join(words)


def _count(one: Mapping[str, Any]) -> str:
    named = f" ({_some(one)})" if one["objects"] else ""
    return f"{one['objects']} object{'' if one['objects'] == 1 else 's'}{named}"


def _some(one: Mapping[str, Any]) -> str:
    more = one["objects"] - len(one["named"])
    return some([*one["named"], *["…"] * more], len(one["named"]))


@dataclass(frozen=True)
class Leaving:
    """What goes from one cluster: component → what the repository's side found to go, and what the cluster says."""

    losses: Mapping[str, Loss]
    removals: Mapping[str, Removal]

    @classmethod
    def of(cls, losses: Mapping[str, Loss], asked: Mapping[str, Removal]) -> Leaving:
        """``asked``: what may go, as the cluster was asked before."""
        return cls(losses, {name: _of_loss(one, losses[name]) for name, one in asked.items() if name in losses})

    @property
    def words(self) -> dict[str, str]:
        """Component → all that goes of it."""
        more = {name: said(one) for name, one in self.removals.items()}
        return {
            name: f"{one.words} ({more[name]})" if more.get(name) else one.words for name, one in self.losses.items()
        }

    def problems(self, host: str, allow: Iterable[str], *, reachable: bool) -> Iterator[Problem]:
        """Definitions that go, while there are objects of them or nobody could ask whether there are."""
        for component, loss in self.losses.items() if REMOVE_CRDS not in set(allow) else ():
            known = self.removals.get(component, {}).get("definitions", ())
            left = {one["name"]: _count(one) for one in known if one["objects"] and not one["stays"]}
            left |= {} if reachable else dict.fromkeys(loss.definitions, "how much that is can't be asked now")
            for name, what in sorted(left.items()):
                yield Problem(host, f"{VARIABLES[0]}.{component}: {DEFINITION}", name, _HINT.format(what))


def _of_loss(removal: Removal, loss: Loss) -> Removal:
    if loss.all:
        return removal
    gone = [one for one in removal["definitions"] if one["name"] in loss.definitions or one["release"]]
    return {"objects": 0, "named": [], "definitions": gone}
