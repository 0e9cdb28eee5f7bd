# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of a Flux pod as a kubelet would report it."""

from __future__ import annotations

import datetime
import zlib
from collections.abc import Mapping
from typing import Any


class Report:
    """What is told of one pod, and since when."""

    def __init__(self, pod: Mapping[str, Any]) -> None:
        first = (pod.get("status", {}).get("containerStatuses") or [{}])[0]
        # A process that an earlier runner has started counts as one that ended with it.
        self.has_run = bool(first.get("started"))
        self.restarts = int(first.get("restartCount", 0))
        self.last: Mapping[str, Any] = first.get("lastState", {})
        self.waiting = {"reason": "ContainerCreating"}
        self.started_at = ""
        self._since: dict[str, tuple[bool, str]] = {}

    def ended(self, code: int) -> None:
        """The process has ended, with an exit code as Popen gives it."""
        self.last = {
            "terminated": {
                "exitCode": code if code >= 0 else 128 - code,
                "reason": "Completed" if code == 0 else "Error",
                "startedAt": self.started_at,
                "finishedAt": now(),
            }
        }

    def status(self, pod: Mapping[str, Any], container: str, running: bool, ready: bool) -> dict[str, Any]:
        """The pod's status; container is the name of the one that is a process."""
        address = _address(pod["metadata"]["uid"])
        return {
            "phase": "Running" if running or self.restarts or self.last else "Pending",
            "conditions": [
                self._condition("Initialized", True),
                self._condition("ContainersReady", ready),
                self._condition("Ready", ready),
            ],
            "containerStatuses": [
                {"name": item["name"], "image": item["image"], "imageID": ""}
                | (self._process(running, ready) if item["name"] == container else _PLAYED)
                for item in pod["spec"]["containers"]
            ],
            "podIP": address,
            "podIPs": [{"ip": address}],
            "hostIP": "127.0.0.1",
            "startTime": pod["metadata"]["creationTimestamp"],
        }

    def _process(self, running: bool, ready: bool) -> dict[str, Any]:
        state = {"running": {"startedAt": self.started_at}} if running else {"waiting": self.waiting}
        return {
            "ready": ready,
            "started": running,
            "restartCount": self.restarts,
            "state": state,
            "lastState": self.last,
        }

    def _condition(self, kind: str, value: bool) -> dict[str, Any]:
        if self._since.get(kind, (None, ""))[0] is not value:
            self._since[kind] = (value, now())
        # None takes the field away.
        words = (None, None) if value else ("ContainersNotReady", "the controller's process does not answer")
        return {
            "type": kind,
            "status": str(value),
            "lastTransitionTime": self._since[kind][1],
            "reason": words[0],
            "message": words[1],
        }


# Sidecars have no program here.
_PLAYED = {"ready": True, "started": True, "restartCount": 0, "state": {"running": {}}}


def now() -> str:
    """The time as Kubernetes writes it."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _address(uid: str) -> str:
    # Endpoints may not lie on loopback, so a pod's address is made up, as KWOK's are.
    number = zlib.crc32(uid.encode())
    return f"10.244.{number >> 8 & 255}.{number & 255}"
