# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of tenants' sources that take others' places: proven first, one of the two working at any moment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.clusters import Cluster, Object, is_ready
from tests.integration.conftest import Grounds
from tests.integration.project import STAGING, Outcome, eventually, kill, lines
from tests.integration.teams import Teams, workload

GIVEN = "corp-git"
# What a run says before the first, the middle and the last of its steps.
STEPS = ("registering", "having payments/deploy pull", "removing")


class Story:
    """A fleet with two tenants whose keys were made, and one whose Secret was given."""

    def __init__(self, grounds: Grounds, teams: Teams) -> None:
        self.project, self.cluster, self.teams = grounds.fleet(), grounds.clusters[STAGING], teams
        self.urls = {name: teams.deployment("web", namespace=name) for name in ("payments", "orders")}
        facts = self.project.lab.forge.facts
        data = {"username": facts["user"], "password": facts["token"], "ca.crt": Path(facts["ca_cert"]).read_text()}
        secret = {"name": GIVEN, "namespace": "ledger", "tenant": "ledger", "data": data}
        self.project.variables["fleet_secrets"] = [secret]
        over_https = self._https(teams.repository({"flux/staging/app.yaml": [workload("web", namespace="ledger")]}))
        requests = [self._request(name, {"url": url}) for name, url in self.urls.items()]
        requests.append(self._request("ledger", {"url": over_https, "secret": GIVEN}))
        self.requests = teams.write(*requests)

    def _https(self, url: str) -> str:
        found = self.project.lab.forge.urls(url.rpartition("/")[2].removesuffix(".git"))
        return str(found["https_url"])

    def _request(self, tenant: str, source: Object) -> Object:
        own = {"source": "deploy", "ref": {"branch": "main"}, "path": "./flux/staging"}
        changes = {"sources": [{"name": "deploy", **source}], "environments": {"staging": own}}
        return self.teams.request(tenant, source["url"], **changes)

    def onboard(self) -> Outcome:
        return self.run("onboard", fleet_requests=self.requests)

    def rotate(self, *arguments: str, **variables: Any) -> Outcome:
        return self.run("rotate_credentials", "--diff", *arguments, **{"fleet_rotate": ["tenants"], **variables})

    def run(self, playbook: str, *arguments: str, **variables: Any) -> Outcome:
        return self.project.run("--limit", STAGING, *arguments, playbook=playbook, **variables)

    def key(self, tenant: str) -> str:
        """The public key that the tenant's source pulls with."""
        return " ".join(self.cluster.secret("source-deploy", tenant)["identity.pub"].split()[:2])

    def registered(self, tenant: str) -> dict[str, str]:
        """Title → key at the tenant's repository."""
        keys = self.project.lab.forge.deploy_keys(self.repository(tenant))
        assert all(key["read_only"] for key in keys)
        return {key["title"]: " ".join(key["key"].split()[:2]) for key in keys}

    def repository(self, tenant: str) -> str:
        return self.urls[tenant].rpartition("/")[2].removesuffix(".git")

    def is_done(self, tenant: str) -> None:
        """One key, at the cluster and at the forge, by which Flux pulls; nothing is left beside."""
        assert list(self.registered(tenant).values()) == [self.key(tenant)]
        assert is_ready(self.source(tenant))
        for kind, name in (("secret", "source-deploy-next"), ("gitrepository", "deploy-next")):
            assert self.cluster.get(kind, "-n", tenant, name) is None

    def source(self, tenant: str) -> Object:
        found = self.cluster.get("gitrepository", "-n", tenant, "deploy")
        assert found
        return dict(found)

    def repoint(self, tenant: str, url: str) -> None:
        """What a tenant may do in its namespace: have its source say another URL."""
        patch = json.dumps({"spec": {"url": url}})
        place = ["-n", tenant, "--field-manager=flux"]
        self.cluster.kubectl("patch", "gitrepository", *place, "deploy", "--type=merge", "-p", patch)


@pytest.fixture(scope="module")
def story(grounds: Grounds, teams: Teams) -> Iterator[Story]:
    made = Story(grounds, teams)
    found = made.onboard()
    assert found.code == 0, found.output
    yield made
    made.project.variables["fleet_secrets"] = []
    grounds.forget()


def test_keys_of_all_tenants_are_rotated_and_all_else_is_as_it_was(story: Story, cluster: Cluster) -> None:
    before = {name: story.key(name) for name in story.urls}
    root, given, writes = cluster.secret("flux-system"), cluster.secret(GIVEN, "ledger"), cluster.writes()
    planned = story.rotate("--check")
    assert planned.code == 0, planned.output
    assert planned.changed == {STAGING: 1}
    header = f"credential by which {STAGING} pulls orders/deploy of tenant orders"
    assert planned.diff(header) == "deploy_key: to be generated by the run"
    assert f"ledger (GitRepository deploy: Secret {GIVEN})" in planned.words
    assert cluster.writes() == writes
    found = story.rotate()
    assert found.code == 0, found.output
    for name, old in before.items():
        assert story.key(name) != old
        story.is_done(name)
        assert story.registered(name).keys() == {f"{STAGING}/{name}/deploy/rotated"}
    assert (cluster.secret("flux-system"), cluster.secret(GIVEN, "ledger")) == (root, given)
    assert not story.project.traces(["PRIVATE KEY"])
    assert "PRIVATE KEY" not in found.output
    young = story.rotate(fleet_rotate_older_than=1)
    assert (young.code, young.changed) == (0, {STAGING: 0}), young.output
    again = story.onboard()
    assert (again.code, again.changed) == (0, {STAGING: 0}), again.output
    story.is_done("payments")


def test_a_named_tenant_alone_is_rotated_and_an_unknown_one_refused(story: Story, cluster: Cluster) -> None:
    before = {name: story.key(name) for name in story.urls}
    found = story.run("rotate_credentials", fleet_tenant="orders")
    assert found.code == 0, found.output
    assert story.key("orders") != before["orders"]
    assert story.key("payments") == before["payments"]
    story.is_done("orders")
    writes = cluster.writes()
    unknown = story.run("rotate_credentials", fleet_tenant="stranger")
    assert unknown.code != 0
    assert "fleet_tenant is 'stranger': is on none of the clusters of this run" in unknown.words
    assert cluster.writes() == writes


def test_without_a_forge_the_old_key_stays_until_the_new_one_is_registered(story: Story) -> None:
    before = story.key("orders")
    alone = {"fleet_tenant": "orders", "fleet_forge": {}}
    found = story.rotate(**alone)
    assert found.code != 0
    assert f"register this key read-only at {story.urls['orders']} and run again: ssh-ed25519 " in found.words
    assert story.key("orders") == before
    assert is_ready(story.source("orders"))
    pending = story.cluster.secret("source-deploy-next", "orders")["identity.pub"]
    forge = story.project.lab.forge
    path = f"/repos/{forge.facts['user']}/{story.repository('orders')}/keys"
    forge.call("POST", path, json={"title": "by hand", "key": pending, "read_only": True})
    ended = story.rotate(**alone)
    assert ended.code == 0, ended.output
    assert story.key("orders") == " ".join(pending.split()[:2])
    assert f"by hand: {story.urls['orders']}: remove the deploy key {before}" in ended.words


def test_a_source_that_is_not_as_published_gets_no_key_and_stops_no_other(story: Story) -> None:
    before = {name: story.key(name) for name in story.urls}
    story.repoint("payments", story.urls["orders"])
    found = story.rotate()
    assert found.code != 0
    assert f"the repository has {story.urls['payments']} with the Secret source-deploy" in found.failure(STAGING)
    assert story.key("payments") == before["payments"]
    assert story.cluster.get("secret", "-n", "payments", "source-deploy-next") is None
    assert story.key("orders") != before["orders"]
    story.repoint("payments", story.urls["payments"])
    eventually(lambda: is_ready(story.source("payments")), "payments pulls again")


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_one_works_and_the_next_run_ends_it(story: Story, step: str) -> None:
    before = story.key("payments")
    arguments = {"fleet_tenant": "payments"}
    with story.project.start("--limit", STAGING, playbook="rotate_credentials", **arguments) as process:
        assert any(step in line for line in lines(process)), f"it never said {step}"
        kill(process)
    assert story.key("payments") in story.registered("payments").values()
    found = story.rotate(**arguments)
    assert found.code == 0, found.output
    assert story.key("payments") != before
    story.is_done("payments")
