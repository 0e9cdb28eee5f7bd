# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The skeleton of a deployment repository: whole where nothing is, and nothing that a team has is ever touched."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import age, documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.skeleton import (
    RECORD,
    SOPS,
    Application,
    SkeletonPlan,
    plan_skeleton,
)
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import ROOT, Files, labels, text

GOLDEN = Path(__file__).parent / "golden" / "deployment-repository.txt"
FOLDER = ROOT / "roles" / "deployment_repository" / "templates"
TEMPLATES = {path.relative_to(FOLDER).as_posix(): path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.j2")}
ENVIRONMENTS = ("production", "staging")
TEAM, SECOND = (age.encode(age.RECIPIENT, bytes([one]) * 32) for one in range(2))
# What Kubernetes keeps for a cluster's administrators: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
CLUSTER_SCOPED = {"Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "PersistentVolume"}


def application(**changes: Any) -> Application:
    """One application, valid unless a change makes it otherwise."""
    values: dict[str, Any] = {
        "name": "payments",
        "namespace": None,
        "source": "deploy",
        "image": "registry.example:5000/payments/api:1.4.2",
        "port": 8080,
        "recipients": [],
        "environments": list(ENVIRONMENTS),
    }
    return Application.from_params({**values, **changes})


def plan(files: dict[str, str] | None = None, **changes: Any) -> SkeletonPlan:
    """What is planned for a repository that holds these files."""
    return plan_skeleton(application(**changes), TEMPLATES, Files(files or {}))


def after(files: dict[str, str], **changes: Any) -> dict[str, str]:
    """The repository with the plan for it carried out."""
    return files | {change.path: change.after or "" for change in plan(files, **changes).plan.changes}


def refusal(files: dict[str, str] | None = None, **changes: Any) -> str:
    """The message with which a plan is refused."""
    with pytest.raises(InvalidInput) as caught:
        plan(files, **changes)
    return str(caught.value)


def tree(files: dict[str, str]) -> dict[str, Any]:
    """The YAML files as they are read, but the chart's templates, which are none yet."""
    paths = [path for path in files if path.endswith(".yaml") and not path.startswith("helm/templates/")]
    return {path: documents.read(files[path], path) for path in paths}


def test_skeleton_as_a_whole() -> None:
    shown = "".join(f"==> {path} <==\n{content}" for path, content in sorted(after({}).items()))
    if os.environ.get("FLEET_WRITE_GOLDEN"):
        GOLDEN.write_text(shown, encoding="utf-8")
    assert shown == GOLDEN.read_text(encoding="utf-8")


def test_message() -> None:
    lines = plan().message.splitlines()
    assert lines[0] == "add the skeleton for payments"
    assert ".: .fleet.yaml, README.md" in lines
    assert "flux/staging: helmrelease.yaml, kustomization.yaml" in lines
    assert lines[-1] == "Fleet-Tenant: payments"


def test_every_part_is_recorded() -> None:
    (record,) = documents.read(after({})[RECORD], RECORD)
    assert record["parts"] == [
        "README.md",
        "flux/production",
        "flux/staging",
        "helm",
        "helm/values-production.yaml",
        "helm/values-staging.yaml",
        "kustomize/base",
        "kustomize/overlays/production",
        "kustomize/overlays/staging",
    ]


def test_second_run_has_nothing_to_do() -> None:
    assert plan(after({})) == SkeletonPlan()


def test_who_reads_what_is_encrypted_in_every_environment() -> None:
    files = after({}, recipients=[TEAM, SECOND, TEAM])
    assert files.keys() - after({}).keys() == {SOPS}
    (rule,) = documents.read(files[SOPS], SOPS)[0]["creation_rules"]
    assert rule["age"] == f"{TEAM},{SECOND}"
    assert rule["encrypted_regex"] == "^(data|stringData)$"
    read = [
        re.search(rule["path_regex"], path) for path in ("flux/qa/a.yaml", "kustomize/base/a.yaml", "src/flux/a.yaml")
    ]
    assert list(map(bool, read)) == [True, True, False]
    assert "sops encrypt --in-place kustomize/overlays/production/door.yaml" in files["README.md"]


def test_keys_that_come_later_are_a_part_of_their_own() -> None:
    before = after({})
    found = plan(before, recipients=[TEAM])
    assert found.plan.paths == [RECORD, SOPS]
    given_once = after(before, recipients=[TEAM])
    assert plan(given_once | {SOPS: "theirs"}, recipients=[SECOND]) == SkeletonPlan()
    assert plan(given_once) == SkeletonPlan()
    assert plan({SOPS: "theirs"}, recipients=[TEAM]).left == {SOPS: "something is there already"}


def test_nothing_is_cluster_scoped_or_in_a_namespace_of_its_own() -> None:
    found = [one for path, all_ in tree(after({})).items() if path != RECORD for one in all_ if "kind" in one]
    assert {one["kind"] for one in found} == {"Deployment", "HelmRelease", "Kustomization", "Service"}
    assert not {one["kind"] for one in found} & CLUSTER_SCOPED
    assert not [one for one in found if "namespace" in one.get("metadata", {})]
    assert {one["namespace"] for one in found if "namespace" in one} == {"payments"}


@pytest.mark.parametrize("folder", ["kustomize/base", "helm/templates"])
def test_pods_are_restricted(folder: str) -> None:
    # What a chart has yet to be given are values, at places of values.
    content = re.sub(r"\{\{.*?\}\}", "x", after({})[f"{folder}/deployment.yaml"])
    (deployment,) = documents.read(content, folder)
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert "resources" in container


def test_further_environment_gets_its_own_parts_alone() -> None:
    before = after({})
    found = plan(before, environments=["staging", "qa"])
    assert found.plan.paths == [
        RECORD,
        "flux/qa/helmrelease.yaml",
        "flux/qa/kustomization.yaml",
        "helm/values-qa.yaml",
        "kustomize/overlays/qa/kustomization.yaml",
    ]
    (record,) = documents.read(after(before, environments=["qa"])[RECORD], RECORD)
    assert {"flux/production", "flux/qa", "flux/staging"} < set(record["parts"])


@pytest.mark.parametrize("path", sorted(after({}).keys() - {RECORD}))
def test_what_was_removed_or_changed_stays_so(path: str) -> None:
    files = after({})
    assert plan(files | {path: "theirs"}) == SkeletonPlan()
    del files[path]
    assert plan(files) == SkeletonPlan()


def test_what_is_there_stays_and_is_said() -> None:
    theirs = {"README.md": "# Payments\n", "helm/README": "our chart\n", "src/main.go": "package main\n"}
    found = plan(theirs)
    why = "something is there already"
    chart = "there is no helm/Chart.yaml"
    assert found.left == {
        "README.md": why,
        "helm": why,
        "helm/values-production.yaml": chart,
        "helm/values-staging.yaml": chart,
    }
    assert not theirs.keys() & set(found.plan.paths)
    assert plan(after(theirs)) == SkeletonPlan()


def test_values_go_with_a_chart_of_the_teams_own() -> None:
    found = plan({"helm/Chart.yaml": "name: theirs\n"})
    assert found.left == {"helm": "something is there already"}
    assert "helm/values-staging.yaml" in found.plan.paths


@pytest.mark.parametrize("base", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
def test_base_of_the_teams_own_is_built_on(base: str) -> None:
    found = plan({f"kustomize/base/{base}": "resources: []\n"})
    assert "kustomize/base" in found.left
    assert "flux/staging/kustomization.yaml" in found.plan.paths


def test_base_that_is_none_is_refused() -> None:
    words = refusal({"kustomize/base/deployment.yaml": ""}, environments=["qa"])
    assert (
        "payments-deploy: kustomize/overlays/qa: it would build on kustomize/base, which has no kustomization" in words
    )
    assert "flux/qa" not in words


def test_overlay_that_is_none_is_refused() -> None:
    words = refusal({"kustomize/overlays/qa/patch.yaml": ""}, environments=["qa"])
    assert "payments-deploy: flux/qa: it would build on kustomize/overlays/qa, which has no kustomization.yaml" in words


def test_flux_folder_of_the_teams_own_needs_no_overlay() -> None:
    theirs = {"flux/qa/app.yaml": "", "kustomize/overlays/qa/x": "", "kustomize/base/x": ""}
    assert plan(theirs, environments=["qa"]).left.keys() == {"flux/qa", "kustomize/base", "kustomize/overlays/qa"}


def test_line_taken_out_of_the_record_is_given_anew() -> None:
    files = {path: content for path, content in after({}).items() if not path.startswith("flux/staging/")}
    files[RECORD] = files[RECORD].replace("- flux/staging\n", "")
    assert plan(files).plan.paths == [RECORD, "flux/staging/helmrelease.yaml", "flux/staging/kustomization.yaml"]


@pytest.mark.parametrize("record", ["parts: helm\n", "parts: [1]\n", "other: []\n", "", "- helm\n", "parts: [\n"])
def test_broken_record_is_refused(record: str) -> None:
    assert RECORD in refusal({RECORD: record})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "empty-deploy: name is 'empty'"),
        ({"name": "Foo_Bar"}, "Foo_Bar-deploy: name is 'Foo_Bar'"),
        ({"name": "../x"}, "../x-deploy: name is '../x'"),
        ({"name": "x" * 64}, "at most 63"),
        ({"name": "p\u0430yments"}, "U+0430"),
        ({"name": "3scale"}, "a letter first"),
        ({"namespace": "a/b"}, "namespace is 'a/b'"),
        ({"source": "a b"}, "source is 'a b'"),
        ({"environments": []}, "environments is 'empty'"),
        ({"environments": ["../prod"]}, "environments is '../prod'"),
        ({"image": ""}, "image is 'empty'"),
        ({"image": "payments"}, "an image and its tag"),
        ({"image": "payments@sha256:" + "0" * 64}, "an image and its tag"),
        ({"image": "registry.example:5000/payments"}, "an image and its tag"),
        ({"image": "payments:1\nx: y"}, "an image and its tag"),
        ({"port": 0}, "port is '0'"),
        ({"port": 65536}, "port is '65536'"),
        ({"recipients": [TEAM, "age1x"]}, "recipients[1]: a public key of age (age1…)"),
        ({"recipients": [age.encode(age.IDENTITY, b"x" * 32)]}, "recipients[0]: this is a private key"),
    ],
)
def test_problems(changes: dict[str, Any], words: str) -> None:
    assert words in "\n".join(map(str, application(**changes).problems()))


@pytest.mark.parametrize("image", ["payments:1", "payments/api:v1.0_x-y", "registry.example:5000/a/b-c/d__e:1.0"])
def test_images(image: str) -> None:
    assert application(image=image).problems() == []


def test_all_problems_at_once() -> None:
    assert len(application(name="A", namespace="B", source="C", image="D", port=-1, environments=["E"]).problems()) == 6


@given(
    labels, labels, labels, st.lists(labels, min_size=1, max_size=3, unique=True), st.sampled_from(["1", "1e3", "on"])
)
def test_what_is_written_parses_to_what_was_asked(
    name: str, namespace: str, source: str, environments: list[str], tag: str
) -> None:
    asked = {"name": name, "namespace": namespace, "source": source, "environments": environments}
    assume(not application(**asked).problems())
    files = after({}, **asked, image=f"r.example/{name}:{tag}")
    found = tree(files)
    (deployment,) = found["kustomize/base/deployment.yaml"]
    assert deployment["metadata"]["name"] == name
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == f"r.example/{name}:{tag}"
    for environment in environments:
        (flux,) = found[f"flux/{environment}/kustomization.yaml"]
        assert flux["namespace"] == namespace
        assert flux["resources"] == [f"../../kustomize/overlays/{environment}"]
        (overlay,) = found[f"kustomize/overlays/{environment}/kustomization.yaml"]
        assert overlay["images"] == [{"name": f"r.example/{name}", "newTag": tag}]
        (release,) = found[f"flux/{environment}/helmrelease.yaml"]
        assert release["spec"]["chart"]["spec"]["sourceRef"] == {"kind": "GitRepository", "name": source}
        assert set(release["spec"]["chart"]["spec"]["valuesFiles"]) <= {f"./{path}" for path in files}


@given(st.sets(st.sampled_from(sorted(after({}))), max_size=6), text)
def test_nothing_that_is_there_is_changed(paths: set[str], content: str) -> None:
    theirs = dict.fromkeys(paths - {RECORD}, content)
    try:
        found = plan(theirs)
    except InvalidInput:
        return
    assert not theirs.keys() & set(found.plan.paths)
    assert all(change.before is None for change in found.plan.changes)
