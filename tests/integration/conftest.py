# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab for the tests of this folder, and projects on it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.integration.clusters import Cluster
from tests.integration.project import CLUSTERS, PRODUCTION, STAGING, Project
from tests.integration.teams import Teams
from tests.lab import Lab


class Grounds:
    """The lab's two clusters, which all projects share: one after the other, since making one anew takes a while."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab, self._folder = lab, folder
        self.clusters = {name: Cluster(lab, name) for name in CLUSTERS}
        self._made: list[str] = []
        self._current: Project | None = None
        self._kept: object = None

    def project(self) -> Project:
        """A project with an empty repository; nothing is said about the clusters."""
        name = f"fleet-{secrets.token_hex(4)}"
        self._made.append(name)
        self.lab.forge.create_repository(name)
        return Project(self.lab, self._folder / name, name)

    def clean(self, names: Sequence[str] = CLUSTERS) -> Project:
        """A project with an empty repository, and these clusters empty."""
        self._current = None
        for name in names:
            # A namespace that is still going writes on for a while.
            going = [one for one in self.clusters[name].get("namespaces") if "deletionTimestamp" in one["metadata"]]
            if going or self.clusters[name].has_flux():
                self.lab.reset(name)
        return self.project()

    def keep(self, project: Project) -> Project:
        """Let later tests use the project: both clusters follow it, and nothing is wrong with it."""
        self._current, self._kept = project, self._found(project)
        return project

    def _found(self, project: Project) -> object:
        """Which files the repository has and which namespaces each cluster: a test may leave more than it says."""
        spaces = {name: [one["metadata"]["name"] for one in self.clusters[name].get("namespaces")] for name in CLUSTERS}
        return sorted(project.tree()), spaces

    def forget(self) -> None:
        """Let later tests begin anew: what is on the clusters now is more than they ask for."""
        self._current = None

    def fleet(self) -> Project:
        """A project that both clusters follow and that needs nothing."""
        project = self._current
        if project is None or self._found(project) != self._kept:
            project = self.clean()
        outcome = project.run()
        assert outcome.code == 0, outcome.output
        return self.keep(project)

    def end(self) -> None:
        """Remove what was made at the forge."""
        for name in self._made:
            self.lab.forge.delete_repository(name)


def lab_of(worker: str, patch: pytest.MonkeyPatch) -> Lab:
    """The lab of LAB_DIR; each further worker of pytest-xdist has its own beside it."""
    first = Lab()
    if worker in ("", "gw0"):
        return first
    patch.setenv("LAB_PROGRAMS", os.environ.get("LAB_PROGRAMS") or str(first.settings.directory))
    return Lab(first.settings.beside(worker))


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A lab, up; it is ended afterwards where it was not up before."""
    with pytest.MonkeyPatch.context() as patch:
        yield from up(lab_of(os.environ.get("PYTEST_XDIST_WORKER", ""), patch))


def up(found: Lab) -> Iterator[Lab]:
    """The lab for as long as tests run."""
    was_up = found.status()[1]
    try:
        found.up(list(CLUSTERS))
        yield found
    finally:
        if not was_up:
            found.down()


@pytest.fixture(scope="session")
def grounds(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    """The clusters, and a way to make projects on them."""
    made = Grounds(lab, tmp_path_factory.mktemp("projects"))
    try:
        yield made
    finally:
        made.end()


@pytest.fixture(scope="module")
def project(grounds: Grounds) -> Project:
    """A fleet that both clusters follow and that needs nothing; modules that ask for more have one of their own."""
    return grounds.fleet()


@pytest.fixture(scope="module")
def cluster(grounds: Grounds) -> Cluster:
    """Staging's cluster."""
    return grounds.clusters[STAGING]


@pytest.fixture(scope="module")
def teams(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Teams]:
    """Teams whose repositories are gone afterwards."""
    made = Teams(lab, tmp_path_factory.mktemp("teams"))
    yield made
    made.end()


@pytest.fixture
def production_is_down(lab: Lab) -> Iterator[None]:
    """The API server of production's cluster does not answer."""
    lab.stop_cluster(PRODUCTION)
    try:
        yield
    finally:
        lab.start_cluster(PRODUCTION)
