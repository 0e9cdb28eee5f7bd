# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One pod of Flux, played by a process of this machine: started, probed, restarted, ended, and reported."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from . import access
from . import container as containers
from .kube import Api, Gone
from .processes import MARKER, PART_MARKER
from .report import Report, now
from .settings import Settings

LOG_LIMIT = 20_000_000
FIRST_PAUSE, LONGEST_PAUSE, LONG_RUN = 1.0, 30.0, 60.0
PROBE_PERIOD = 2.0
# How long a controller that starts over is taken for as ready as it was.
HANDOVER = 15.0


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
        self.awaits_lease = False
        self._log: tuple[Path, int] | None = None
        self._report = Report(pod)
        self._reported: dict[str, Any] = {}
        self._pause = FIRST_PAUSE
        self.started = self._next_start = self._next_probe = self._renew = self._kill_at = self._patient = 0.0

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
        self._tell()

    def end(self, grace: float) -> bool:
        """Ask the process to end, kill it after the grace (seconds); whether it is gone."""
        if not self.process or self.process.poll() is not None:
            self.process = None
            return True
        if not self._kill_at:
            self._kill_at = time.monotonic() + grace
            self.process.terminate()
        elif time.monotonic() >= self._kill_at:
            self.process.kill()
        return False

    @property
    def lease(self) -> str:
        """What the pods of one controller hold one after the other, while this one runs; empty for any other pod."""
        elects = any(text.startswith(containers.ELECTION) for text in self.container.get("args", []))
        return self.pod["metadata"].get("labels", {}).get("app", self.program) if elects and self.process else ""

    def start_over(self) -> None:
        """Begin anew with all objects, as a controller does that waited for the lease; its pod stays as it was."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process, self._report.has_run = None, False
            self._patient = time.monotonic() + HANDOVER
            self._start()

    def forget(self) -> None:
        """Remove what the pod had on this machine."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def words(self) -> bytes:
        """What the process has written since it was started the last time."""
        if not self._log:
            return b""
        path, start = self._log
        with contextlib.suppress(OSError), path.open("rb") as stream:
            stream.seek(start)
            return stream.read()
        return b""

    def port(self, number: int) -> int:
        """The port of this machine that stands for a port of the container."""
        if number not in self.ports:
            self.ports[number] = self.place.take_port()
        return self.ports[number]

    def _start(self) -> None:
        if self._report.has_run:
            self._report.restarts += 1
            self._report.has_run = False
        place = self.place
        lookup = functools.partial(access.read_data, place.api, self.pod["metadata"]["namespace"])
        try:
            self.container, program = containers.find(self.pod, place.settings.bin)
            values = containers.environment(self.pod, self.container, lookup)
            self._credentials()
        except containers.NoProgram as error:
            self._hold("ImagePullBackOff", str(error))
        except Gone as error:
            self._hold("CreateContainerConfigError", str(error))
        else:
            self.program = program.name
            mounts = containers.volumes(self.pod, self.container, self.folder)
            host = containers.Host(self.port, place.services, mounts)
            command = [str(program), *containers.arguments(program, self.container, values, host)]
            self._spawn(command, self._environment(values, host))

    def _environment(self, values: Mapping[str, str], host: containers.Host) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "GOGC": os.environ.get("GOGC", "100"),
            **{name: host.relocate(value) for name, value in values.items()},
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(host.mounts["/tmp"]),
            "KUBECONFIG": str(self.folder / "kubeconfig"),
            MARKER: str(self.place.settings.directory),
            PART_MARKER: self.place.cluster,
        }

    def _spawn(self, command: list[str], environment: Mapping[str, str]) -> None:
        (self.folder / "home").mkdir(parents=True, exist_ok=True)
        log = self.place.settings.log / f"{self.place.cluster}.{self.program}.log"
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_name(log.name + ".1"))
        with log.open("ab") as stream:
            self._log = log, stream.tell()
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
            )
        self._report.has_run, self._report.started_at = True, now()
        self.started = time.monotonic()
        self._kill_at = self._next_probe = 0.0

    def _look_after(self) -> None:
        moment = time.monotonic()
        if moment >= self._renew:
            self._credentials()
        if moment >= self._next_probe:
            answers = _answers(containers.readiness(self.container, self.port))
            self._patient = 0.0 if answers else self._patient
            self.ready = answers or (self.ready and moment < self._patient)
            self._next_probe = moment + (PROBE_PERIOD if self.ready else 0.0)

    def _crashed(self, code: int) -> None:
        if time.monotonic() - self.started > LONG_RUN:
            self._pause = FIRST_PAUSE
        self._report.ended(code)
        self.process = None
        self._hold("CrashLoopBackOff", f"restarting the failed container in {self._pause:.0f} s")

    def _hold(self, reason: str, message: str) -> None:
        self.ready = False
        self._report.waiting = {"reason": reason, "message": message[:500]}
        self._next_start = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def _credentials(self) -> None:
        authority = self.place.settings.certificates / "ca.crt"
        access.write_credentials(self.place.api, authority, self.pod, self.folder)
        self._renew = time.monotonic() + access.TOKEN_LIFETIME * 0.6

    def _tell(self) -> None:
        status = self._report.status(self.pod, self.container["name"], bool(self.process), self.ready)
        # The node controller writes Ready too (False, when it takes the node for dead); the way back is left to us.
        seen = {item["type"]: item["status"] for item in self.pod.get("status", {}).get("conditions", [])}
        if status != self._reported or seen.get("Ready") != str(self.ready):
            with contextlib.suppress(Gone):
                self.place.api.patch_status(self.path, status)
                self._reported = status

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
