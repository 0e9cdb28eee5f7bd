# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bootstrap against what a user would do instead.

    make bench-bootstrap          # Flux's own program is found on PATH or in FLUX

BENCH_CLUSTERS="1 2 4 8" and BENCH_HOSTS=100 say how many, BENCH_PEER_HOSTS how many of these hosts the peers get (0:
none). BENCH_PARALLEL and BENCH_OBJECTS say which of these numbers are tried by xargs, and by the playbook with a task
for each object, which takes longest.

Every way works on the same lab, one after the other in one run, each on empty clusters and an empty repository; then
each once more, with nothing to do, once every cluster has applied the branch's head. Many hosts have nothing to do from
the start, and share the lab's clusters: see ``namesakes``. Ratios are theirs to ours: above 1 we are faster. No figure
is asserted: machines differ. What is asserted is that each way did the work.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.benchmarks import namesakes
from tests.benchmarks.costs import Cost, Record, measure
from tests.benchmarks.shared import lab_of_its_own, of_clusters, tell
from tests.integration.clusters import Cluster, is_ready
from tests.integration.project import Project, eventually
from tests.lab import Lab

COUNTS = [int(count) for count in os.environ.get("BENCH_CLUSTERS", "1 2 4 8").split()]
OBJECT_COUNTS = [int(count) for count in os.environ.get("BENCH_OBJECTS", "1 2 4 8").split()]
PARALLEL_COUNTS = [int(count) for count in os.environ.get("BENCH_PARALLEL", "1 2 4 8 100").split()]
HOSTS = int(os.environ.get("BENCH_HOSTS", "100"))
PEER_HOSTS = int(os.environ.get("BENCH_PEER_HOSTS", str(HOSTS)))
FLUX = os.environ.get("FLUX") or shutil.which("flux")
NAMES = [f"bench-{number}" for number in range(1, max([*COUNTS, 4]) + 1)]
PEERS = Path(__file__).with_name("peers")
OURS, LOOP, PARALLEL, OBJECTS = "fleet", "flux, a loop", "flux, xargs -P", "a task per object"
COLD, AGAIN = "empty", "nothing to do"
# Peer → case → number of clusters → the ratio to reach.
GOALS = {
    (LOOP, COLD): {1: 0.8, 4: 1.5},
    (LOOP, AGAIN): {1: 0.3, 8: 2.0, 100: 8.0},
    (OBJECTS, COLD): dict.fromkeys(COUNTS, 5.0),
    (OBJECTS, AGAIN): dict.fromkeys(COUNTS, 5.0),
}


@dataclass(frozen=True)
class Ground:
    """Some hosts, the kubeconfig that has a context for each, a repository, and a folder for one way to bootstrap."""

    lab: Lab
    names: Sequence[str]
    repository: str
    folder: Path
    kubeconfig: Path

    @property
    def url(self) -> str:
        return self.lab.forge.urls(self.repository)["https_url"]

    def environment(self) -> dict[str, str]:
        """What the programs of a peer need: who they are at the forge, and whom they trust."""
        facts = self.lab.forge.facts
        given = {"GIT_PASSWORD": facts["token"], "KUBECONFIG": str(self.kubeconfig), "HOME": str(self.folder)}
        fields = [f"GIT_{who}_{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")]
        author = dict.fromkeys(fields, "bench@example.org")
        return {**os.environ, **given, **author, "GIT_SSL_CAINFO": str(facts["ca_cert"])}

    def git(self, *arguments: str) -> None:
        """What a person does with a checkout."""
        subprocess.run(["git", *arguments], env=self.environment(), check=True, capture_output=True)

    @property
    def personal_url(self) -> str:
        """The repository's URL, with the right to push in it."""
        facts = self.lab.forge.facts
        return self.url.replace("://", f"://{facts['user']}:{facts['token']}@")

    def pushes(self) -> int:
        """How often somebody pushed, as the forge tells its users, a moment later; of a new branch it tells twice."""
        time.sleep(1)
        full = self.lab.forge._full(self.repository)
        found = self.lab.forge.call("GET", f"/repos/{full}/activities/feeds?limit=50")
        return sum(one["op_type"] == "commit_repo" and bool(one["content"]) for one in found)


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
        "url": ground.personal_url,
        "plain_url": ground.url,
        "branch": "main",
        "ca_file": str(facts["forge"]["ca_cert"]),
        "folder": str(ground.folder),
        "kubeconfig": str(ground.kubeconfig),
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


def fleet(ground: Ground) -> str:
    """One run for all of them, whose inventory has plain values; what it printed.

    As with the peers, the run pushes and the clusters pull by the user's token.
    """
    forge, flux = ground.lab.facts["forge"], ground.lab.facts["flux"]
    variables = {
        "fleet_environment": "bench",
        "fleet_cluster_auth": {"kubeconfig": str(ground.kubeconfig), "context": "{{ inventory_hostname }}"},
        "fleet_repository_url": ground.url,
        "fleet_repository_username": forge["user"],
        "fleet_repository_token": forge["token"],
        "fleet_repository_ca_cert": Path(forge["ca_cert"]).read_text(),
        "fleet_repository_known_hosts": "",
        "fleet_repository_private_key": "",
        "fleet_forge": {"kind": "gitea", "url": forge["url"], "ca_cert": Path(forge["ca_cert"]).read_text()},
        "fleet_forge_token": forge["token"],
        "fleet_cluster_credential": {"kind": "token", "username": forge["user"], "token": forge["token"]},
        "fleet_flux_version": flux["version"],
        "fleet_flux_manifest": flux["url"],
        "fleet_flux_digest": flux["sha256"],
    }
    hosts: dict[str, dict[str, Any]] = {name: {} for name in ground.names}
    project = Project(ground.lab, ground.folder, ground.repository, variables, hosts)
    outcome = project.run("--limit", ",".join(ground.names))
    assert outcome.code == 0, outcome.output
    return outcome.output


def ways(count: int) -> dict[str, Callable[[Ground], str | None]]:
    """How to bootstrap so many clusters: ours first, and those of the peers that are here."""
    found: dict[str, Callable[[Ground], str | None]] = {OURS: fleet}
    if FLUX:
        found[LOOP] = lambda ground: flux(ground, 1)
    if FLUX and count in PARALLEL_COUNTS:
        found[PARALLEL] = lambda ground: flux(ground, os.cpu_count() or 2)
    if count in OBJECT_COUNTS:
        found[OBJECTS] = objects
    return found


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab with clusters for this alone, ended afterwards."""
    with lab_of_its_own(NAMES) as found:
        yield found


@pytest.fixture(scope="module")
def record() -> Record:
    """What is found goes to a file that other programs read."""
    return Record("bootstrap")


def syncs(lab: Lab, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The root syncs of those of these clusters that have one."""
    found = {name: Cluster(lab, name) for name in names}
    read = {
        name: one.get("kustomization", "-n", "flux-system", "flux-system")
        for name, one in found.items()
        if one.has_flux()
    }
    return {name: sync for name, sync in read.items() if sync}


def ready(lab: Lab, names: Sequence[str]) -> int:
    """How many of these clusters follow their directory."""
    return sum(is_ready(sync) for sync in syncs(lab, names).values())


def settle(lab: Lab, names: Sequence[str], repository: str) -> None:
    """Have all clusters that follow the repository apply its head: nothing is to do, and nothing under way."""
    head = lab.forge.commits(repository)[0]["sha"]
    now = f"reconcile.fluxcd.io/requestedAt={datetime.now(UTC).isoformat()}"
    following = list(syncs(lab, names))
    for name in following:
        Cluster(lab, name).kubectl("annotate", "--overwrite", "-n", "flux-system", "gitrepository/flux-system", now)

    def applied() -> bool:
        found = syncs(lab, following).values()
        return all(is_ready(one) and one["status"].get("lastAppliedRevision", "").endswith(head) for one in found)

    eventually(applied, "all clusters have applied the branch's head")


@contextmanager
def ground(lab: Lab, way: str, clusters: Sequence[str], folder: Path) -> Iterator[Ground]:
    """Clusters that nothing was ever installed on, and an empty repository."""
    repository = f"bench-{re.sub('[^a-z]+', '-', way)}-{folder.name}"
    lab.reset(*clusters)
    lab.forge.delete_repository(repository)
    lab.forge.create_repository(repository)
    folder.mkdir()
    if way == OBJECTS:  # `git clone` wants a branch
        body = {"content": "", "branch": "main", "message": "begin"}
        lab.forge.call("POST", f"/repos/{lab.forge._full(repository)}/contents/README.md", json=body)
    try:
        yield Ground(lab, clusters, repository, folder, lab.kubeconfig)
    finally:
        lab.forge.delete_repository(repository)


def cost(ground: Ground, work: Callable[[Ground], str | None]) -> Cost:
    """Of one go, with the commits and pushes that it made."""
    commits, pushes = len(ground.lab.forge.commits(ground.repository)), ground.pushes()
    return measure(
        lambda: work(ground),
        lambda: len(ground.lab.forge.commits(ground.repository)) - commits,
        lambda: ground.pushes() - pushes,
    )


def host_tasks(said: str, name: str) -> int:
    """How many tasks Ansible ran or skipped for a host. The first one also runs those that one host runs for all."""
    return len(re.findall(rf"^\w+: \[{re.escape(name)}\]", said, re.MULTILINE))


@pytest.mark.parametrize("count", COUNTS)
def test_bootstrap(lab: Lab, record: Record, count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = NAMES[:count]
    ours: dict[str, Cost] = {}
    for way, work in ways(count).items():
        with ground(lab, way, names, tmp_path / f"{count}-{len(list(tmp_path.iterdir()))}") as found:
            for case in (COLD, AGAIN):
                one = cost(found, work)
                if way != PARALLEL:
                    eventually(lambda: ready(lab, names) == count, f"{way} has bootstrapped all clusters")
                done = ready(lab, names)
                settle(lab, names, found.repository)
                tell(capsys, f"{of_clusters(count, case)}: {way}", one)
                if way == OURS:
                    ours[case] = one
                else:
                    goal = GOALS.get((way, case), {}).get(count)
                    more = {"clusters": count, "peer_ready": done, "host_tasks": host_tasks(ours[case].said, names[-1])}
                    record.add(of_clusters(count, case), ours[case], way, one, goal, **more)
    assert [one.pushes for one in ours.values()] == [one.commits for one in ours.values()] == [1, 0]


def spread(ground: Ground, hosts: Sequence[namesakes.Host]) -> None:
    """Give each host the directory that Flux's own program writes for it, by one commit."""
    checkout = ground.folder / "spread"
    ground.git("clone", "--quiet", ground.personal_url, str(checkout))
    folder = checkout / "clusters"
    for one in hosts:
        if one.name != one.stands_for:
            shutil.copytree(folder / one.stands_for, folder / one.name)
            sync = folder / one.name / "flux-system" / "gotk-sync.yaml"
            sync.write_text(sync.read_text().replace(f"clusters/{one.stands_for}", f"clusters/{one.name}"))
    ground.git("-C", str(checkout), "add", "--all")
    ground.git("-C", str(checkout), "commit", "--quiet", "--message", "spread")
    ground.git("-C", str(checkout), "push", "--quiet", "origin", "HEAD")


@pytest.mark.skipif(not HOSTS, reason="BENCH_HOSTS is 0")
def test_many_hosts(lab: Lab, record: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clusters = NAMES[:4]
    hosts = namesakes.hosts([f"host-{number:03}" for number in range(1, HOSTS + 1)], clusters)
    names, first = [one.name for one in hosts], [one.name for one in hosts[: len(clusters)]]
    ours: dict[int, Cost] = {}
    more: dict[int, dict[str, int]] = {}
    case = f"{{}} hosts, {AGAIN}"
    with ground(lab, OURS, clusters, tmp_path / "ours") as own, namesakes.proxies(lab, hosts):
        every = replace(own, names=names, kubeconfig=namesakes.write_kubeconfig(lab, hosts, own.folder / "kubeconfig"))
        fleet(replace(every, names=first))
        fleet(every)
        settle(lab, clusters, own.repository)
        for count in dict.fromkeys((HOSTS, *([PEER_HOSTS] if PEER_HOSTS else []))):
            for one in hosts:
                one.requests.clear()
            ours[count] = cost(replace(every, names=names[:count]), fleet)
            reads, writes = (max(one.requests[kind] for one in hosts) for kind in ("reads", "writes"))
            tasks = host_tasks(ours[count].said, names[count - 1])
            more[count] = {"hosts": count, "api_reads": reads, "api_writes": writes, "host_tasks": tasks}
            tell(capsys, f"{case.format(count)}: {OURS}", ours[count])
            assert (writes, ours[count].pushes) == (0, 0)
    peers = {way: work for way, work in ways(HOSTS).items() if way in (LOOP, PARALLEL) and PEER_HOSTS}
    if PEER_HOSTS != HOSTS or not peers:
        record.add(case.format(HOSTS), ours[HOSTS], LOOP, None, GOALS[LOOP, AGAIN].get(HOSTS), **more[HOSTS])
    if not peers:
        return
    with ground(lab, LOOP, clusters, tmp_path / "theirs") as own, namesakes.proxies(lab, hosts):
        every = replace(own, names=names, kubeconfig=namesakes.write_kubeconfig(lab, hosts, own.folder / "kubeconfig"))
        flux(replace(every, names=first), 1)
        spread(every, hosts)
        settle(lab, clusters, own.repository)
        for way, work in peers.items():
            theirs = cost(replace(every, names=names[:PEER_HOSTS]), work)
            tell(capsys, f"{case.format(PEER_HOSTS)}: {way}", theirs)
            goal = GOALS.get((way, AGAIN), {}).get(PEER_HOSTS)
            record.add(case.format(PEER_HOSTS), ours[PEER_HOSTS], way, theirs, goal, **more[PEER_HOSTS])
