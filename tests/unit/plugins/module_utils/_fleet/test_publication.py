# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The change of clusters/ that a run makes, from an empty repository to the second run that does nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.manifest import Manifest
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Cluster
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import EDITED, FOREIGN
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.publication import (
    ClustersPlan,
    Wishes,
    plan_clusters,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import (
    COMPONENTS,
    MANIFEST,
    TEMPLATES,
    Files,
    cluster,
    labels,
)

GOLDEN = Path(__file__).parent / "golden"
STAGING = cluster("stg-1", "uid-stg-1", substitutions={"region": "eu-1", "feature": "on"})
PRODUCTION = cluster("prd-1", "uid-prd-1", environment="production", branch="release", lockdown="none")

Repository = dict[str, str]


def plan(
    repository: Mapping[str, str], *clusters: Cluster, hand_edits: str = "hold", allow: Iterable[str] = ()
) -> ClustersPlan:
    """The plan of a run for some clusters against the files of a repository."""
    components = {one.distribution: MANIFEST for one in clusters}
    wishes = Wishes(clusters, components, Renderer(TEMPLATES), hand_edits, list(allow))
    return plan_clusters(wishes, Files(repository))


def after(repository: Mapping[str, str], found: ClustersPlan) -> Repository:
    """The repository with a plan carried out."""
    return {**repository, **{change.path: change.after for change in found.plan.changes}}


def read_tree(text: str) -> Repository:
    """Path → text of all files in the text of a tree; .gitkeep files are empty, and only named."""
    parts = re.split(r"^={5} (.+) ={5}\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def write_tree(repository: Repository) -> str:
    """The text of a tree: what `read_tree` reads."""
    return "".join(f"===== {path} =====\n{text}" for path, text in sorted(repository.items()))


def golden(case: str, state: str) -> Path:
    """The file that holds the tree of a case, before or after the run."""
    return GOLDEN / case / f"{state}.txt"


CASES = {"two-environments": (STAGING, PRODUCTION), "user-patches": (STAGING,)}


@pytest.mark.parametrize("case", CASES)
def test_plan_clusters_golden(case: str) -> None:
    before = read_tree(golden(case, "before").read_text(encoding="utf-8"))
    found = write_tree(after(before, plan(before, *CASES[case])))
    if os.environ.get("FLEET_WRITE_GOLDEN"):
        golden(case, "after").write_text(found, encoding="utf-8")
    assert found == golden(case, "after").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("hand_edits", ["hold", "keep", "overwrite"])
def test_plan_clusters_second_run_does_nothing(case: str, hand_edits: str) -> None:
    repository = read_tree(golden(case, "after").read_text(encoding="utf-8"))
    second = plan(repository, *CASES[case], hand_edits=hand_edits)
    assert (second.plan.changes, second.plan.held) == ((), {})


def test_plan_clusters_message_and_outcome() -> None:
    found = plan({}, STAGING)
    assert found.message.splitlines()[0] == "bootstrap stg-1"
    outcome = found.outcome(STAGING)
    assert outcome["files"] == [path for path in found.plan.paths if path.startswith("clusters/stg-1/")]
    assert len(outcome["files"]) == 5
    assert outcome["held"] == {}
    assert outcome["digest"] == MANIFEST.digest
    assert outcome["kustomization"] == after({}, found)["clusters/stg-1/flux-system/kustomization.yaml"]
    kinds = [one["kind"] for one in documents.read(outcome["pending"], "pending")]
    assert kinds == ["ConfigMap", "ClusterRole", "ClusterRole", *["Kustomization"] * 17], (
        "what Flux applies beside its own objects"
    )
    texts, lists = ("kustomization", "pending", "digest"), ("files", "left", "source_keys", "tenants", "holds")
    nothing = {"held": {}, "beside": {}, **dict.fromkeys(texts, ""), **{name: [] for name in lists}}
    assert found.outcome(cluster("stg-10")) == nothing


def test_plan_clusters_names_the_keys_of_tenants_for_clusters_made_anew_only() -> None:
    source = {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "spec": {"url": "ssh://git@h/a.git"},
    }
    source["metadata"] = {
        "name": "deploy",
        "namespace": "a",
        "annotations": {"fleet.fluxops.io/credential": "generated"},
    }
    repository = {"projects/staging/sync/c/a.yaml": "{}", "projects/staging/a/tenant.yaml": yaml.safe_dump(source)}
    wishes = Wishes([STAGING], {STAGING.distribution: MANIFEST}, Renderer(TEMPLATES))
    assert plan_clusters(wishes, Files(repository)).outcome(STAGING)["source_keys"] == []
    [key] = plan_clusters(replace(wishes, anew=["stg-1"]), Files(repository)).outcome(STAGING)["source_keys"]
    assert (key["tenant"], key["namespace"], key["url"]) == ("a", "a", "ssh://git@h/a.git")


def test_plan_clusters_hands_on_what_the_first_install_is_built_from() -> None:
    folder = "clusters/stg-1/flux-system"
    mine = "resources: [gotk-components.yaml, gotk-sync.yaml]\npatches:\n- path: mine.yaml\n"
    files = {f"{folder}/kustomization.yaml": mine, f"{folder}/mine.yaml": "kind: Mine", f"{folder}/gotk-sync.yaml": ""}
    wishes = Wishes([STAGING], {STAGING.distribution: MANIFEST}, Renderer(TEMPLATES))
    assert plan_clusters(wishes, Files(files)).outcome(STAGING)["beside"] == {}
    found = plan_clusters(replace(wishes, anew=["stg-1"]), Files(files))
    assert found.outcome(STAGING)["beside"] == {"mine.yaml": "kind: Mine"}
    assert (
        found.own["stg-1"]
        .left_to_flux("why")
        .startswith(f"{folder}/kustomization.yaml: your part of it (patches) takes")
    )
    assert plan_clusters(replace(wishes, anew=["stg-1"]), Files({})).own == {}


def test_plan_clusters_names_what_a_moving_cluster_will_find() -> None:
    files = {
        "clusters/stg-1/own.yaml": "kind: Role\nmetadata: {name: a, namespace: b}",
        "clusters/stg-10/x.yaml": "kind: X",
    }
    wishes = Wishes([STAGING], {STAGING.distribution: MANIFEST}, Renderer(TEMPLATES))
    assert plan_clusters(wishes, Files(files)).outcome(STAGING)["holds"] == []
    holds = plan_clusters(replace(wishes, moving=["stg-1"]), Files(files)).outcome(STAGING)["holds"]
    assert {"Role b/a", "Kustomization flux-system/projects-0", "ConfigMap flux-system/fleet-cluster"} <= set(holds)
    assert "X without a name" not in holds


def test_plan_clusters_message_tells_new_from_changed() -> None:
    repository = after({}, plan({}, STAGING))
    changed = cluster("stg-1", "uid-stg-1", branch="other")
    assert plan(repository, changed, PRODUCTION).message.startswith("bootstrap prd-1 and update stg-1\n")


def test_plan_clusters_edit_is_held_and_the_rest_goes_on() -> None:
    path = "clusters/stg-1/cluster.yaml"
    repository = after({}, plan({}, STAGING))
    repository[path] = repository[path].replace("eu-1", "eu-2")
    wanted = cluster("stg-1", "uid-stg-1", branch="other")
    held = plan(repository, wanted, PRODUCTION)
    assert held.plan.held == {path: EDITED}
    assert held.outcome(STAGING)["held"] == {path: EDITED}
    assert held.outcome(PRODUCTION)["held"] == {}
    assert path not in held.plan.paths
    assert "clusters/stg-1/flux-system/gotk-sync.yaml" in held.plan.paths
    assert "clusters/prd-1/cluster.yaml" in held.plan.paths
    kept = plan(repository, wanted, hand_edits="keep")
    assert (kept.plan.held, path in kept.plan.paths) == ({}, False)
    overwritten = plan(repository, wanted, hand_edits="overwrite")
    assert (overwritten.plan.held, path in overwritten.plan.paths) == ({}, True)


@pytest.mark.parametrize("hand_edits", ["hold", "keep", "overwrite"])
def test_plan_clusters_foreign_file_is_never_touched(hand_edits: str) -> None:
    repository = {"clusters/stg-1/projects.yaml": "theirs: true\n", "clusters/stg-1/more.yaml": "a: 1\n", "README": ""}
    found = plan(repository, STAGING, hand_edits=hand_edits)
    assert found.plan.held == {"clusters/stg-1/projects.yaml": FOREIGN}
    assert not set(found.plan.paths) & set(repository)


def test_plan_clusters_update_of_flux_by_its_own_tools_is_no_edit() -> None:
    repository = after({}, plan({}, STAGING))
    path = "clusters/stg-1/flux-system/gotk-components.yaml"
    old = {**repository, path: COMPONENTS.replace("v2.9.4", "v2.8.0")}
    assert plan(old, STAGING).plan.paths == [path]
    reformatted = {**repository, path: "# other header\n---\n" + yaml.safe_dump_all(yaml.safe_load_all(COMPONENTS))}
    assert plan(reformatted, STAGING).plan.paths == []


def test_plan_clusters_wrong_identity_writes_nothing() -> None:
    repository = after({}, plan({}, STAGING, PRODUCTION))
    with pytest.raises(InvalidInput, match="uid-stg-1"):
        plan(repository, cluster("stg-1", "uid-new"), PRODUCTION)
    with pytest.raises(InvalidInput, match="knows as prd-1"):
        plan(repository, cluster("stg-1", "uid-prd-1"), allow=["replace_cluster"])
    replaced = plan(repository, replace(STAGING, uid="uid-new"), allow=["replace_cluster"])
    assert replaced.plan.paths == ["clusters/stg-1/cluster.yaml"]


environments = st.sampled_from(["staging", "production"])
fleets = st.dictionaries(labels, environments, min_size=1, max_size=4)


@settings(max_examples=25)
@given(fleets, st.data())
def test_plan_clusters_touches_nothing_of_others(fleet: dict[str, str], data: st.DataObject) -> None:
    def of(names: Iterable[str], branch: str) -> list[Cluster]:
        return [cluster(name, f"uid-{name}", environment=fleet[name], branch=branch) for name in names]

    repository = after({}, plan({}, *of(fleet, "main")))
    limited = data.draw(st.lists(st.sampled_from(sorted(fleet)), unique=True, min_size=1))
    found = plan(repository, *of(limited, "other"))
    assert {path.split("/")[1] for path in found.plan.paths} == set(limited)
    assert all(path.startswith("clusters/") for path in found.plan.paths)
    assert not plan(after(repository, found), *of(limited, "other")).plan.changes


@settings(max_examples=25)
@given(fleets)
def test_plan_clusters_files_do_not_depend_on_the_rest_of_the_run(fleet: dict[str, str]) -> None:
    clusters = [cluster(name, f"uid-{name}", environment=environment) for name, environment in fleet.items()]
    together = after({}, plan({}, *clusters))
    apart: Repository = {}
    for one in reversed(clusters):
        apart = after(apart, plan(apart, one))
    assert together == apart
    for one in clusters:
        others = ("staging", "production")[one.environment == "staging"]
        assert not [path for path in after({}, plan({}, one)) if others in path.split("/")]


def test_the_first_manifest_of_a_version_is_locked_and_no_other_accepted() -> None:
    one, other = (cluster(name, f"uid-{name}", digest="") for name in ("stg-1", "stg-2"))
    repository = after({}, plan({}, one))
    assert f"flux-digest: sha256:{MANIFEST.digest}" in repository["clusters/stg-1/cluster.yaml"]
    assert plan(repository, one).plan.changes == ()
    changed = Manifest(MANIFEST.text + "# one byte more\n")
    for late in (one, other):
        with pytest.raises(InvalidInput) as caught:
            plan_clusters(Wishes([late], {late.distribution: changed}, Renderer(TEMPLATES)), Files(repository))
        assert f"{late.host}: fleet_flux_manifest" in str(caught.value)
        assert changed.digest in str(caught.value)
        assert MANIFEST.digest in str(caught.value)
    given = cluster("stg-1", "uid-stg-1", digest=changed.digest)
    accepted = plan_clusters(Wishes([given], {given.distribution: changed}, Renderer(TEMPLATES)), Files(repository))
    assert changed.digest in after(repository, accepted)["clusters/stg-1/cluster.yaml"]
    newer = cluster("stg-2", "uid-stg-2", digest="", version="v2.9.5")
    assert plan_clusters(Wishes([newer], {newer.distribution: changed}, Renderer(TEMPLATES)), Files(repository))


def test_an_upgrade_rewrites_what_people_wrote_for_its_clusters() -> None:
    definition = documents.write([
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "helmreleases.helm.toolkit.fluxcd.io"},
            "spec": {
                "group": "helm.toolkit.fluxcd.io",
                "names": {"kind": "HelmRelease"},
                "versions": [{"name": "v2", "served": True, "storage": True}],
            },
        }
    ])  # fmt: skip
    release = Manifest(f"{MANIFEST.text}---\n{definition}")
    old = "# mine\napiVersion: helm.toolkit.fluxcd.io/v2beta2\nkind: HelmRelease\n"
    paths = ["clusters/stg-1/mine.yaml", "infrastructure/base/mine.yaml", "infrastructure/production/mine.yaml"]
    before = after({}, plan({}, STAGING)) | dict.fromkeys(paths, old)
    for upgrade, expected in ((False, []), (True, paths[:2])):
        wishes = Wishes([STAGING], {STAGING.distribution: release}, Renderer(TEMPLATES), upgrade=upgrade)
        found = plan_clusters(wishes, Files(before))
        assert [path for path in found.plan.paths if path.endswith("/mine.yaml")] == expected
        written = after(before, found)
        assert {written[path] for path in expected} <= {old.replace("v2beta2", "v2")}


def test_secrets_in_clear_in_a_clusters_directory_are_refused() -> None:
    generator = "resources: [flux-system]\nsecretGenerator: [{name: door, literals: [key=canary]}]\n"
    repository = {
        "clusters/stg-1/own/door.yaml": "kind: Secret\ndata: {key: Y2FuYXJ5}\n",
        "clusters/stg-1/own/kustomization.yaml": generator,
        "clusters/prd-1/door.yaml": "kind: Secret\ndata: {key: Y2FuYXJ5}\n",
    }
    with pytest.raises(InvalidInput) as caught:
        plan(repository, STAGING)
    assert [(one.where, one.field) for one in caught.value.problems] == [
        ("clusters/stg-1/own/door.yaml:1", "Secret without a name: key"),
        ("clusters/stg-1/own/kustomization.yaml:2", "secretGenerator door: literals"),
    ]
    assert plan(repository, STAGING, allow=["plain_secret"]).plan.changes
