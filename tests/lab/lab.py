# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab as a whole: up, down, reset, status."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from . import certificates, clusters, manifest, shared
from .forge import Forge
from .gitea import Gitea
from .programs import Programs
from .settings import DEFAULT_CLUSTERS, LabError, Settings, check_name, is_free, write
from .supervision import SHARED, Program, Supervisor

FORGE = "_forge"
# Much more than is needed: machines are noisy, and a limit is only there to end what will never come.
PATIENCE = 240
KEPT_BY_PURGE = {"bin", "share", "build", "go-venv", "lock"}


class Lab:
    """One lab, in LAB_DIR or `.lab`. Every command may be repeated, and may be killed and repeated."""

    def __init__(self, directory: Path | None = None) -> None:
        self.settings = Settings(directory)
        self.supervisor = Supervisor(self.settings)

    @classmethod
    def current(cls, directory: Path | None = None) -> Lab:
        """The lab that has been brought up; LabError when there is none."""
        lab = cls(directory)
        if not lab.settings.lab_json.exists():
            raise LabError(f"no lab in {lab.settings.directory}: bring one up first")
        return lab

    @property
    def facts(self) -> dict[str, Any]:
        """lab.json as it is now."""
        return dict(json.loads(self.settings.lab_json.read_text()))

    @property
    def clusters(self) -> list[str]:
        """The names of the clusters that the lab has, running or not."""
        return list(self.settings.state["clusters"])

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig with a context for each cluster."""
        return self.settings.kubeconfig

    @property
    def forge(self) -> Forge:
        """The Git forge's API, as its administrator."""
        return Forge(self.facts["forge"])

    def build(self) -> None:
        """Find or build every program, and the Flux manifest."""
        with self.settings.lock():
            self._build()

    def up(self, names: Sequence[str] | None = None) -> None:
        """Bring up the lab's clusters, and these besides; without any, the default ones."""
        with self.settings.lock():
            self._build()
            self._up([check_name(name) for name in names or []])

    def down(self, purge: bool = False) -> None:
        """End every process; the data stays unless purged. What was built stays in any case."""
        with self.settings.lock():
            self.supervisor.stop()
            if purge:
                self._purge()

    def forget_beside(self) -> None:
        """End the labs beside this one, and remove them: those that tests were killed in the middle of."""
        for folder in self.settings.beside("*").parent.glob("*"):
            Lab(folder).down(purge=True)
            shutil.rmtree(folder)

    def reset(self, *names: str) -> None:
        """Make clusters anew: same name, same address, another identity, nothing in it."""
        with self.settings.lock():
            for name in names:
                self._known(name)
            if not self.supervisor.is_alive():
                self._up([])
            for name in names:
                self.supervisor.stop_group(name)
            self._wait({"etcd": self._has_etcd})
            for name in names:
                clusters.wipe(self.settings, name)
                self.supervisor.start_group(name)
            self._wait(self._conditions(names))

    def stop_cluster(self, name: str) -> None:
        """Play a cluster that is down: its API server refuses connections until start_cluster."""
        with self.settings.lock():
            self._known(name)
            self.supervisor.stop_group(name)

    def start_cluster(self, name: str) -> None:
        """Bring a stopped cluster back, as it was."""
        with self.settings.lock():
            self._known(name)
            self.supervisor.start_group(name)
            self._wait(self._conditions([name]))

    def status(self) -> tuple[list[str], bool]:
        """A line for each program and each cluster, and whether all of them are up."""
        processes = self.supervisor.processes()
        lines = [
            f"{p['group'].strip('_') + ' ' + p['name']:40} {p['statename']:9} {p['pid'] or '-'}" for p in processes
        ]
        good = bool(processes) and all(p["statename"] == "RUNNING" for p in processes)
        if not processes:
            lines.append(f"no supervisor runs for {self.settings.directory}")
        for name in self.clusters:
            ready = bool(processes) and clusters.is_ready(self.settings, name)
            version = clusters.version(self.settings, name) if processes else ""
            lines.append(f"cluster {name:32} {'ready' if ready else 'NOT READY':9} {version or '-'}")
            good = good and ready
        return lines, good

    def _build(self) -> None:
        programs = Programs(self.settings)
        programs.ensure()
        manifest.build(self.settings, programs)

    def _up(self, names: list[str]) -> None:
        settings = self.settings
        wanted = list(dict.fromkeys([*self.clusters, *names])) or list(DEFAULT_CLUSTERS)
        settings.claim(wanted)
        if not self.supervisor.is_alive():
            self.supervisor.sweep()
            self._check_ports()
        self._prepare(wanted)
        gitea = Gitea(settings)
        groups = self._groups(wanted)
        if not gitea.is_prepared():
            # The clusters start meanwhile.
            self.supervisor.configure(groups)
            self.supervisor.start()
            gitea.prepare()
        gitea.configure()
        self.supervisor.configure({**groups, FORGE: [gitea.program()]})
        self.supervisor.start()
        self._wait({"forge": gitea.is_ready})
        gitea.finish()
        self._describe(wanted, gitea)
        self._wait(self._conditions(wanted))

    def _prepare(self, names: Sequence[str]) -> None:
        folder = self.settings.certificates
        certificates.make_authority(folder)
        certificates.issue(folder, "server", certificates.SERVER, "fluxops lab")
        certificates.issue(folder, "admin", certificates.CLIENT, "lab-admin", "system:masters")
        for name in names:
            clusters.prepare(self.settings, name)
        config = clusters.kubeconfig(self.settings, list(names))
        write(self.settings.kubeconfig, yaml.safe_dump(config, sort_keys=False), 0o600)

    def _groups(self, names: Sequence[str]) -> dict[str, list[Program]]:
        return {
            SHARED: shared.programs(self.settings),
            **{name: clusters.programs(self.settings, name) for name in names},
        }

    def _conditions(self, names: Sequence[str]) -> dict[str, Callable[[], bool]]:
        return {
            f"cluster {name}": lambda name=name: clusters.is_ready(self.settings, name)  # type: ignore[misc]
            for name in names
        }

    def _has_etcd(self) -> bool:
        return not is_free(self.settings.state["ports"]["etcd"])

    def _wait(self, conditions: Mapping[str, Callable[[], bool]]) -> None:
        """Wait for all of these together, with a line for each."""
        start, open_ = time.monotonic(), dict(conditions)
        while open_:
            for name in [name for name, condition in open_.items() if condition()]:
                del open_[name]
                print(f"{name} ready, {time.monotonic() - start:.0f} s", flush=True)
            if open_ and time.monotonic() - start > PATIENCE:
                idle = [f"{p['group']}.{p['name']}" for p in self.supervisor.processes() if p["statename"] != "RUNNING"]
                raise LabError(
                    f"not ready after {PATIENCE} s: {', '.join(open_)}; programs that do not run: "
                    f"{', '.join(idle) or 'none'}; logs are in {self.settings.log}"
                )
            time.sleep(0.2)

    def _describe(self, names: Sequence[str], gitea: Gitea) -> None:
        version, digest = manifest.VERSION, manifest.digest(self.settings)
        url = f"http://127.0.0.1:{self.settings.state['ports']['files']}/{manifest.PATH}"
        facts = {
            "directory": str(self.settings.directory),
            "kubeconfig": str(self.settings.kubeconfig),
            "bin": str(self.settings.bin),
            "clusters": list(names),
            "forge": gitea.describe(),
            "flux": {"version": version, "url": url, "sha256": digest},
        }
        write(self.settings.lab_json, json.dumps(facts, indent=2) + "\n", 0o600)

    def _check_ports(self) -> None:
        ports = {f"shared {name}": port for name, port in self.settings.state["ports"].items()}
        for cluster, facts in self.settings.state["clusters"].items():
            ports.update({f"{cluster} {name}": port for name, port in facts["ports"].items()})
        if taken := [f"{port} ({name})" for name, port in ports.items() if not is_free(port)]:
            raise LabError(f"ports of this lab are taken by another program: {', '.join(taken)}")

    def _known(self, name: str) -> None:
        if name not in self.clusters:
            raise LabError(f"no cluster {name!r} in {self.settings.directory}: it has {', '.join(self.clusters)}")

    def _purge(self) -> None:
        socket = Path(self.settings.state.get("socket", self.settings.run / "none"))
        if socket.parent != self.settings.run:
            shutil.rmtree(socket.parent, ignore_errors=True)
        for path in self.settings.directory.iterdir():
            if path.name in KEPT_BY_PURGE:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        self.settings.load()
