# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster says of a Flux that is not ready."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import evidence
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.state import FluxState
from ansible_collections.fluxops.fleet.tests.unit.plugins.flux_samples import controller, flux, sync

SOURCE, SYNC = "source-controller", "kustomize-controller"


def state(*down: str, source: str = "True", root: str = "True") -> FluxState:
    """A Flux some of whose controllers do not run."""
    deployments = {name: controller(name) for name in (SOURCE, SYNC)}
    for name in down:
        deployments[name]["status"]["availableReplicas"] = 0
    return FluxState(deployments, flux("GitRepository", "flux-system/flux-system", source), sync("flux-system", root))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (state(), []),
        (state(SOURCE), [SOURCE]),
        (state(SOURCE, SYNC, source="False"), [SYNC, SOURCE]),
        (state(source="False"), [SOURCE]),
        (state(root="False"), [SYNC]),
        (FluxState({}, None, None), []),
    ],
)
def test_controllers_whose_word_counts(found: FluxState, expected: Sequence[str]) -> None:
    assert evidence.controllers(found) == expected


def pod(name: str, made: str, *, waiting: dict[str, str] | None = None, **condition: str) -> dict[str, Any]:
    """A pod of the source controller."""
    return {
        "metadata": {"name": name, "creationTimestamp": made, "labels": {"app": SOURCE}},
        "status": {
            "containerStatuses": [{"state": {"waiting": waiting} if waiting else {"running": {}}}],
            "conditions": [{"type": "PodScheduled", **condition}] if condition else [],
        },
    }


def event(kind: str, name: str, time: str, reason: str, **changes: Any) -> dict[str, Any]:
    """A warning."""
    about = {"kind": kind, "name": name, "namespace": "flux-system"}
    words = {"reason": reason, "message": f"{reason} of {name}", "type": "Warning"}
    return {"metadata": {}, "involvedObject": about, "lastTimestamp": time, **words, **changes}


def test_pod_that_waits_says_why_and_the_newest_speaks() -> None:
    pull = {"reason": "ImagePullBackOff", "message": "no such tag"}
    pods = [pod("source-controller-new", "2026-02", waiting=pull), pod("source-controller-old", "2026-01")]
    for found in (pods, pods[::-1]):
        assert evidence.told(state(SOURCE), found, [], {}) == [
            "Pod source-controller-new: ImagePullBackOff: no such tag"
        ]
    unplaced = pod("p", "2026", status="False", reason="Unschedulable", message="0/1 nodes are available")
    assert evidence.told(state(SOURCE), [unplaced], [], {}) == ["Pod p: Unschedulable: 0/1 nodes are available"]
    assert evidence.told(state(SOURCE), [], [], {}) == []


def test_events_are_the_last_warnings_about_what_does_not_run() -> None:
    events = [
        event("ReplicaSet", "source-controller-6c", "2026-01-01T00:00:01Z", "FailedCreate"),
        event("ReplicaSet", "source-controller-6c", "2026-01-01T00:00:09Z", "FailedCreate"),
        event("Pod", "source-controller-6c-x", "2026-01-01T00:00:05Z", "Unhealthy"),
        event("GitRepository", "flux-system", "2026-01-01T00:00:03Z", "GitOperationFailed"),
        event("Pod", "source-controller-6c-x", "2026-01-01T00:00:02Z", "TooOld"),
        event("Pod", "source-controller-6c-x", "2026-01-01T00:00:10Z", "Pulled", type="Normal"),
        event("Pod", "kustomize-controller-1", "2026-01-01T00:00:11Z", "OfAnother"),
        event("Kustomization", "tenant-payments", "2026-01-01T00:00:11Z", "OfATenant"),
    ]
    assert evidence.told(state(SOURCE), [], events, {}) == [
        (
            "event at 2026-01-01T00:00:09Z of ReplicaSet source-controller-6c: "
            "FailedCreate: FailedCreate of source-controller-6c"
        ),
        "event at 2026-01-01T00:00:05Z of Pod source-controller-6c-x: Unhealthy: Unhealthy of source-controller-6c-x",
        (
            "event at 2026-01-01T00:00:03Z of GitRepository flux-system: GitOperationFailed: "
            "GitOperationFailed of flux-system"
        ),
    ]


def entry(level: str, message: str, **more: str) -> str:
    """A line as Flux writes it."""
    return json.dumps({"level": level, "ts": "2026", "msg": message, **more})


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], []),
        (["unknown flag: --nope", ""], ["unknown flag: --nope"]),
        ([entry("info", str(number)) for number in range(5)], ["2 | 3 | 4"]),
        ([entry("error", "Reconciler error", error="no space"), entry("info", "x")], ["Reconciler error: no space"]),
        (["[1]", "y" * 400], [f"[1] | {'y' * 300} …"]),
    ],
)
def test_log_gives_its_last_errors_or_its_last_lines(lines: list[str], expected: list[str]) -> None:
    logs = {SOURCE: "\n".join(lines), SYNC: "another's"}
    assert evidence.told(state(SOURCE), [], [], logs) == [f"log of {SOURCE}: {one}" for one in expected]
