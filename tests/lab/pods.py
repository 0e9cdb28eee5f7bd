# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One pod of Flux, played by a process of this machine: started, probed, restarted, ended, and reported."""

from __future__ import annotations

import base64
import contextlib
import datetime
import os
import shutil
import subprocess
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests
import yaml

from . import container as containers
from .kube import Api, Gone
from .settings import MARKER, Settings, write

# In a pod's process beside the lab's marker, so that a new runner finds what a killed one left.
CLUSTER_MARKER = "FLUXOPS_LAB_CLUSTER"
TOKEN_LIFETIME = 3600
LOG_LIMIT = 20_000_000
FIRST_PAUSE, LONGEST_PAUSE, LONG_RUN = 1.0, 30.0, 60.0


@dataclass(frozen=True)
class Place:
    """What the pods of one cluster share."""

    settings: Settings
    cluster: str
    api: Api
    services: Mapping[str, int]
    take_port: Callable[[], int]


class FluxPod:
    """`step` brings process and reported status to what the pod asks for; it may raise OSError and be called again."""

    def __init__(self, place: Place, pod: Mapping[str, Any]) -> None:
        self.place = place
        self.pod = pod
        self.uid = pod["metadata"]["uid"]
        self.path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"
        self.folder = place.settings.cluster(place.cluster) / "pods" / self.uid
        self.container: Mapping[str, Any] = pod["spec"]["containers"][0]
        self.program = ""
        self.ports: dict[int, int] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self.ready = False
        self.ended = False
        self._statuses = pod.get("status", {}).get("containerStatuses") or [{}]
        self._restarts = int(self._statuses[0].get("restartCount", 0))
        self._has_run = bool(self._statuses[0].get("started") or self._statuses[0].get("state", {}).get("running"))
        self._last: dict[str, Any] = self._statuses[0].get("lastState", {})
        self._waiting = {"reason": "ContainerCreating"}
        self._pause, self._next_start, self._next_probe, self._renew = FIRST_PAUSE, 0.0, 0.0, 0.0
        self._started_at = ""
        self._started = 0.0
        self._kill_at = 0.0
        self._reported: dict[str, Any] = {}
        self._changed: dict[str, tuple[str, str]] = {}

    def step(self, pod: Mapping[str, Any]) -> None:
        """One turn with the pod as it is now."""
        self.pod = pod
        if pod["metadata"].get("deletionTimestamp"):
            self.ready = False
            if self.end(pod["metadata"].get("deletionGracePeriodSeconds") or 0):
                self._finalise()
            return
        if self.process and self.process.poll() is not None:
            self._crashed(self.process.returncode)
        if not self.process and time.monotonic() >= self._next_start:
            self._start()
        elif self.process:
            self._look_after()
        self._report()

    def end(self, grace: float) -> bool:
        """Ask the process to end, kill it after the grace; whether it is gone."""
        if not self.process or self.process.poll() is not None:
            self.process = None
            return True
        if not self._kill_at:
            self._kill_at = time.monotonic() + grace
            self.process.terminate()
        elif time.monotonic() >= self._kill_at:
            self.process.kill()
        return False

    def forget(self) -> None:
        """Remove what the pod had on this machine."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def port(self, number: int) -> int:
        """The port of this machine that stands for a port of the container."""
        if number not in self.ports:
            self.ports[number] = self.place.take_port()
        return self.ports[number]

    def _start(self) -> None:
        if self._has_run:
            self._restarts += 1
            self._has_run = False
        settings = self.place.settings
        try:
            self.container, program = containers.find(self.pod, settings.bin)
            values = containers.environment(self.pod, self.container, self._lookup)
            self._credentials()
        except containers.NoProgram as error:
            self._hold("ImagePullBackOff", str(error))
            return
        except Gone as error:
            self._hold("CreateContainerConfigError", str(error))
            return
        self.program = program.name
        mounts = containers.volumes(self.pod, self.container, self.folder)
        for folder in (self.folder / "home", *mounts.values()):
            folder.mkdir(parents=True, exist_ok=True)
        arguments = containers.arguments(program, self.container, values, self.port, self.place.services, mounts)
        self._spawn(
            [str(program), *arguments],
            {
                "PATH": os.environ.get("PATH", os.defpath),
                "LANG": "C.UTF-8",
                **{name: containers.relocate(value, mounts) for name, value in values.items()},
                "HOME": str(self.folder / "home"),
                "TMPDIR": str(mounts["/tmp"]),
                "KUBECONFIG": str(self.folder / "kubeconfig"),
                MARKER: str(settings.directory),
                CLUSTER_MARKER: self.place.cluster,
            },
        )

    def _spawn(self, command: list[str], environment: Mapping[str, str]) -> None:
        log = self.place.settings.log / f"{self.place.cluster}.{self.program}.log"
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_name(log.name + ".1"))
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
            )
        self._has_run, self._started, self._started_at = True, time.monotonic(), _now()
        self._kill_at = self._next_probe = 0.0

    def _look_after(self) -> None:
        now = time.monotonic()
        if now >= self._renew:
            self._credentials()
        if now >= self._next_probe:
            self.ready = _answers(containers.readiness(self.container, self.port))
            self._next_probe = now + (2.0 if self.ready else 0.0)

    def _crashed(self, code: int) -> None:
        if time.monotonic() - self._started > LONG_RUN:
            self._pause = FIRST_PAUSE
        self._last = {
            "terminated": {
                "exitCode": code if code >= 0 else 128 - code,
                "reason": "Completed" if code == 0 else "Error",
                "startedAt": self._started_at,
                "finishedAt": _now(),
            }
        }
        self.process = None
        self._hold("CrashLoopBackOff", f"restarting the failed container in {self._pause:.0f} s")

    def _hold(self, reason: str, message: str) -> None:
        self.ready = False
        self._waiting = {"reason": reason, "message": message[:500]}
        self._next_start = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def _credentials(self) -> None:
        """A kubeconfig with a token of the pod's service account, bound to the pod as a kubelet asks for it."""
        metadata, account = self.pod["metadata"], self.pod["spec"].get("serviceAccountName", "default")
        bound = {"kind": "Pod", "apiVersion": "v1", "name": metadata["name"], "uid": self.uid}
        answer = self.place.api.post(
            f"/api/v1/namespaces/{metadata['namespace']}/serviceaccounts/{account}/token",
            {
                "apiVersion": "authentication.k8s.io/v1",
                "kind": "TokenRequest",
                "spec": {"expirationSeconds": TOKEN_LIFETIME, "boundObjectRef": bound},
            },
        )
        # Programs read a token file again every minute.
        write(self.folder / "token", answer["status"]["token"], 0o600)
        cluster = {
            "server": self.place.api.url,
            "certificate-authority": str(self.place.settings.certificates / "ca.crt"),
        }
        write(
            self.folder / "kubeconfig",
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "pod",
                    "clusters": [{"name": "pod", "cluster": cluster}],
                    "users": [{"name": "pod", "user": {"tokenFile": str(self.folder / "token")}}],
                    "contexts": [
                        {
                            "name": "pod",
                            "context": {"cluster": "pod", "user": "pod", "namespace": metadata["namespace"]},
                        }
                    ],
                }
            ),
            0o600,
        )
        self._renew = time.monotonic() + TOKEN_LIFETIME * 0.6

    def _lookup(self, kind: str, name: str) -> dict[str, str]:
        found = self.place.api.get(f"/api/v1/namespaces/{self.pod['metadata']['namespace']}/{kind}/{name}")
        data: dict[str, str] = found.get("data", {})
        if kind == "secrets":
            return {key: base64.b64decode(value).decode(errors="replace") for key, value in data.items()}
        return data

    def _report(self) -> None:
        status = self._status()
        # The node controller writes Ready too (False, when it takes the node for dead); the way back is left to us.
        seen = {item["type"]: item["status"] for item in self.pod.get("status", {}).get("conditions", [])}
        if status != self._reported or seen.get("Ready") != str(self.ready):
            with contextlib.suppress(Gone):
                self.place.api.patch_status(self.path, status)
            self._reported = status

    def _status(self) -> dict[str, Any]:
        state = {"running": {"startedAt": self._started_at}} if self.process else {"waiting": self._waiting}
        mine = {
            "ready": self.ready,
            "started": bool(self.process),
            "restartCount": self._restarts,
            "state": state,
            "lastState": self._last,
        }
        # Sidecars have no program here; they are played as running.
        other = {"ready": True, "started": True, "restartCount": 0, "state": {"running": {}}}
        address = zlib.crc32(self.uid.encode())
        address_text = f"10.244.{address >> 8 & 255}.{address & 255}"
        return {
            "phase": "Running" if self.process or self._restarts or self._last else "Pending",
            "conditions": [
                self._condition("Initialized", True),
                self._condition("ContainersReady", self.ready),
                self._condition("Ready", self.ready),
            ],
            "containerStatuses": [
                {
                    "name": item["name"],
                    "image": item["image"],
                    "imageID": "",
                    **(mine if item["name"] == self.container["name"] else other),
                }
                for item in self.pod["spec"]["containers"]
            ],
            "podIP": address_text,
            "podIPs": [{"ip": address_text}],
            "hostIP": "127.0.0.1",
            "startTime": self.pod["metadata"]["creationTimestamp"],
        }

    def _condition(self, kind: str, value: bool) -> dict[str, Any]:
        status = str(value)
        if self._changed.get(kind, ("", ""))[0] != status:
            self._changed[kind] = (status, _now())
        condition: dict[str, Any] = {"type": kind, "status": status, "lastTransitionTime": self._changed[kind][1]}
        if not value:
            condition |= {"reason": "ContainersNotReady", "message": "the controller's process does not answer"}
        else:
            condition |= {"reason": None, "message": None}
        return condition

    def _finalise(self) -> None:
        self.forget()
        with contextlib.suppress(Gone):
            self.place.api.delete(self.path, self.uid)
        self.ended = True


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError), requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=1, allow_redirects=False).status_code < 400
    return False


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
