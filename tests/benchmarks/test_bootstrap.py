# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bootstrap against what a user would do instead: `flux bootstrap git`, cluster after cluster.

    make bench                                # BENCH_CLUSTERS=4 clusters of the lab; needs `flux` on PATH (or FLUX=…)

Both work on the same lab, one after the other in one run, each on empty clusters and an empty repository; then each
once more, with nothing to do. Wall time, processor time of the programs themselves, and commits; ratios are ours to
theirs. No figure is asserted: machines differ.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.costs import Cost, measure
from tests.integration.project import Project
from tests.lab import Lab

COUNT = int(os.environ.get("BENCH_CLUSTERS", "4"))
FLUX = os.environ.get("FLUX") or shutil.which("flux")
NAMES = [f"bench-{number}" for number in range(1, COUNT + 1)]


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


def flux_bootstrap(lab: Lab, repository: str, folder: Path) -> None:
    """What Flux's own guide says, for each cluster of a fleet."""
    facts = lab.forge.facts
    environment = {**os.environ, "GIT_PASSWORD": facts["token"], "KUBECONFIG": str(lab.kubeconfig), "HOME": str(folder)}
    url = lab.forge.urls(repository)["https_url"]
    for name in NAMES:
        command = [str(FLUX), "bootstrap", "git", "--silent", "--token-auth", f"--url={url}", f"--context={name}"]
        command += [f"--username={facts['user']}", f"--ca-file={facts['ca_cert']}", f"--path=clusters/{name}"]
        subprocess.run(command, env=environment, check=True, capture_output=True)


def empty(lab: Lab) -> None:
    """Clusters that nothing was ever installed on."""
    for name in NAMES:
        lab.reset(name)


def ours(project: Project) -> None:
    """One run for all of them."""
    outcome = project.run("--limit", ",".join(NAMES))
    assert outcome.code == 0, outcome.output


@pytest.mark.skipif(not FLUX, reason="no flux on PATH to compare with: install Flux's own program, or set FLUX")
def test_bootstrap_against_flux(lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    costs: dict[str, tuple[Cost, Cost]] = {}
    for name in ("bench-flux", "bench-fleet"):
        lab.forge.delete_repository(name)
        lab.forge.create_repository(name)
    project = Project(lab, tmp_path, "bench-fleet", hosts={name: {"fleet_environment": "bench"} for name in NAMES})

    def theirs() -> Cost:
        return measure(
            lambda: flux_bootstrap(lab, "bench-flux", tmp_path), lambda: len(lab.forge.commits("bench-flux"))
        )

    try:
        empty(lab)
        flux = [theirs(), theirs()]
        empty(lab)
        fleet = [measure(lambda: ours(project), lambda: len(project.commits())) for _run in range(2)]
        costs = {"empty": (fleet[0], flux[0]), "nothing to do": (fleet[1], flux[1])}
    finally:
        for name in ("bench-flux", "bench-fleet"):
            lab.forge.delete_repository(name)
    assert costs["empty"][0].commits == costs["nothing to do"][0].commits == 1
    with capsys.disabled():
        print(f"\n{len(NAMES)} clusters      wall s (ours/theirs)     processor s (ours/theirs)   commits")
        for what, (mine, other) in costs.items():
            wall = f"{mine.wall:6.1f} / {other.wall:6.1f} = {mine.wall / other.wall:4.2f}"
            processor = f"{mine.processor:6.1f} / {other.processor:6.1f} = {mine.processor / other.processor:4.2f}"
            print(f"{what:14}  {wall}   {processor}       {mine.commits} / {other.commits}")
