# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's playbooks as a user of the checkout runs them."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections import Counter, defaultdict
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT, Popen

from tests.lab.settings import ROOT

ANSIBLE = [".venv/bin/ansible-playbook"]


def playbook(name: str, *arguments: str) -> list[str]:
    """The command that runs one of the collection's playbooks on the lab."""
    return [*ANSIBLE, f"playbooks/{name}.yml", "-i", "inventories/lab", *arguments]


BOOTSTRAP = playbook("bootstrap")
STATUS = playbook("status")
PLAN = [*BOOTSTRAP, "--check", "--diff"]
COLLECTIONS = ROOT / ".venv" / "collections"
# A collection that was installed here is found before the checkout's.
INSTALLED = Path.home() / ".ansible/collections/ansible_collections/fluxops/fleet"
SHARED, FILES = "shared", "files"
OURS, FLUXS = "objects in", "Flux will apply in"
KEPT = "empty files that make directories exist"


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


def planned(output: str) -> dict[str, Counter[str]]:
    """Cluster (or `shared`) → how many files a plan commits for it, and how many objects we and Flux apply there."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    listed: tuple[str, str] | None = None  # what the added lines of the diff at hand are of
    for line in output.splitlines():
        header = re.fullmatch(r"\+\+\+ after: (objects in|Flux will apply in) ([^\s:]+)(: .+)?", line)
        if header:
            found[header[2]][header[1]] += bool(header[3])
            listed = None if header[3] else (header[2], header[1])
        elif line == f"+++ after: {KEPT}":
            listed = (SHARED, FILES)
        elif line.startswith("+++ after: "):
            listed = None
            if own := re.match(r"\+\+\+ after: clusters/([^/]+)/", line):
                found[own[1]][FILES] += 1
        elif listed and line.startswith("+"):
            found[listed[0]][listed[1]] += 1
    return dict(sorted(found.items()))
