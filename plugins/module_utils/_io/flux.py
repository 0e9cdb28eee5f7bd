# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Flux's own objects in a cluster: read, and asked to reconcile."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import (
    gate,
    health,
    health_facts,
    lockdown,
    ready,
    volumes,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import state as flux_state
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import ClusterError, NotReady, Unreachable
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import (
    FLUX_NAMESPACE,
    FLUX_SYNC,
    LABEL_DOMAIN,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.state import PART_OF, FluxState
from ansible_collections.fluxops.fleet.plugins.module_utils._io import definitions, flux_listing
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster, wait

_SOURCES = ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "gitrepositories.source.toolkit.fluxcd.io")
_SOURCE = ("source.toolkit.fluxcd.io/v1", "GitRepository")
_SYNC = ("kustomize.toolkit.fluxcd.io/v1", "Kustomization")
_MOVING = f"{LABEL_DOMAIN}/moving"


def observe(cluster: Cluster) -> FluxState:
    """The controllers and the root sync, by three requests."""
    found = cluster.list("apps/v1", "Deployment", FLUX_NAMESPACE, PART_OF)
    source = cluster.get(*_SOURCE, FLUX_SYNC, FLUX_NAMESPACE)
    sync = cluster.get(*_SYNC, FLUX_SYNC, FLUX_NAMESPACE)
    return FluxState({one["metadata"]["name"]: one for one in found}, source, sync)


def _observe_again(cluster: Cluster, before: FluxState) -> FluxState:
    """As ``observe``, for those who wait: what comes later is asked for once what it needs is ready."""
    found = cluster.list("apps/v1", "Deployment", FLUX_NAMESPACE, PART_OF)
    state = replace(before, deployments={one["metadata"]["name"]: one for one in found})
    if any(not ready.deployment(one).ready for one in found):
        return state
    state = replace(state, source=cluster.get(*_SOURCE, FLUX_SYNC, FLUX_NAMESPACE))
    if not ready.flux_object(state.source).ready:
        return state
    return replace(state, sync=cluster.get(*_SYNC, FLUX_SYNC, FLUX_NAMESPACE))


def request_reconciliation(cluster: Cluster, state: FluxState, now: str) -> None:
    """Have the root sync fetch now and not at its next interval."""
    request(cluster, [one for one in (state.source, state.sync) if one], now)


def request(cluster: Cluster, documents: Iterable[Document], now: str) -> None:
    """Have objects of Flux reconcile now, as ``flux reconcile`` does; they say when they did, by the same word."""
    for document in documents:
        cluster.merge(document, {"metadata": {"annotations": {ready.REQUESTED_AT: now}}})


def hold(cluster: Cluster, state: FluxState) -> None:
    """Suspend a root sync that is to follow something else: its last artifact would bring its old source back."""
    if state.sync:
        cluster.merge(state.sync, {"metadata": {"annotations": {_MOVING: "true"}}, "spec": {"suspend": True}})


def release(cluster: Cluster, state: FluxState, timeout: float) -> FluxState:
    """Let a root sync go on that we hold (also one that a killed run held), once its new source was fetched."""
    if not state.sync or _MOVING not in (state.sync["metadata"].get("annotations") or {}):
        return state
    wait(lambda: observe(cluster), lambda found: ready.flux_object(found.source).ready, timeout)
    cluster.merge(state.sync, {"metadata": {"annotations": {_MOVING: None}}, "spec": {"suspend": None}})
    return observe(cluster)


def settle(cluster: Cluster, state: FluxState, parameters: Mapping[str, Any], say: Callable[[str], None]) -> FluxState:
    """Have the root sync reconcile, and wait until it is ready at a revision that is none of ``rejected``.

    ``parameters``: revision, rejected and timeout, as nouns have them. Raises NotReady with Flux's own words.
    """
    rejected = tuple(parameters["rejected"])
    if state.settled(rejected):
        return state
    if state.suspended:
        raise NotReady(f"{cluster.where}: {state.suspended}")
    request_reconciliation(cluster, state, datetime.now(UTC).isoformat())
    said: list[str] = []

    def look() -> FluxState:
        nonlocal state
        state = _observe_again(cluster, state)
        return state

    def settled(found: FluxState) -> bool:
        reason = f"{cluster.where}: waiting: {found.explain(parameters['revision'])}"
        if not found.settled(rejected) and reason not in said:
            said.append(reason)
            say(reason)
        return found.settled(rejected)

    state = wait(look, settled, parameters["timeout"])
    if not state.settled(rejected):
        why = state.explain(parameters["revision"])
        raise NotReady(f"{cluster.where}: Flux is not ready after {parameters['timeout']} s: {why}")
    return state


def look(
    auth: Mapping[str, Any],
    where: str,
    *,
    also: Collection[str] = (),
    changes: Callable[[Mapping[str, Any]], bool] = lambda _facts: False,
    asks: Callable[[Cluster, flux_listing.Found], Mapping[str, Any]] = lambda _cluster, _found: {},
) -> dict[str, Any]:
    """A cluster and its Flux as plain data. One that can't be reached or read is a finding, no error.

    ``also``: what else is looked at: ``namespaces``, all of them, each with the tenant that its label names (empty
    without one), and the ``volumes`` in those that are tenants'; ``contents``, how all components and tenants are;
    ``before``, what a gate has to know later.
    ``changes``: whether, by these facts, Flux is to change; then also how its objects are stored (``definitions``).
    ``asks``: further facts, by the same connection and from what was found of Flux.
    """
    facts = _unknown() | ({"infrastructure": [], "tenants": []} if "contents" in also else {})
    try:
        with Cluster(auth, where) as cluster:
            facts |= {"administrator": cluster.may("*", "*", "*"), "kubernetes_version": cluster.version()}
            said = {"contents", "before"} & set(also)
            found = flux_listing.at_rest(cluster) if said else flux_listing.everything(cluster)
            facts |= {**_read(cluster, also, found), **asks(cluster, found)}
            return facts | {"definitions": definitions.read(cluster) if changes(facts) else []}
    except Unreachable as error:
        return facts | {"reachable": False, "failure": str(error)}
    except ClusterError as error:
        return facts | {"failure": str(error)}


def _read(cluster: Cluster, also: Collection[str], found: flux_listing.Found) -> dict[str, Any]:
    facts: dict[str, Any] = _spaces(cluster) if "namespaces" in also else {}
    more = flux_listing.of_kinds(cluster, lockdown.MORE_KINDS) if "contents" in also else {}
    if "contents" in also:
        facts |= health_facts.of_cluster(health.View(found, flux_listing.owners(cluster)))
    if "before" in also:
        facts["before"] = gate.before(found)
    locked = _locked(cluster, {**found, **more})
    # Flux may be installed where we don't look for it; its definitions are the same everywhere.
    known = [] if flux_state.of(found).sync else [cluster.get(*_SOURCES)]
    read = {"uid": cluster.uid(), "lockdown": locked}
    return facts | read | flux_state.facts(found, [one for one in known if one])


def _spaces(cluster: Cluster) -> dict[str, Any]:
    """All namespaces, and the volumes of tenants."""
    spaces = flux_listing.owners(cluster, every=True)
    own = {space for space, tenant in spaces.items() if tenant}
    claims = cluster.list(*volumes.CLAIMS) if own else []
    return {"namespaces": spaces, "volumes": volumes.found(claims, own)}


def _locked(cluster: Cluster, found: Mapping[str, list[Document]]) -> dict[str, Any]:
    """How the lockdown is. Whose the namespaces are is asked for only where that matters."""
    facts = lockdown.facts(found, ())
    return lockdown.facts(found, flux_listing.owners(cluster)) if facts["would_break"] else facts


def _unknown() -> dict[str, Any]:
    """What is said of a cluster of which nothing is known."""
    return {
        "reachable": True,
        "ready": False,
        "failure": "",
        "uid": "",
        "kubernetes_version": "",
        "administrator": False,
        "version": "",
        "managed_by": "",
        "revision": "",
        "follows": [],
        "suspended": [],
        "suspensions": [],
        "objects": {},
        "controllers": [],
        "definitions": [],
        "lockdown": {"enforced": False, "missing": [], "would_break": []},
    }
