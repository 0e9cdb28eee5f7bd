# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Components of all kinds: what is rendered for them, held against Flux's own definitions, and what is refused."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import (
    component_actions,
    component_checks,
    component_helm,
    component_sync,
    components,
    documents,
    recipes,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import Declared
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Flag, Shape, Whole, Word
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.structures import Items, Record, Table
from ansible_collections.fluxops.fleet.tests.unit.plugins.flux_schemas import schemas
from ansible_collections.fluxops.fleet.tests.unit.plugins.infrastructure_samples import (
    LAYERS,
    Repository,
    after,
    bootstrapped,
    member,
    overlay,
    plan,
    published,
    refused,
)
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import Files

GOLDEN = Path(__file__).parent / "golden" / "component-sources.txt"
DIGEST = "sha256:" + "0" * 64
GIT = "https://git.example/platform/addons.git"
CERTIFICATE = {"apiVersion": "cert-manager.io/v1", "kind": "Certificate"}
READY = {**CERTIFICATE, "current": "status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')"}
OPERATIONS = "- {op: replace, path: /spec/replicas, value: 3}\n"
ALL: dict[str, Any] = {
    "http": {
        "layer": "controllers",
        "helm": {
            "repository": "https://charts.example",
            "version": ">=1.18.0 <2.0.0",
            "crds": "Create",
            "install": {"timeout": "10m", "remediation": {"retries": 3, "remediateLastFailure": True}},
            "upgrade": {"strategy": {"name": "RetryOnFailure", "retryInterval": "30s"}, "cleanupOnFail": True},
            "rollback": {"cleanupOnFail": True, "timeout": "2m"},
            "uninstall": {"deletionPropagation": "foreground", "keepHistory": False},
            "test": {"enable": True, "filters": [{"name": "smoke", "exclude": True}]},
            "drift_detection": {
                "mode": "enabled",
                "ignore": [{"paths": ["/spec/replicas"], "target": {"kind": "Deployment"}}],
            },
        },
        "values_from": [
            {"kind": "ConfigMap", "name": "defaults"},
            {"kind": "Secret", "name": "login", "valuesKey": "token", "targetPath": "auth.tokens[0]", "optional": True},
        ],
        "values": {"zone": "${zone}"},
        "substitute": {"zone": "a"},
        "service_account": "installer",
        "health_checks": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "http", "namespace": "http"}],
        "health_check_exprs": [READY],
        "retry_interval": "2m",
    },
    "git-chart": {
        "layer": "controllers",
        "namespace": "addons",
        "helm": {
            "git": "ssh://git@git.example/platform/charts.git",
            "ref": {"semver": "1.x"},
            "path": "./charts/addons/",
            "secret": "charts-key",
            "verify": {"mode": "Tag", "secret": "signers"},
        },
    },
    "pinned": {
        "layer": "controllers",
        "helm": {
            "repository": "oci://registry.example/charts/",
            "chart": "podinfo",
            "digest": DIGEST,
            "secret": "robot",
            "ca_secret": "corp-ca",
            "verify": {"matchOIDCIdentity": [{"issuer": "^https://issuer$", "subject": "^us$"}]},
        },
    },
    "ranged": {
        "layer": "controllers",
        "helm": {"repository": "oci://registry.example/charts", "version": "1.x", "verify": {"secret": "signers"}},
    },
    "mine": {
        "layer": "configs",
        "kustomize": {"path": "infrastructure/base/policies"},
        "decryption": {"secret": "platform-age"},
        "target_namespace": "policies",
        "patches": [
            {"target": {"kind": "Deployment", "labelSelector": "app=x"}, "patch": OPERATIONS},
            {"patch": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {cluster: '${cluster_name}'}\n"},
        ],
    },
    "theirs": {
        "layer": "configs",
        "kustomize": {"git": GIT, "ref": {"commit": "0" * 40}, "path": "deploy/overlays/eu"},
        "wait": False,
        "service_account": "restricted",
    },
    "artifact": {
        "layer": "configs",
        "kustomize": {"oci": "oci://registry.example/manifests/app", "digest": DIGEST, "secret": "robot"},
        "health_check_exprs": [READY],
    },
    "plain": {
        "layer": "configs",
        "manifests": [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "plain"}}],
        "substitute": {"replicas": 3, "debug": True},
    },
}
FLEET = {"stg-1": (ALL,)}


def rendered(repository: Repository) -> Iterator[documents.Document]:
    """All of Flux's objects that were written for components."""
    for path, text in repository.items():
        if path not in bootstrapped() and path.endswith(".yaml"):
            yield from (one for one in documents.read(text, path) if ".fluxcd.io/" in one["apiVersion"])


def one(name: str, layers: Mapping[str, Any] | None = None) -> dict[str, documents.Document]:
    """A Helm component's objects by kind, as staging has them."""
    repository = published({"stg-1": (layers or ALL,)})
    found = documents.read(repository[f"infrastructure/staging/controllers/{name}/helm.yaml"], "x")
    return {each["kind"]: each for each in found}


def problems(fields: Mapping[str, Any], *later: Mapping[str, Any]) -> list[str]:
    """What is wrong with one component."""
    declared = Declared.from_layers([{"x": fields}, *({"x": each} for each in later)])
    found = component_checks.problems({"stg-1": declared}, {"stg-1": "staging"}, LAYERS)
    return [str(problem).removeprefix("stg-1: fleet_components.x") for problem in found]


def test_golden() -> None:
    found = plan(bootstrapped(), FLEET)
    changed = [change for change in found.plan.changes if not change.path.endswith("/projects.yaml")]
    text = "".join(f"===== {change.path} =====\n{change.after}" for change in changed)
    if os.environ.get("FLEET_WRITE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
    assert plan(published(FLEET), FLEET).plan.changes == ()


def test_what_is_rendered_is_what_flux_defines() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    known, seen = schemas(), set()
    for each in rendered(published(FLEET)):
        seen.add(each["kind"])
        faults = list(jsonschema.Draft202012Validator(known[each["kind"]]).iter_errors(each["spec"]))
        assert [(each["metadata"]["name"], fault.json_path, fault.message) for fault in faults] == []
    assert seen == set(known)


def agreeing(shape: Shape, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    """Where a form and Flux's definition differ: names, types, words, and what is required."""
    if isinstance(shape, Record):
        for name, field in shape.fields.items():
            if name not in schema.get("properties", {}):
                yield f"{path}.{name} is none of Flux's"
            else:
                yield from agreeing(field, schema["properties"][name], f"{path}.{name}")
        if not set(schema.get("required", ())) <= {*shape.required, *shape.always}:
            yield f"{path} lacks what is required"
    elif isinstance(shape, Items):
        yield from (agreeing(shape.item, schema.get("items", {"type": "no list"}), f"{path}[]"))
    else:
        types = {Flag: "boolean", Whole: "integer", Table: "object"}
        if schema["type"] != types.get(type(shape), "string"):
            yield f"{path} is {schema['type']}"
        if isinstance(shape, Word) and set(shape.choices) != set(schema.get("enum", ())):
            yield f"{path}: {schema.get('enum')}"


def test_fields_with_flux_names_are_flux_own() -> None:
    known = schemas()
    release, sync = known["HelmRelease"]["properties"], known["Kustomization"]["properties"]
    actions = {name: shape for name, shape in component_actions.FIELDS.items() if name != "crds"}
    names = {"drift_detection": "driftDetection"}
    pairs = [
        (component_helm.VALUES_FROM, release["valuesFrom"]),
        (component_sync.FIELDS["health_checks"], sync["healthChecks"]),
        (component_sync.FIELDS["health_check_exprs"], sync["healthCheckExprs"]),
        (component_sync.FIELDS["patches"], sync["patches"]),
        (component_actions.FIELDS["crds"], release["install"]["properties"]["crds"]),
        *((shape, release[names.get(name, name)]) for name, shape in actions.items()),
    ]
    assert [fault for shape, schema in pairs for fault in agreeing(shape, schema, "")] == []


def test_chart_of_git_follows_each_commit() -> None:
    found = one("git-chart")
    assert found["GitRepository"]["spec"] == {
        "interval": "10m", "url": "ssh://git@git.example/platform/charts.git", "ref": {"semver": "1.x"},
        "secretRef": {"name": "charts-key"}, "verify": {"mode": "Tag", "secretRef": {"name": "signers"}},
    }  # fmt: skip
    assert found["HelmRelease"]["spec"]["chart"]["spec"] == {
        "chart": "charts/addons",
        "reconcileStrategy": "Revision",
        "sourceRef": {"kind": "GitRepository", "name": "git-chart"},
    }


def test_pinned_chart_is_an_artifact() -> None:
    found = one("pinned")
    source = found["OCIRepository"]["spec"]
    assert (source["url"], source["ref"]) == ("oci://registry.example/charts/podinfo", {"digest": DIGEST})
    assert found["HelmRelease"]["spec"]["chartRef"] == {"kind": "OCIRepository", "name": "pinned"}
    assert "chart" not in found["HelmRelease"]["spec"]


def test_actions_of_the_user_stand_over_ours() -> None:
    spec = one("http")["HelmRelease"]["spec"]
    assert spec["install"] == {
        "createNamespace": True, "crds": "Create", "timeout": "10m",
        "remediation": {"retries": 3, "remediateLastFailure": True},
    }  # fmt: skip
    assert spec["upgrade"] == {
        "crds": "Create", "strategy": {"name": "RetryOnFailure", "retryInterval": "30s"}, "cleanupOnFail": True,
    }  # fmt: skip
    assert one("ranged")["HelmRelease"]["spec"]["upgrade"] == {
        "crds": "CreateReplace", "strategy": {"name": "RetryOnFailure", "retryInterval": "1m"},
    }  # fmt: skip


def test_who_waits_for_what() -> None:
    found = overlay(published(FLEET), "stg-1")
    waits = {name: each["spec"]["wait"] for name, each in found.items() if each["kind"] == "Kustomization"}
    assert {name for name, wait in waits.items() if not wait} == {"infrastructure-http", "infrastructure-theirs"}
    release, deployment = found["infrastructure-http"]["spec"]["healthChecks"]
    assert (release["kind"], release["name"], release["namespace"]) == ("HelmRelease", "http", "flux-system")
    assert deployment == ALL["http"]["health_checks"][0]
    accounts = {name: each["spec"].get("serviceAccountName") for name, each in found.items()}
    assert accounts["infrastructure-http"] == accounts["infrastructure-mine"] == "kustomize-controller"
    assert accounts["infrastructure-theirs"] == "restricted"
    assert one("http")["HelmRelease"]["spec"]["serviceAccountName"] == "installer"


def test_tenants_and_layers_see_no_sources() -> None:
    found = documents.read(published(FLEET)["clusters/stg-1/projects.yaml"], "x")
    waits = {each["name"] for one in found if "spec" in one for each in one["spec"].get("dependsOn", [])}
    assert waits == {f"infrastructure-{name}" for name in ("mine", "theirs", "artifact", "plain")}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("http", {"helm": {"version": "1.19.0", "crds": "Skip", "install": {"timeout": "1m"}}}),
        ("http", {"values_from": [{"kind": "Secret", "name": "other"}]}),
        ("git-chart", {"helm": {"ref": {"tag": "v1.2.3"}}}),
        ("pinned", {"helm": {"digest": "sha256:" + "1" * 64}}),
    ],
)
def test_one_cluster_differs_by_a_patch(name: str, change: Mapping[str, Any]) -> None:
    repository = published({"stg-1": (ALL,), "stg-2": (ALL, {}, {name: change})})
    spec = overlay(repository, "stg-2")[f"infrastructure-{name}"]["spec"]
    assert spec["path"] == f"./infrastructure/staging/controllers/{name}"
    (patch,) = spec["patches"]
    changed = documents.read(patch["patch"], "x")[0]["spec"]
    assert len(str(changed)) < 300
    assert plan(repository, {"stg-1": (ALL,), "stg-2": (ALL, {}, {name: change})}).plan.changes == ()


def test_one_cluster_takes_a_chart_from_elsewhere() -> None:
    change = {"http": {"helm": {"git": GIT, "ref": {"branch": "try"}, "path": "charts/http"}}}
    repository = published({"stg-1": (ALL,), "stg-2": (ALL, {}, change)})
    assert overlay(repository, "stg-2")["infrastructure-http"]["spec"]["path"] == (
        "./infrastructure/staging/clusters/stg-2/http"
    )


def test_one_cluster_follows_another_directory() -> None:
    change = {"theirs": {"kustomize": {"ref": {"branch": "next"}}, "substitute": {"zone": "b"}}}
    repository = published({"stg-1": (ALL,), "stg-2": (ALL, {}, change)})
    text = repository["clusters/stg-2/infrastructure.yaml"]
    sources = {each["kind"]: each["spec"] for each in documents.read(text, "x") if each["kind"] != "Kustomization"}
    assert sources["GitRepository"]["ref"] == {"branch": "next"}
    assert overlay(repository, "stg-2")["infrastructure-theirs"]["spec"]["postBuild"]["substitute"] == {"zone": "b"}


@pytest.mark.parametrize(
    ("name", "change", "lost"),
    [
        ("http", {"helm": {"git": GIT, "ref": {"branch": "x"}, "path": "charts/http"}}, ""),
        (
            "http",
            {"helm": {"git": GIT, "ref": {"branch": "x"}, "path": "other"}},
            "release http/http of chart http",
        ),
        ("pinned", {"helm": {"version": "1.0.0", "verify": {"secret": "signers"}}}, ""),
        ("pinned", {"helm": {"chart": "other"}}, "release pinned/pinned of chart podinfo"),
        ("git-chart", {"helm": {"path": "old/addons"}}, ""),
        ("git-chart", {"helm": {"release": "other"}}, "release addons/git-chart of chart addons"),
        ("mine", {"target_namespace": "elsewhere"}, "what it has in namespace policies"),
        ("theirs", {"kustomize": {"ref": {"branch": "x"}}}, ""),
        ("artifact", {"state": "absent"}, "all of it"),
    ],
)
def test_what_a_change_takes_away(name: str, change: Mapping[str, Any], lost: str) -> None:
    repository, layers = published(FLEET), {"stg-1": (components.merged([ALL]), {name: change})}
    if lost:
        assert f"fleet_components.{name}: takes {lost} away from stg-1" in refused(repository, layers)
    assert plan(repository, layers, allow=["remove_component"] if lost else []).plan.changes


def test_plan_of_objects_knows_what_comes_from_elsewhere() -> None:
    found = plan(bootstrapped(), FLEET)
    touched = recipes.touched([member("stg-1")], Files(bootstrapped()), found.plan, Layout())
    sources = {change.component: change.after.source for change in touched.components if change.after}
    elsewhere = {"theirs": "GitRepository theirs", "artifact": "OCIRepository artifact"}
    assert sources == {**dict.fromkeys(ALL, ""), **elsewhere}


def test_foreign_directory_is_no_directory_of_ours() -> None:
    """Where another repository has files of the names that ours would have, these are nothing to us."""
    file = "infrastructure/staging/controllers/http/helm.yaml"
    foreign = {"git": GIT, "ref": {"branch": "x"}, "path": Path(file).parent.as_posix()}
    away = {
        **ALL,
        "theirs": {
            "layer": "configs",
            "kustomize": foreign,
        },
    }
    repository = published({"stg-1": (away,)})
    gone = {**away, "http": {**ALL["http"], "state": "absent"}}
    found = plan(repository, {"stg-1": (gone,)}, allow=["remove_component"])
    assert file not in after(repository, found)


HELM = {"layer": "controllers", "helm": {"repository": "https://charts.example", "version": "1.x"}}
CHART = {"layer": "controllers", "helm": {"git": GIT, "ref": {"branch": "main"}, "path": "charts/x"}}
OWN = {"layer": "configs", "kustomize": {"path": "infrastructure/base/x"}}
FOREIGN = {"layer": "configs", "kustomize": {"git": GIT, "ref": {"branch": "main"}}}
ARTIFACT = {"layer": "configs", "kustomize": {"oci": "oci://registry.example/app", "digest": DIGEST}}
PIN = {"repository": "oci://registry.example/charts", "digest": DIGEST}
WRONG: list[tuple[Mapping[str, Any], Mapping[str, Any], str]] = [
    (CHART, {"helm": {"git": "oci://registry.example/x"}}, ".helm.git is 'oci://registry.example/x': ssh://git@host"),
    (CHART, {"helm": {"git": "https://robot:hunter2@git.example/x"}}, "credentials stand in the URL"),
    (CHART, {"helm": {"ref": {"digest": DIGEST}}}, "one of branch, tag, semver, commit"),
    (CHART, {"helm": {"ref": {"branch": "a", "tag": "b"}}}, ".helm.ref: exactly one of branch, tag, semver"),
    (CHART, {"helm": {"ref": {"semver": "newest"}}}, ".helm.ref.semver is 'newest': a range of versions"),
    (CHART, {"helm": {"ref": {"commit": "abc"}}}, ".helm.ref.commit is 'abc': the full id of a commit"),
    (CHART, {"helm": {"path": "../x"}}, ".helm.path is '../x': a directory within the repository"),
    (CHART, {"helm": {"version": "1.0.0"}}, ".helm.version: does not go with a Git repository: take it out"),
    (CHART, {"helm": {"ca_secret": "x"}}, ".helm.ca_secret is 'x': is for a chart repository or a registry"),
    (CHART, {"helm": {"git": "ssh://git@git.example/x.git"}}, ".helm.secret: is missing: Flux reads ssh:// by a key"),
    (CHART, {"helm": {"verify": {"mode": "Tag", "secret": "x"}}}, "has its tags verified: follow tag or semver"),
    (HELM, {"helm": {"path": "charts/x"}}, ".helm.path: does not go with a chart repository: take it out"),
    (HELM, {"helm": {"verify": {"secret": "x"}}}, ".helm.verify: is for Git and oci:// alone"),
    (HELM, {"helm": {"digest": DIGEST}}, "is for oci:// alone: a Git repository has ref.commit"),
    (HELM, {"helm": {"digest": "sha256:abc"}}, ".helm.digest is 'sha256:abc': sha256: and 64 hex digits"),
    (HELM, {"helm": {"crds": "Replace"}}, ".helm.crds is 'Replace': one of CreateReplace, Create, Skip"),
    (HELM, {"helm": {"install": {"retries": 3}}}, ".helm.install.retries: there is no such field (known: timeout"),
    (HELM, {"helm": {"instal": {}}}, ".helm.instal: there is no such field, did you mean install?"),
    (HELM, {"helm": {"upgrade": {"remediation": {"retries": "3"}}}}, "remediation.retries is '3': a whole number"),
    (HELM, {"helm": {"upgrade": {"force": True}}}, ".helm.upgrade.force: there is no such field"),
    (
        HELM,
        {"helm": {"upgrade": {"strategy": {"name": "RetryOnFailure"}, "remediation": {"retries": 3}}}},
        ".helm.upgrade.remediation: RetryOnFailure takes nothing back",
    ),
    (
        HELM,
        {"helm": {"install": {"strategy": {"name": "RemediateOnFailure", "retryInterval": "1m"}}}},
        ".helm.install.strategy.retryInterval is '1m': goes with RetryOnFailure alone",
    ),
    (
        HELM,
        {"helm": {"drift_detection": {"mode": "on"}}},
        "drift_detection.mode is 'on': one of enabled, warn",
    ),
    (
        HELM,
        {"values_from": [{"kind": "X", "name": "x"}]},
        ".values_from[0].kind is 'X': one of ConfigMap",
    ),
    (HELM, {"values_from": [{"kind": "Secret"}]}, ".values_from[0].name: is missing"),
    (HELM, {"values_from": [{"kind": "Secret", "name": "x", "key": "y"}]}, "[0].key: there is no such field"),
    (HELM, {"wait": "yes"}, ".wait is 'yes': true or false"),
    (
        HELM,
        {"wait": True, "health_checks": ALL["http"]["health_checks"]},
        ".health_checks: with wait Flux looks",
    ),
    (HELM, {"wait": False, "health_check_exprs": [READY]}, ".health_check_exprs: nothing is waited for"),
    (HELM, {"health_checks": [{"kind": "Deployment", "name": "x"}]}, ".health_checks[0].apiVersion: is missing"),
    (HELM, {"health_check_exprs": [CERTIFICATE]}, ".health_check_exprs[0].current: is missing"),
    (HELM, {"substitute": {"a-b": "c"}}, ".substitute.a-b: this name is wrong"),
    (HELM, {"substitute": {"a": ["c"]}}, ".substitute.a"),
    (HELM, {"decryption": {"secrets": "x"}}, ".decryption.secrets: there is no such field, did you mean secret?"),
    (HELM, {"retry_interval": 60}, ".retry_interval is '60': a duration above zero"),
    (HELM, {"patches": [{"patch": "a: b", "target": {"kind": "x"}}]}, ".patches: is for kustomize, and this component"),
    (HELM, {"target_namespace": "x"}, ".target_namespace: is for kustomize"),
    (OWN, {"values_from": [{"kind": "Secret", "name": "x"}]}, ".values_from: is for helm, and this component is of"),
    (
        OWN,
        {"kustomize": {"ref": {"branch": "x"}}},
        ".kustomize.ref: does not go with the fleet repository",
    ),
    (OWN, {"kustomize": {"digest": DIGEST}}, ".kustomize.digest: does not go with the fleet repository"),
    (OWN, {"patches": [{"patch": "a: [b"}]}, ".patches[0].patch: while parsing"),
    (OWN, {"patches": [{"patch": "text"}]}, ".patches[0].patch: an object with what changes in it, or a list of"),
    (OWN, {"patches": [{"patch": OPERATIONS}]}, ".patches[0].target: is missing: which objects this is for"),
    (FOREIGN, {"kustomize": {"path": "/etc"}}, ".kustomize.path is '/etc': a directory within the repository"),
    (ARTIFACT, {"kustomize": {"oci": "oci://Registry.example/APP"}}, ".kustomize.oci is 'oci://Registry.example/APP'"),
    (ARTIFACT, {"kustomize": {"verify": {"mode": "HEAD"}}}, ".kustomize.verify.mode: is for Git alone"),
]


@pytest.mark.parametrize(("good", "change", "words"), WRONG, ids=[words[:40] for *_rest, words in WRONG])
def test_wrong(good: Mapping[str, Any], change: Mapping[str, Any], words: str) -> None:
    assert problems(good) == []
    found = problems(good, change)
    assert any(words in text for text in found), found
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"helm": {"git": GIT, "ref": {"tag": "v1"}}}, ".helm.path: is missing: the directory"),
        ({"helm": {"git": GIT, "path": "x"}}, ".helm.ref: is missing: what is followed of the Git repository"),
        ({"helm": {"version": "1.x"}}, ".helm.repository: is missing: where the chart is; or git"),
        ({"kustomize": {"git": GIT}}, ".kustomize.ref: is missing"),
        ({"kustomize": {"oci": "oci://registry.example/app"}}, ".kustomize.digest: is missing: the artifact is pinned"),
        ({"kustomize": {}}, ".kustomize.path: is missing: the directory"),
    ],
)
def test_lacking(fields: Mapping[str, Any], words: str) -> None:
    (found,) = problems({"layer": "configs", **fields})
    assert words in found


@pytest.mark.parametrize(
    ("before", "later", "kind", "expected"),
    [
        (PIN, {"version": "1.x"}, "helm", {"repository": PIN["repository"], "version": "1.x"}),
        ({**HELM["helm"], "repository": PIN["repository"]}, {"digest": DIGEST}, "helm", PIN),
        (HELM["helm"], CHART["helm"], "helm", CHART["helm"]),
        (CHART["helm"], HELM["helm"], "helm", HELM["helm"]),
        (CHART["helm"], {"ref": {"tag": "v1"}}, "helm", {**CHART["helm"], "ref": {"tag": "v1"}}),
        (CHART["helm"], {"git": GIT + "x"}, "helm", {**CHART["helm"], "git": GIT + "x"}),
        (OWN["kustomize"], FOREIGN["kustomize"], "kustomize", FOREIGN["kustomize"]),
        (ARTIFACT["kustomize"], FOREIGN["kustomize"], "kustomize", FOREIGN["kustomize"]),
    ],
)
def test_later_variable_replaces_what_stands_for_the_same(
    before: Mapping[str, Any], later: Mapping[str, Any], kind: str, expected: Mapping[str, Any]
) -> None:
    declared = Declared.from_layers([{"x": {kind: before}}, {"x": {kind: later}}])
    assert declared.own["x"][kind] == expected
    assert problems({"layer": "controllers", kind: before}, {kind: later}) == []


def test_substitutions_are_known_and_patches_are_looked_through() -> None:
    wrong = {**ALL, "http": {key: value for key, value in ALL["http"].items() if key != "substitute"}}
    said = refused(bootstrapped(), {"stg-1": (wrong,)})
    assert "fleet_components.http: HelmRelease.spec.values.zone is '${zone}': the cluster has no such fact" in said
    patch = {"target": {"kind": "ConfigMap"}, "patch": "- {op: add, path: /data/x, value: '${nothing}'}\n"}
    said = refused(bootstrapped(), {"stg-1": ({**ALL, "mine": {**ALL["mine"], "patches": [patch]}},)})
    assert "fleet_components.mine: patches.[0] is '${nothing}'" in said


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (
            HELM,
            {**CHART, "namespace": "a", "helm": {**CHART["helm"], "release": "a"}},
            "is 'a/a': is the release of a too",
        ),
        (OWN, OWN, ".b.kustomize.path is 'infrastructure/base/x': is the directory of a too"),
        (OWN, {**OWN, "target_namespace": "other"}, ""),
        ({**OWN, "substitute": {"name": "a"}}, {**OWN, "substitute": {"name": "b"}}, ""),
        (FOREIGN, FOREIGN, ""),
        ({**OWN, "kustomize": {"path": "./infrastructure/base/x/"}}, OWN, "is the directory of a too"),
        (ALL["plain"], ALL["plain"], ".b.manifests[0] is 'Namespace plain': is an object of a too: keep one of them"),
    ],
)
def test_two_components_of_the_same(first: Mapping[str, Any], second: Mapping[str, Any], words: str) -> None:
    declared = {"stg-1": Declared.from_layers([{"a": first, "b": second}])}
    found = [str(problem) for problem in component_checks.problems(declared, {"stg-1": "staging"}, LAYERS)]
    assert len(found) == bool(words)
    assert words in "".join(found)


NAMES = [
    ("v1", "ConfigMap", "Bad_Name", "lower-case letters"),
    ("v1", "ConfigMap", "a" * 254, "at most 253"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", "a/b", "a name without '/'"),
]


@pytest.mark.parametrize(("api", "kind", "name", "words"), NAMES)
def test_names_that_kubernetes_refuses(api: str, kind: str, name: str, words: str) -> None:
    manifest = {"apiVersion": api, "kind": kind, "metadata": {"name": name}}
    (found,) = problems({"layer": "configs", "manifests": [manifest]})
    assert found.startswith(".manifests[0].metadata.name is ")
    assert words in found


@pytest.mark.parametrize(("api", "name"), [("rbac.authorization.k8s.io/v1", "system:a:b"), ("v1", "${cluster_name}-x")])
def test_names_that_kubernetes_takes(api: str, name: str) -> None:
    manifest = {"apiVersion": api, "kind": "X", "metadata": {"name": name}}
    assert problems({"layer": "configs", "manifests": [manifest]}) == []
