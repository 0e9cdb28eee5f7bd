# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is encrypted in the fleet repository is decrypted where it belongs, and nothing enters it in clear."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.integration.conftest import Grounds
from tests.integration.project import STAGING, Outcome
from tests.integration.sealing import new_key, sealed
from tests.integration.teams import Teams

CANARY = "canary-of-what-is-encrypted"
DOOR, TENANT = "infrastructure/base/door/door.yaml", "projects/staging/payments/extra/door.yaml"


class Story:
    """What the tests hand on to each other: a fleet with a key of its own, and a tenant with another."""

    def __init__(self, grounds: Grounds, teams: Teams) -> None:
        self.project, self.cluster, self.teams = grounds.fleet(), grounds.clusters[STAGING], teams
        self.fleet, self.payments = new_key(), new_key()
        tenant = {"name": "sops-age-payments", "tenant": "payments", "data": {"age.agekey": self.payments.identity}}
        self.project.variables |= {
            "fleet_sops": {"age": [self.fleet.recipient], "tenants": {"payments": [self.payments.recipient]}},
            "fleet_secrets": [{"name": "sops-age", "data": {"age.agekey": self.fleet.identity}}, tenant],
            "fleet_components": {"door": {"layer": "configs", "kustomize": {"path": "infrastructure/base/door"}}},
        }
        requests = teams.write(teams.request("payments", teams.deployment("web", namespace="payments")))
        self.project.variables["fleet_requests"] = requests

    def run(self, playbook: str, *arguments: str, **variables: Any) -> Outcome:
        return self.project.run("--limit", STAGING, *arguments, playbook=playbook, **variables)

    def readers(self, path: str) -> str:
        """Whom ``.sops.yaml`` has new files of a path encrypted for."""
        rules = yaml.safe_load(self.project.file(".sops.yaml"))["creation_rules"]
        return str(next(one["age"] for one in rules if re.search(one["path_regex"], path)))

    def commit(self, path: str, secret: dict[str, Any]) -> None:
        self.project.edit(path, yaml.safe_dump(secret, sort_keys=False))


@pytest.fixture(scope="module")
def story(grounds: Grounds, teams: Teams) -> Iterator[Story]:
    yield Story(grounds, teams)
    grounds.forget()


def test_bootstrap_says_who_can_read(story: Story) -> None:
    run = story.run("bootstrap", "--diff")
    assert run.code == 0, run.output
    assert ".sops.yaml" in run.headers
    assert story.readers(DOOR) == story.fleet.recipient
    assert set(story.readers(TENANT).split(",")) == {story.fleet.recipient, story.payments.recipient}
    assert story.cluster.secret("sops-age")["age.agekey"] == story.fleet.identity
    assert story.cluster.get("secret", "-n", "flux-system", "sops-age-payments") is None  # not here yet
    unseen(story, run)


def test_flux_decrypts_infrastructure(story: Story) -> None:
    secret = sealed("door", story.readers(DOOR), key=CANARY)
    secret["metadata"]["namespace"] = "default"
    story.commit(DOOR, secret)
    run = story.run("infrastructure")
    assert run.code == 0, run.output
    assert story.cluster.secret("door", "default") == {"key": CANARY}


def test_flux_decrypts_what_lies_with_a_tenant_by_the_tenants_key(story: Story) -> None:
    secret = sealed("door", story.readers(TENANT), key=CANARY)
    secret["metadata"]["namespace"] = "payments"
    story.commit(TENANT, secret)
    run = story.run("onboard")
    assert run.code == 0, run.output
    assert story.cluster.secret("sops-age-payments")["age.agekey"] == story.payments.identity
    assert story.cluster.secret("door", "payments") == {"key": CANARY}
    unseen(story, run)
    commits = story.project.commits()
    for playbook in ("bootstrap", "onboard"):
        again = story.run(playbook)
        assert (again.code, again.changed) == (0, {STAGING: 0}), again.output
    assert story.project.commits() == commits


def test_what_is_in_clear_is_refused_before_anything_is_written(story: Story) -> None:
    plain = f"kind: Secret\nstringData: {{key: {CANARY}}}\n"
    for path in ("infrastructure/base/door/plain.yaml", "projects/staging/payments/extra/plain.yaml"):
        story.project.edit(path, plain)
        commits = story.project.commits()
        run = story.run("infrastructure" if path.startswith("infra") else "onboard")
        assert run.code != 0
        assert f"{path}:1: Secret without a name: key: stands in clear" in run.words
        assert CANARY not in run.output
        assert story.project.commits() == commits


def unseen(story: Story, run: Outcome) -> None:
    """That no private key was printed, committed or left behind."""
    identities = [one.identity for one in (story.fleet, story.payments)]
    assert not [one for one in identities if one in run.output]
    assert story.project.traces(identities) == []
