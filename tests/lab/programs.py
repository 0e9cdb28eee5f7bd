# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's programs: found on PATH or in KUBEBUILDER_ASSETS, else built from the go.mod files in `go/`."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .settings import SOURCES, LabError, Settings, write
from .toolchain import Go, Step, logged

KUBERNETES = "v1.36.3"
GITEA = "1.26.0"
_BASE = "k8s.io/component-base/version"


@dataclass(frozen=True)
class Build:
    """One go.mod file: its programs (name: package), and how they are compiled."""

    name: str
    title: str
    programs: Mapping[str, str]
    variables: Mapping[str, str]
    tags: str = ""
    cgo: bool = False


BUILDS = (
    Build(
        "kube",
        "etcd, Kubernetes, kustomize, KWOK",
        {
            "etcd": "go.etcd.io/etcd/server/v3",
            "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
            "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
            "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
            "kubectl": "k8s.io/kubernetes/cmd/kubectl",
            "kustomize": "sigs.k8s.io/kustomize/kustomize/v5",
            "kwok": "sigs.k8s.io/kwok/cmd/kwok",
        },
        {
            # Without these the server says v0.0.0-master, which no client can judge.
            f"{_BASE}.gitVersion": KUBERNETES,
            f"{_BASE}.gitMajor": "1",
            f"{_BASE}.gitMinor": "36",
            f"{_BASE}.gitTreeState": "clean",
            "sigs.k8s.io/kustomize/api/provenance.version": "v5.8.1",
            "sigs.k8s.io/kwok/pkg/consts.Version": "v0.8.0",
        },
    ),
    Build(
        "flux",
        "Flux controllers",
        {
            name: f"github.com/fluxcd/{name}"
            for name in ("source-controller", "kustomize-controller", "helm-controller", "notification-controller")
        },
        {},
    ),
    Build(
        "gitea",
        "Gitea",
        {"gitea": "code.gitea.io/gitea"},
        {"main.Version": GITEA},
        tags="sqlite sqlite_unlock_notify",
        cgo=True,
    ),
)


def module_version(build: str, module: str) -> str:
    """The version to which a go.mod file of ours pins a module."""
    text = (SOURCES / "go" / build / "go.mod").read_text()
    match = re.search(rf"^(?:\t|require ){re.escape(module)} (\S+)", text, re.MULTILINE)
    if not match:
        raise LabError(f"go/{build}/go.mod does not name {module}")
    return match[1]


class Programs:
    """Makes every program reachable in `.lab/bin`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.go = Go(settings)

    def ensure(self) -> None:
        """Find or build what is missing; quick when nothing is."""
        if self._borrow():
            return
        for build in BUILDS:
            missing = {name: package for name, package in build.programs.items() if not self._find(name)}
            if missing:
                self._compile(build, missing)
            self._share(build)

    def module_directory(self, build: str, module: str) -> Path:
        """The unpacked source of a pinned module, fetched when it is not in Go's cache."""
        folder = self._workspace(build)
        command = [self.go.program, "mod", "download", "-json", f"{module}@{module_version(build, module)}"]
        done = subprocess.run(command, cwd=folder, env=self.go.environment, capture_output=True, check=False, text=True)
        if done.returncode:
            raise LabError(f"{module} can't be fetched: {done.stderr.strip() or done.stdout.strip()}")
        return Path(json.loads(done.stdout)["Dir"])

    def _borrow(self) -> bool:
        # A second lab need not build again: LAB_PROGRAMS names the folder of a lab that has.
        lender = os.environ.get("LAB_PROGRAMS", "")
        if not lender or Path(lender).resolve() == self.settings.directory:
            return False
        self.settings.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for target in (self.settings.bin, self.settings.share):
            source = Path(lender).resolve() / target.name
            if not source.is_dir():
                raise LabError(f"LAB_PROGRAMS={lender}: no {target.name} in it; build that lab first")
            if not target.exists():
                target.symlink_to(source)
        return True

    def _find(self, name: str) -> bool:
        """Link a program that the machine has. The build's own stamp decides about the ones that it made."""
        own = self.settings.bin / name
        places = [os.environ.get("KUBEBUILDER_ASSETS", ""), *os.environ.get("PATH", "").split(os.pathsep)]
        for place in filter(None, places):
            candidate = Path(place) / name
            foreign = candidate.is_file() and candidate.resolve().parent != self.settings.bin
            if foreign and os.access(candidate, os.X_OK):
                self.settings.bin.mkdir(parents=True, exist_ok=True)
                if not own.is_symlink() or own.resolve() != candidate.resolve():
                    own.unlink(missing_ok=True)
                    own.symlink_to(candidate.resolve())
                return True
        return False

    def _compile(self, build: Build, programs: Mapping[str, str]) -> None:
        folder = self._workspace(build.name)
        flags = _flags(build)
        stamp = folder / "built"
        sources = [(folder / name).read_text() for name in ("go.mod", "go.sum")]
        wanted = hashlib.sha256(json.dumps([*sources, flags, sorted(programs)]).encode()).hexdigest()
        present = all((self.settings.bin / name).is_file() for name in programs)
        if present and stamp.exists() and stamp.read_text() == wanted:
            return
        log = self.settings.log / f"build-{build.name}.log"
        environment = self.go.environment | {"GOBIN": str(folder / "bin"), "CGO_ENABLED": str(int(build.cgo))}
        with Step(f"building {build.title}"):
            if build.cgo and not (shutil.which("gcc") or shutil.which("cc")):
                raise LabError(f"{build.title} is built with cgo, which needs gcc")
            logged([self.go.program, "install", *flags, *programs.values()], log, folder, environment)
        self.settings.bin.mkdir(parents=True, exist_ok=True)
        for name, package in programs.items():
            made = re.sub(r"/v\d+$", "", package).rsplit("/", 1)[-1]
            (self.settings.bin / name).unlink(missing_ok=True)
            (folder / "bin" / made).replace(self.settings.bin / name)
        stamp.write_text(wanted)

    def _share(self, build: Build) -> None:
        """Keep the files that programs read at run time, so that Go's module cache may go away."""
        wanted = {
            "kube": [
                ("sigs.k8s.io/kwok", f"kustomize/stage/{part}", f"kwok/{part}")
                for part in ("node/fast", "node/heartbeat-with-lease", "pod/fast")
            ],
            "gitea": [("code.gitea.io/gitea", part, f"gitea/{part}") for part in ("options", "public", "templates")],
        }.get(build.name, [])
        for module, source, target in wanted:
            goal = self.settings.share / target
            if goal.exists():
                continue
            _copy(self.module_directory(build.name, module) / source, goal)
        if build.name == "gitea":
            # What its pages look up on every request, and what only a build with node makes.
            write(self.settings.share / "gitea" / "public" / "assets" / ".vite" / "manifest.json", "{}\n")

    def _workspace(self, build: str) -> Path:
        # A copy, since some Go commands rewrite go.mod.
        folder = self.settings.directory / "build" / build
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("go.mod", "go.sum"):
            shutil.copyfile(SOURCES / "go" / build / name, folder / name)
        return folder


def _flags(build: Build) -> list[str]:
    linker = " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in build.variables.items())])
    flags = ["-mod=readonly", "-trimpath", "-ldflags", linker]
    return [*flags, "-tags", build.tags] if build.tags else flags


def _copy(source: Path, goal: Path) -> None:
    """Copy a folder of the module cache, whole or not at all, and writable, which the cache is not."""
    partial = goal.with_name(goal.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    goal.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, partial, copy_function=shutil.copyfile)
    for path in [partial, *partial.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    partial.replace(goal)
