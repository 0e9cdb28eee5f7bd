# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's processes under supervisor: what is to run, whether it does, and that nothing is left behind."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
import xmlrpc.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport  # type: ignore[import-untyped]

from .processes import MARKER, is_running, kill_marked, wait_for
from .settings import ROOT, LabError, Settings, write

SHARED = "_lab"
_CONFIGURATION = """\
[supervisord]
logfile={log}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=1
pidfile={run}/supervisord.pid
childlogdir={log}
directory={directory}
{user}
[unix_http_server]
file={socket}
chmod=0700
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
_PROGRAM = """\
[program:{group}.{name}]
process_name={name}
command={command}
directory={directory}
environment={environment}
priority={priority}
startsecs=1
startretries=30
autorestart=true
stopwaitsecs={patience}
killasgroup=true
redirect_stderr=true
stdout_logfile={log}/{group}.{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=1
"""


@dataclass(frozen=True)
class Program:
    """One process: patience is how many seconds it has to end by itself."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None
    priority: int = 500
    patience: int = 10


class Supervisor:
    """supervisord of one lab. Groups are the clusters, and `_lab` for what they share."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.configuration = settings.directory / "supervisord.conf"

    def configure(self, groups: Mapping[str, Sequence[Program]]) -> None:
        """Write what is to run."""
        settings = self.settings
        for folder in (settings.log, settings.run, settings.directory / "home", settings.directory / "tmp"):
            folder.mkdir(parents=True, exist_ok=True)
        user = "user=root\n" if os.geteuid() == 0 else ""
        parts = [
            _CONFIGURATION.format(
                log=_plain(settings.log),
                run=_plain(settings.run),
                directory=_plain(settings.directory),
                socket=_plain(self._socket),
                user=user,
            )
        ]
        for group, programs in groups.items():
            names = ",".join(f"{group}.{program.name}" for program in programs)
            parts.append(f"[group:{group}]\nprograms={names}\n")
            parts.extend(self._section(group, program) for program in programs)
        write(self.configuration, "\n".join(parts), 0o600)

    def start(self) -> None:
        """Make what is configured run: a new supervisor where none lives, else only what has changed or stopped."""
        if not self.is_alive():
            self.sweep()
            Path(self._socket).parent.mkdir(parents=True, exist_ok=True)
            command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self.configuration)]
            done = subprocess.run(
                command, cwd=ROOT, env=self._environment(), capture_output=True, check=False, text=True
            )
            if done.returncode:
                raise LabError(f"supervisord did not start: {done.stderr.strip() or done.stdout.strip()}")
            if not wait_for(self.is_alive, 15):
                raise LabError(f"supervisord does not answer; its log is {self.settings.log}/supervisord.log")
            return
        self._update()
        for process in self.processes():
            if process["statename"] in ("STOPPED", "EXITED", "FATAL"):
                self._call("startProcess", f"{process['group']}:{process['name']}", False)

    def stop(self) -> None:
        """End everything: Flux first, while it can still give back its leases, and then the rest."""
        if self.is_alive():
            self.stop_programs([f"{p['group']}:{p['name']}" for p in self.processes() if p["name"] == "flux"])
            pid = int(self._call("getPID"))
            with contextlib.suppress(xmlrpc.client.Error, OSError):
                self._call("shutdown")
            wait_for(lambda: not is_running(pid), 40)
        self.sweep()
        if socket := self.settings.state.get("socket"):  # a lab that was never up has none
            Path(socket).unlink(missing_ok=True)

    def stop_group(self, group: str) -> None:
        """Stop a cluster's processes, Flux first."""
        names = [p["name"] for p in self.processes() if p["group"] == group]
        self.stop_programs([f"{group}:{name}" for name in names if name == "flux"])
        if names:
            self._call("stopProcessGroup", group, True)

    def start_group(self, group: str) -> None:
        """Start a cluster's processes."""
        self._call("startProcessGroup", group, False)

    def stop_programs(self, names: Sequence[str]) -> None:
        """Stop programs ("group:name") together, and wait for their end."""
        for name in names:
            with contextlib.suppress(xmlrpc.client.Fault):
                self._call("stopProcess", name, False)
        if not wait_for(lambda: not self._running(names), 40):
            raise LabError(f"{', '.join(names)} did not stop")

    def processes(self) -> list[dict[str, Any]]:
        """supervisor's own records (group, name, statename, pid …); empty when it does not run."""
        try:
            return list(self._call("getAllProcessInfo"))
        except (OSError, xmlrpc.client.Error):
            return []

    def is_alive(self) -> bool:
        """Whether the supervisor answers."""
        try:
            return bool(self._call("getPID"))
        except (OSError, xmlrpc.client.Error):
            return False

    def sweep(self) -> None:
        """Kill what carries this lab's marker: orphans of a supervisor or a runner that was killed."""
        kill_marked(self.settings.directory)

    @property
    def _socket(self) -> str:
        return str(self.settings.state["socket"])

    def _call(self, method: str, *arguments: Any) -> Any:
        if "socket" not in self.settings.state or not Path(self._socket).exists():
            raise ConnectionError("no supervisor")
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        finally:
            transport.close()

    def _running(self, names: Sequence[str]) -> bool:
        return any(f"{p['group']}:{p['name']}" in names and p["pid"] for p in self.processes())

    def _update(self) -> None:
        [[added, changed, removed]] = self._call("reloadConfig")
        for group in [*changed, *removed]:
            self.stop_group(group)
            self._call("removeProcessGroup", group)
        for group in [*added, *changed]:
            self._call("addProcessGroup", group)

    def _section(self, group: str, program: Program) -> str:
        environment = ",".join(f'{key}="{_plain(value)}"' for key, value in program.environment.items())
        return _PROGRAM.format(
            group=group,
            name=program.name,
            command=_plain(shlex.join(program.command)),
            environment=environment,
            directory=_plain(program.directory or self.settings.directory),
            priority=program.priority,
            patience=program.patience,
            log=_plain(self.settings.log),
        )

    def _environment(self) -> dict[str, str]:
        # Little is inherited: a proxy or a KUBECONFIG of the user's must not reach into the lab.
        return {
            MARKER: str(self.settings.directory),
            "PATH": f"{self.settings.bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "HOME": str(self.settings.directory / "home"),
            "TMPDIR": str(self.settings.directory / "tmp"),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            # Go's own 100 has small heaps looked through all the time; a lab is short of processors, not of memory.
            "GOGC": "400",
        }


def _plain(value: object) -> str:
    # supervisor expands %(name)s everywhere.
    return str(value).replace("%", "%%")
