# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bootstrap against what a user would do instead.

    make bench-bootstrap          # BENCH_CLUSTERS="1 2 4 8"; Flux's own program is found on PATH or in FLUX

Every way works on the same lab, one after the other in one run, each on empty clusters and an empty repository; then
each once more, with nothing to do. Ratios are theirs to ours: above 1 we are faster. No figure is asserted: machines
differ. What is asserted is that each way did the work.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import yaml

from tests.benchmarks.costs import Cost, Record, measure
from tests.integration.clusters import Cluster, is_ready
from tests.integration.project import Project, eventually
from tests.lab import Lab

COUNTS = [int(count) for count in os.environ.get("BENCH_CLUSTERS", "1 2 4 8").split()]
FLUX = os.environ.get("FLUX") or shutil.which("flux")
NAMES = [f"bench-{number}" for number in range(1, max(COUNTS) + 1)]
PEERS = Path(__file__).with_name("peers")
OURS, LOOP, PARALLEL, OBJECTS = "fleet", "flux, a loop", "flux, xargs -P", "a task per object"
# Peer → case → number of clusters → the ratio to reach.
GOALS = {
    (LOOP, "cold"): {1: 0.8, 4: 1.5},
    (LOOP, "nothing to do"): {1: 0.3, 8: 2.0},
    (OBJECTS, "cold"): dict.fromkeys(COUNTS, 5.0),
    (OBJECTS, "nothing to do"): dict.fromkeys(COUNTS, 5.0),
}


@dataclass(frozen=True)
class Ground:
    """Some clusters, a repository, and a folder for one way to bootstrap."""

    lab: Lab
    names: Sequence[str]
    repository: str
    folder: Path

    @property
    def url(self) -> str:
        return self.lab.forge.urls(self.repository)["https_url"]

    def environment(self) -> dict[str, str]:
        """What the programs of a peer need: who they are at the forge, and whom they trust."""
        facts = self.lab.forge.facts
        given = {"GIT_PASSWORD": facts["token"], "KUBECONFIG": str(self.lab.kubeconfig), "HOME": str(self.folder)}
        fields = [f"GIT_{who}_{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")]
        author = dict.fromkeys(fields, "bench@example.org")
        return {**os.environ, **given, **author, "GIT_SSL_CAINFO": str(facts["ca_cert"])}


def flux(ground: Ground, processes: int) -> None:
    """What Flux's own guide says, for each cluster; several at a time as a shell would do it."""
    facts = ground.lab.forge.facts
    command = [str(FLUX), "bootstrap", "git", "--silent", "--token-auth", f"--url={ground.url}"]
    command += [f"--username={facts['user']}", f"--ca-file={facts['ca_cert']}", "--context={}", "--path=clusters/{}"]
    subprocess.run(
        ["xargs", f"-P{processes}", "-I{}", *command],
        input="\n".join(ground.names),
        text=True,
        env=ground.environment(),
        check=processes == 1,  # several at a time lose races for the branch; how many is part of the result
        capture_output=True,
    )


def objects(ground: Ground) -> None:
    """A playbook with a task for each object."""
    facts, manifest = ground.lab.facts, ground.folder / "install.yaml"
    user, token = facts["forge"]["user"], facts["forge"]["token"]
    if not manifest.exists():
        manifest.write_bytes(requests.get(facts["flux"]["url"], timeout=30).content)
    variables = {
        "url": ground.url.replace("://", f"://{user}:{token}@"),
        "plain_url": ground.url,
        "branch": "main",
        "ca_file": str(facts["forge"]["ca_cert"]),
        "folder": str(ground.folder),
        "kubeconfig": str(ground.lab.kubeconfig),
        "manifest": str(manifest),
        "username": user,
        "token": token,
    }
    inventory = ground.folder / "inventory.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {name: {} for name in ground.names}, "vars": variables}}))
    program = Path(sys.executable).with_name("ansible-playbook")
    done = subprocess.run(
        [program, "-i", inventory, PEERS / "one_task_per_object.yml"],
        env={**ground.environment(), "ANSIBLE_HOME": str(ground.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def fleet(ground: Ground) -> None:
    """One run for all of them."""
    project = Project(
        ground.lab, ground.folder, ground.repository, hosts={name: {"fleet_environment": "bench"} for name in NAMES}
    )
    outcome = project.run("--limit", ",".join(ground.names))
    assert outcome.code == 0, outcome.output


def ways() -> dict[str, Callable[[Ground], None]]:
    """How to bootstrap: ours first, and those of the peers that are here."""
    theirs = {LOOP: lambda ground: flux(ground, 1), PARALLEL: lambda ground: flux(ground, os.cpu_count() or 2)}
    return {OURS: fleet, **(theirs if FLUX else {}), OBJECTS: objects}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab with clusters for this alone, ended afterwards."""
    found = Lab()
    was_up = found.status()[1]
    found.up(NAMES)
    try:
        yield found
    finally:
        if not was_up:
            found.down()


@pytest.fixture(scope="module")
def record() -> Iterator[Record]:
    """What is found goes to a file that other programs read."""
    made = Record("bootstrap")
    yield made
    made.write()


def ready(lab: Lab, names: Sequence[str]) -> int:
    """How many of these clusters follow their directory."""
    found = (Cluster(lab, name) for name in names)
    syncs = [one.get("kustomization", "-n", "flux-system", "flux-system") for one in found if one.has_flux()]
    return sum(bool(sync) and is_ready(sync) for sync in syncs)


def timed(lab: Lab, way: str, count: int, folder: Path) -> dict[str, Cost]:
    """Case → cost, on clusters that nothing was ever installed on, and once more."""
    names, repository = NAMES[:count], f"bench-{way.replace(',', '').replace(' ', '-')}-{count}".lower()
    for name in names:
        lab.reset(name)
    lab.forge.delete_repository(repository)
    lab.forge.create_repository(repository)
    ground = Ground(lab, names, repository, folder)
    if way == OBJECTS:  # `git clone` wants a branch
        body = {"content": "", "branch": "main", "message": "begin"}
        lab.forge.call("POST", f"/repos/{lab.forge._full(repository)}/contents/README.md", json=body)
    try:
        return {case: cost(ground, way) for case in ("cold", "nothing to do")}
    finally:
        lab.forge.delete_repository(repository)


def cost(ground: Ground, way: str) -> Cost:
    found = measure(lambda: ways()[way](ground), lambda: len(ground.lab.forge.commits(ground.repository)))
    if way != PARALLEL:
        eventually(lambda: ready(ground.lab, ground.names) == len(ground.names), f"{way} has bootstrapped all clusters")
    return found


@pytest.mark.parametrize("count", COUNTS)
def test_bootstrap(lab: Lab, record: Record, count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found, readiness = {}, {}
    for way in ways():
        folder = tmp_path / str(len(found))
        folder.mkdir()
        found[way] = timed(lab, way, count, folder)
        readiness[way] = ready(lab, NAMES[:count])
        with capsys.disabled():
            for case, one in found[way].items():
                print(f"\n{count} clusters, {case}: {way}: {one.wall:.1f} s, {one.commits} commits", end="", flush=True)
        if way != OURS:
            for case, mine in found[OURS].items():
                goal = GOALS.get((way, case), {}).get(count)
                done = {"clusters": count, "peer_ready": readiness[way]}
                record.add(f"{count} clusters, {case}", mine, way, found[way][case], goal, **done)
    assert found[OURS]["cold"].commits == found[OURS]["nothing to do"].commits == 1
