# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Why a Flux is not ready, in what the cluster says beside its conditions: pods, events, last lines of logs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import ready
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document, label
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE, FLUX_SYNC
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.state import FluxState

_EVENTS, _LINES, _LONGEST = 3, 3, 300
# How much of a log is looked at for its last errors.
LOG_LINES = 40


def controllers(state: FluxState) -> list[str]:
    """Whose word counts: the controllers that do not run, else the one that deals with the first object not ready."""
    down = [name for name, one in state.deployments.items() if not ready.deployment(one).ready]
    if down or state.ready:
        return sorted(down)
    own = "kustomize-controller" if ready.flux_object(state.source).ready else "source-controller"
    return [own] if own in state.deployments else []


def newest(pods: Iterable[Document], controller: str) -> Document | None:
    """The controller's youngest pod: the one that an update made, where there are two."""
    own = [one for one in pods if label(one, "app") == controller]
    return max(own, key=lambda one: str(one["metadata"].get("creationTimestamp", "")), default=None)


def told(state: FluxState, pods: Sequence[Document], events: Iterable[Document], logs: Mapping[str, str]) -> list[str]:
    """What there is to say, a text each. ``logs``: controller → the last lines of its newest pod."""
    own = controllers(state)
    found = [one for name in own for one in _waits(newest(pods, name))]
    found += [_event(one) for one in _last(one for one in events if _concerns(one, own))]
    return found + [f"log of {name}: {words}" for name in own if (words := _last_words(logs.get(name, "")))]


def _waits(pod: Document | None) -> list[str]:
    """Why a pod's containers do not run: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-states."""
    if not pod:
        return []
    status = pod.get("status") or {}
    states = [one.get("state") or {} for one in status.get("containerStatuses") or []]
    waiting = [one["waiting"] for one in states if one.get("waiting")]
    unplaced = [
        one
        for one in status.get("conditions") or []
        if one.get("type") == "PodScheduled" and one.get("status") == "False"
    ]
    return [f"Pod {pod['metadata']['name']}: {_said(one)}" for one in (*waiting, *unplaced)]


def _concerns(event: Document, own: Sequence[str]) -> bool:
    """Whether it is a warning about one of these controllers, what it consists of, or the root sync."""
    about = event.get("involvedObject") or {}
    name = str(about.get("name", ""))
    root = about.get("kind") in ("GitRepository", "Kustomization") and name == FLUX_SYNC
    part = any(name == one or name.startswith(f"{one}-") for one in own)
    return event.get("type") == "Warning" and (root or part) and about.get("namespace") == FLUX_NAMESPACE


def _last(events: Iterable[Document]) -> list[Document]:
    """The newest of each reason, the youngest of these first."""
    found: dict[str, Document] = {}
    for one in sorted(events, key=_time):
        found[str(one.get("reason"))] = one
    return sorted(found.values(), key=_time, reverse=True)[:_EVENTS]


def _time(event: Document) -> str:
    times = (event.get(field) for field in ("lastTimestamp", "eventTime", "firstTimestamp"))
    return str(next(filter(None, times), event["metadata"].get("creationTimestamp", "")))


def _event(one: Document) -> str:
    about = one["involvedObject"]
    return f"event at {_time(one)} of {about.get('kind')} {about.get('name')}: {_said(one)}"


def _said(one: Mapping[str, Any]) -> str:
    return ": ".join(_short(str(one[field])) for field in ("reason", "message") if one.get(field))


def _last_words(log: str) -> str:
    """The last errors of a log of Flux, or its last lines, where it has none."""
    lines = [line for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if _entry(line).get("level") == "error"]
    return " | ".join(map(_line, (errors or lines)[-_LINES:]))


def _line(text: str) -> str:
    entry = _entry(text)
    parts = [str(entry[field]) for field in ("msg", "error") if entry.get(field)]
    return _short(": ".join(parts) or text)


def _entry(line: str) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST else f"{flat[:_LONGEST]} …"
