# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The objects of components in a cluster against what is wanted of them: read, and asked by dry run where unsure."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import difference, documents, drift, substitution
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_objects import identity
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.drift import (
    CONTROLLERS,
    EXTRA,
    HELM,
    KINDS,
    KUSTOMIZE,
    MISSING,
    Expected,
    Finding,
    Owner,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import ClusterError
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.health import View
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import (
    FLUX_NAMESPACE,
    FLUX_SYNC,
    component_sync,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.offboarding import Reference, inventory
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name as object_name
from ansible_collections.fluxops.fleet.plugins.module_utils._io import helm_release
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster

_FORBIDDEN = 403
NO_DRY_RUN = "compared field by field, since these credentials may not ask for a dry run"
NO_RELEASES = "what its releases rendered is not compared: these credentials may not read Helm's Secrets"


class Live:
    """What is in a cluster, by one LIST for each kind and label of Flux, and single reads for what lacks them."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._listed: dict[tuple[str, str, str], dict[tuple[str, str], Document]] = {}

    def labelled(self, api_version: str, kind: str, group: str) -> dict[tuple[str, str], Document]:
        """Namespace and name → object, of those that Flux's own objects of a group applied."""
        asked = (api_version, kind, group)
        if asked not in self._listed:
            ones = self.cluster.list(api_version, kind, selector=f"{group}/namespace={FLUX_NAMESPACE}")
            self._listed[asked] = {
                (one["metadata"].get("namespace", ""), one["metadata"]["name"]): {
                    **one,
                    "apiVersion": api_version,
                    "kind": kind,
                }
                for one in ones
            }
        return self._listed[asked]

    def get(self, wanted: Reference, group: str) -> Document | None:
        """One object, by its namespace or, where it has none, without."""
        found = self.labelled(wanted.api_version, wanted.kind, group)
        one = found.get((wanted.namespace, wanted.name)) or found.get(("", wanted.name))
        return one or self.cluster.get(wanted.api_version, wanted.kind, wanted.name, wanted.namespace)

    def unapplied(self, owner: Owner) -> list[Document]:
        """What bears an owner's label, of the kinds that were looked at so far."""
        kinds = [asked for asked in self._listed if asked[2] == owner.group]
        return [one for asked in kinds for one in self._listed[asked].values() if owner.is_extra(one)]


def of_objects(
    cluster: Cluster, view: View, found: Mapping[str, Sequence[Document]], expected: Mapping[str, Expected] | None
) -> tuple[list[Finding], list[str]]:
    """What the components' objects tell, and notes on what could not be compared."""
    notes: dict[str, None] = {}
    owners = list(_owners(cluster, view, found, expected, notes))
    live = Live(cluster)
    notes |= {f"{name}: {said}": None for name, one in (expected or {}).items() for said in one.notes}
    findings = [one for owner in owners for one in _compared(live, owner, notes)]
    for owner in owners:
        why = f"bears the label of {KINDS[owner.group]} {owner.name}, which has not applied it"
        findings += [Finding(owner.component, EXTRA, object_name(one), why) for one in live.unapplied(owner)]
    return findings, list(notes)


def _owners(
    cluster: Cluster,
    view: View,
    found: Mapping[str, Sequence[Document]],
    expected: Mapping[str, Expected] | None,
    notes: dict[str, None],
) -> Iterator[Owner]:
    syncs = drift.syncs(found)
    for name in [name for name in view.components if component_sync(name) in syncs]:
        sync, wanted = syncs[component_sync(name)], (expected or {}).get(name, Expected())
        yield Owner(name, KUSTOMIZE, FLUX_SYNC, [wanted.sync] if wanted.sync else [], None)
        yield Owner(name, KUSTOMIZE, component_sync(name), _filled(cluster, sync, wanted), _listed(inventory(sync)))
        for release in (one for one in view.of_component(name) if one["kind"] == "HelmRelease"):
            try:
                known = helm_release.rendered(cluster, release)
            except ClusterError as error:
                if error.status != _FORBIDDEN:
                    raise
                notes[f"{name}: {NO_RELEASES}"] = None
                continue
            if known:
                yield _release(name, release, *known)


def _release(component: str, release: Document, rendered: list[Document], hooks: list[Document]) -> Owner:
    space = str(release["spec"].get("targetNamespace") or release["metadata"]["namespace"])
    placed = [{**one, "metadata": {"namespace": space, **one["metadata"]}} for one in rendered]
    ours = {identity(one) for one in (*rendered, *placed, *hooks)}
    ours |= {identity({**one, "metadata": {"namespace": space, **one["metadata"]}}) for one in hooks}
    listed = _listed(inventory(release)) | ours
    rules = (release["spec"].get("driftDetection") or {}).get("ignore") or ()
    return Owner(component, HELM, release["metadata"]["name"], placed, listed, rules)


def _listed(references: Sequence[Reference]) -> frozenset[drift.Key]:
    return frozenset((one.api_version.rpartition("/")[0], one.kind, one.namespace, one.name) for one in references)


def _filled(cluster: Cluster, sync: Document, wanted: Expected) -> list[Document]:
    """What a Kustomization applies: the repository's objects with the cluster's facts; and all else that it lists."""
    facts = _facts(cluster, sync) if wanted.documents else {}
    filled = [substitution.substituted(document, facts) for document in wanted.documents]
    # What Flux makes of more than a value or its default is not known here, and what is encrypted neither.
    known = [one for one in filled if "${" not in documents.write([one]) and "sops" not in one]
    names = {identity(one) for one in known}
    others = [one for one in inventory(sync) if not names & _listed([one])]
    bare = [
        {
            "apiVersion": one.api_version,
            "kind": one.kind,
            "metadata": {"name": one.name, **({"namespace": one.namespace} if one.namespace else {})},
        }
        for one in others
    ]
    return [*known, *bare]


def _facts(cluster: Cluster, sync: Document) -> dict[str, str]:
    """What a Kustomization substitutes, as the cluster has it now."""
    facts: dict[str, str] = {}
    build = sync["spec"].get("postBuild") or {}
    for one in build.get("substituteFrom") or ():
        data = (cluster.get("v1", one["kind"], one["name"], FLUX_NAMESPACE) or {}).get("data") or {}
        plain = one["kind"] == "ConfigMap"
        facts |= {name: text if plain else base64.b64decode(text).decode() for name, text in data.items()}
    return facts | {str(name): str(text) for name, text in (build.get("substitute") or {}).items()}


def _compared(live: Live, owner: Owner, notes: dict[str, None]) -> Iterator[Finding]:
    for wanted in owner.documents:
        metadata = wanted["metadata"]
        names = Reference(str(metadata.get("namespace") or ""), wanted["kind"], metadata["name"], wanted["apiVersion"])
        one = live.get(names, owner.group)
        if one is None:
            why = f"{CONTROLLERS[owner.group]} applied it, and it is gone"
            yield Finding(owner.component, MISSING, object_name(wanted), why)
            continue
        placed = {**wanted, "metadata": {**metadata, "namespace": one["metadata"].get("namespace")}}
        if difference.is_held(placed, one) or drift.is_left_alone(wanted) or drift.is_left_alone(one):
            continue
        yield from _asked(live.cluster, owner, placed, one, notes)


def _asked(cluster: Cluster, owner: Owner, wanted: Document, one: Document, notes: dict[str, None]) -> list[Finding]:
    """Whether an object really differs, by the API server's own dry run of what Flux would do."""
    document = {**wanted, "metadata": {name: value for name, value in wanted["metadata"].items() if value is not None}}
    try:
        after = cluster.apply(document, CONTROLLERS[owner.group], force=True, dry_run=True)
        return drift.edited(owner, document, one, difference.differing(one, after), "")
    except ClusterError as error:
        if error.status != _FORBIDDEN:
            return drift.edited(owner, document, one, difference.lacking(document, one), str(error))
        notes[NO_DRY_RUN] = None
        return drift.edited(owner, document, one, difference.lacking(document, one), "")
