# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's project as tests need it: inventory, repository, runs of ansible-playbook, and what those runs said."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import yaml

from tests.integration.clusters import Cluster
from tests.lab import Lab

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = Path(__file__).resolve().parent / "connection_plugins"
STAGING, PRODUCTION = "staging-1", "production-1"
CLUSTERS = (STAGING, PRODUCTION)
PUBLISH = "Publish the directories of all clusters"
# What a person would call "it hangs"; longer than fleet_timeout, so that a run that waits says itself for what.
PATIENCE = 420.0


@dataclass(frozen=True)
class Outcome:
    """How a run of ansible-playbook ended, and all that it said."""

    code: int
    output: str
    rows: Mapping[str, Mapping[str, Any]]
    """Cluster → its row of the report; empty where the run ended before it."""

    @property
    def words(self) -> str:
        """The output on one line, so that wrapped and escaped messages read alike."""
        return " ".join(self.output.replace("\\n", " ").replace('\\"', '"').split())

    @property
    def changed(self) -> dict[str, int]:
        """Host → its number of changed tasks, as the recap says."""
        found = re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+)", self.output, re.MULTILINE)
        return {host: int(count) for host, count in found}

    @property
    def headers(self) -> list[str]:
        """What the diffs are of."""
        return re.findall(r"^\+\+\+ after: (.*)$", self.output, re.MULTILINE)

    def diff(self, header: str) -> str:
        """The lines that the diff of ``header`` adds."""
        body = self.output.partition(f"+++ after: {header}\n")[2].partition("\n\n")[0]
        return "\n".join(line[1:] for line in body.splitlines() if line.startswith("+"))

    def failure(self, cluster: str) -> str:
        """What the report says is wrong with a cluster."""
        return str(self.rows[cluster]["failure"])


@dataclass
class Project:
    """An inventory that lies over the lab's, with a repository and a home folder of its own."""

    lab: Lab
    folder: Path
    repository: str
    variables: dict[str, Any] = field(default_factory=dict)
    hosts: dict[str, dict[str, Any]] = field(default_factory=lambda: {name: {} for name in CLUSTERS})
    environment: dict[str, str] = field(default_factory=dict)
    given: frozenset[str] = frozenset({"inventory", "given"})
    """Folders in which the user keeps secrets."""

    def __post_init__(self) -> None:
        self.variables = {
            "fleet_repository_url": self.lab.forge.urls(self.repository)["ssh_url"],
            "fleet_report": str(self.folder / "report.json"),
            # What the lab's inventory has for the demo.
            "fleet_secrets": [],
            "fleet_components": {},
            **self.variables,
        }
        for name in ("home", "tmp", "work"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def run(
        self,
        *arguments: str,
        playbook: str | Path = "bootstrap",
        hosts: Mapping[str, Mapping[str, Any]] | None = None,
        **variables: Any,
    ) -> Outcome:
        """One run to its end; ``variables`` and ``hosts`` lie over the project's own for this run alone."""
        with self.start(*arguments, playbook=playbook, hosts=hosts, **variables) as process:
            try:
                output, _none = process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                kill(process)
                output, _none = process.communicate()
                raise AssertionError(f"the run hung for {PATIENCE} s:\n{output}") from None
            finally:
                kill(process)
        return self.outcome(process.returncode, output)

    def start(
        self,
        *arguments: str,
        playbook: str | Path = "bootstrap",
        hosts: Mapping[str, Mapping[str, Any]] | None = None,
        **variables: Any,
    ) -> subprocess.Popen[str]:
        """A run just started, in a process group of its own; see ``run``."""
        inventory = self._write_inventory(self.variables | variables, hosts or {})
        (self.folder / "report.json").unlink(missing_ok=True)
        program = Path(sys.executable).with_name("ansible-playbook")
        lab_inventory = ROOT / "inventories" / "lab"
        path = playbook if isinstance(playbook, Path) else ROOT / "playbooks" / f"{playbook}.yml"
        return subprocess.Popen(
            [program, path, "-i", lab_inventory, "-i", inventory, *arguments],
            cwd=self.folder / "work",
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def playbook(self, name: str, *tasks: Mapping[str, Any]) -> Path:
        """A playbook of the test's own: these tasks, for each cluster."""
        path = self.folder / "work" / f"{name}.yml"
        play = {"name": name, "hosts": "clusters", "gather_facts": False, "tasks": list(tasks)}
        path.write_text(yaml.safe_dump([play], sort_keys=False))
        return path

    def outcome(self, code: int, output: str) -> Outcome:
        """What a run that has ended came to."""
        report = self.folder / "report.json"
        rows = json.loads(report.read_text())["clusters"] if report.exists() else []
        return Outcome(code, output, {row["cluster"]: row for row in rows})

    def commits(self) -> list[str]:
        """The branch's commits, newest first."""
        return [commit["sha"] for commit in self.lab.forge.commits(self.repository)]

    def key_titles(self) -> list[str]:
        """The titles of the repository's deploy keys."""
        return sorted(key["title"] for key in self.lab.forge.deploy_keys(self.repository))

    def tree(self) -> dict[str, str]:
        """Path → blob of everything at the branch's head; empty where there is no branch."""
        full = self.lab.forge._full(self.repository)
        found = self.lab.forge.call("GET", f"/repos/{full}/git/trees/main?recursive=true&per_page=1000", missing={})
        return {entry["path"]: entry["sha"] for entry in found.get("tree", []) if entry["type"] == "blob"}

    def file(self, path: str) -> str:
        """A file's text at the branch's head."""
        text = self.lab.forge.file(self.repository, path)
        assert text is not None, f"{path} is not there"
        return text

    def edit(self, path: str, text: str, repository: str = "") -> None:
        """Commit one file as a person would, through the forge; without ``repository`` in the fleet's."""
        self.commit({path: text}, repository)

    def commit(self, files: Mapping[str, str | None], repository: str = "") -> None:
        """Commit several files at once; None removes one. Each commit has Flux build everything anew."""
        full = self.lab.forge._full(repository or self.repository)
        operations = [self._operation(full, path, text) for path, text in files.items()]
        body = {"branch": "main", "message": f"edit {', '.join(files)}", "files": operations}
        self.lab.forge.call("POST", f"/repos/{full}/contents", json=body)

    def _operation(self, full: str, path: str, text: str | None) -> dict[str, Any]:
        known = self.lab.forge.call("GET", f"/repos/{full}/contents/{path}?ref=main", missing=None)
        sha = {"sha": known["sha"]} if known else {}
        if text is None:
            return {"operation": "delete", "path": path, **sha}
        return {"operation": "update" if known else "create", "path": path, "content": _base64(text), **sha}

    def settle(self, *clusters: Cluster) -> None:
        """Wait until Flux has applied the branch's head on clusters: what is written then is written by others."""
        head = self.commits()[0]
        for one in clusters:
            eventually(partial(one.settled, head), f"{one.name} has applied everything")

    def pulls(self) -> list[dict[str, Any]]:
        """The open pull requests."""
        return list(self.lab.forge.call("GET", f"/repos/{self.lab.forge._full(self.repository)}/pulls?state=open"))

    def merge(self) -> None:
        """Squash the one open pull request into the branch."""
        (pull,) = self.pulls()
        path = f"/repos/{self.lab.forge._full(self.repository)}/pulls/{pull['number']}"
        body = {"Do": "squash", "delete_branch_after_merge": True}

        def merged() -> bool:
            if not self.lab.forge.call("GET", path)["mergeable"]:
                return False
            self.lab.forge.call("POST", f"{path}/merge", json=body)
            return True

        eventually(merged, "the forge lets the pull request be merged")

    def traces(self, needles: Iterable[str]) -> list[str]:
        """Files of the project that hold one of the needles, the inventory left out, in which they were given."""
        wanted = [needle.encode() for needle in needles]
        files = (path for path in _files(self.folder) if path.relative_to(self.folder).parts[0] not in self.given)
        return [str(path) for path in files if any(needle in path.read_bytes() for needle in wanted)]

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ANSIBLE_", "K8S_AUTH_")) and name not in ("KUBECONFIG", "SSH_AUTH_SOCK")
        }
        if path := os.environ.get("ANSIBLE_COLLECTIONS_PATH"):
            kept["ANSIBLE_COLLECTIONS_PATH"] = path
        kept |= {"HOME": str(self.folder / "home"), "TMPDIR": str(self.folder / "tmp"), "ANSIBLE_NOCOLOR": "1"}
        kept |= {"LAB_DIR": str(self.lab.settings.directory), "PYTHONUNBUFFERED": "1"}
        kept |= {"ANSIBLE_HOME": str(self.folder / "home" / ".ansible"), "ANSIBLE_CONNECTION_PLUGINS": str(PLUGINS)}
        return kept | self.environment

    def _write_inventory(self, variables: Mapping[str, Any], hosts: Mapping[str, Mapping[str, Any]]) -> Path:
        inventory = self.folder / "inventory"
        group = inventory / "group_vars" / "all"
        group.mkdir(parents=True, exist_ok=True)
        every = {name: {**own, **hosts.get(name, {})} for name, own in self.hosts.items()}
        group.joinpath("main.yml").write_text(yaml.safe_dump(dict(variables)))
        inventory.joinpath("hosts.yml").write_text(yaml.safe_dump({"clusters": {"hosts": every}}))
        return inventory


def kill(process: subprocess.Popen[str]) -> None:
    """End a run and all that it started, as an OOM killer or a pipeline's timeout does."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """What a run says, as it says it. Its end stays open when the reader stops: a run that finds it closed ends too."""
    assert process.stdout is not None
    while line := process.stdout.readline():
        yield line


def new_key(path: Path) -> tuple[str, str]:
    """An SSH key: its public line, its private text."""
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path.with_suffix(".pub").read_text(), path.read_text()


def forms(secret: str) -> set[str]:
    """A secret in every form in which it travels: as it is, line by line, in base64, in a URL."""
    parts = [secret, *(line.strip() for line in secret.splitlines())]
    parts = [part for part in parts if len(part) >= 8 and not part.startswith("-----BEGIN")]
    encoded = [base64.b64encode(part.encode()).decode().rstrip("=") for part in parts]
    return {*parts, *encoded, *(quote(part, safe="") for part in parts), *(quote_plus(part) for part in parts)}


def eventually(check: Callable[[], Any], what: str) -> Any:
    """The first true answer of a check."""
    end = time.monotonic() + PATIENCE
    while True:
        if answer := check():
            return answer
        assert time.monotonic() < end, f"it did not happen: {what}"
        time.sleep(0.8)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path
