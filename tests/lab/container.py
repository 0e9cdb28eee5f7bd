# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a pod of Flux to a process of this machine: its program, arguments and environment.

All is the pod's own, apart from what a container's walls give and a host lacks: the addresses (a container listens
where it likes) and the folders of its volumes."""

from __future__ import annotations

import functools
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .programs import module_version
from .settings import LabError

# Flags with an address to listen at, and the address that the controllers take without the flag.
LISTENING = {"--health-addr": ":9440", "--metrics-addr": ":8080", "--storage-addr": ":9090", "--receiverAddr": ":9292"}
EVENTS = "--events-addr"
ADVERTISED = "--storage-adv-addr"
STORAGE = "--storage-path"
# Controllers find the lease's namespace in a file at a fixed path of their container, and end where it is missing.
ELECTION = "--enable-leader-election"
_EVENTS_SERVER = "notification-controller"
_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "k": 10**3, "M": 10**6, "G": 10**9, "": 1}

Object = Mapping[str, Any]
Ports = Callable[[int], int]


@dataclass(frozen=True)
class Host:
    """What a process finds on this machine: a port for each of the container's, Services, folders for mount paths."""

    port: Ports
    services: Mapping[str, int]
    mounts: Mapping[str, Path]

    def relocate(self, text: str) -> str:
        """A value or `--flag=value` with a path in a volume led to that volume's folder."""
        head, separator, tail = text.partition("=") if text.startswith("--") else ("", "", text)
        for path, folder in self.mounts.items():
            if tail == path or tail.startswith(f"{path}/"):
                return f"{head}{separator}{folder}{tail[len(path) :]}"
        return text


class NoProgram(Exception):
    """The lab has no program for an image: what a registry without that image would be to a node."""


def find(pod: Object, bin_folder: Path) -> tuple[Object, Path]:
    """The container that is a Flux controller, and its program."""
    for container in pod["spec"]["containers"]:
        name, tag = _image(container["image"])
        if re.fullmatch(r"[a-z]+(-[a-z]+)*-(controller|watcher)", name):
            return container, _program(name, tag, bin_folder)
    raise NoProgram("no container of this pod is a Flux controller")


def learn(bin_folder: Path) -> None:
    """Ask every controller for its flags before a pod needs them: a container does not start later for being played."""
    for program in sorted(bin_folder.glob("*-controller")):
        _flags(str(program))


def environment(pod: Object, container: Object, lookup: Callable[[str, str], Object]) -> dict[str, str]:
    """The container's variables; lookup(kind, name) gets a ConfigMap or Secret as text by key."""
    values: dict[str, str] = {}
    for source in container.get("envFrom", []):
        for field, kind in (("configMapRef", "configmaps"), ("secretRef", "secrets")):
            if field in source:
                found = lookup(kind, source[field]["name"])
                values.update({source.get("prefix", "") + key: value for key, value in found.items()})
    for item in container.get("env", []):
        if "valueFrom" in item:
            values[item["name"]] = _value_from(pod, container, item["valueFrom"], lookup)
        else:
            values[item["name"]] = expand(item.get("value", ""), values)
    return values


def arguments(program: Path, container: Object, values: Mapping[str, str], host: Host) -> list[str]:
    """The container's arguments with addresses and folders of this machine: each replaced in its place, or added."""
    given = [expand(text, values) for text in [*container.get("command", [])[1:], *container.get("args", [])]]
    fixed = _addresses(program, _values(given), host)
    result: list[str] = []
    missing = dict(fixed)
    skip = False
    for text in given:
        name, separator, _ = text.partition("=")
        if skip:
            skip = False
        elif name in fixed:
            result.append(f"{name}={fixed[name]}")
            missing.pop(name, None)
            # A switch has no value of its own to leave out.
            skip = not separator and name != ELECTION
        else:
            result.append(text)
    result.extend(f"{name}={value}" for name, value in missing.items())
    return [host.relocate(text) for text in result]


def volumes(pod: Object, container: Object, folder: Path) -> dict[str, Path]:
    """The container's emptyDir volumes: mount path to a folder of this machine; /data and /tmp in any case."""
    empty = {volume["name"] for volume in pod["spec"].get("volumes", []) if "emptyDir" in volume}
    mounts = {"/data": folder / "volumes" / "data", "/tmp": folder / "volumes" / "tmp"}
    for mount in container.get("volumeMounts", []):
        if mount["name"] in empty:
            mounts[mount["mountPath"].rstrip("/")] = folder / "volumes" / mount["name"]
    for path in mounts.values():
        path.mkdir(parents=True, exist_ok=True)
    return mounts


def readiness(container: Object, ports: Ports) -> str:
    """The URL on this machine that stands for the container's readiness probe."""
    probe = container.get("readinessProbe", {}).get("httpGet") or {"path": "/readyz", "port": "healthz"}
    named = {port.get("name"): port["containerPort"] for port in container.get("ports", [])}
    number = named.get(probe["port"], probe["port"])
    return f"http://127.0.0.1:{ports(number if isinstance(number, int) else 9440)}{probe.get('path', '/')}"


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replace $(NAME) as Kubernetes does: $$ is a dollar, and an unknown name stays as it is."""

    def one(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return values.get(match[1], match[0])

    return re.sub(r"\$\$|\$\(([A-Za-z_.-][A-Za-z0-9_.-]*)\)", one, text)


def _image(image: str) -> tuple[str, str]:
    name, _, tag = image.partition("@")[0].rpartition("/")[2].partition(":")
    return name, tag


def _program(name: str, tag: str, folder: Path) -> Path:
    exact = folder / f"{name}-{tag}"
    if exact.is_file():
        return exact
    program = folder / name
    if not program.is_file():
        raise NoProgram(f"the lab has no {name}")
    # A program of the machine's own may have any version; one that we have built is what go.mod says.
    if not program.is_symlink() and tag:
        try:
            pinned = module_version("flux", f"github.com/fluxcd/{name}")
        except LabError:
            pinned = tag
        if tag != pinned:
            raise NoProgram(f"the lab has {name} {pinned}, not {tag}")
    return program


def _addresses(program: Path, given: Mapping[str, str], host: Host) -> dict[str, str]:
    flags = _flags(str(program))
    listening = {name: default for name, default in LISTENING.items() if name in flags}
    if program.name.startswith(_EVENTS_SERVER):
        listening[EVENTS] = ":9090"
    fixed: dict[str, str] = {}
    for name, default in listening.items():
        port = (given.get(name) or default).rpartition(":")[2]
        # "0" turns a listener off.
        if port.isdigit() and port != "0":
            fixed[name] = f"127.0.0.1:{host.port(int(port))}"
    if EVENTS not in listening and given.get(EVENTS):
        fixed[EVENTS] = f"http://127.0.0.1:{host.services[_EVENTS_SERVER]}/"
    if ADVERTISED in flags:
        fixed[ADVERTISED] = f"127.0.0.1:{host.services['source-controller']}"
        if program.name.startswith("source-watcher"):  # where somebody has built one, see README.md
            fixed[ADVERTISED] = fixed["--storage-addr"]
    if ELECTION in given:
        fixed[ELECTION] = "false"
    if STORAGE in flags:
        fixed[STORAGE] = given.get(STORAGE) or "/data"
    return fixed


def _values(given: list[str]) -> dict[str, str]:
    """The value of each flag, from "--a=b" and from "--a" "b"; the last one of a name wins."""
    values: dict[str, str] = {}
    for text, following in zip(given, [*given[1:], "-"], strict=True):
        name, separator, value = text.partition("=")
        if separator:
            values[name] = value
        elif name.startswith("-"):
            values[name] = "" if following.startswith("-") else following
    return values


@functools.cache
def _flags(program: str) -> frozenset[str]:
    done = subprocess.run([program, "--help"], capture_output=True, check=False, text=True, timeout=60)
    return frozenset(re.findall(r"^\s+(?:-\w, )?(--[\w-]+)", done.stdout + done.stderr, re.MULTILINE))


def _value_from(pod: Object, container: Object, source: Object, lookup: Callable[[str, str], Object]) -> str:
    if "fieldRef" in source:
        value: Any = pod
        path = source["fieldRef"]["fieldPath"]
        if match := re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path):
            return str(pod["metadata"].get(match[1], {}).get(match[2], ""))
        for part in path.split("."):
            value = value.get(part, {})
        return value if isinstance(value, str) else ""
    if "resourceFieldRef" in source:
        kind, _, resource = source["resourceFieldRef"]["resource"].partition(".")
        quantity = container.get("resources", {}).get(kind, {}).get(resource, "0")
        return str(_quantity(quantity, source["resourceFieldRef"].get("divisor", "1")))
    for field, kind in (("configMapKeyRef", "configmaps"), ("secretKeyRef", "secrets")):
        if field in source:
            return str(lookup(kind, source[field]["name"]).get(source[field]["key"], ""))
    return ""


def _quantity(text: str, divisor: str) -> int:
    def number(quantity: str) -> float:
        match = re.fullmatch(r"([0-9.]+)(m|Ki|Mi|Gi|k|M|G|)", str(quantity))
        if not match:
            return 0
        return float(match[1]) / 1000 if match[2] == "m" else float(match[1]) * _UNITS[match[2]]

    return -(-int(number(text) * 1000) // int((number(divisor) or 1) * 1000))
