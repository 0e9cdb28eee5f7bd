# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flux runner of one cluster: a kubelet for the pods of Flux alone, whose containers are processes of this machine.

usage: python -m tests.lab.runner LAB_DIRECTORY CLUSTER
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import container as containers
from .kube import Api
from .kubelet import Kubelet
from .pods import FluxPod, Place
from .processes import kill_marked
from .services import SERVICES, Proxy
from .settings import LabError, Settings, is_free
from .watch import Pods

SELECTOR = "app.kubernetes.io/part-of=flux"
TURN = 0.2
# How long the controllers have to give back their leases when the runner itself is asked to end.
LAST_GRACE = 15


class Runner:
    """Follows the cluster's pods of Flux, and brings the processes to what these say."""

    def __init__(self, settings: Settings, cluster: str) -> None:
        self.settings = settings
        self.cluster = cluster
        facts = settings.state["clusters"][cluster]
        self.api = Api(settings, cluster)
        self.proxy = Proxy(facts["ports"])
        self.pods: dict[str, FluxPod] = {}
        self._range = range(facts["pods"][0], kubelet_port(facts))
        self._place = Place(settings, cluster, self.api, facts["ports"], self._take_port)
        self._stopping = False
        self._watched = Pods(Api(settings, cluster), SELECTOR)
        Kubelet(settings, kubelet_port(facts), self._words)

    def run(self) -> None:
        """Until SIGTERM."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        # What a killed runner has left.
        kill_marked(self.settings.directory, self.cluster)
        threading.Thread(target=containers.learn, args=(self.settings.bin,), daemon=True).start()
        self._watched.start()
        while not self._stopping:
            self._watched.changed.wait(TURN)
            self._watched.changed.clear()
            try:
                self._turn({uid: pod for uid, pod in self._watched.now().items() if _is_ours(pod)})
            except OSError as error:
                print(f"{self.cluster}: {error}", flush=True)
        end = time.monotonic() + LAST_GRACE
        running = list(self.pods.values())
        while running:
            running = [pod for pod in running if not pod.end(end - time.monotonic())]
            time.sleep(0.05)

    def _turn(self, listed: dict[str, Any]) -> None:
        for uid, pod in listed.items():
            if uid not in self.pods:
                self.pods[uid] = FluxPod(self._place, pod)
        for uid, known in list(self.pods.items()):
            if uid in listed and not known.ended:
                try:
                    known.step(listed[uid])
                except (OSError, LabError) as error:
                    print(f"{self.cluster} {known.path}: {error}", flush=True)
            # Gone from the API without having been ended here: removed by force.
            elif uid not in listed and known.end(5):
                known.forget()
                del self.pods[uid]
        self._elect()
        self._lead()

    def _elect(self) -> None:
        """Have a controller begin when its predecessor has ended; one that shares its work might write last."""
        oldest: dict[str, FluxPod] = {}
        for pod in sorted(self.pods.values(), key=lambda pod: pod.started):
            if pod.lease and oldest.setdefault(pod.lease, pod) is not pod:
                pod.awaits_lease = True
            elif pod.lease and pod.awaits_lease:
                pod.awaits_lease = False
                pod.start_over()

    def _lead(self) -> None:
        for service, (program, number) in SERVICES.items():
            ready = [
                pod.ports[number]
                for pod in self.pods.values()
                if pod.ready and pod.program.startswith(program) and number in pod.ports
            ]
            port = self.proxy.ports[service]
            if not ready:
                self.proxy.targets.pop(port, None)
            elif self.proxy.targets.get(port) not in ready:
                self.proxy.targets[port] = ready[-1]

    def _take_port(self) -> int:
        used = {port for pod in self.pods.values() for port in pod.ports.values()}
        for port in self._range:
            if port not in used and is_free(port):
                return port
        raise LabError(f"no free port between {self._range[0]} and {self._range[-1]}")

    def _words(self, namespace: str, name: str) -> bytes | None:
        path = f"/api/v1/namespaces/{namespace}/pods/{name}"
        return next((pod.words() for pod in list(self.pods.values()) if pod.path == path), None)

    def _stop(self, *_: object) -> None:
        self._stopping = True


def kubelet_port(cluster: Mapping[str, Any]) -> int:
    """Where the API server asks for logs; ``cluster``: its part of the lab's state."""
    return int(cluster["pods"][1])


def _is_ours(pod: dict[str, Any]) -> bool:
    # Evicted pods stay in the list, and are over.
    return bool(pod["spec"].get("nodeName")) and pod.get("status", {}).get("phase") not in ("Failed", "Succeeded")


if __name__ == "__main__":
    Runner(Settings(Path(sys.argv[1])), sys.argv[2]).run()
