# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pods of one cluster as they are, told by its API server: asked again and again, it would do little else."""

from __future__ import annotations

import threading
import time
from typing import Any

from .kube import Api

PODS = "/api/v1/pods"
# https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
_LONGEST = "300"
_PAUSE = 1.0


class Pods(threading.Thread):
    """Follows the pods of one selector for as long as the program runs."""

    def __init__(self, api: Api, selector: str) -> None:
        super().__init__(daemon=True)
        self.changed = threading.Event()
        """Set at each change; whoever waits for it clears it."""
        self._api, self._selector = api, selector
        self._known: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def now(self) -> dict[str, dict[str, Any]]:
        """UID → pod. While the API server is away, as it was last: what runs goes on, as on a node without it."""
        with self._lock:
            return dict(self._known)

    def run(self) -> None:
        """List and follow; where that ends, again."""
        while True:
            try:
                self._follow(self._list())
            except (OSError, ValueError) as error:
                print(f"pods: {error}", flush=True)
                time.sleep(_PAUSE)

    def _list(self) -> str:
        found = self._api.get(PODS, labelSelector=self._selector, resourceVersion="0")
        with self._lock:
            self._known = {pod["metadata"]["uid"]: pod for pod in found["items"]}
        self.changed.set()
        return str(found["metadata"]["resourceVersion"])

    def _follow(self, version: str) -> None:
        """Until the API server ends it, which it does after a while; or knows the version no more."""
        query = {"labelSelector": self._selector, "resourceVersion": version, "timeoutSeconds": _LONGEST}
        for event in self._api.watch(PODS, **query):
            if event["type"] == "ERROR":
                return
            pod = event["object"]
            with self._lock:
                self._known[pod["metadata"]["uid"]] = pod
                if event["type"] == "DELETED":
                    del self._known[pod["metadata"]["uid"]]
            self.changed.set()
