# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of tenants' sources: made in the cluster, registered at the forge, kept by the next run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.clusters import Cluster
from tests.integration.conftest import Grounds
from tests.integration.handmade import MEMBER, REPOSITORY, Tenant, as_text, deployment
from tests.integration.project import CLUSTERS, STAGING, Outcome, Project

FORGE = "{{ fleet_forge | combine({'token': fleet_forge_token}) }}"


@pytest.fixture(scope="module")
def project(grounds: Grounds) -> Iterator[Project]:
    yield grounds.fleet()
    grounds.forget()


def key(of: Tenant, **changes: str) -> dict[str, str]:
    """What the noun tenants returns for a source with a generated key."""
    url = of.project.lab.forge.urls(of.repository)["ssh_url"]
    own = {"tenant": of.name, "namespace": of.first, "secret": "source-deploy", "source": "deploy", "url": url}
    return own | changes


def credentials(project: Project, *keys: dict[str, str], check: bool = False, **options: Any) -> Outcome:
    options = {"forges": [FORGE], "source_keys": list(keys), **options}
    task = {"fluxops.fleet.credentials": {**MEMBER, "repository": REPOSITORY, **options}, "register": "made"}
    shown = {"ansible.builtin.debug": {"msg": "{{ made.source_keys | to_json }}"}, "when": "made is succeeded"}
    playbook = project.playbook("credentials", task, shown)
    return project.run("--limit", STAGING, "--diff", *(["--check"] if check else []), playbook=playbook)


def titles(tenant: Tenant) -> list[str]:
    return [one["title"] for one in tenant.project.lab.forge.deploy_keys(tenant.repository)]


@pytest.fixture(scope="module")
def tenant(grounds: Grounds, project: Project) -> Tenant:
    made = Tenant(project, grounds.clusters[STAGING], "keyed")
    project.lab.forge.create_repository(made.repository)
    return made


def test_check_mode_writes_nothing(project: Project, cluster: Cluster, tenant: Tenant) -> None:
    before = cluster.writes()
    found = credentials(project, key(tenant), check=True)
    assert found.code == 0, found.output
    assert found.changed == {STAGING: 1}
    assert f"Secret {tenant.first}/source-deploy (new)" in found.headers
    assert f"Namespace {tenant.first} (new)" in found.headers
    assert '"registered": "missing"' in found.words
    assert cluster.writes() == before
    assert titles(tenant) == []


def test_key_is_made_and_registered_read_only(project: Project, cluster: Cluster, tenant: Tenant) -> None:
    found = credentials(project, key(tenant))
    assert found.code == 0, found.output
    data = cluster.secret("source-deploy", tenant.first)
    assert sorted(data) == ["identity", "identity.pub", "known_hosts"]
    assert data["known_hosts"] == project.lab.facts["forge"]["known_hosts"]
    [registered] = project.lab.forge.deploy_keys(tenant.repository)
    assert registered["title"] == f"{STAGING}/{tenant.first}/deploy"
    assert registered["read_only"] is True
    assert registered["key"].split()[:2] == data["identity.pub"].split()[:2]
    for kind, name in (("namespace", tenant.first), ("secret", "source-deploy")):
        assert tenant.get(kind, name)["metadata"]["labels"]["fleet.fluxops.io/tenant"] == tenant.name
    assert data["identity"] not in found.output
    assert data["identity.pub"].split()[1] in found.words


def test_second_run_changes_nothing(project: Project, cluster: Cluster, tenant: Tenant) -> None:
    before, secret = cluster.writes(), cluster.secret("source-deploy", tenant.first)
    found = credentials(project, key(tenant))
    assert found.code == 0, found.output
    assert found.changed == {STAGING: 0}
    assert cluster.writes() == before
    assert cluster.secret("source-deploy", tenant.first) == secret


def test_pull_secret_is_left_alone(project: Project, cluster: Cluster, tenant: Tenant) -> None:
    before = cluster.get("secret", "-n", "flux-system", "flux-system")
    credentials(project, key(tenant))
    assert cluster.get("secret", "-n", "flux-system", "flux-system") == before


def test_flux_pulls_with_the_key_and_is_asked_when_it_is_registered_anew(
    project: Project, cluster: Cluster, tenant: Tenant
) -> None:
    project.edit("app/web.yaml", as_text([deployment("web")]), repository=tenant.repository)
    [registered] = project.lab.forge.deploy_keys(tenant.repository)
    full = project.lab.forge._full(tenant.repository)
    project.lab.forge.call("DELETE", f"/repos/{full}/keys/{registered['id']}")
    [source, _sync] = tenant.syncs()
    source["spec"] |= {"url": key(tenant)["url"], "interval": "1h"}
    cluster.kubectl("apply", "-f", "-", text=as_text([source]))
    found = credentials(project, key(tenant))
    assert found.code == 0, found.output
    assert found.changed == {STAGING: 1}
    tenant.wait("gitrepository", "deploy")


def test_unknown_forge_leaves_the_key_to_people(project: Project, tenant: Tenant) -> None:
    found = credentials(project, key(tenant), forges=[])
    assert found.code == 0, found.output
    assert '"registered": "by hand"' in found.words
    assert found.changed == {STAGING: 0}


def test_another_tenants_namespace_is_refused(project: Project, cluster: Cluster, tenant: Tenant) -> None:
    before = cluster.writes()
    found = credentials(project, key(tenant, tenant="stranger"))
    assert found.code != 0
    assert f"keys of tenant stranger is '{tenant.first}': this namespace is tenant keyed's" in found.words
    assert cluster.writes() == before


def test_a_repository_that_is_gone_stops_no_other_tenant(project: Project, cluster: Cluster, tenant: Tenant) -> None:
    other = Tenant(project, cluster, "keyed-too")
    project.lab.forge.create_repository(other.repository)
    gone = key(tenant, tenant="gone", namespace="gone", url=key(tenant)["url"].replace("-keyed", "-nowhere"))
    found = credentials(project, gone, key(other))
    assert found.code != 0
    assert "the forge knows no such repository" in found.words
    assert titles(other) == [f"{STAGING}/keyed-too/deploy"]
    assert cluster.secret("source-deploy", "gone")["identity.pub"]


def test_only_named_clusters_are_touched(grounds: Grounds) -> None:
    [other] = [one for one in CLUSTERS if one != STAGING]
    assert grounds.clusters[other].get("namespace", "keyed") is None
