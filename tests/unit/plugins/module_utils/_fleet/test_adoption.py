# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleet repositories of three old styles: what is understood, what is rewritten, and that nothing else changes."""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import adoption_report, request_reader
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.adoption import Adoption, plan_adoption
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.requested import from_request
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rules import Rules
from ansible_collections.fluxops.fleet.plugins.module_utils._io import new_files
from ansible_collections.fluxops.fleet.tests.unit.plugins.old_fleets import FLAT, OVERLAYS, PER_ENVIRONMENT, URL
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import Files
from ansible_collections.fluxops.fleet.tests.unit.plugins.tools import kustomize

STYLES = {"per-environment": PER_ENVIRONMENT, "overlays": OVERLAYS, "flat": FLAT}


def adopted(files: Mapping[str, str], *allow: str) -> Adoption:
    return plan_adoption(URL, allow, Files(files))


def after(files: Mapping[str, str], made: Adoption) -> dict[str, str]:
    return {**files, **{one.path: str(one.after) for one in made.plan.changes}}


def dangers(made: Adoption) -> list[str]:
    return [f"{one['where']}: {one['danger']}" for one in made.understood["dangers"]]


@pytest.fixture(params=STYLES)
def files(request: pytest.FixtureRequest) -> Mapping[str, str]:
    found: Mapping[str, str] = STYLES[request.param]
    return found


def test_second_adoption_changes_nothing(files: Mapping[str, str]) -> None:
    made = adopted(files)
    assert made.plan.changes
    again = adopted(after(files, made))
    assert again.plan.changes == ()
    assert [again.understood[name] for name in ("clusters", "tenants", "syncs")] == [
        made.understood[name] for name in ("clusters", "tenants", "syncs")
    ]
    assert again.requests == made.requests


def test_nothing_old_is_left_but_what_is_named(files: Mapping[str, str]) -> None:
    made = adopted(files)
    left = {one.partition(",")[0] for one in made.understood["left"]}
    words = ("v1beta1\n", "v1beta2\n", "v2beta1", "bases:", "patchesStrategicMerge", "patchesJson6902", "validation:")
    for path, text in after(files, made).items():
        old = [word for word in words if word in text.replace("kustomize.config.k8s.io/v1beta1", "")]
        assert not old or path in left, f"{path}: {old}"


def test_comments_and_order_stay(files: Mapping[str, str]) -> None:
    for one in adopted(files).plan.changes:
        before, new = str(one.before).splitlines(), str(one.after).splitlines()
        comments = [line.partition("#")[2] for line in before if "#" in line]
        assert [line.partition("#")[2] for line in new if "#" in line] == comments
        kept = [line for line in before if line in new]
        assert [line for line in new if line in kept] == kept or sorted(kept) == sorted(set(kept))


def test_lists_of_old_names_come_under_those_of_today() -> None:
    text = after(PER_ENVIRONMENT, adopted(PER_ENVIRONMENT))["projects/staging/kustomization.yaml"]
    assert (
        text
        == """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
# one line for each team
resources:
  - ../base/payments   # since 2021
  - ../base/search
patches:
  - path: payments.yaml
  # search has its own branch
  - path: search.yaml
"""
    )


def test_patches_within_kustomizations_become_text() -> None:
    text = after(OVERLAYS, adopted(OVERLAYS))["clusters/staging/tenants.yaml"]
    (document,) = yaml.safe_load_all(text)
    (patch,) = document["spec"]["patches"]
    assert "patchesStrategicMerge" not in document["spec"]
    assert yaml.safe_load(patch["patch"])["spec"] == {"timeout": "7m"}
    assert "# all teams wait longer here" in text


def built(folder: Path, files: Mapping[str, str], directory: str) -> list[Any]:
    """What kustomize itself builds, less what differs between versions and means the same."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    done = subprocess.run([*kustomize(), str(folder / directory)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = re.sub(r"^ +(validation|gitImplementation): .*\n", "", done.stdout, flags=re.MULTILINE)
    return list(yaml.safe_load_all(re.sub(r"(fluxcd\.io)/v\w+", r"\1", text)))


@pytest.mark.parametrize(
    ("old", "directory"), [(PER_ENVIRONMENT, "projects/staging"), (OVERLAYS, "tenants/production")]
)
def test_kustomize_builds_the_same(tmp_path: Path, old: Mapping[str, str], directory: str) -> None:
    before = built(tmp_path / "before", old, directory)
    assert before
    assert built(tmp_path / "after", after(old, adopted(old)), directory) == before


def test_environments_and_tenants_are_found() -> None:
    understood = adopted(PER_ENVIRONMENT).understood
    assert understood["environments"] == {"production": ["production-1"], "staging": ["staging-1"]}
    assert [one["tenant"] for one in understood["tenants"]] == ["payments", "search"]
    found = {one["tenant"]: one["environments"] for one in understood["tenants"]}
    assert found["payments"]["staging"][0]["path"] == "./flux/staging"
    assert found["search"]["production"][0]["ref"] == {"branch": "production"}
    assert adopted(FLAT).understood["clusters"][0]["directory"] == "k8s/prod"


def test_dangers_are_named() -> None:
    assert (
        "tenants/base/dev-team/rbac.yaml: RoleBinding apps/dev-team-reconciler gives cluster-admin to "
        "User gotk:apps:reconciler" in dangers(adopted(OVERLAYS))
    )
    assert any(
        "applies ./infrastructure/gone, which is not in the repository" in one for one in dangers(adopted(OVERLAYS))
    )
    flat = "\n".join(dangers(adopted(FLAT)))
    assert "Secret flux-system/shop-git holds its values in clear" in flat
    assert "has key caFile, which Flux calls ca.crt today" in flat
    assert "in-clear" not in flat


RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: db, namespace: search}
spec:
  values:
    auth: {rootPassword: geheim, passwordKey: root, existingSecret: db, password: "${password}", token: ""}
    replicas: 3
    apiKey: ENC[AES256_GCM,data:x]
"""


def test_passwords_of_charts_are_told_and_not_shown() -> None:
    said = dangers(adopted({**PER_ENVIRONMENT, "projects/staging/db.yaml": RELEASE}))
    (told,) = [one for one in said if "HelmRelease" in one]
    assert told.startswith("projects/staging/db.yaml: HelmRelease search/db spec.values.auth.rootPassword reads like")
    assert "geheim" not in told


def test_what_only_its_authors_know_stays_and_is_named() -> None:
    made = adopted(FLAT)
    assert "k8s/prod/release.yaml" not in made.plan.paths
    assert any(one.startswith("k8s/prod/release.yaml, line 1: HelmRelease cache") for one in made.understood["left"])


def test_requests_are_right_by_our_own_reader(files: Mapping[str, str]) -> None:
    made = adopted(files)
    assert made.requests
    for name, text in made.requests.items():
        found, problems = request_reader.read(text.encode(), name)
        assert problems == []
        assert from_request(found[0], Rules())[1] == []
        assert yaml.safe_load(text)["tenant"] == name


def test_a_request_says_what_the_tenant_has() -> None:
    content = yaml.safe_load(adopted(PER_ENVIRONMENT).requests["search"])
    assert content["owner"] == {"team": "team-search"}
    assert content["sources"] == [
        {"name": "search", "url": "ssh://git@git.example/search/search-deploy.git", "secret": "search-git"}
    ]
    assert content["environments"]["staging"]["ref"] == {"branch": "staging"}


def test_a_tenant_that_no_request_can_say_is_named() -> None:
    bad = {path: text.replace("name: shop", "name: Shop_1") for path, text in FLAT.items()}
    bad = {path: text.replace("targetNamespace: shop", "") for path, text in bad.items()}
    made = adopted(bad)
    assert made.requests == {}
    assert any(one.startswith("tenant Shop_1: no request is made of it") for one in made.understood["left"])


ARTIFACT = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: app, namespace: blog}
spec:
  interval: 1m
  url: oci://registry.example/blog/app
  provider: aws
  ref: {semver: ">=1.0.0"}
  ignore: |
    /*
    !/deploy
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: blog, namespace: blog}
spec:
  interval: 10m
  path: ./deploy
  prune: true
  decryption: {provider: sops, secretRef: {name: keys}}
  postBuild: {substitute: {host: blog.example}}
  sourceRef: {kind: OCIRepository, name: app}
"""


def test_request_of_an_oci_source() -> None:
    made = adopted({**PER_ENVIRONMENT, "clusters/staging-1/blog.yaml": ARTIFACT})
    asked = yaml.safe_load(made.requests["blog"])
    assert asked["sources"] == [
        {
            "name": "app",
            "url": "oci://registry.example/blog/app",
            "provider": "aws",
            "ignore": ["/*", "!/deploy"],
        }
    ]
    assert asked["environments"]["staging"] == {
        "source": "app",
        "ref": {"semver": ">=1.0.0"},
        "path": "./deploy",
        "interval": "10m",
        "decryption": {"secret": "keys"},
        "substitute": {"host": "blog.example"},
    }
    bucket = ARTIFACT.replace("OCIRepository", "Bucket")
    left = adopted({**PER_ENVIRONMENT, "clusters/staging-1/blog.yaml": bucket}).understood["left"]
    assert any("is no GitRepository or OCIRepository" in one for one in left)


def serving(*versions: str) -> str:
    """An install manifest that serves these versions of Flux's Kustomization."""
    schema = {"openAPIV3Schema": {"properties": {"spec": {"properties": {name: {"type": "string"} for name in SPEC}}}}}
    every = [{"name": one, "served": True, "storage": one == versions[0], "schema": schema} for one in versions]
    names = {"group": "kustomize.toolkit.fluxcd.io", "names": {"kind": "Kustomization"}, "versions": every}
    return yaml.safe_dump({"kind": "CustomResourceDefinition", "metadata": {"name": "kustomizations"}, "spec": names})


SPEC = ("dependsOn", "interval", "sourceRef", "path", "prune", "timeout", "serviceAccountName", "patches")


def test_older_flux_is_not_outrun() -> None:
    path = "clusters/staging-1/flux-system/gotk-components.yaml"
    files = {**PER_ENVIRONMENT, path: serving("v1beta2")}
    made = adopted(files)
    assert "kustomize.toolkit.fluxcd.io/v1beta2" in after(files, made)["clusters/staging-1/projects.yaml"]
    assert any(f"which Flux in {path} does not serve" in one for one in made.understood["left"])
    newest = after(files, adopted(files, "newer_api"))
    assert "kustomize.toolkit.fluxcd.io/v1\n" in newest["clusters/staging-1/projects.yaml"]


def test_patches_that_flux_ignores_are_not_brought_to_life() -> None:
    files = {path: serving("v1", "v1beta2") if "gotk-components" in path else text for path, text in OVERLAYS.items()}
    made = adopted(files)
    text = after(files, made)["clusters/staging/tenants.yaml"]
    assert text.startswith("apiVersion: kustomize.toolkit.fluxcd.io/v1beta2\n")
    assert "patchesStrategicMerge" in text
    assert "clusters/staging/infrastructure.yaml" in made.plan.paths
    assert any(
        "spec.patchesStrategicMerge: the Flux of these clusters ignores it" in one for one in made.understood["left"]
    )


def test_what_would_come_to_something_else_stays() -> None:
    files = {
        **PER_ENVIRONMENT,
        "projects/staging/kustomization.yaml": """\
namespace: shared
bases: [../base/payments]
patchesJson6902:
- target: {version: v1, kind: ServiceAccount, name: deployer}
  path: patch.yaml
""",
        "projects/staging/patch.yaml": "- {op: add, path: /metadata/annotations, value: {a: b}}\n",
    }
    made = adopted(files)
    assert "patchesJson6902" in after(files, made)["projects/staging/kustomization.yaml"]
    assert any("patchesJson6902 comes after namespace" in one for one in made.understood["left"])


def test_files_of_secrets_are_not_shown() -> None:
    path = "k8s/prod/secrets.yaml"
    files = {**FLAT, path: FLAT[path] + "---\n" + FLAT["k8s/prod/shop.yml"]}
    made = adopted(files)
    assert path in made.plan.paths
    assert "in-clear" not in str(made.diffs) + made.message + str(made.understood)


@pytest.mark.parametrize(
    "url", ["https://user:hunter2@git.example/shop/app.git", "ssh://git:hunter2@git.example/a.git"]
)
def test_credentials_of_urls_are_not_said(url: str) -> None:
    files = {path: text.replace("https://git.example/shop/app.git", url) for path, text in FLAT.items()}
    made = adopted(files)
    assert "hunter2" not in str(made.understood) + str(made.requests)


def test_hostile_files_are_bounded_and_named() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(9)
    )
    files = {
        **FLAT,
        "k8s/prod/bomb.yaml": bomb + "# kustomize.toolkit.fluxcd.io/v1beta1\n",
        "k8s/prod/deep.yaml": "[" * 5000,
        "k8s/prod/large.yaml": "# kustomize.toolkit.fluxcd.io/v1beta1\n" + "a: b\n" * 300_000,
        "k8s/prod/latin.yaml": "# gr\ufffdn\napiVersion: kustomize.toolkit.fluxcd.io/v1beta1\nkind: Kustomization\n",
        "loop/kustomization.yaml": "resources: [../loop]\n",
        "out/kustomization.yaml": "resources: [../../etc, ../..]\nbases: [https://git.example/x//y?ref=1]\n",
    }
    made = adopted(files)
    assert {one.path for one in made.plan.changes} == set(adopted(FLAT).plan.paths)
    said = "\n".join([*made.understood["left"], *dangers(made)])
    for words in ("bomb.yaml", "large.yaml: larger than", "latin.yaml: not in UTF-8", "loop: leads back to itself"):
        assert words in said
    assert "out/kustomization.yaml: ../../etc leads out of the repository" in said


class Linked(Files):
    """A snapshot in which some paths are no regular files."""

    def read(self, paths: Any) -> dict[str, str]:
        return {path: text for path, text in super().read(paths).items() if not path.endswith("link.yaml")}


def test_symbolic_links_are_named_and_not_followed() -> None:
    made = plan_adoption(URL, [], Linked({**FLAT, "k8s/link.yaml": "/etc/passwd"}))
    assert "k8s/link.yaml: a symbolic link or a submodule, not followed" in made.understood["left"]


def test_empty_repository() -> None:
    made = adopted({})
    assert made.plan.changes == ()
    assert adoption_report.said(made.understood) == "nothing of Flux was found in this repository"


def test_report_has_all_of_it() -> None:
    said = adoption_report.said(adopted(FLAT).understood)
    for words in ("prod", "shop", "tag v1.4", "in clear", "LEFT TO YOU", "release.yaml, line 1"):
        assert words in said


_VALUES = (
    None,
    1,
    True,
    "x",
    "../../../etc",
    "[",
    "(a",
    [],
    {},
    [1],
    {"a": 1},
    [None],
    [{}],
    "- [",
    "\n",
    {"name": [1]},
)


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    for key in list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield node, key
        yield from _places(node[key])


@given(st.sampled_from(sorted(STYLES)), st.integers(0, 2**32), st.sampled_from(range(len(_VALUES))))
def test_whatever_people_write_is_no_fault_of_ours(style: str, seed: int, value: int) -> None:
    files, chosen = dict(STYLES[style]), random.Random(seed)  # noqa: S311
    path = chosen.choice([one for one in files if one.endswith((".yaml", ".yml")) and "components" not in one])
    documents = [one for one in yaml.safe_load_all(files[path]) if one]
    node, key = chosen.choice([place for one in documents for place in _places(one)])
    node[key] = _VALUES[value]
    files[path] = yaml.safe_dump_all(documents)
    made = adopted(files)
    assert adopted(after(files, made)).plan.changes == ()
    assert adoption_report.said(made.understood)


def test_new_files_never_take_the_place_of_others(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("theirs")
    (tmp_path / "b.yaml").symlink_to(tmp_path / "nowhere")
    files = new_files.missing(str(tmp_path), {"a": "1", "b": "2", "c": "3"})
    assert files == {str(tmp_path / "c.yaml"): "3"}
    new_files.write(files)
    assert (tmp_path / "c.yaml").read_text() == "3"
    assert not (tmp_path / "nowhere").exists()
    assert new_files.missing(str(tmp_path), {"c": "4"}) == {}
