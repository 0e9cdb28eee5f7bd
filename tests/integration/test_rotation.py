# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials that take others' places: proven first, one of the two working at any moment, ended after a kill."""

from __future__ import annotations

import pytest

from tests.integration.clusters import Cluster, is_ready
from tests.integration.project import STAGING, Outcome, Project, kill, lines, new_key

TITLE = f"{STAGING}/flux-system/flux-system"
# What a run says before each of its steps.
STEPS = ("registering", "having Flux pull", "having the root sync", "removing")


def rotate(project: Project, *arguments: str, **variables: object) -> Outcome:
    return project.run("--limit", STAGING, "--diff", *arguments, playbook="rotate_credentials", **variables)


def registered(project: Project) -> dict[str, str]:
    """Title → key of those that are the cluster's."""
    keys = project.lab.forge.deploy_keys(project.repository)
    assert all(key["read_only"] for key in keys)
    return {key["title"]: " ".join(key["key"].split()[:2]) for key in keys if key["title"].startswith(STAGING)}


def own(cluster: Cluster) -> str:
    """The public key that the cluster pulls with."""
    return " ".join(cluster.secret("flux-system")["identity.pub"].split()[:2])


def is_done(project: Project, cluster: Cluster) -> None:
    """One key, at the cluster and at the forge, by which Flux pulls; nothing is left beside."""
    assert list(registered(project).values()) == [own(cluster)]
    assert is_ready(cluster.flux("gitrepository"))
    assert cluster.get("secret", "-n", "flux-system", "flux-system-next") is None
    assert cluster.get("gitrepository", "-n", "flux-system", "flux-system-next") is None


def test_key_is_rotated_and_the_fleet_is_as_it_was(project: Project, cluster: Cluster) -> None:
    before, writes = own(cluster), cluster.writes()
    planned = rotate(project, "--check")
    assert planned.code == 0, planned.output
    assert planned.changed == {STAGING: 1}
    assert f"-deploy_key: {before}" in planned.output
    assert (own(cluster), cluster.writes()) == (before, writes)
    found = rotate(project)
    assert found.code == 0, found.output
    assert own(cluster) != before
    is_done(project, cluster)
    assert registered(project).keys() == {f"{TITLE}/rotated"}
    assert "PRIVATE KEY" not in found.output
    assert not project.traces(["PRIVATE KEY"])
    young = rotate(project, fleet_rotate_older_than=1)
    assert young.code == 0, young.output
    assert young.changed == {STAGING: 0}
    again = project.run("--limit", STAGING)
    assert again.code == 0, again.output
    assert again.changed == {STAGING: 0}
    is_done(project, cluster)


def test_credential_that_does_not_pull_is_refused(project: Project, cluster: Cluster) -> None:
    before = cluster.secret("flux-system")
    _public, private = new_key(project.folder / "given" / "unknown")
    credential = {"kind": "private_key", "private_key": private}
    found = rotate(project, fleet_cluster_credential=credential, fleet_timeout=6)
    assert found.code != 0
    assert "GitRepository flux-system/flux-system-next: failed to checkout" in found.failure(STAGING)
    assert cluster.secret("flux-system") == before
    is_done(project, cluster)


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_one_works_and_the_next_run_ends_it(project: Project, cluster: Cluster, step: str) -> None:
    before = own(cluster)
    with project.start("--limit", STAGING, playbook="rotate_credentials") as process:
        assert any(step in line for line in lines(process)), f"it never said {step}"
        kill(process)
    assert own(cluster) in registered(project).values()
    found = rotate(project)
    assert found.code == 0, found.output
    assert own(cluster) != before
    is_done(project, cluster)
