# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tenants onboarded onto real clusters: the plan, the run, their rights, many of them, and what a run leaves alone."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.checkouts import Checkout
from tests.integration.clusters import KUSTOMIZATIONS, Cluster, Key, Object, is_ready
from tests.integration.conftest import Grounds
from tests.integration.project import CLUSTERS, PRODUCTION, STAGING, Outcome, eventually
from tests.integration.sealing import new_key, sealed
from tests.integration.teams import ENVIRONMENTS, Teams, projects, workload
from tests.integration.test_fence import RULES
from tests.integration.test_git import make_key
from tests.lab import artifacts

REPOSITORIES = "gitrepositories.source.toolkit.fluxcd.io"


class Story:
    """What the tests hand on to each other: a fleet, and the tenant payments with two namespaces."""

    def __init__(self, grounds: Grounds, teams: Teams) -> None:
        self.project, self.clusters, self.teams = grounds.fleet(), grounds.clusters, teams
        self.settle()
        self.url = teams.deployment("web", namespace="payments")
        access = {"admin": ["oidc:payments-dev"], "view": ["oidc:everyone"]}
        spaces = ["payments", "payments-jobs"]
        self.request = teams.request("payments", self.url, namespaces=spaces, access=access)
        self.requests = teams.write(self.request)
        self.checked = self.first = Outcome(-1, "", {})

    def onboard(self, *arguments: str, **variables: Any) -> Outcome:
        variables.setdefault("fleet_requests", self.requests)
        return self.project.run(*arguments, playbook="onboard", **variables)

    def writes(self) -> dict[str, Counter[str]]:
        return {name: one.writes() for name, one in self.clusters.items()}

    def contents(self, name: str) -> dict[Key, Object]:
        """What a cluster is meant to hold: Flux notes in the status of its own objects that the branch has moved."""
        left_out = ("metadata", "status")
        every = self.clusters[name].objects().items()
        return {key: {field: one[field] for field in one if field not in left_out} for key, one in every}

    def settle(self) -> None:
        self.project.settle(*self.clusters.values())


@pytest.fixture(scope="module")
def story(grounds: Grounds, teams: Teams) -> Iterator[Story]:
    yield Story(grounds, teams)
    grounds.forget()


@pytest.fixture(params=CLUSTERS)
def cluster(story: Story, request: pytest.FixtureRequest) -> Cluster:
    return story.clusters[request.param]


def test_check_mode_writes_nothing(story: Story) -> None:
    commits, before = story.project.commits(), story.writes()
    story.checked = story.onboard("--check", "--diff")
    assert story.checked.code == 0, story.checked.output
    assert story.writes() == before
    assert story.project.commits() == commits
    assert story.teams.key_titles(story.url) == []
    for environment in ENVIRONMENTS:
        assert f"projects/{environment}/payments/tenant.yaml" in story.checked.headers
        assert f"projects/{environment}/namespaces/payments-jobs" in story.checked.headers


def test_one_run_brings_the_tenant_to_both_environments(story: Story) -> None:
    commits = story.project.commits()
    story.first = story.onboard("--diff")
    assert story.first.code == 0, story.first.output
    assert len(story.project.commits()) == len(commits) + 1
    assert story.first.headers == story.checked.headers
    assert story.first.changed == story.checked.changed
    assert {name: row["ready"] for name, row in story.first.rows.items()} == dict.fromkeys(CLUSTERS, True)
    message = story.project.lab.forge.commits(story.project.repository)[0]["message"]
    assert message.startswith("onboard payments in production and staging\n")
    assert story.teams.key_titles(story.url) == [f"{name}/payments/deploy" for name in sorted(CLUSTERS)]


def test_its_workload_runs(story: Story, cluster: Cluster) -> None:
    assert is_ready(cluster.get(REPOSITORIES, "-n", "payments", "deploy"))
    assert is_ready(cluster.syncs("-n", "payments", "payments"))
    available = lambda: cluster.get("deployment", "-n", "payments", "web")["status"].get("availableReplicas") == 1  # noqa: E731
    eventually(available, "the workload of the tenant runs")
    sync = cluster.syncs("-n", "flux-system", "tenant-payments")
    assert is_ready(sync)
    assert (sync["spec"]["prune"], sync["spec"]["deletionPolicy"]) == (True, "Orphan")


def test_second_run_does_nothing(story: Story) -> None:
    story.settle()
    commits, before = story.project.commits(), story.writes()
    for arguments in ([], ["--check", "--diff"]):
        again = story.onboard(*arguments)
        assert again.code == 0, again.output
        assert again.changed == dict.fromkeys(CLUSTERS, 0)
    assert story.project.commits() == commits
    assert story.writes() == before


ACCOUNT = "system:serviceaccount:payments:fleet-tenant"


def test_its_service_account_works_in_both_of_its_namespaces(story: Story) -> None:
    """All that it may and may not do: test_fence.py."""
    actions = ["delete deployments.apps -n payments-jobs", "patch services -n payments"]
    assert all(story.clusters[STAGING].may(ACCOUNT, *action.split()) for action in actions)
    assert not story.clusters[STAGING].may(
        ACCOUNT, "create", "networkpolicies.networking.k8s.io", "-n", "payments-jobs"
    )


def test_rights_of_its_people(story: Story) -> None:
    cluster = story.clusters[STAGING]
    create, read = ["create", "deployments.apps", "-n", "payments"], ["list", "deployments.apps", "-n", "payments"]
    assert cluster.may("ann", *create, group="oidc:payments-dev")
    assert cluster.may("bob", *read, group="oidc:everyone")
    assert not cluster.may("bob", *create, group="oidc:everyone")
    assert not cluster.may("eve", *read)


def test_a_role_of_the_platform_adds_rights(story: Story) -> None:
    cluster, action = story.clusters[STAGING], ["create", "leases.coordination.k8s.io", "-n", "payments"]
    assert not cluster.may(ACCOUNT, *action)
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "tenant-leases", "labels": {"fleet.fluxops.io/aggregate-to-tenant": "true"}},
        "rules": [{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]}],
    }
    try:
        cluster.kubectl("apply", "-f", "-", text=yaml.safe_dump(role))
        eventually(lambda: cluster.may(ACCOUNT, *action), "the role is aggregated")
    finally:
        cluster.kubectl("delete", "clusterrole", "tenant-leases")


def test_what_a_tenant_must_not_do_is_refused_to_flux_too(story: Story, teams: Teams) -> None:
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "grab"}}
    url = teams.repository({"flux/staging/grab.yaml": [role]})
    places = {"staging": {"source": "deploy", "ref": {"branch": "main"}, "path": "./flux/staging"}}
    requests = teams.write(teams.request("greedy", url, environments=places))
    run = story.onboard("--limit", STAGING, fleet_requests=requests)
    assert run.code != 0
    assert "greedy" in run.failure(STAGING)
    assert "forbidden" in run.failure(STAGING)
    assert story.clusters[STAGING].get("clusterrole", "grab") is None
    assert projects(story.project, "production").keys() == {
        path for path in projects(story.project, "production") if "greedy" not in path
    }


@pytest.mark.usefixtures("production_is_down")
def test_others_finish_while_one_cluster_is_down(story: Story, teams: Teams) -> None:
    url = teams.deployment("late")
    requests = teams.write(teams.request("latecomer", url))
    commits = story.project.commits()
    run = story.onboard(fleet_requests=requests)
    assert run.code != 0
    assert run.rows[STAGING]["ready"] is True
    assert "does not answer" in run.failure(PRODUCTION)
    assert len(story.project.commits()) == len(commits) + 1
    for environment in ENVIRONMENTS:
        assert f"projects/{environment}/latecomer/tenant.yaml" in story.project.tree()
    assert teams.key_titles(url) == [f"{STAGING}/latecomer/deploy"]
    story.requests = requests


def test_next_run_completes_the_cluster_that_was_down(story: Story, teams: Teams) -> None:
    commits = story.project.commits()
    run = story.onboard()
    assert run.code == 0, run.output
    assert story.project.commits() == commits
    assert run.rows[PRODUCTION]["ready"] is True
    assert is_ready(story.clusters[PRODUCTION].syncs("-n", "latecomer", "latecomer"))


def test_a_template_of_the_user(story: Story, teams: Teams, tmp_path: Path) -> None:
    """With a name that only begins with a value, and a branch that is no YAML."""
    url, branch = teams.deployment("extra"), "main: x"
    original = Path(__file__).parents[2] / "roles" / "onboard" / "templates" / "tenant.yaml.j2"
    added = "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ tenant.name }}-extra\n"
    added += "  namespace: {{ tenant.namespaces[0] }}\ndata:\n  said: {{ tenant.owner.team }}\n"
    tmp_path.joinpath("tenant.yaml.j2").write_text(original.read_text().rstrip() + "\n" + added)
    owner = {"team": "a: b - {{ lookup('pipe', 'id') }} ${cluster_name}", "contact": "x@corp.example"}
    wanted = teams.request("templated", url, owner=owner)
    run = story.onboard("--limit", STAGING, fleet_requests=teams.write(wanted), fleet_templates=str(tmp_path))
    assert run.code == 0, run.output
    found = story.clusters[STAGING].get("configmap", "-n", "templated", "templated-extra")
    assert found["data"]["said"] == owner["team"]
    hostile = teams.request("hostile", url)
    hostile["environments"]["staging"]["ref"] = {"branch": f"{branch}\n  url: evil"}
    commits = story.project.commits()
    refused = story.onboard("--limit", STAGING, fleet_requests=teams.write(hostile))
    assert refused.code != 0
    assert "environments.staging.ref.branch" in refused.words
    assert story.project.commits() == commits


def test_two_phases(story: Story, teams: Teams) -> None:
    """The second one refuses what the first has not published, and then finishes it."""
    requests = teams.write(teams.request("phased", teams.deployment("phased")))
    commits, before = story.project.commits(), story.writes()
    early = story.onboard("--tags", "clusters", fleet_requests=requests)
    assert early.code != 0
    assert "not in the fleet repository yet: projects/staging/namespaces/phased" in early.failure(STAGING)
    assert story.project.commits() == commits
    assert [one.get("namespace", "phased") for one in story.clusters.values()] == [None, None]
    published = story.onboard("--tags", "repository", fleet_requests=requests)
    assert published.code == 0, published.output
    assert len(story.project.commits()) == len(commits) + 1
    assert {name: counts["POST secrets"] for name, counts in story.writes().items()} == {
        name: counts["POST secrets"] for name, counts in before.items()
    }
    finished = story.onboard("--tags", "clusters", fleet_requests=requests)
    assert finished.code == 0, finished.output
    assert {name: row["ready"] for name, row in finished.rows.items()} == dict.fromkeys(CLUSTERS, True)
    assert len(story.project.commits()) == len(commits) + 1


def test_a_hand_edited_file_is_held(story: Story) -> None:
    path = "projects/staging/payments/tenant.yaml"
    before = story.project.file(path)
    edited = before.replace("\nmetadata:\n", "\nmetadata:\n  annotations: {by: hand}\n", 1)
    story.project.edit(path, edited)
    requests = story.teams.write({**story.request, "profile": "open"})
    run = story.onboard(fleet_requests=requests)
    assert run.code != 0
    assert path in run.failure(STAGING)
    assert "edited by hand" in run.failure(STAGING)
    assert run.rows[PRODUCTION]["ready"] is True
    assert story.project.file(path) == edited
    told = story.onboard(fleet_requests=requests, fleet_hand_edits="overwrite")
    assert told.code == 0, told.output
    assert "by: hand" not in story.project.file(path)


GOLDEN = "tests/unit/plugins/module_utils/_fleet/golden/tenants-full/after.txt"
APP = """apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {where: "${where}", copies: "${copies} of it"}
"""


def test_a_request_with_every_field(story: Story, teams: Teams) -> None:
    """An artifact of a registry on staging, with an exception; Git on production; secrets from the vault."""
    lab, key = story.project.lab, new_key()
    sealed_door = yaml.safe_dump(sealed("door", key.recipient, key="canary"), sort_keys=False)
    files = {"app/app.yaml": APP, "app/door.yaml": sealed_door, "app/broken.yaml": "- nothing that Flux could apply"}
    artifact = artifacts.publish(lab.forge, f"atlas-{new_key().recipient[-8:]}", "1.2.3", files)
    login = {"username": lab.forge.facts["user"], "password": lab.forge.facts["token"]}
    auths = json.dumps({"auths": {artifacts.registry(lab.forge): login}})
    given = {"tenant": "atlas", "namespace": "atlas"}
    fleet_secrets = [
        {**given, "name": "age", "data": {"age.agekey": key.identity}},
        {**given, "name": "ca", "data": {"ca.crt": Path(lab.forge.facts["ca_cert"]).read_text()}},
        {**given, "name": "login", "type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": auths}},
    ]
    durations = {"interval": "1m", "retryInterval": "5s", "timeout": "1m"}
    substitute = {"where": "stag ing", "copies": 3}
    staging = {
        "source": "artifact", "ref": {"semver": ">=1.0.0"}, "path": "./app", "wait": True, "suspend": False,
        "dependsOn": ["payments"], "decryption": {"secret": "age"}, "substitute": substitute, "profile": "standard",
        "exceptions": {STAGING: {"substitute": {"copies": 1}, "timeout": "2m"}}, **durations,
    }  # fmt: skip
    production = {"source": "deploy", "clusters": [PRODUCTION], "wait": False}
    sources = [
        {"name": "artifact", "url": artifact, "secret": "login", "certSecret": "ca", "ignore": ["broken.yaml"]},
        {"name": "deploy", "url": teams.deployment("atlas"), "recurseSubmodules": True, "sparseCheckout": ["flux"]},
    ]
    asked = teams.request("atlas", "", sources=sources, environments={"staging": staging, "production": production})
    run = story.onboard(fleet_requests=teams.write(asked), fleet_secrets=fleet_secrets)
    assert run.code == 0, run.output
    one, other = story.clusters[STAGING], story.clusters[PRODUCTION]
    assert is_ready(one.get("ocirepositories.source.toolkit.fluxcd.io", "-n", "atlas", "artifact"))
    assert one.get("configmap", "-n", "atlas", "settings")["data"] == {"where": "stag ing", "copies": "1 of it"}
    assert one.secret("door", "atlas") == {"key": "canary"}
    sync = one.get(KUSTOMIZATIONS, "-n", "atlas", "atlas")["spec"]
    assert sync["dependsOn"] == [{"name": "payments", "namespace": "payments"}]
    assert (sync["timeout"], sync["retryInterval"]) == ("2m", "5s")
    assert is_ready(other.syncs("-n", "atlas", "atlas"))
    again = story.onboard(fleet_requests=teams.write(asked), fleet_secrets=fleet_secrets)
    assert again.changed == dict.fromkeys(CLUSTERS, 0), again.output
    # What needs signatures that nobody made here: the API server knows each field.
    text = (Path(__file__).parents[2] / GOLDEN).read_text().replace("=====", "---\n#")
    flux = [doc for doc in yaml.safe_load_all(text) if doc and "toolkit.fluxcd.io" in str(doc.get("apiVersion"))]
    assert {"GitRepository", "OCIRepository", "Kustomization"} <= {doc["kind"] for doc in flux}
    for doc in flux:
        doc["metadata"]["namespace"] = "atlas"
    one.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", text=yaml.safe_dump_all(flux))


# The tenant's fence in each environment: the fields of a request that an environment may have for itself.
FENCES: dict[str, dict[str, Any]] = {
    "staging": {
        "quota": {"pods": 5},
        "limits": {"memory": "64Mi"},
        "network": "closed",
        "podSecurity": "restricted",
        "role": "edit",
    },
    "production": {"profile": "open", "rules": RULES},
}
PATCHES = """target: {kind: LimitRange}
patch:
  - {op: add, path: /spec/limits/0/max, value: {cpu: "2"}}
{% if environment == "production" %}
---
target: {kind: Namespace}
patch:
  metadata: {annotations: {corp.example/on-call: {{ tenant.owner.team }}}}
{% endif %}
"""


FENCING = ("resourcequota", "limitrange", "networkpolicy", "role", "rolebinding")


def named(cluster: Cluster, kind: str) -> dict[str, Object]:
    """The objects of a kind in the tenant's namespace, by name."""
    return {one["metadata"]["name"]: one for one in cluster.get(kind, "-n", "ledger") or ()}


def test_each_environment_has_a_fence_of_its_own_and_the_platforms_patches(
    story: Story, teams: Teams, tmp_path: Path
) -> None:
    tmp_path.joinpath("tenant-patches.yaml.j2").write_text(PATCHES)
    asked = teams.request("ledger", teams.deployment("ledger"))
    for environment, fence in FENCES.items():
        asked["environments"][environment] |= fence
    run = story.onboard(fleet_requests=teams.write(asked), fleet_templates=str(tmp_path))
    assert run.code == 0, run.output
    one, other = ({kind: named(story.clusters[name], kind) for kind in FENCING} for name in (STAGING, PRODUCTION))
    assert one["resourcequota"]["fleet"]["spec"]["hard"]["pods"] == "5"
    [limit] = one["limitrange"]["fleet"]["spec"]["limits"]
    assert (limit["default"]["memory"], limit["max"]) == ("64Mi", {"cpu": "2"})
    assert "fleet-default-deny" in one["networkpolicy"]
    assert one["rolebinding"]["fleet-tenant-edit"]["roleRef"]["name"] == "edit"
    assert {kind for kind, found in other.items() if found} == {"role", "rolebinding"}
    assert other["rolebinding"].keys() == {"fleet-tenant-rules"}
    spaces = {name: cluster.get("namespace", "ledger")["metadata"] for name, cluster in story.clusters.items()}
    enforced = "pod-security.kubernetes.io/enforce"
    assert [spaces[name]["labels"].get(enforced) for name in (STAGING, PRODUCTION)] == ["restricted", None]
    on_call = "corp.example/on-call"
    assert [spaces[name]["annotations"].get(on_call) for name in (STAGING, PRODUCTION)] == [None, "ledger"]


def test_what_is_not_signed_is_not_applied(story: Story, teams: Teams, tmp_path: Path) -> None:
    url, (private, public) = teams.deployment("vault"), make_key(tmp_path)
    repository = url.rpartition("/")[2].removesuffix(".git")
    checkout = Checkout(story.project, tmp_path / "deployment", repository)
    key = tmp_path / "signer"
    key.write_text(private)
    key.chmod(0o600)
    for setting in ("gpg.format=ssh", f"user.signingKey={key}", "commit.gpgSign=true"):
        checkout.git("config", *setting.split("=", 1))
    manifest = checkout.folder / "flux/staging/app.yaml"
    manifest.write_text(yaml.safe_dump(workload("signed")))
    checkout.commit("signed")
    place = {"source": "deploy", "ref": {"branch": "main"}, "path": "./flux/staging", "retryInterval": "5s"}
    sources = [{"name": "deploy", "url": url, "verify": {"mode": "HEAD", "secret": "signers"}}]
    asked = teams.request("vault", url, sources=sources, environments={"staging": place})
    signers = {"tenant": "vault", "namespace": "vault", "name": "signers", "data": {"team.sshpub": public}}
    run = story.onboard("--limit", STAGING, fleet_requests=teams.write(asked), fleet_secrets=[signers])
    assert run.code == 0, run.output
    cluster = story.clusters[STAGING]
    source = cluster.get(REPOSITORIES, "-n", "vault", "deploy")
    assert {one["type"]: one["status"] for one in source["status"]["conditions"]}["SourceVerified"] == "True"
    assert cluster.get("deployment", "-n", "vault", "signed") is not None
    checkout.git("config", "commit.gpgSign", "false")
    manifest.write_text(yaml.safe_dump(workload("smuggled")))
    checkout.commit("not signed")
    run = story.project.run("--limit", STAGING, playbook="reconcile", fleet_tenant="vault")
    assert run.code != 0
    assert "GitRepository vault/deploy: " in run.failure(STAGING)
    assert "signature" in run.failure(STAGING)
    assert cluster.get("deployment", "-n", "vault", "smuggled") is None
    assert cluster.get("deployment", "-n", "vault", "signed") is not None


BAD = {
    "name": ({"tenant": "Foo_Bar"}, "tenant", "Foo_Bar"),
    "long": ({"tenant": "a" * 57}, "tenant", "a" * 57),
    "reserved": ({"tenant": "sync"}, "tenant", "sync"),
    "homoglyph": ({"tenant": "аdmin"}, "tenant", "U+0430"),
    "kube": ({"namespaces": ["kube-system"]}, "namespaces", "kube-system"),
    "flux": ({"namespaces": ["flux-system"]}, "namespaces", "flux-system"),
    "taken": ({"namespaces": ["payments"]}, "namespaces", "payments"),
    "exists": ({"namespaces": ["foreign"]}, "namespaces", "adopt_namespace"),
    "scheme": ({"sources": [{"name": "deploy", "url": "file:///etc"}]}, "sources", "file:///etc"),
    "secret": (
        {"sources": [{"name": "deploy", "url": "https://a:hunter22@h.example/x.git"}]},
        "sources",
        "credentials",
    ),
    "host": ({"sources": [{"name": "deploy", "url": "ssh://git@other.example/x.git"}]}, "sources", "known_hosts"),
}


# Whether these are wrong is known by the fleet repository and the clusters alone.
ELSEWHERE = ["taken", "exists"]


@pytest.mark.parametrize(
    "group", [sorted(BAD.keys() - ELSEWHERE), ELSEWHERE], ids=["by themselves", "by what is there"]
)
def test_bad_requests_are_all_told_at_once(story: Story, teams: Teams, tmp_path: Path, group: Sequence[str]) -> None:
    """Each in a file of its own, with the field and what is wrong with it on one line; nothing is written anywhere."""
    bad = {name: BAD[name] for name in group}
    story.clusters[STAGING].kubectl(
        "apply", "-f", "-", text="apiVersion: v1\nkind: Namespace\nmetadata: {name: foreign}\n"
    )
    for name, (changes, _field, _said) in bad.items():
        request = {**teams.request(f"newcomer-{name}", story.url), **changes}
        (tmp_path / f"{name}.yml").write_text(yaml.safe_dump(request, sort_keys=False, allow_unicode=True))
    commits, before = story.project.commits(), story.writes()
    for arguments in ([], ["--check"]):
        run = story.onboard(*arguments, fleet_requests=str(tmp_path))
        assert run.code != 0
        assert "hunter22" not in run.output
        said = run.output.replace("\\n", "\n").splitlines()
        for name, (_changes, field, wrong) in bad.items():
            assert [one for one in said if f"/{name}.yml" in one and field in one and wrong in one], (name, run.output)
    assert story.project.commits() == commits
    assert story.writes() == before


def test_a_cluster_made_anew_has_its_tenants_back_by_one_run(story: Story) -> None:
    story.project.lab.reset(STAGING)
    run = story.project.run("--limit", STAGING, fleet_allow=["replace_cluster"])
    assert run.code == 0, run.output
    cluster = story.clusters[STAGING]
    synced = lambda: cluster.get(KUSTOMIZATIONS, "-n", "payments", "payments")  # noqa: E731
    eventually(lambda: (found := synced()) and is_ready(found), "the tenant is back")
    secret = cluster.secret("source-deploy", "payments")
    repository = story.url.rpartition("/")[2].removesuffix(".git")
    keys = {key["title"]: key["key"] for key in story.project.lab.forge.deploy_keys(repository)}
    assert sorted(keys) == [f"{name}/payments/deploy" for name in sorted(CLUSTERS)]
    assert keys[f"{STAGING}/payments/deploy"].split()[:2] == secret["identity.pub"].split()[:2]


# CONTRIBUTING.md says when more are worth their time.
MANY = int(os.environ.get("LAB_TENANTS", "50"))


def test_many_tenants_one_of_them_broken(story: Story, teams: Teams) -> None:
    """By one run for staging, which changes nothing of production. Last: each commit has Flux build them all anew."""
    url = teams.deployment("app")
    place = {"source": "deploy", "ref": {"branch": "main"}, "path": "./flux/staging"}
    names = [f"team-{number:03}" for number in range(MANY)]
    wanted = [teams.request(name, url, environments={"staging": place}) for name in names]
    broken = {**place, "path": "./there-is-no-such-path"}
    wanted[17] = teams.request("team-017", url, environments={"staging": broken})
    commits, production = story.project.commits(), projects(story.project, "production")
    contents = story.contents(PRODUCTION)
    run = story.onboard("--limit", STAGING, fleet_requests=teams.write(*wanted))
    assert run.code != 0
    assert len(story.project.commits()) == len(commits) + 1
    found = {one["metadata"]["name"]: one for one in story.clusters[STAGING].syncs("-A")}
    assert [name for name in names if not is_ready(found[name])] == ["team-017"]
    assert "team-017" in run.failure(STAGING)
    assert "there-is-no-such-path" in run.failure(STAGING)
    assert not [name for name in names if name != "team-017" and name in run.failure(STAGING)]
    assert projects(story.project, "production") == production
    assert story.contents(PRODUCTION) == contents
