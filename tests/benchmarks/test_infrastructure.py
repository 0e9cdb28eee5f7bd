# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The infrastructure of many clusters, planned and committed, against building every overlay of every cluster.

    make bench-infrastructure

BENCH_INFRASTRUCTURE="1 10 100" says how many clusters there are, in three environments and two regions, each with the
same 30 components: Helm releases, manifests and directories of people. BENCH_PEER_INFRASTRUCTURE says for which of
these numbers the peer works too: `kustomize build` of each component of each cluster as Flux builds it there, one
after another, as a pipeline does that checks a fleet repository; it plans, commits and pushes nothing.

The repository's side alone: each cluster is looked at, the files are planned and pushed to the lab's forge by one
commit, and no cluster applies it. The clusters are namesakes (see there) of one API server without Flux. Ours once for
all, once more with nothing to do, and once with one value of one component changed in one environment. The peer can't
tell what changed: it builds the same all each time, and is measured once. Ratios are theirs to ours: above 1 we are
faster. No figure is asserted: machines differ. What is asserted is that each way did the work, and which files a
change touches.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.benchmarks import namesakes
from tests.benchmarks.costs import Cost, Record, measure
from tests.benchmarks.shared import lab_of_its_own, of_clusters, tell
from tests.benchmarks.test_tenants import git_environment
from tests.integration.project import Project
from tests.lab import Lab, charts

COUNTS = [int(count) for count in os.environ.get("BENCH_INFRASTRUCTURE", "1 10 100").split()]
PEER_COUNTS = [int(count) for count in os.environ.get("BENCH_PEER_INFRASTRUCTURE", "1 10 100").split()]
CLUSTER, REPOSITORY = "bench-1", "bench-infrastructure"
ENVIRONMENTS, REGIONS = ("staging", "qa", "production"), ("north", "south")
PEER = "kustomize build"
ALL, AGAIN, CHANGE = "at once", "nothing to do", "one value changed"
GOAL_SECONDS, GOAL_CLUSTERS = 10.0, 100
RELEASES, OBJECTS, DIRECTORIES = range(12), range(12, 22), range(22, 30)
ARGUMENTS = ("--limit", "host-*", "--tags", "repository")
PEERS_LOOP = 'for one in overlays/*/*; do "$0" build "$one" > built.yaml || exit 1; [ -s built.yaml ] || exit 1; done'


@dataclass(frozen=True)
class Ground:
    """A fleet whose repository knows its clusters, and none of their components."""

    project: Project
    lab: Lab

    @property
    def commits(self) -> int:
        """How many the branch has."""
        return len(self.project.commits())

    def run(self, **variables: Any) -> None:
        """One run of the repository phase for all clusters."""
        outcome = self.project.run(*ARGUMENTS, playbook="infrastructure", **variables)
        assert outcome.code == 0, outcome.output

    def cost(self, **variables: Any) -> Cost:
        """Of one such run, with the commits that it made; each is pushed by itself."""
        before = self.commits
        return measure(lambda: self.run(**variables), lambda: self.commits - before, lambda: self.commits - before)

    def git(self, *arguments: str) -> None:
        """What a person does with a checkout."""
        subprocess.run(["git", *arguments], env=git_environment(self.lab), check=True, capture_output=True)

    def checkout(self) -> Path:
        """A fresh clone."""
        folder = self.project.folder / "checkout"
        shutil.rmtree(folder, ignore_errors=True)
        self.git("clone", "-q", self.lab.forge.urls(REPOSITORY)["https_url"], str(folder))
        return folder


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab with an empty cluster for this alone, ended afterwards."""
    with lab_of_its_own([CLUSTER], [REPOSITORY], empty=True) as found:
        yield found


@pytest.fixture(scope="module")
def record() -> Record:
    """What is found goes to a file that other programs read."""
    return Record("infrastructure")


def release(number: int, repository: str) -> dict[str, Any]:
    """A Helm release with values as those of a usual controller."""
    resources = {kind: {"cpu": "100m", "memory": "128Mi"} for kind in ("requests", "limits")}
    parts = {part: {"enabled": True, "replicas": 2, "resources": resources} for part in ("webhook", "cainjector")}
    return {
        "layer": "controllers",
        "namespace": f"platform-{number:02}",
        "helm": {"repository": repository, "version": f"1.{number}.x", "ca_secret": "forge-ca"},
        "values": {
            **parts,
            "replicas": 2,
            "resources": resources,
            "domain": "${cluster_name}.example",
            "nodeSelector": {"kubernetes.io/os": "linux"},
            "extraArgs": [f"--flag-{one}=${{cluster_environment}}" for one in range(10)],
        },
    }


def manifests(number: int) -> dict[str, Any]:
    """Five objects."""
    objects = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"settings-{number}-{one}", "namespace": "default"},
            "data": {"cluster": "${cluster_name}", "text": "a line of some length, " * 5},
        }
        for one in range(5)
    ]
    return {"layer": "configs", "manifests": objects}


def components(repository: str) -> dict[str, Any]:
    """What the inventory says for the fleet."""
    found = {f"release-{number:02}": release(number, repository) for number in RELEASES}
    found |= {f"objects-{number:02}": manifests(number) for number in OBJECTS}
    paths = {f"people-{number:02}": f"infrastructure/base/people-{number:02}" for number in DIRECTORIES}
    return found | {name: {"layer": "configs", "kustomize": {"path": path}} for name, path in paths.items()}


def by_group() -> dict[str, dict[str, Any]]:
    """Group → its variables: each environment has own values of four releases, each region of two."""
    found: dict[str, dict[str, Any]] = {}
    for place, name in enumerate(ENVIRONMENTS):
        values = {f"release-{number:02}": {"values": {"replicas": place + 1}} for number in range(4)}
        found[name] = {"fleet_environment": name, "fleet_components_environment": values}
    for name in REGIONS:
        values = {f"release-{number:02}": {"values": {"region": name}} for number in (4, 5)}
        found[name] = {"fleet_components_region": values}
    return found


def changed() -> dict[str, Any]:
    """The variable of all that a change of one value in one environment is made by."""
    found = by_group()[ENVIRONMENTS[0]]["fleet_components_environment"]
    values = {**found["release-00"]["values"], "logLevel": "debug"}
    return {**found, "release-00": {"values": values}}


def write_groups(folder: Path, names: list[str]) -> None:
    """The groups of an inventory, the hosts in turn."""
    kinds = (ENVIRONMENTS, REGIONS)
    sorted_in = {group: names[place :: len(kind)] for kind in kinds for place, group in enumerate(kind)}
    groups = {
        group: {"hosts": {name: {} for name in sorted_in[group]}, "vars": own}
        for group, own in by_group().items()
        if sorted_in[group]
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "groups.yml").write_text(yaml.safe_dump({"clusters": {"children": groups}}))


def ground(lab: Lab, hosts: list[namesakes.Host], folder: Path) -> Ground:
    """A repository made anew that knows these hosts."""
    lab.forge.delete_repository(REPOSITORY)
    lab.forge.create_repository(REPOSITORY)
    forge = lab.facts["forge"]
    (repository,) = {charts.publish(lab.forge, f"release-{number:02}", f"1.{number}.0") for number in RELEASES}
    folder.mkdir()
    kubeconfig = namesakes.write_kubeconfig(lab, hosts, folder / "kubeconfig")
    variables = {
        "fleet_cluster_auth": {"kubeconfig": str(kubeconfig), "context": "{{ inventory_hostname }}"},
        "fleet_repository_url": lab.forge.urls(REPOSITORY)["https_url"],
        "fleet_repository_username": forge["user"],
        "fleet_repository_token": forge["token"],
        "fleet_repository_ca_cert": Path(forge["ca_cert"]).read_text(),
        "fleet_repository_known_hosts": "",
        "fleet_repository_private_key": "",
        "fleet_forge": {"kind": "gitea", "url": forge["url"], "ca_cert": Path(forge["ca_cert"]).read_text()},
        "fleet_forge_token": forge["token"],
        "fleet_cluster_credential": {"kind": "token", "username": forge["user"], "token": forge["token"]},
        "fleet_components": components(repository),
        "fleet_secrets": [{"name": "forge-ca", "data": {"ca.crt": Path(forge["ca_cert"]).read_text()}}],
    }
    # As in one's fleet, an own value of one component for each cluster.
    own = {one.name: {"release-06": {"values": {"cluster": one.name}}} for one in hosts}
    every = {name: {"fleet_components_cluster": fields} for name, fields in own.items()}
    write_groups(folder / "inventory", list(every))
    project = Project(lab, folder, REPOSITORY, variables, every)
    # Both ways build by the same program.
    project.environment["PATH"] = f"{lab.settings.bin}{os.pathsep}{os.environ['PATH']}"
    outcome = project.run(*ARGUMENTS, fleet_components={})
    assert outcome.code == 0, outcome.output
    found = Ground(project, lab)
    commit_directories(found)
    return found


def commit_directories(found: Ground) -> None:
    """The directories that people write, by one commit."""
    checkout = found.checkout()
    for number in DIRECTORIES:
        folder = checkout / f"infrastructure/base/people-{number:02}"
        folder.mkdir(parents=True)
        for place, one in enumerate(manifests(number)["manifests"]):
            (folder / f"{place}.yaml").write_text(yaml.safe_dump(one))
        resources = {"resources": [f"{place}.yaml" for place in range(5)]}
        (folder / "kustomization.yaml").write_text(yaml.safe_dump(resources))
    found.git("-C", str(checkout), "add", "-A")
    found.git("-C", str(checkout), "commit", "-qm", "what people write")
    found.git("-C", str(checkout), "push", "-q")


def overlays(checkout: Path) -> int:
    """Write each component of each cluster as an overlay that `kustomize` builds to what Flux applies; how many."""
    count = 0
    for cluster in sorted(path for path in (checkout / "clusters").iterdir() if path.is_dir()):
        for one in yaml.safe_load_all((cluster / "infrastructure.yaml").read_text()):
            source = checkout / one["spec"]["path"]
            base = source / "kustomization.yaml"
            if not base.exists():  # Flux writes it itself
                base.write_text(yaml.safe_dump({"resources": [path.name for path in source.glob("*.yaml")]}))
            folder = checkout / "overlays" / cluster.name / one["metadata"]["name"]
            folder.mkdir(parents=True)
            up = os.path.relpath(source, folder)
            overlay: Mapping[str, Any] = {"resources": [up], "patches": one["spec"].get("patches", [])}
            (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
            count += 1
    return count


def build(found: Ground) -> Cost:
    """What building all overlays takes, of the clone as it is."""
    checkout, program = found.checkout(), found.lab.settings.bin / "kustomize"
    assert overlays(checkout) == 30 * len(found.project.hosts)
    command = ["sh", "-c", PEERS_LOOP, str(program)]

    def work() -> None:
        subprocess.run(command, cwd=checkout, check=True, capture_output=True)

    return measure(work, lambda: 0)


@pytest.mark.parametrize("count", COUNTS)
def test_infrastructure(
    lab: Lab, record: Record, count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hosts = namesakes.hosts([f"host-{number:03}" for number in range(1, count + 1)], [CLUSTER])
    ours, files = {}, {}
    with namesakes.proxies(lab, hosts):
        found = ground(lab, hosts, tmp_path / "ours")
        group = {"fleet_components_environment": changed()}
        given = {ALL: {}, AGAIN: {}, CHANGE: {one.name: group for one in hosts[:: len(ENVIRONMENTS)]}}
        for case, values in given.items():
            before = found.project.tree()
            ours[case] = found.cost(hosts=values)
            after = found.project.tree()
            files[case] = {path for path in after if after[path] != before.get(path)}
            tell(capsys, f"{of_clusters(count, case)}: ours", ours[case])
        theirs = build(found) if count in PEER_COUNTS else None
    if theirs:
        tell(capsys, f"{of_clusters(count, ALL)}: {PEER}", theirs)
    for case, one in ours.items():
        goal = {"goal_s": GOAL_SECONDS} if (case, count) == (ALL, GOAL_CLUSTERS) else {}
        more = {"clusters": count, **goal, **({"files": len(files[case])} if case == CHANGE else {})}
        record.add(of_clusters(count, case), one, PEER, theirs, None, **more)
    assert [one.commits for one in ours.values()] == [1, 0, 1]
    assert files[CHANGE] == {f"infrastructure/{ENVIRONMENTS[0]}/controllers/release-00/helm.yaml"}
