# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From one Flux to the next, over two waves: the plan comes true file by file and object by object."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from tests.integration.clusters import Cluster, Object
from tests.integration.conftest import Grounds
from tests.integration.project import CLUSTERS, PRODUCTION, STAGING, Outcome, Project
from tests.integration.test_bootstrap import key_of
from tests.integration.test_waves import touched

OLD, NEW = "v2.8.9", "v2.9.4"
PROVIDERS = "providers.notification.toolkit.fluxcd.io"
WAVES: dict[str, Any] = {"fleet_waves": [["staging"], ["100%"]], "fleet_gate": {"hold": 5}}


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
    """A fleet of two clusters at the old version, whose manifest was locked when it was used first."""
    made = grounds.clean()
    made.variables |= version(manifests, OLD) | WAVES
    outcome = made.run()
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


def visible(found: Object) -> Object:
    """What an object says, without what Kubernetes keeps at it, and without the time at which it was asked to go on."""
    kept = {key: value for key, value in found.items() if key != "status"}
    metadata = {key: value for key, value in found["metadata"].items() if key not in KEPT_BY_KUBERNETES}
    annotations = metadata.pop("annotations", {})
    own = {key: value for key, value in annotations.items() if key not in CHANGED_BY_CONTROLLERS}
    return {**kept, "metadata": metadata | ({"annotations": own} if own else {})}


KEPT_BY_KUBERNETES = {"creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"}
CHANGED_BY_CONTROLLERS = {"deployment.kubernetes.io/revision", "reconcile.fluxcd.io/requestedAt"}


def patched(text: str, diff: str) -> str:
    """The text after a unified diff (https://www.gnu.org/software/diffutils/manual/html_node/Detailed-Unified.html)."""
    before, after, done = text.splitlines(), [], 0
    lines = iter(diff.splitlines())
    for line in lines:
        numbers = re.match(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@", line)
        if not numbers:
            continue
        start, old, new = int(numbers[1]), int(numbers[2] or 1), int(numbers[3] or 1)
        after += before[done : start - 1 if old else start]
        done = start - 1 if old else start
        while old or new:
            kind, content = (one := next(lines))[:1], one[1:]
            if kind in "- " and one:
                assert before[done] == content, (before[done], content)
                done, old = done + 1, old - 1
            if kind in "+ " and one:
                after.append(content)
                new -= 1
    return "\n".join([*after, *before[done:], ""])


def shown(outcome: Outcome, header: str) -> str:
    """The diff of one header."""
    return outcome.output.partition(f"+++ after: {header}\n")[2].partition("--- before: ")[0]


class Upgrade:
    """The plan of an upgrade over two waves, and the run of it, with what there was before and after."""

    def __init__(self, project: Project, clusters: dict[str, Cluster], wanted: dict[str, Any]) -> None:
        self.project, self.clusters, self.wanted = project, clusters, wanted
        self.commits, self.files = project.commits(), self._texts()
        self.objects = {name: one.objects() for name, one in clusters.items()}
        self.plan = project.run("--check", "--diff", playbook="upgrade", **wanted)
        assert self.plan.code == 0, self.plan.output
        assert project.commits() == self.commits
        self.between = {name: one.objects() for name, one in clusters.items()}
        self.run = project.run("--diff", playbook="upgrade", **wanted)
        assert self.run.code == 0, self.run.output
        project.settle(*clusters.values())
        self.files_after = self._texts()
        self.objects_after = {name: one.objects() for name, one in clusters.items()}

    def _texts(self) -> dict[str, str]:
        return {path: self.project.file(path) for path in self.project.tree()}


@pytest.fixture(scope="module")
def upgrade(project: Project, grounds: Grounds, manifests: dict[str, Path]) -> Upgrade:
    wanted = version(manifests, NEW)
    for one in grounds.clusters.values():
        store_in_an_old_version(one)
    refused = project.run(**wanted)
    assert refused.code != 0
    assert "status.storedVersions is 'v1beta2'" in refused.words
    assert "run the playbook upgrade" in refused.words
    return Upgrade(project, grounds.clusters, wanted)


def manifest_as_shown(text: str) -> str:
    """Flux's manifest as plans show it: its version, and each object by the begin of its digest."""
    found = [next(line for line in text.splitlines() if line.startswith("# Flux Version: "))]
    for one in yaml.safe_load_all(text):
        name = "/".join(filter(None, (one["metadata"].get("namespace"), one["metadata"]["name"])))
        digest = hashlib.sha256(json.dumps([one], sort_keys=True, separators=(",", ":")).encode()).hexdigest()
        found.append(f"{one['kind']} {name}  sha256:{digest[:12]}")
    return "\n".join([*found, ""])


def text_lines(found: Object) -> Counter[str]:
    """The lines of an object's YAML, wherever they stand: the API server's order of fields is its own."""
    return Counter(line.lstrip(" -") for line in documents.write([visible(found)]).splitlines())


def difference(diff: str) -> Counter[str]:
    """Line → how often a diff adds it (removed ones are negative), those left out that cancel each other."""
    found: Counter[str] = Counter()
    for line in diff.splitlines():
        if line[:1] in ("+", "-"):
            found[line[1:].lstrip(" -")] += 1 if line[0] == "+" else -1
    return Counter({line: count for line, count in found.items() if count})


def test_the_plan_of_an_upgrade_shows_each_file_as_it_will_be(upgrade: Upgrade) -> None:
    headers = [header for header in upgrade.plan.headers if "/" in header and " " not in header]
    changed = {path for path, text in upgrade.files_after.items() if upgrade.files.get(path) != text}
    assert upgrade.files.keys() == upgrade.files_after.keys()
    assert sorted(headers) == sorted(changed)
    assert {f"clusters/{name}/flux-system/gotk-components.yaml" for name in CLUSTERS} < changed
    for path in changed:
        shows = manifest_as_shown if path.endswith("gotk-components.yaml") else str
        before, after = shows(upgrade.files[path]), shows(upgrade.files_after[path])
        assert patched(before, shown(upgrade.plan, path)) == after, path


@pytest.mark.parametrize("name", CLUSTERS)
def test_the_plan_of_an_upgrade_shows_each_object_as_it_will_be(upgrade: Upgrade, name: str) -> None:
    before, after = upgrade.objects[name], upgrade.objects_after[name]
    assert before.keys() == after.keys()
    assert {key: visible(one) for key, one in before.items()} == {
        key: visible(one) for key, one in upgrade.between[name].items()
    }
    changed = {key for key, one in after.items() if visible(one) != visible(before[key])}
    title = f"Flux will apply in {name}: "
    headers = {key_of(header.removeprefix(title)): header for header in upgrade.plan.headers if title in header}
    assert headers.keys() == changed
    for key, header in headers.items():
        wanted = text_lines(after[key])
        wanted.subtract(text_lines(before[key]))
        assert difference(shown(upgrade.plan, header)) == Counter({line: n for line, n in wanted.items() if n}), header


def stored(name: str) -> str:
    """How a diff names what is stored anew in a cluster."""
    return f"stored versions in {name}: {PROVIDERS}, 1 object(s)"


def test_each_wave_is_migrated_before_its_commit_and_after_the_gate_of_the_one_before(upgrade: Upgrade) -> None:
    second, first, *rest = upgrade.project.commits()
    assert rest == upgrade.commits
    assert touched(upgrade.project, first) == {f"clusters/{STAGING}"}
    assert touched(upgrade.project, second) == {f"clusters/{PRODUCTION}"}
    expected = [
        f"+++ after: {stored(STAGING)}",
        f"commit {first[:8]}",
        "all is ready, and is watched",
        f"+++ after: {stored(PRODUCTION)}",
        f"commit {second[:8]}",
    ]
    assert sorted(expected, key=upgrade.run.output.index) == expected
    assert {name: row["flux"] for name, row in upgrade.run.rows.items()} == dict.fromkeys(CLUSTERS, NEW)


@pytest.mark.parametrize("name", CLUSTERS)
def test_what_is_stored_is_migrated_by_the_run_alone(upgrade: Upgrade, name: str) -> None:
    assert stored(name) in upgrade.plan.headers
    definition = ("CustomResourceDefinition", "", PROVIDERS)
    assert "v1beta2" in upgrade.between[name][definition]["status"]["storedVersions"]
    found = upgrade.objects_after[name]
    (current,) = {one["name"] for one in found[definition]["spec"]["versions"]}
    assert found[definition]["status"]["storedVersions"] == [current]
    provider = found["Provider", "default", "mine"]
    assert provider["spec"]["address"] == "https://slack.example/hook"
    assert {one["apiVersion"] for one in provider["metadata"]["managedFields"]} == {
        f"notification.toolkit.fluxcd.io/{current}"
    }


def test_upgraded_clusters_need_nothing_and_do_not_go_back(upgrade: Upgrade) -> None:
    again = upgrade.project.run(playbook="upgrade", **upgrade.wanted)
    assert (again.code, again.changed) == (0, dict.fromkeys(CLUSTERS, 0)), again.output
    back = upgrade.project.run()
    assert back.code != 0
    assert "fleet_allow: [downgrade_flux]" in back.words
