# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An old fleet repository that real Flux applies is brought to the APIs of today, and its tenants move to our layout.

Nothing that runs is made anew by either.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.integration import fluxcli
from tests.integration.clusters import Cluster, Key, Object, is_ready
from tests.integration.conftest import Grounds
from tests.integration.project import STAGING, Project, eventually

OLD = ("kustomizations.kustomize.toolkit.fluxcd.io", "gitrepositories.source.toolkit.fluxcd.io")
PROJECTS = """\
# all that this cluster runs
apiVersion: kustomize.toolkit.fluxcd.io/v1beta2
kind: Kustomization
metadata:
  name: projects
  namespace: flux-system
spec:
  interval: 10m
  path: ./projects/staging
  prune: true
  validation: client   # long gone
  sourceRef:
    kind: GitRepository
    name: flux-system
"""
FILES = {
    f"clusters/{STAGING}/all.yaml": PROJECTS,
    "projects/staging/kustomization.yaml": """\
bases:
- ../base/payments  # since the beginning
patchesStrategicMerge:
- payments.yaml
patchesJson6902:
- target: {version: v1, kind: ConfigMap, name: payments}
  patch: |
    - op: add
      path: /data/colour
      value: blue
""",
    "projects/staging/payments.yaml": """\
apiVersion: kustomize.toolkit.fluxcd.io/v1beta2
kind: Kustomization
metadata:
  name: payments
  namespace: payments
spec:
  path: ./app/staging
""",
    "projects/base/payments/kustomization.yaml": "resources:\n- payments.yaml\n",
}
WEB = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: payments}\ndata: {a: b}\n"
TENANT = """\
apiVersion: v1
kind: Namespace
metadata:
  name: payments
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: payments
  namespace: payments
data:
  a: b
---
apiVersion: source.toolkit.fluxcd.io/v1beta2
kind: GitRepository
metadata:
  name: payments
  namespace: payments
spec:
  interval: 1m
  url: {url}
  ref:
    branch: main
  secretRef:
    name: pull
---
apiVersion: kustomize.toolkit.fluxcd.io/v1beta2
kind: Kustomization
metadata:
  name: payments
  namespace: payments
spec:
  interval: 10m
  path: ./app
  prune: true
  sourceRef:
    kind: GitRepository
    name: payments
"""
# A tenant whose sync lies beside Flux itself, under a name that our layout has for nobody.
SHOP = """\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: {{team: shop}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata:
  name: shop
  namespace: flux-system
spec:
  interval: 1m
  url: {url}
  ref:
    branch: main
  secretRef:
    name: pull
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: shop
  namespace: flux-system
spec:
  interval: 10m
  path: ./shop
  prune: true
  targetNamespace: shop
  sourceRef:
    kind: GitRepository
    name: shop
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: whole-fleet
  namespace: default
"""
MADE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: till}\ndata: {a: b}\n"


def older(components: str) -> str:
    """The install manifest of a Flux that serves the versions before today's beside them."""
    documents = list(yaml.safe_load_all(components))
    for one in documents:
        if one and one["metadata"]["name"] in OLD:
            before = deepcopy(one["spec"]["versions"][0]) | {"name": "v1beta2", "storage": False}
            before["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["validation"] = {"type": "string"}
            one["spec"]["versions"].append(before)
    header = "".join(f"{line}\n" for line in components.splitlines()[:5] if line.startswith("#"))
    return header + yaml.safe_dump_all([one for one in documents if one])


class Story:
    """The old fleet, and what its cluster held before."""

    def __init__(self, grounds: Grounds) -> None:
        self.project, self.cluster = grounds.clean(), grounds.clusters[STAGING]
        key = fluxcli.pull_key(self.project)
        components = older(requests.get(grounds.lab.facts["flux"]["url"], timeout=30).text)
        # The same for our takeover: an upgrade is another story.
        manifest = self.project.folder / "install.yaml"
        manifest.write_text(components)
        digest = hashlib.sha256(manifest.read_bytes()).hexdigest()
        self.project.variables |= {"fleet_flux_manifest": str(manifest), "fleet_flux_digest": digest}
        fluxcli.as_bootstrapped(self.cluster, self.project, key, components)
        self.deployments = f"{self.project.repository}-payments"
        grounds.lab.forge.create_repository(self.deployments)
        self.project.commit({"app/staging/web.yaml": WEB, "shop/till.yaml": MADE}, repository=self.deployments)
        for space in ("payments", "flux-system", "shop"):
            self.secret(space)
        url = grounds.lab.forge.urls(self.deployments)["https_url"]
        files = {**FILES, "projects/base/payments/payments.yaml": TENANT.format(url=url)}
        files[f"clusters/{STAGING}/shop.yaml"] = SHOP.format(url=url)
        self.project.commit(files)
        fetch(self.cluster)
        for space, name in (("payments", "web"), ("shop", "till")):
            eventually(lambda where=space, what=name: self.cluster.get("configmap", "-n", where, what), "the app runs")
        eventually(self.ready, "all is ready")
        self.uids, self.inventories = uids(self.cluster), inventories(self.cluster)

    def secret(self, namespace: str) -> None:
        """By what Flux reads the tenants' repository."""
        facts = self.project.lab.forge.facts
        data = {"username": facts["user"], "password": facts["token"], "ca.crt": Path(facts["ca_cert"]).read_text()}
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        metadata = {"name": "pull", "namespace": namespace}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
        self.cluster.kubectl("apply", "-f", "-", text=yaml.safe_dump_all([space, secret]))

    def ready(self) -> bool:
        """Whether all is ready, and what comes of the fleet repository at its head."""
        head = self.project.commits()[0]
        found = {one["metadata"]["name"]: one for one in syncs(self.cluster)}
        applied = [
            str(found[name]["status"].get("lastAppliedRevision"))
            for name in ("flux-system", "projects")
            if name in found and "status" in found[name]
        ]
        current = len(found) == 4 and all(one.endswith(head) for one in applied)
        return current and all(is_ready(one) for one in found.values())


def syncs(cluster: Cluster) -> list[Object]:
    """All Kustomizations of Flux."""
    found: list[Object] = cluster.get("kustomizations.kustomize.toolkit.fluxcd.io", "--all-namespaces")
    return found


def inventories(cluster: Cluster) -> dict[str, list[str]]:
    """What Flux holds for its own, by Kustomization: the objects without their versions, which are to change."""
    return {
        one["metadata"]["name"]: sorted(entry["id"] for entry in one["status"]["inventory"]["entries"])
        for one in syncs(cluster)
    }


def uids(cluster: Cluster) -> dict[Key, str]:
    """What tells each object from another one of its name."""
    return {key: one["metadata"]["uid"] for key, one in cluster.objects().items()}


SOURCES = ("flux-system", "flux-system"), ("payments", "payments"), ("flux-system", "shop")


def fetch(cluster: Cluster, *sources: tuple[str, str]) -> None:
    """Have sources (namespace and name; all of them where none is named) fetched now."""
    for space, name in sources or SOURCES:
        if cluster.get("gitrepository", "-n", space, name):
            cluster.kubectl(
                *("annotate", "--overwrite", "-n", space, f"gitrepository/{name}"),
                f"reconcile.fluxcd.io/requestedAt={time.time()}",
            )


@pytest.fixture(scope="module")
def story(grounds: Grounds) -> Iterator[Story]:
    made = Story(grounds)
    yield made
    grounds.lab.forge.delete_repository(made.deployments)
    grounds.forget()


def adopt(project: Project, *arguments: str, **variables: Any) -> tuple[int, str]:
    """One run of the playbook."""
    folder = str(project.folder / "requests")
    run = project.start(*arguments, playbook="adopt", **{"adopt_requests": folder, "fleet_report": "", **variables})
    output, _none = run.communicate(timeout=300)
    return run.returncode, output


def test_check_mode_shows_all_and_writes_nothing(story: Story) -> None:
    commits = story.project.commits()
    code, output = adopt(story.project, "--check", "--diff")
    assert code == 0, output
    for path in (f"clusters/{STAGING}/all.yaml", "projects/staging/kustomization.yaml", "requests/payments.yaml"):
        assert path in output
    assert "-  validation: client" in output
    assert story.project.commits() == commits
    assert not (story.project.folder / "requests").exists()


def test_by_pull_request_it_is_asked_for_once(story: Story) -> None:
    commits = story.project.commits()
    code, output = adopt(story.project, fleet_publish="pull_request")
    assert code == 0, output
    (pull,) = story.project.pulls()
    assert f"{pull['html_url']}: commit " in output
    code, output = adopt(story.project, fleet_publish="pull_request")
    assert code == 0, output
    assert f"{pull['html_url']}: holds the change already" in output
    assert "changed=0" in output
    assert story.project.commits() == commits


def test_what_runs_stays_and_is_ready(story: Story) -> None:
    commits = story.project.commits()
    story.project.merge()
    assert len(story.project.commits()) == len(commits) + 1
    assert story.project.file(f"clusters/{STAGING}/all.yaml") == PROJECTS.replace("v1beta2", "v1").replace(
        "  validation: client   # long gone\n", ""
    )
    assert "- path: payments.yaml" in story.project.file("projects/staging/kustomization.yaml")
    fetch(story.cluster)
    eventually(story.ready, "all is ready at the new commit")
    now = uids(story.cluster)
    assert {key: now.get(key) for key in story.uids} == story.uids
    assert inventories(story.cluster) == story.inventories
    assert story.cluster.get("configmap", "-n", "payments", "payments")["data"] == {"a": "b", "colour": "blue"}


@pytest.mark.parametrize("way", ["pull_request", "push"])
def test_second_run_changes_nothing(story: Story, way: str) -> None:
    commits = story.project.commits()
    code, output = adopt(story.project, fleet_publish=way)
    assert code == 0, output
    assert "changed=0" in output
    assert "/pulls/" not in output
    assert story.project.commits() == commits
    assert (story.project.folder / "requests" / "payments.yaml").exists()


# What the old layout had for itself: the Kustomization of all tenants, and a sync and source of another name than ours.
REPLACED = {
    ("Kustomization", "flux-system", "projects"),
    ("Kustomization", "flux-system", "shop"),
    ("GitRepository", "flux-system", "shop"),
}
PRUNE = "kustomize.toolkit.fluxcd.io/prune"


def move(story: Story, *arguments: str) -> tuple[int, str]:
    """One run that moves the tenants of the requests that adoption has written, on the one cluster that there is."""
    folder = str(story.project.folder / "requests")
    given = {"fleet_adopt": "move", "fleet_requests": folder, "adopt_requests": ""}
    return adopt(story.project, "--limit", f"{STAGING},localhost", *arguments, **given)


def kept(story: Story) -> set[Key]:
    """What bears the annotation by which Flux keeps it."""
    found = story.cluster.objects()
    return {key for key, one in found.items() if PRUNE in one["metadata"].get("annotations", {})}


def caught_up(cluster: Cluster) -> bool:
    """Whether all is ready, and the fleet's own Kustomizations have applied what the repository holds."""
    revision = cluster.flux("gitrepository")["status"].get("artifact", {}).get("revision")
    found = syncs(cluster)
    own = [one["status"] for one in found if one["spec"]["sourceRef"]["name"] == "flux-system" and "status" in one]
    return all(is_ready(one) for one in found) and all(one.get("lastAppliedRevision") == revision for one in own)


def test_a_cluster_that_is_not_ours_is_named(story: Story) -> None:
    code, output = move(story)
    assert code != 0
    assert "bootstrap" in output
    assert kept(story) == set()


def test_the_move_is_shown_and_nothing_written(story: Story) -> None:
    run = story.project.run("--limit", STAGING)
    assert run.code == 0, run.output
    eventually(lambda: caught_up(story.cluster), "the cluster is ours")
    now = uids(story.cluster)
    assert {key: now.get(key) for key in story.uids} == story.uids
    commits = story.project.commits()
    code, output = move(story, "--check", "--diff")
    assert code == 0, output
    for said in ("projects/staging/payments/extra/adopted.yaml", f"{STAGING}: kept", "Namespace payments"):
        assert said in output
    assert story.project.commits() == commits
    assert kept(story) == set()


def test_the_move_goes_on_where_it_ended_after_the_commit(story: Story) -> None:
    code, output = move(story, "--tags", "repository")
    assert code == 0, output
    assert ("Namespace", "", "payments") in kept(story)
    fetch(story.cluster, ("flux-system", "flux-system"))  # the others go as soon as Flux has this one
    eventually(lambda: story.cluster.get("kustomization", "-n", "shop", "shop"), "Flux applies the new files")
    code, output = move(story)
    assert code == 0, output
    assert kept(story) == set()
    files = story.project.tree()
    assert not [path for path in files if path.startswith("projects/base/")]
    assert f"clusters/{STAGING}/all.yaml" not in files
    assert "whole-fleet" in story.project.file(f"clusters/{STAGING}/shop.yaml")


def test_nothing_was_made_anew_by_the_move(story: Story) -> None:
    eventually(lambda: caught_up(story.cluster), "all is ready")
    now = uids(story.cluster)
    assert {key: now.get(key) for key in story.uids if key not in REPLACED} == {
        key: uid for key, uid in story.uids.items() if key not in REPLACED
    }
    assert not REPLACED & now.keys()
    owner = {
        name: story.cluster.get("configmap", "-n", space, name)["metadata"]["labels"]
        for space, name in (("payments", "web"), ("payments", "payments"), ("shop", "till"))
    }
    labels = {name: one["kustomize.toolkit.fluxcd.io/name"] for name, one in owner.items()}
    assert labels == {"web": "payments", "payments": "tenant-payments", "till": "shop"}


def test_second_move_changes_nothing(story: Story) -> None:
    commits = story.project.commits()
    code, output = move(story)
    assert code == 0, output
    assert output.count("changed=0") == 2
    assert story.project.commits() == commits
