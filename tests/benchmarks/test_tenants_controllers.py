# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one commit costs Flux's controllers on a cluster with many tenants, ours against the older shared layout.

    BENCH_CLUSTER_TENANTS=800 python -m pytest tests/benchmarks/test_tenants_controllers.py     # 30 minutes and more

The older layout has a folder for each tenant below a base, and one kustomization.yaml for the environment that lists
them all, with a patch for each; one Flux Kustomization applies it. Both hold the very same objects, those that
onboarding renders for a tenant. What the tenants apply themselves is suspended, so that all that is measured is what
the fleet's repository costs.

Measured is the processor time of all of Flux's controllers, as the kernel counts it for each process, from the commit
that changes one tenant until all has applied it and for a while after, less what they take in the same time with no
commit. BENCH_VARIABLES='{"fleet_flux_controllers": …}' has more of the inventory for ours.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.benchmarks.costs import Cost, Record
from tests.benchmarks.shared import lab_of_its_own, tell
from tests.benchmarks.test_tenants import (
    CLUSTER,
    ENVIRONMENT,
    REPOSITORY,
    Ground,
    git_environment,
    named,
    onboard,
)
from tests.integration.clusters import Cluster
from tests.integration.project import Project
from tests.lab import Lab
from tests.lab.processes import marked

VARIABLES = json.loads(os.environ.get("BENCH_VARIABLES", "{}"))
COUNT = int(os.environ.get("BENCH_CLUSTER_TENANTS", "800"))
SHARED, PEER = "bench-shared", "one shared layout"
KUSTOMIZATIONS = "kustomizations.kustomize.toolkit.fluxcd.io"
CONTROLLERS = (
    "source-controller",
    "kustomize-controller",
    "helm-controller",
    "notification-controller",
    "source-watcher",
)
_GOAL = 3.0
_PATIENCE, _QUIET = 3600.0, 30.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Work:
    """What something took: seconds on the clock, and of processor by controller."""

    wall: float
    processor: Mapping[str, float]

    def __sub__(self, other: Work) -> Work:
        scale = self.wall / other.wall
        return Work(self.wall, {name: used - scale * other.processor[name] for name, used in self.processor.items()})

    def __str__(self) -> str:
        each = ", ".join(f"{name} {seconds:.1f}" for name, seconds in self.processor.items())
        return f"{self.total:.1f} s of processor in {self.wall:.0f} s ({each})"

    @property
    def total(self) -> float:
        """Of all controllers."""
        return sum(self.processor.values())


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab with a cluster for this alone, ended afterwards."""
    with lab_of_its_own([CLUSTER], [REPOSITORY, SHARED]) as found:
        yield found


def used(lab: Lab) -> dict[str, float]:
    """Seconds of processor that each controller's process has taken since it began."""
    found = dict.fromkeys(CONTROLLERS, 0.0)
    for process in marked(lab.settings.directory, CLUSTER):
        folder = Path(f"/proc/{process}")
        program = Path((folder / "cmdline").read_text().split("\0")[0]).name
        for name in [one for one in found if program.startswith(one)]:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            found[name] += (int(fields[11]) + int(fields[12])) / _TICKS
    return found


def work(lab: Lab, commit: Callable[[], None], applied: Callable[[], bool]) -> Work:
    """What the controllers take for a commit, without what they take anyway."""
    idle = _work(lab, lambda: time.sleep(2 * _QUIET))

    def change() -> None:
        commit()
        end = time.monotonic() + _PATIENCE
        while not applied():
            assert time.monotonic() < end, "the commit is not applied everywhere"
            time.sleep(2)
        time.sleep(_QUIET)

    return _work(lab, change) - idle


def _work(lab: Lab, something: Callable[[], None]) -> Work:
    before, start = used(lab), time.monotonic()
    something()
    after = used(lab)
    return Work(time.monotonic() - start, {name: after[name] - before[name] for name in CONTROLLERS})


def empty(lab: Lab, folder: Path, **variables: Any) -> Ground:
    """A cluster made anew that follows a new repository without tenants."""
    lab.reset(CLUSTER)
    lab.forge.delete_repository(REPOSITORY)
    lab.forge.create_repository(REPOSITORY)
    project = Project(lab, folder / "fleet", REPOSITORY, hosts={CLUSTER: {"fleet_environment": ENVIRONMENT}})
    project.variables |= variables
    outcome = project.run("--limit", CLUSTER)
    assert outcome.code == 0, outcome.output
    return Ground(project, folder)


def write_requests(folder: Path, url: str, count: int, **changes: Any) -> Path:
    """A request for each tenant that comes to nine objects, as a folder of files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in map(named, range(count)):
        request = {
            "tenant": name,
            "owner": {"team": name},
            "access": {"admin": [f"{name}-admins"], "view": [f"{name}-viewers"]},
            "profile": "open",
            "quota": {"pods": 20},
            "limits": {"memory": "64Mi"},
            "sources": [{"name": "deploy", "url": url}],
            "environments": {ENVIRONMENT: {"suspend": True}},
            **changes,
        }
        (folder / f"{name}.yml").write_text(yaml.safe_dump(request, sort_keys=False))
    return folder


def fetch(cluster: Cluster, name: str) -> None:
    """Have a source look at its repository now."""
    now = f"reconcile.fluxcd.io/requestedAt={time.time_ns()}"
    cluster.kubectl("annotate", "--overwrite", "gitrepository", name, "-n", "flux-system", now)


def revision(cluster: Cluster, source: str) -> str:
    """What a source has."""
    found = cluster.flux("gitrepository", source)
    return str(found.get("status", {}).get("artifact", {}).get("revision", ""))


def applied(cluster: Cluster, names: Callable[[str], bool], count: int, wanted: str) -> bool:
    """Whether the Kustomizations of these names are all there, and have applied this revision.

    Of many some are always looked at again, and Unknown meanwhile; what they applied last is there all the same.
    """
    every = cluster.get(KUSTOMIZATIONS, "-n", "flux-system") or []
    mine = [one for one in every if names(one["metadata"]["name"])]
    made = cluster.get("externalartifacts.source.toolkit.fluxcd.io", "-n", "flux-system") or []
    artifacts = {one["metadata"]["name"]: one.get("status", {}).get("artifact", {}) for one in made}

    def is_done(one: Mapping[str, Any]) -> bool:
        source, revision = one["spec"]["sourceRef"], str(one.get("status", {}).get("lastAppliedRevision", ""))
        if source["kind"] != "ExternalArtifact":
            return revision.endswith(wanted)
        artifact = artifacts.get(source["name"], {})
        origin = artifact.get("metadata", {}).get("org.opencontainers.image.revision", "")
        return str(origin).endswith(wanted) and artifact["revision"] == revision

    done = [one for one in mine if is_done(one)]
    return len(done) == len(mine) >= count


def test_ours(lab: Lab, measured: dict[str, Work], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cluster, own = Cluster(lab, CLUSTER), empty(lab, tmp_path, **VARIABLES)
    url = "https://git.example/nobody/nothing.git"

    def publish(requests: Path) -> str:
        onboard(own, requests)
        fetch(cluster, "flux-system")
        return own.project.commits()[0]

    def done(wanted: str) -> bool:
        return applied(cluster, lambda name: True, COUNT, wanted)

    head = publish(write_requests(tmp_path / "requests", url, COUNT))
    until(lambda: done(head))
    measured["texts"] = {  # type: ignore[assignment]
        named(number): own.project.file(f"projects/{ENVIRONMENT}/{named(number)}/tenant.yaml") for number in (0,)
    }
    changed = write_requests(tmp_path / "changed", url, 1, limits={"memory": "65Mi"})
    heads: list[str] = []
    measured["ours"] = work(lab, lambda: heads.append(publish(changed)), lambda: done(heads[0]))
    tell(capsys, f"{COUNT} tenants, one changes: ours", measured["ours"])


def test_shared_layout(lab: Lab, measured: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cluster, own = Cluster(lab, CLUSTER), empty(lab, tmp_path)
    lab.forge.delete_repository(SHARED)
    lab.forge.create_repository(SHARED, private=False)
    environment = git_environment(lab)
    folder = own.folder / "shared"
    subprocess.run(["git", "init", "-q", "-b", "main", folder], env=environment, check=True, capture_output=True)
    text = measured["texts"][named(0)]
    for name in map(named, range(COUNT)):
        _write_tenant(folder, name, text.replace(named(0), name))
    _write_list(folder)
    url = lab.forge.urls(SHARED)["https_url"]

    def push() -> str:
        script = f"git add -A && git commit -qm change && git push -q {url} HEAD:main && git rev-parse HEAD"
        made = subprocess.run(["sh", "-c", script], cwd=folder, env=environment, check=True, capture_output=True)
        fetch(cluster, SHARED)
        return made.stdout.decode().strip()

    cluster.kubectl("apply", "-f", "-", text=_sync(lab, url))
    head = push()

    def done(wanted: str) -> bool:
        return applied(cluster, lambda name: name == SHARED, 1, wanted)

    until(lambda: done(head))
    heads: list[str] = []

    def change() -> None:
        path = folder / "projects" / "base" / named(0) / "tenant.yaml"
        path.write_text(path.read_text().replace("64Mi", "65Mi"))
        heads.append(push())

    measured["peer"] = work(lab, change, lambda: done(heads[0]))
    tell(capsys, f"{COUNT} tenants, one changes: {PEER}", measured["peer"])


def test_record(measured: dict[str, Any], record: Record) -> None:
    ways = {"ours": measured["ours"], "peer": measured["peer"]}
    ours, theirs = (Cost(one.total, one.total, 0, 1, 1, "") for one in ways.values())
    took = {f"{who}_took_s": round(one.wall, 1) for who, one in ways.items()}
    each = {
        f"{who}_by_controller": {name: round(used, 2) for name, used in one.processor.items()}
        for who, one in ways.items()
    }
    how = ", an artifact each" if VARIABLES.get("fleet_flux_tenant_artifacts") else ""
    record.add(f"{COUNT} tenants, one changes{how}", ours, PEER, theirs, _GOAL, tenants=COUNT, **took, **each)


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    """What the tests of this module hand on to each other."""
    return {}


@pytest.fixture(scope="module")
def record() -> Record:
    """What is found goes to a file that other programs read."""
    return Record("controllers")


def until(check: Callable[[], bool]) -> None:
    """Wait for something that takes long."""
    end = time.monotonic() + _PATIENCE
    while not check():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(3)


def _write_tenant(folder: Path, name: str, text: str) -> None:
    place = folder / "projects" / "base" / name
    place.mkdir(parents=True)
    (place / "tenant.yaml").write_text(text)
    _write_kustomization(place, resources=["tenant.yaml"])


def _write_list(folder: Path) -> None:
    """The environment's list of all tenants, with a patch of where each of them is applied from."""
    place, names = folder / "projects" / ENVIRONMENT, [named(number) for number in range(COUNT)]
    place.mkdir(parents=True)
    patches = []
    for name in names:
        spec = {"path": f"./flux/{ENVIRONMENT}", "suspend": True}
        metadata = {"name": name, "namespace": name}
        kind = {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization"}
        (place / f"{name}-patch.yaml").write_text(yaml.safe_dump({**kind, "metadata": metadata, "spec": spec}))
        patches.append({"path": f"{name}-patch.yaml"})
    _write_kustomization(place, resources=[f"../base/{name}" for name in names], patches=patches)


def _write_kustomization(folder: Path, **content: Any) -> None:
    head = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump({**head, **content}, sort_keys=False))


def _sync(lab: Lab, url: str) -> str:
    """The source and the sync of the older layout, and what trusts the forge."""
    place = {"name": SHARED, "namespace": "flux-system"}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": place}
    secret["stringData"] = {"ca.crt": Path(lab.forge.facts["ca_cert"]).read_text()}
    source = {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": place}
    source["spec"] = {"interval": "1h", "url": url, "ref": {"branch": "main"}, "secretRef": {"name": SHARED}}
    sync = {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": place}
    sync["spec"] = {
        "interval": "1h",
        "retryInterval": "30s",
        "timeout": "50m",
        "path": f"./projects/{ENVIRONMENT}",
        "prune": True,
        "serviceAccountName": "kustomize-controller",
        "sourceRef": {"kind": "GitRepository", "name": SHARED},
    }
    return yaml.safe_dump_all([secret, source, sync])
