# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From one Flux to the next: what is stored is migrated first, Flux upgrades itself, and no byte changes unseen."""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.clusters import Cluster
from tests.integration.conftest import Grounds
from tests.integration.project import STAGING, Project

OLD, NEW = "v2.8.9", "v2.9.4"
PROVIDERS = "providers.notification.toolkit.fluxcd.io"


@pytest.fixture(scope="module")
def manifests(grounds: Grounds, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Version → manifest: the lab's own, and an older one whose Provider has a version that the lab's own lacks."""
    folder = tmp_path_factory.mktemp("manifests")
    text = (grounds.lab.settings.share / "www" / "flux" / NEW / "install.yaml").read_text(encoding="utf-8")
    head, body = text[: text.index("apiVersion:")], list(yaml.safe_load_all(text.replace(NEW, OLD)))
    for one in body:
        if one["metadata"]["name"] == PROVIDERS:
            older = copy.deepcopy(one["spec"]["versions"][-1]) | {"name": "v1beta2", "storage": False, "served": True}
            one["spec"]["versions"].append(older)
    found = {OLD: folder / "old.yaml", NEW: folder / "new.yaml"}
    found[OLD].write_text(head.replace(NEW, OLD) + yaml.safe_dump_all(body), encoding="utf-8")
    found[NEW].write_text(text, encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def project(grounds: Grounds, manifests: dict[str, Path]) -> Project:
    """A fleet of one cluster at the old version, whose manifest was locked when it was used first."""
    made = grounds.clean([STAGING])
    made.variables |= version(manifests, OLD)
    outcome = made.run("--limit", STAGING)
    assert outcome.code == 0, outcome.output
    grounds.forget()
    return made


def version(manifests: dict[str, Path], wanted: str) -> dict[str, Any]:
    """The variables of a version; its digest is left to the lock."""
    return {"fleet_flux_version": wanted, "fleet_flux_manifest": str(manifests[wanted]), "fleet_flux_digest": ""}


def test_a_changed_byte_is_refused_by_the_lock(project: Project, manifests: dict[str, Path]) -> None:
    path = f"clusters/{STAGING}/cluster.yaml"
    text = manifests[OLD].read_text(encoding="utf-8")
    locked, changed = (hashlib.sha256(one.encode()).hexdigest() for one in (text, text + "\n"))
    assert f"flux-digest: sha256:{locked}" in project.file(path)
    commits = project.commits()
    manifests[OLD].write_text(text + "\n", encoding="utf-8")
    refused = project.run("--limit", STAGING)
    manifests[OLD].write_text(text, encoding="utf-8")
    assert refused.code != 0
    assert f"has SHA-256 {changed}, and the fleet repository locked {locked}" in refused.words
    assert project.commits() == commits


def store_in_an_old_version(cluster: Cluster) -> None:
    """An object as a Flux stored it whose storage version was the old one."""
    names = [one["name"] for one in cluster.get("crd", PROVIDERS)["spec"]["versions"]]
    for storage in ("v1beta2", names[0]):
        flags = [
            {"op": "add", "path": f"/spec/versions/{n}/storage", "value": one == storage} for n, one in enumerate(names)
        ]
        cluster.kubectl("patch", "crd", PROVIDERS, "--type=json", "-p", json.dumps(flags))
        if storage == "v1beta2":
            cluster.kubectl("apply", "--server-side", "--field-manager=team", "-f", "-", text=PROVIDER)
    assert set(cluster.get("crd", PROVIDERS)["status"]["storedVersions"]) == {names[0], "v1beta2"}


PROVIDER = """\
apiVersion: notification.toolkit.fluxcd.io/v1beta2
kind: Provider
metadata: {name: mine, namespace: default}
spec: {type: slack, address: "https://slack.example/hook"}
"""


def test_an_upgrade_migrates_then_publishes_and_flux_follows(
    project: Project, grounds: Grounds, manifests: dict[str, Path]
) -> None:
    cluster = grounds.clusters[STAGING]
    store_in_an_old_version(cluster)
    (current,) = {one["name"] for one in cluster.get("crd", PROVIDERS)["spec"]["versions"]} - {"v1beta2"}
    wanted, commits = version(manifests, NEW), project.commits()
    refused = project.run("--limit", STAGING, **wanted)
    assert refused.code != 0
    assert "status.storedVersions is 'v1beta2'" in refused.words
    assert "run the playbook upgrade" in refused.words

    plan = project.run("--limit", STAGING, "--check", "--diff", playbook="upgrade", **wanted)
    assert plan.code == 0, plan.output
    stored = f"stored versions in {STAGING}: {PROVIDERS}, 1 object(s)"
    assert stored in plan.headers
    assert project.commits() == commits
    assert "v1beta2" in cluster.get("crd", PROVIDERS)["status"]["storedVersions"]

    run = project.run("--limit", STAGING, "--diff", playbook="upgrade", **wanted)
    assert run.code == 0, run.output
    assert stored in run.headers
    assert run.rows[STAGING]["flux"] == NEW
    assert len(project.commits()) == len(commits) + 1
    definition = cluster.get("crd", PROVIDERS)
    assert [one["name"] for one in definition["spec"]["versions"]] == [current]
    assert definition["status"]["storedVersions"] == [current]
    provider = cluster.get(PROVIDERS, "-n", "default", "mine")
    assert provider["spec"]["address"] == "https://slack.example/hook"
    assert {one["apiVersion"] for one in provider["metadata"]["managedFields"]} == {
        f"notification.toolkit.fluxcd.io/{current}"
    }
    again = project.run("--limit", STAGING, playbook="upgrade", **wanted)
    assert (again.code, again.changed[STAGING]) == (0, 0), again.output
    back = project.run("--limit", STAGING)
    assert back.code != 0
    assert "fleet_allow: [downgrade_flux]" in back.words
