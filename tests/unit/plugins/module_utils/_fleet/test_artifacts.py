# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An artifact for each tenant: who makes them, who uses them, and from when on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import artifacts, documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.controllers import COMPONENTS, Settings
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.health import View
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.manifest import Manifest
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.render import cluster_files
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer
from ansible_collections.fluxops.fleet.tests.unit.plugins.flux_samples import NEW, OLD, flux, found, tenant_sync
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import MANIFEST, TEMPLATES, Files, cluster
from ansible_collections.fluxops.fleet.tests.unit.plugins.tenant_samples import FLEET, after, onboard, small

WATCHED = [*COMPONENTS, "source-watcher"]


def projects(name: str = "stg-1", *, made: bool = True) -> str:
    """A cluster's ``projects.yaml``, with artifacts or without."""
    one = cluster(name, components=WATCHED, tenant_artifacts=made)
    return cluster_files(one, Layout(), Renderer(TEMPLATES), MANIFEST, {})[f"clusters/{name}/projects.yaml"]


def test_one_generator_makes_an_artifact_of_each_tenants_directory() -> None:
    (one,) = [one for one in documents.read(projects(), "x") if one["kind"] == "ArtifactGenerator"]
    (artifact,) = one["spec"]["artifacts"]
    (copy,) = artifact["copy"]
    name = {"tenant": "payments"}
    assert one["spec"]["pathPattern"].format(**name) == "@fleet/projects/staging/payments"
    assert artifact["name"].format(**name) == "tenant-payments"
    assert copy["from"].format(**name) == "@fleet/projects/staging/payments/**"
    assert copy["to"].format(**name) == "@artifact/projects/staging/payments/"
    assert "ArtifactGenerator" not in projects(made=False)


@pytest.mark.parametrize(
    ("made", "kind"), [({"stg-1": True, "stg-2": True}, "ExternalArtifact"), ({"stg-1": True}, "GitRepository")]
)
def test_tenants_use_them_once_all_clusters_of_their_environment_make_them(made: dict[str, bool], kind: str) -> None:
    files = {
        f"clusters/{name}/projects.yaml": projects(name, made=made.get(name, False)) for name in ("stg-1", "stg-2")
    }
    repository = after({**FLEET, **files}, onboard({**FLEET, **files}, [small("shop")]))
    paths = [path for path in repository if path.endswith("/shop.yaml") and "/sync/" in path]
    found = {path.split("/")[1]: documents.read(repository[path], path)[0]["spec"] for path in paths}
    assert found["staging"]["sourceRef"]["kind"] == kind
    assert found["staging"]["path"] == "./projects/staging/shop"
    assert {one["sourceRef"]["kind"] for name, one in found.items() if name != "staging"} <= {"GitRepository"}


def test_none_where_the_repository_has_no_cluster() -> None:
    assert artifacts.environments({"staging": ["stg-1"], "qa": []}, Files({}), Layout()) == []


def definition(**properties: Any) -> Mapping[str, Any]:
    """The definition of ArtifactGenerator with these fields in its specification."""
    schema = {"openAPIV3Schema": {"properties": {"spec": {"properties": properties}}}}
    spec = {"versions": [{"name": "v1beta1", "schema": schema}]}
    return {"kind": "CustomResourceDefinition", "metadata": {"name": artifacts._DEFINITION}, "spec": spec}


def test_what_the_fleet_lacks_for_them_is_refused() -> None:
    (problem,) = Settings(tenant_artifacts=True).problems("h")
    assert (problem.field, "add it to fleet_flux_components" in problem.hint) == ("fleet_flux_tenant_artifacts", True)
    wanted = Settings(components=["source-watcher"], tenant_artifacts=True)
    text = "".join(
        f"---\n{yaml.safe_dump(one)}"
        for one in (
            definition(sources={}),
            {
                "kind": "Deployment",
                "metadata": {"name": "source-watcher", "labels": {"app.kubernetes.io/component": "source-watcher"}},
            },
        )
    )
    old = Manifest(text, "old.yaml")
    assert [one.field for one in wanted.missing(old, "h")] == ["fleet_flux_tenant_artifacts"]
    new = Manifest(text.replace("sources:", "pathPattern:"), "new.yaml")
    assert wanted.missing(new, "h") == []


@pytest.mark.parametrize(
    ("origin", "applied", "state"),
    [(NEW, "a", "ready"), (OLD, "a", "waiting"), (None, "a", "ready"), (NEW, "b", "waiting")],
)
def test_a_tenant_is_ready_once_its_artifact_is_made_of_what_the_fleets_source_holds(
    origin: str | None, applied: str, state: str
) -> None:
    sync = tenant_sync("shop", revision=applied)
    sync["spec"]["sourceRef"] = {"kind": "ExternalArtifact", "name": "tenant-shop"}
    made = flux("ExternalArtifact", "flux-system/tenant-shop")
    metadata = {} if origin is None else {"metadata": {"org.opencontainers.image.revision": origin}}
    made["status"]["artifact"] = {"revision": "a", **metadata}
    assert View({**found(sync), "ExternalArtifact": [made]}, {}).tenant("shop").state == state
