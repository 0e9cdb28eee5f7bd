# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between a cluster and the repository: places of objects, findings, what is behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import (
    difference,
    documents,
    drift,
    drift_report,
    outcome,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_objects import identity
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.expected import Follower, Reader, Tree, is_read
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.health import View
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import COMPONENT_LABEL, Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.recipes import Recipe
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rendered import Built

TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text("ab", max_size=2), TREES, max_size=3)


@given(OBJECTS, OBJECTS)
def test_what_is_held_lacks_nothing(wanted: dict[str, Any], live: dict[str, Any]) -> None:
    assert difference.is_held(wanted, live) == (not list(difference.lacking(wanted, live)))
    assert difference.is_held(wanted, {**live, **wanted})


@given(OBJECTS, OBJECTS)
def test_differences_are_in_both_directions(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = list(difference.differing(before, after))
    assert found == list(difference.differing(after, before))
    assert bool(found) == (_without_null(before) != _without_null(after))


def _without_null(value: Any) -> Any:
    """A field that is null is one that is not there, for Kubernetes; a list may hold anything."""
    if not isinstance(value, dict):
        return value
    return {key: _without_null(item) for key, item in value.items() if item is not None}


def test_what_only_the_server_writes_is_no_difference() -> None:
    before = {"metadata": {"name": "a", "resourceVersion": "1", "managedFields": []}, "status": {"a": 1}}
    after = {"metadata": {"name": "a", "resourceVersion": "2"}, "status": {"a": 2}}
    assert list(difference.differing(before, after)) == []
    assert [difference.said(one) for one in difference.differing(before, {**after, "data": {"a.b": "c"}})] == ["data"]


def test_places_are_said_as_people_write_them() -> None:
    assert difference.said(("metadata", "annotations", "example.com/team")) == "metadata.annotations[example.com/team]"
    assert difference.said(("spec", "replicas")) == "spec.replicas"


@pytest.mark.parametrize(
    ("pointer", "ignored"),
    [("/spec/replicas", True), ("/spec", True), ("", True), ("/spec/replica", False), ("/metadata", False)],
)
def test_pointers(pointer: str, ignored: bool) -> None:
    assert difference.ignored(("spec", "replicas"), [pointer]) is ignored
    assert difference.ignored(("metadata", "annotations", "a/b~c"), ["/metadata/annotations/a~1b~0c"])


def managed(manager: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"manager": manager, "operation": "Update", "fieldsV1": fields}


LIVE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {
        "name": "facts",
        "namespace": "default",
        "managedFields": [
            managed("kubectl-edit", {"f:data": {"f:zone": {}}}),
            managed("kustomize-controller", {"f:data": {".": {}, "f:zone": {}, "f:size": {}}}),
            managed("other", {"f:data": {"f:size": {}}}),
        ],
    },
    "data": {"zone": "b", "size": "1"},
}
WANTED = {**LIVE, "metadata": {"name": "facts", "namespace": "default"}, "data": {"zone": "a", "size": "1"}}
OWNER = drift.Owner("facts", drift.KUSTOMIZE, "infrastructure-facts", [WANTED], frozenset({identity(LIVE)}))


def test_edited_says_where_and_by_whom_and_no_value() -> None:
    paths = list(difference.lacking(WANTED, LIVE))
    (found,) = drift.edited(OWNER, WANTED, LIVE, paths, "")
    assert found.as_dict() == {
        "component": "facts",
        "finding": "edited",
        "object": "ConfigMap default/facts",
        "why": "data.zone, by kubectl-edit",
    }


def test_what_is_not_mentioned_or_may_differ_is_no_edit() -> None:
    assert drift.edited(OWNER, WANTED, LIVE, [("metadata", "labels"), ("data", "more")], "") == []
    rules = [{"paths": ["/data/zone"], "target": {"kind": "ConfigMap"}}, {"paths": [""], "target": {"kind": "Secret"}}]
    owner = drift.Owner("facts", drift.HELM, "facts", [WANTED], None, rules)
    assert drift.edited(owner, WANTED, LIVE, [("data", "zone")], "") == []
    assert drift.edited(owner, WANTED, LIVE, [("data", "size")], "")


@pytest.mark.parametrize(
    ("metadata", "alone"),
    [
        ({"annotations": {"kustomize.toolkit.fluxcd.io/reconcile": "disabled"}}, True),
        ({"labels": {"kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent"}}, True),
        ({"annotations": {"kustomize.toolkit.fluxcd.io/ssa": "Merge"}}, False),
        ({"annotations": {"helm.toolkit.fluxcd.io/driftDetection": "disabled"}}, True),
        ({}, False),
    ],
)
def test_what_flux_leaves_alone(metadata: dict[str, Any], alone: bool) -> None:
    assert drift.is_left_alone({"metadata": metadata}) is alone
    assert drift.is_left_alone({"metadata": metadata, "sops": {}})


def test_extra_bears_the_label_and_was_not_applied() -> None:
    labels = {"kustomize.toolkit.fluxcd.io/name": "infrastructure-facts"}

    def copy(**metadata: Any) -> dict[str, Any]:
        return {**LIVE, "metadata": {"name": "copy", "namespace": "default", "labels": labels, **metadata}}

    assert OWNER.is_extra(copy())
    assert not OWNER.is_extra(copy(name="facts"))
    assert not OWNER.is_extra(copy(labels={}))
    assert not OWNER.is_extra(copy(ownerReferences=[{"kind": "Deployment"}]))


HEAD, OLD = "b" * 40, "a" * 40
OVERLAY = "clusters/stg-1/infrastructure.yaml"
FACTS = "infrastructure/staging/configs/facts/manifests.yaml"


def sync(name: str, path: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {
            "name": f"infrastructure-{name}",
            "namespace": "flux-system",
            "labels": {COMPONENT_LABEL: name},
            "generation": 1,
        },
        "spec": {
            "path": f"./{path}",
            "sourceRef": {"kind": "GitRepository", "name": "flux-system"},
            "commonMetadata": {"labels": {COMPONENT_LABEL: name}},
            **spec,
        },
    }


BOTH = [sync("facts", "infrastructure/staging/configs/facts"), sync("quotas", "infrastructure/base/quotas")]


def tree(syncs: list[dict[str, Any]], zone: str = "a", pods: str = "1") -> Tree:
    files = {
        OVERLAY: documents.write_owned(syncs),
        FACTS: documents.write_owned([{**WANTED, "data": {"zone": zone}}]),
        "infrastructure/base/quotas/quota.yaml": documents.write([{**WANTED, "data": {"pods": pods}}]),
    }
    return Tree(files)


def build(found: Tree, recipe: Recipe) -> Built:
    """All objects of the directory; nothing is known of one that is not there."""
    texts = found.read(found.paths(recipe.directory))
    said = [] if texts else [f"{recipe.directory} is not there"]
    return Built([one for path, text in texts.items() for one in documents.read(text, path)], said=said)


def read(old: Tree, new: Tree, revisions: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    return Reader({OLD: old, HEAD: new}, HEAD, build).components(Follower("stg-1", revisions))


def test_expected_is_what_was_applied_and_whether_it_is_behind() -> None:
    everything = {"": OLD, "facts": OLD, "quotas": OLD}
    same = read(tree(BOTH), tree(BOTH), everything)
    assert {name: one["behind"] for name, one in same.items()} == {"facts": "", "quotas": ""}
    (facts,) = same["facts"]["documents"]
    assert (facts["metadata"]["labels"], facts["data"]) == ({COMPONENT_LABEL: "facts"}, {"zone": "a"})
    changed = read(tree(BOTH), tree(BOTH, pods="2"), everything)
    said = "applied aaaaaaaa, and the branch has changed it since, at bbbbbbbb"
    assert {name: one["behind"] for name, one in changed.items()} == {"facts": "", "quotas": said}
    assert changed["quotas"]["documents"][0]["data"] == {"pods": "1"}
    slower = [sync("facts", "infrastructure/staging/configs/facts", interval="1h"), BOTH[1]]
    assert read(tree(BOTH), tree(slower), everything)["facts"]["behind"] == said
    assert read(tree(BOTH), tree(BOTH), {**everything, "facts": "c" * 40})["facts"]["behind"].startswith("applied cccc")
    elsewhere = [sync("facts", "infrastructure/staging/configs/none")]
    assert read(tree(elsewhere), tree(elsewhere), everything)["facts"]["notes"] == [
        "infrastructure/staging/configs/none is not there"
    ]


def test_expected_of_what_comes_and_goes() -> None:
    assert read(tree(BOTH[:1]), tree(BOTH), {"": OLD, "facts": OLD})["quotas"]["behind"].startswith("the branch has it")
    assert read(tree(BOTH), tree(BOTH), {"": OLD, "facts": OLD})["quotas"]["behind"] == ""
    gone = read(tree(BOTH), tree(BOTH[:1]), {"": OLD, "facts": OLD, "quotas": OLD})
    assert gone["quotas"]["behind"].startswith("the branch has it no more")


def test_files_that_are_read() -> None:
    wanted = {OVERLAY: True, FACTS: True, "infrastructure/base/a/helm.yaml": True, "clusters/a/projects.yaml": False}
    assert {path: is_read(path, Layout()) for path in wanted} == wanted


def kustomization(name: str, ready: str = "True", message: str = "Applied", **spec: Any) -> dict[str, Any]:
    found = sync(name, "x", **spec)
    conditions = [{"type": "Ready", "status": ready, "message": message, "reason": "ReconciliationSucceeded"}]
    status = {"observedGeneration": 1, "conditions": conditions, "lastAppliedRevision": f"main@sha1:{OLD}"}
    return {**found, "status": status}


def of_flux(ones: list[dict[str, Any]], expected: Mapping[str, drift.Expected] | None) -> list[tuple[str, ...]]:
    found = {"Kustomization": ones}
    return [tuple(one.as_dict().values()) for one in drift.of_flux(View(found, {}), found, expected)]


def test_findings_of_flux_itself() -> None:
    ones = [
        kustomization("well"),
        kustomization("held", suspend=True),
        kustomization("broken", "False", "no such path"),
        kustomization("going", "Unknown", "building"),
        kustomization("mine"),
    ]
    names = ["well", "held", "broken", "going", "gone", "late"]
    expected = {name: drift.Expected() for name in names} | {"late": drift.Expected("the branch has it, at bbbbbbbb")}
    where = "Kustomization flux-system/infrastructure-"
    assert of_flux(ones, expected) == [
        ("broken", "failing", f"{where}broken", "no such path"),
        ("going", "not yet applied", f"{where}going", "building"),
        ("gone", "missing", f"{where}gone", "the fleet repository has it"),
        ("held", "suspended", f"{where}held", "by other means"),
        ("late", "not yet applied", f"{where}late", "the branch has it, at bbbbbbbb"),
        ("mine", "extra", f"{where}mine", "the fleet repository has no such component for this cluster"),
    ]
    assert [one[:2] for one in of_flux(ones, None)] == [
        ("broken", "failing"),
        ("going", "not yet applied"),
        ("held", "suspended"),
    ]


def test_revision_that_was_applied() -> None:
    one = kustomization("a")
    one["status"]["lastAttemptedRevision"] = f"main@sha1:{HEAD}"
    assert drift.revisions({"Kustomization": [one]}, ["a", "b"]) == {"a": OLD}
    other, root = kustomization("c", sourceRef={"kind": "OCIRepository", "name": "c"}), kustomization("flux-system")
    root["metadata"]["name"] = "flux-system"
    other["status"]["lastAppliedRevision"] = "latest@sha256:1234"
    assert drift.revisions({"Kustomization": [other, root]}, ["c"]) == {"": OLD, "c": OLD}
    one["status"]["conditions"][0]["reason"] = "HealthCheckFailed"
    assert drift.revision(one) == HEAD


def test_report() -> None:
    finding = drift.Finding("facts", "edited", "ConfigMap default/facts", "data.zone, by kubectl-edit").as_dict()
    common = {"name": "stg-1", "reachable": True, "version": "v2.9.4", "components": ["facts", "quotas"]}
    rows = [
        drift_report.row("stg-1", {"__drift_found": {**common, "findings": [finding]}}),
        drift_report.row(
            "stg-2", {"__drift_found": {**common, "name": "stg-2", "findings": [], "notes": ["by field"]}}
        ),
        drift_report.row("stg-3", {"__drift_found": {"reachable": False, "failure": "stg-3: does not answer"}}),
        drift_report.row("stg-4", {}),
    ]
    assert [(one["ready"], one["failure"]) for one in rows] == [
        (False, "drift in 1 of 2 components"),
        (True, "by field"),
        (False, "does not answer"),
        (False, "not asked"),
    ]
    assert "stg-1    facts      edited   ConfigMap default/facts  data.zone, by kubectl-edit" in outcome.tables(rows)
    assert outcome.as_data(rows)["drift"] == [{"cluster": "stg-1", **finding}]
    assert "drift" not in outcome.as_data(rows)["clusters"][0]
    assert outcome.failed(rows) == ["stg-1", "stg-3", "stg-4"]
