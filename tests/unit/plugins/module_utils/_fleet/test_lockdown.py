# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lockdown needs, and what it would refuse."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import lockdown, render
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import MANIFEST, cluster


def one(kind: str, space: str, **spec: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"namespace": space, "name": "one"}, "spec": spec}


def deployments(wanted: str) -> list[dict[str, Any]]:
    objects = render.flux_objects(cluster(lockdown=wanted), Layout(), MANIFEST)
    return [found for found in objects if found["kind"] == "Deployment"]


def test_what_bootstrap_writes_is_locked_down() -> None:
    assert lockdown.missing(deployments("enforce")) == []
    lacking = lockdown.missing(deployments("none"))
    assert "kustomize-controller: --no-remote-bases=true" in lacking
    assert "helm-controller: --default-service-account=fleet-tenant" in lacking


def test_a_flag_without_its_value_counts() -> None:
    [found] = [one for one in deployments("none") if one["metadata"]["name"] == "kustomize-controller"]
    arguments = found["spec"]["template"]["spec"]["containers"][0]["args"]
    arguments += ["--no-cross-namespace-refs", "--no-remote-bases", "--default-service-account=fleet-tenant"]
    assert lockdown.missing([found]) == []


@pytest.mark.parametrize(
    ("more", "lacking"),
    [
        (["--no-remote-bases=false"], ["--no-remote-bases=true"]),
        (["--no-remote-bases=false", "--no-remote-bases=TRUE"], []),
        (["--default-service-account", "other"], ["--default-service-account=fleet-tenant"]),
        (["--default-service-account", "fleet-tenant"], []),
    ],
)
def test_of_a_flag_that_stands_twice_the_last_counts(more: list[str], lacking: list[str]) -> None:
    """As Go's pflag reads them: a patch of somebody's behind ours opens what ours had closed."""
    [found] = [one for one in deployments("enforce") if one["metadata"]["name"] == "kustomize-controller"]
    found["spec"]["template"]["spec"]["containers"][0]["args"] += more
    assert lockdown.missing([found]) == [f"kustomize-controller: {flag}" for flag in lacking]


def test_clusters_that_run_without_it_are_named() -> None:
    missing = ["helm-controller: --x", "kustomize-controller: --y"]
    open_one = {"name": "stg-1", "reachable": True, "lockdown": {"missing": missing}}
    others = [{"name": "a", "reachable": False}, {"name": "b", "reachable": True, "lockdown": {"missing": []}}]
    said = ["stg-1 runs without helm-controller: --x, kustomize-controller: --y"]
    assert lockdown.unlocked([open_one, *others]) == said


@pytest.mark.parametrize("kind", ["Kustomization", "HelmRelease"])
def test_without_a_service_account(kind: str) -> None:
    [found] = lockdown.findings({kind: [one(kind, "apps")]}, [])
    assert (found["object"], found["field"]) == (f"{kind} apps/one", "spec.serviceAccountName")
    assert lockdown.findings({kind: [one(kind, "apps", serviceAccountName="deployer")]}, []) == []
    assert lockdown.findings({kind: [one(kind, "apps")]}, ["apps"]) == [], "a tenant's default account has its rights"


def test_the_root_sync_is_bootstraps_own_care() -> None:
    root = one("Kustomization", "flux-system")
    root["metadata"]["name"] = "flux-system"
    assert lockdown.findings({"Kustomization": [root]}, []) == []


CROSSING = [
    ("Kustomization", {"sourceRef": {"kind": "GitRepository", "name": "x", "namespace": "other"}}, "spec.sourceRef"),
    (
        "HelmRelease",
        {"chart": {"spec": {"sourceRef": {"name": "x", "namespace": "other"}}}},
        "spec.chart.spec.sourceRef",
    ),
    ("HelmRelease", {"chartRef": {"kind": "OCIRepository", "name": "x", "namespace": "other"}}, "spec.chartRef"),
    ("Alert", {"eventSources": [{"name": "*"}, {"name": "*", "namespace": "other"}]}, "spec.eventSources"),
    ("Receiver", {"resources": [{"kind": "GitRepository", "name": "x", "namespace": "other"}]}, "spec.resources"),
    ("ImagePolicy", {"imageRepositoryRef": {"name": "x", "namespace": "other"}}, "spec.imageRepositoryRef"),
    ("ImageUpdateAutomation", {"sourceRef": {"name": "x", "namespace": "other"}}, "spec.sourceRef"),
]


@pytest.mark.parametrize(("kind", "spec", "field"), CROSSING)
def test_references_to_another_namespace(kind: str, spec: dict[str, Any], field: str) -> None:
    [found] = lockdown.findings({kind: [one(kind, "apps", serviceAccountName="x", **spec)]}, [])
    assert found["field"] == field
    assert "another namespace's" in found["why"]
    assert lockdown.findings({kind: [one(kind, "other", serviceAccountName="x", **spec)]}, ["other"])[1:] == []


@pytest.mark.parametrize(
    ("entry", "remote"),
    [
        ("https://github.com/example/base?ref=v1", True),
        ("github.com/example/base", True),
        ("git@git.example:org/base.git", True),
        ("ssh://git@git.example/base.git", True),
        ("https://git:secret-word@git.example/base", True),
        ("../base", False),
        ("web.yaml", False),
        ("./github.com", False),
    ],
)
def test_remote_bases(entry: str, remote: bool) -> None:
    found = lockdown.remote_bases({"apps/kustomization.yaml": f"resources:\n- '{entry}'\n", "broken.yaml": "a: ["})
    assert bool(found) is remote
    assert "secret-word" not in str(found)


def test_words_are_bounded() -> None:
    found = [{"object": f"Kustomization a/{number}", "field": "f", "why": "w"} for number in range(25)]
    assert lockdown.said(found).endswith("and 15 more (flux_info has all)")
