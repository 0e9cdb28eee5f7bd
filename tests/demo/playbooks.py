# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's playbooks as a user of the checkout runs them."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections import defaultdict
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT, Popen

from tests.lab.settings import ROOT

ANSIBLE = [".venv/bin/ansible-playbook"]
BOOTSTRAP = [*ANSIBLE, "playbooks/bootstrap.yml", "-i", "inventories/lab"]
STATUS = [*ANSIBLE, "playbooks/status.yml", "-i", "inventories/lab"]
PLAN = [*BOOTSTRAP, "--check", "--diff"]
COLLECTIONS = ROOT / ".venv" / "collections"
# A collection that was installed here is found before the checkout's.
INSTALLED = Path.home() / ".ansible/collections/ansible_collections/fluxops/fleet"
SHARED = "shared"


class Shell:
    """Runs commands from the checkout, on one lab, with nothing of the user's Ansible settings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.configuration = folder / "ansible.cfg"

    def run(self, command: list[str], *, show: bool = True, brief: bool = False) -> tuple[int, str]:
        """Run a command that people can run too, and return its exit code and its output (without colours).

        `brief` leaves out tasks that changed nothing, by Ansible's own setting."""
        print(f"$ {shlex.join(command)}", flush=True)
        environment = self.variables() | ({"ANSIBLE_DISPLAY_OK_HOSTS": "0"} if brief else {})
        lines: list[str] = []
        with Popen(
            command, cwd=ROOT, env=environment, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, text=True, errors="replace"
        ) as process:
            try:
                for line in process.stdout or ():
                    lines.append(line)
                    if show:
                        print(line, end="", flush=True)
            except BaseException:
                process.terminate()
                raise
        return process.returncode, re.sub(r"\x1b\[[0-9;]*m", "", "".join(lines))

    def variables(self) -> dict[str, str]:
        """The process environment of a playbook."""
        self.configuration.touch()  # an empty one, so that ~/.ansible.cfg does not count
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "PYTHONPATH"))}
        colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        return kept | {
            "LC_ALL": "C.UTF-8",
            "LAB_DIR": str(self.folder),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            "PYTHONUNBUFFERED": "1",
            "ANSIBLE_CONFIG": str(self.configuration),
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_NOCOWS": "1",
            "ANSIBLE_FORCE_COLOR" if colours else "ANSIBLE_NOCOLOR": "1",
        }

    @property
    def prefix(self) -> str:
        """What a person sets so that commands mean this lab and this checkout: nothing, where both are in place."""
        needed = {"LAB_DIR": self.folder} if self.folder != ROOT / ".lab" else {}
        needed |= {"ANSIBLE_COLLECTIONS_PATH": COLLECTIONS} if INSTALLED.exists() else {}
        return "".join(f"{name}={shlex.quote(str(value))} " for name, value in needed.items())


def shown(path: Path) -> str:
    """A path as one types it in the checkout."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def changed(output: str) -> dict[str, int]:
    """Host → its number of changed tasks, from the recap of a run."""
    return {host: int(count) for host, count in re.findall(r"(?m)^(\S+) +: ok=\d+ +changed=(\d+)", output)}


def planned(output: str) -> dict[str, tuple[int, int]]:
    """Cluster (or `shared`) → how many files and objects the diffs of a plan show for it."""
    files: dict[str, set[str]] = defaultdict(set)
    objects: dict[str, set[str]] = defaultdict(set)
    pending: set[str] = set()
    is_list = False
    for line in output.splitlines():
        if host := re.match(r"(?:ok|changed): \[(.+)\]", line):
            # Ansible prints a host's diffs before its line.
            objects[host[1]] |= pending
            pending = set()
        if not line.startswith("+++ after: ") and not (is_list and line.startswith("+")):
            continue
        entry = re.sub(r"^\+(\+\+ after: )?| \(new\)$|  sha256:\w+$", "", line)
        if re.fullmatch(r"[A-Z]\w+ \S+", entry):  # kind and name
            pending.add(entry)
        elif re.fullmatch(r"\S+", entry):
            own = re.match(r"clusters/([^/]+)/", entry)
            files[own[1] if own else SHARED].add(entry)
        if line.startswith("+++ after: "):
            is_list = " " in entry and not entry[0].isupper()  # "objects in staging-1"
    return {name: (len(files[name]), len(objects[name])) for name in sorted({*files, *objects})}
