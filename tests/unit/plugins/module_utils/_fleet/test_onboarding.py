# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The change of projects/ that onboarding makes, and everything that stands in its way before a byte is written."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import (
    documents,
    form_environments,
    form_sources,
    onboarding_notes,
    tenants,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import shard_of
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import EDITED, FOREIGN
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import labels
from ansible_collections.fluxops.fleet.tests.unit.plugins.tenant_samples import (
    FLEET,
    HOSTILE,
    REMOVED,
    TEMPLATES,
    after,
    content,
    hostile,
    member,
    onboard,
    problems,
    small,
    tenant,
)

GOLDEN = Path(__file__).parent / "golden"
STAGING = "projects/staging"
SHARED = f"{STAGING}/sync/{shard_of('payments')}/payments.yaml"
FILE = f"{STAGING}/payments/tenant.yaml"
CLUSTERS = ("environments", "staging", "clusters")


def fleet(*asking: dict[str, Any], **settings: Any) -> dict[str, str]:
    """The repository of a fleet that has these tenants."""
    return after(FLEET, onboard(FLEET, asking, **settings))


def refused(
    repository: Mapping[str, str], *asking: dict[str, Any], clusters: Sequence[str] = (), **settings: Any
) -> list[Problem]:
    """What stands in the way of a run."""
    with pytest.raises(InvalidInput) as caught:
        onboard(repository, asking, *clusters, **settings)
    return caught.value.problems


def own(cluster: str, tenant_name: str = "payments") -> str:
    """The sync file of a tenant that chose a cluster."""
    return f"{STAGING}/clusters/{cluster}/{tenant_name}.yaml"


IDENTITY = {"issuer": "^https://token.actions.example$", "subject": "^https://git.example/atlas/.*$"}
FULL: dict[str, Any] = {
    "tenant": "atlas",
    "state": "present",
    "owner": {"team": "atlas", "contact": "atlas@corp.example"},
    "namespaces": ["atlas", "atlas-jobs"],
    "access": {"admin": ["oidc:atlas"], "view": ["oidc:everyone"]},
    "profile": "strict",
    "quota": {"pods": 20},
    "limits": {"cpu": "1"},
    "decryption": {"secret": "sops-age"},
    "externalSecrets": [
        {"name": "git-login", "store": "team-vault", "key": "atlas/git"},
        {
            "name": "registry-login",
            "store": "vault",
            "kind": "SecretStore",
            "key": "tenants/atlas/registry",
            "type": "kubernetes.io/dockerconfigjson",
        },
    ],
    "sources": [
        {
            "name": "git",
            "url": "ssh://git@git.example/atlas/atlas-deploy.git",
            "secret": "git-login",
            "verify": {"mode": "TagAndHEAD", "secret": "signers"},
            "recurseSubmodules": True,
            "sparseCheckout": ["flux", "base"],
        },
        {
            "name": "artifact",
            "url": "oci://registry.example/atlas/manifests",
            "provider": "aws",
            "certSecret": "corp-ca",
            "verify": {"matchOIDCIdentity": [IDENTITY]},
            "ignore": ["/*", "!/flux"],
        },
    ],
    "environments": {
        "staging": {
            "source": "git",
            "ref": {"tag": "v1.2.3"},
            "path": "./flux",
            "clusters": ["stg-1", "stg-2"],
            "suspend": True,
            "wait": False,
            "interval": "10m",
            "retryInterval": "30s",
            "timeout": "3m",
            "substitute": {"host": "atlas.example", "replicas": 3, "debug": False},
            "dependsOn": ["ledger"],
            "decryption": {"secret": "sops-age-staging"},
            "profile": "standard",
            "quota": {"pods": 5},
            "limits": {"memory": "1Gi"},
            "network": "open",
            "podSecurity": "restricted",
            "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "create"]}],
            "exceptions": {
                "stg-2": {
                    "ref": {"semver": ">=1.2.0"},
                    "path": "./flux/canary",
                    "suspend": False,
                    "wait": True,
                    "interval": "1m",
                    "retryInterval": "10s",
                    "timeout": "1m",
                    "substitute": {"replicas": 1},
                }
            },
        },
        "production": {"source": "artifact", "ref": {"digest": f"sha256:{'0' * 64}"}, "role": "view"},
    },
}
CASES = {
    "tenants": [
        content({("environments", "production", "clusters"): ["prd-1"]}, profile="strict", quota={"pods": "50"}),
        small("shop", owner={"team": "shop: #1"}, environments={"staging": {"ref": {"branch": "1e3"}}}),
    ],
    "tenants-exceptions": [
        content(
            {
                ("environments", "staging", "substitute"): {"host": "shop.example", "replicas": 3},
                ("environments", "staging", "exceptions"): {
                    "stg-2": {
                        "ref": {"tag": "v1.2.3"},
                        "path": "./flux/canary",
                        "suspend": True,
                        "wait": False,
                        "interval": "1m",
                        "retryInterval": "10s",
                        "timeout": "2m",
                        "substitute": {"replicas": 1},
                    }
                },
            }
        ),
    ],
    "tenants-fenced": [
        small(
            "inner",
            profile="strict",
            network="open",
            podSecurity="baseline",
            role="edit",
            access={"admin": ["oidc:inner"]},
            labels={"corp.example/cost-center": "4711", "istio-injection": "enabled"},
            annotations={"corp.example/wiki": "https://wiki.example/inner: a #1"},
            notifications=[
                {"name": "chat", "provider": "slack", "channel": "inner", "secret": "chat", "severity": "error"},
                {"name": "pager", "provider": "pagerduty"},
            ],
        ),
        small(
            "own",
            podSecurity="restricted",
            network="closed",
            access={"admin": ["oidc:own"]},
            rules=[{"apiGroups": ["", "apps"], "resources": ["configmaps", "deployments"], "verbs": ["get", "create"]}],
        ),
    ],
    "tenants-full": [small("ledger"), FULL],
    "tenants-open": [small("lab", profile="open", namespaces=["lab", "lab-2"], limits={"cpu": 1})],
}


def test_golden_of_every_field_has_them_all() -> None:
    """What a form gets later has its place in the golden file too."""
    environments, sources = FULL["environments"].values(), FULL["sources"]
    for shape, asked in ((form_environments.ENVIRONMENT, environments), (form_sources.SOURCE, sources)):
        assert {name for one in asked for name in one} == set(shape.fields)
    exceptions = [one for asked in environments for one in asked.get("exceptions", {}).values()]
    assert {name for one in exceptions for name in one} == set(form_environments.DELIVERY)
    assert not problems(FULL)


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str) -> None:
    found = fleet(*CASES[case])
    text = "".join(f"===== {path} =====\n{found[path]}" for path in sorted(found) if path not in FLEET)
    file = GOLDEN / case / "after.txt"
    if os.environ.get("FLEET_WRITE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("hand_edits", ["hold", "keep", "overwrite"])
def test_second_run_does_nothing(case: str, hand_edits: str) -> None:
    second = onboard(fleet(*CASES[case]), CASES[case], hand_edits=hand_edits)
    assert (second.plan.changes, second.plan.held, second.message) == ((), {}, "")


def test_a_run_writes_the_environments_of_its_clusters_alone() -> None:
    found = onboard(FLEET, [content()], "stg-1")
    assert found.plan.paths == [
        f"{STAGING}/namespaces/payments",
        f"{STAGING}/namespaces/payments-jobs",
        FILE,
        SHARED,
    ]
    assert onboarding_notes.beyond([tenant(content()), tenant(small())], ["staging"]) == ["payments: production"]
    assert onboard(FLEET, [small(environments={"qa": {}})]).plan.changes == ()


def test_notes() -> None:
    result = {"names": [], "leaving": ["shop"], "not_in_this_run": [f"t{number}: qa" for number in range(12)]}
    told = onboarding_notes.notes(
        {**result, "unlisted": ["blog"], "by_hand": ["x"], "unlocked": ["stg-1 runs without x"]}
    )
    assert told[0] == "not in this run: t0: qa"
    assert told[10:] == [
        "not in this run: 2 more",
        "leaving, by the playbook offboard: shop",
        "listed by no request, leaving by the playbook offboard: blog",
        "by hand: x",
        "tenants are not locked in: stg-1 runs without x",
    ]
    offboarding = {"names": ["shop"], "leaving": ["shop"], "unlisted": [], "not_in_this_run": [], "by_hand": []}
    assert onboarding_notes.notes({**offboarding, "unlocked": ["x"]}) == []


def test_message() -> None:
    repository = fleet(small("shop"))
    changed = small("shop", profile="open")
    first = onboard(repository, [content(), changed]).message.splitlines()
    assert first[0] == "onboard payments and update shop in production and staging"
    assert first[-2:] == ["Fleet-Tenant: payments", "Fleet-Tenant: shop"]
    many = onboard(FLEET, [small(f"team-{number}") for number in range(50)]).message
    assert many.startswith("onboard 50 tenants in staging\n")


def test_outcome() -> None:
    chosen = content({CLUSTERS: ["stg-2"]})
    found = onboard(FLEET, [chosen, small("shop")])
    first, second = (found.outcome(member(name)) for name in ("stg-1", "stg-2"))
    assert (first["tenants"], second["tenants"]) == (["shop"], ["payments", "shop"])
    assert first["files"] == [path for path in found.plan.paths if "shop" in path]
    assert second["files"] == [path for path in found.plan.paths if path.startswith(STAGING)]
    assert (first["source_keys"], [key["source"] for key in second["source_keys"]]) == ([], ["deploy"])
    again = onboard(after(FLEET, found), [chosen, small("shop")])
    assert again.outcome(member("stg-2")) == {**second, "files": []}, "keys of tenants that did not change too"
    assert found.outcome(member("prd-1"))["tenants"] == ["payments"]


def test_cluster_that_the_repository_does_not_know() -> None:
    found = refused({"clusters/stg-2/cluster.yaml": ""}, small())
    assert sorted(one.where for one in found) == ["prd-1", "stg-1"]
    assert "run the playbook bootstrap" in found[0].hint


def moved(before: dict[str, Any], now: dict[str, Any], *allow: str) -> dict[str, str | None]:
    """Path → text of the sync files that change."""
    found = onboard(fleet(before), [now], allow=allow)
    return {one.path: one.after for one in found.plan.changes if "/clusters/" in one.path or "/sync/" in one.path}


ALL, ONE, OTHER, BOTH = (
    content({CLUSTERS: one} if one else {}) for one in ([], ["stg-1"], ["stg-2"], ["stg-1", "stg-2"])
)


def test_move_to_named_clusters_and_back() -> None:
    there = moved(ALL, BOTH)
    assert {path for path, text in there.items() if text} == {own("stg-1"), own("stg-2")}
    assert {path for path, text in there.items() if not text} == {SHARED}
    back = moved(ONE, ALL)
    assert {path for path, text in back.items() if text} == {SHARED}
    assert {path for path, text in back.items() if not text} == {own("stg-1")}
    assert set(moved(ONE, BOTH)) == {own("stg-2")}


@pytest.mark.parametrize(("before", "now", "left"), [(ALL, ONE, "stg-2"), (ONE, OTHER, "stg-1"), (BOTH, ONE, "stg-2")])
def test_leaving_a_cluster_needs_its_word(before: dict[str, Any], now: dict[str, Any], left: str) -> None:
    (problem,) = refused(fleet(before), now)
    assert (problem.field, problem.where) == ("environments.staging.clusters", "requests/0.yml")
    assert f"is on cluster {left}" in problem.hint
    assert "fleet_allow: [orphan_tenant]" in problem.hint
    assert moved(before, now, "orphan_tenant")


def test_a_move_tells_the_cluster_that_is_left() -> None:
    found = onboard(fleet(ALL), [ONE], allow=["orphan_tenant"])
    outcome = found.outcome(member("stg-2"))
    assert outcome["tenants"] == []
    assert outcome["files"] == [SHARED]
    assert found.outcome(member("stg-1"))["files"] == [own("stg-1"), SHARED]


def test_unknown_cluster() -> None:
    (problem,) = refused(FLEET, content({CLUSTERS: ["stg-1", "stg-3"]}))
    assert (problem.field, problem.value) == ("environments.staging.clusters", "stg-3")
    assert "there are stg-1, stg-2" in problem.hint


def test_environment_that_a_request_no_longer_names() -> None:
    (problem,) = refused(fleet(content()), content({("environments", "staging"): REMOVED}))
    assert "the repository has payments in staging" in problem.hint
    assert not onboard(fleet(content()), [content({("environments", "staging"): REMOVED})], "prd-1").plan.changes


def test_losing_a_namespace_needs_its_word() -> None:
    repository, now = fleet(content()), content(namespaces=["payments"])
    found = refused(repository, now)
    assert [problem.field for problem in found] == ["namespaces"] * 2
    assert all("payments-jobs" in one.hint and "[remove_namespace]" in one.hint for one in found)
    change = onboard(repository, [now], allow=["remove_namespace"])
    gone = [one.path for one in change.plan.changes if one.after is None]
    assert gone == ["projects/production/namespaces/payments-jobs", f"{STAGING}/namespaces/payments-jobs"]
    after_it = after(repository, change)
    assert "payments-jobs" not in after_it[FILE]
    assert not onboard(after_it, [small("other", namespaces=["payments-jobs"])]).plan.held


def test_namespace_that_moves_to_another_tenant_waits_for_a_second_run() -> None:
    now = content(namespaces=["payments"])
    found = refused(fleet(content()), now, small("other", namespaces=["payments-jobs"]), allow=["remove_namespace"])
    assert [one.hint for one in found] == ["in staging this namespace is tenant payments's: choose another"]


def test_tenants_that_collide_in_a_run() -> None:
    same = refused(FLEET, small("shop"), small("shop"))
    assert [(one.where, one.field) for one in same] == [("requests/1.yml", "tenant")]
    assert "see requests/0.yml" in same[0].hint
    space = refused(FLEET, small("shop", namespaces=["a", "web"]), small("other", namespaces=["web"]))
    assert [(one.where, one.field, one.value) for one in space] == [("requests/1.yml", "namespaces[0]", "web")]
    assert "tenant shop (requests/0.yml) wants this namespace in staging too" in space[0].hint
    by_name = refused(FLEET, small("shop", namespaces=["web"]), small("web"))
    assert [(one.where, one.field) for one in by_name] == [("requests/1.yml", "tenant")]


def test_one_namespace_for_two_tenants_in_different_environments() -> None:
    asked = [small("shop", namespaces=["web"]), small("other", namespaces=["web"], environments={"production": {}})]
    assert onboard(FLEET, asked).plan.changes


def test_namespace_of_another_tenant_of_the_repository() -> None:
    repository = fleet(content())
    (problem,) = refused(repository, small("shop", namespaces=["x", "payments-jobs"]))
    assert (problem.field, problem.value) == ("namespaces[1]", "payments-jobs")
    assert "in staging this namespace is tenant payments's" in problem.hint
    elsewhere = small("shop", namespaces=["payments"], environments={"staging": {}, "production": {}})
    found = refused(repository, elsewhere, rules=None)
    assert {one.hint.split()[1] for one in found} == {"staging", "production"}


def test_namespaces_are_checked_beyond_the_run() -> None:
    """What lies in other environments is not written, and still checked for collisions."""
    repository = fleet(content())
    asked = small("shop", namespaces=["payments"], environments={"qa": {}, "production": {}})
    with pytest.raises(InvalidInput) as caught:
        onboard(repository, [asked], "stg-1")
    assert [one.hint for one in caught.value.problems] == [
        "in production this namespace is tenant payments's: choose another"
    ]


def test_claim_that_names_nobody() -> None:
    path = f"{STAGING}/namespaces/shop"
    found = refused({**FLEET, path: "what is this\n"}, small("shop"))
    assert [one.where for one in found] == [path]


def test_namespace_that_a_cluster_has() -> None:
    there = {"stg-1": {"shop": "", "default": ""}, "prd-1": {"shop": ""}}
    (problem,) = refused(FLEET, small("shop"), found=there)
    assert "cluster stg-1 has this namespace, and it is no tenant's" in problem.hint
    assert "fleet_allow: [adopt_namespace]" in problem.hint
    assert onboard(FLEET, [small("shop")], found=there, allow=["adopt_namespace"]).plan.changes
    assert onboard(FLEET, [small("shop")], found={"stg-1": {"shop": "shop"}}).plan.changes
    assert onboard(fleet(small("shop")), [small("shop", profile="open")], found=there).plan.changes, (
        "it is ours already"
    )


def test_namespace_that_goes_with_its_volumes_or_nobody_knows_with_what() -> None:
    repository, now = fleet(content()), content(namespaces=["payments"])
    held = {"stg-2": [{"namespace": "payments-jobs", "name": "data", "size": "10Gi"}]}
    (problem,) = refused(repository, now, allow=["remove_namespace"], volumes=held)
    assert problem.where == "cluster stg-2"
    assert "in namespace payments-jobs: data (10Gi)" in problem.hint
    assert "fleet_allow: [remove_volumes]" in problem.hint
    both = ["remove_namespace", "remove_volumes"]
    assert onboard(repository, [now], allow=both, volumes=held).plan.changes
    elsewhere = {"stg-2": [{**held["stg-2"][0], "namespace": "payments"}]}
    assert onboard(repository, [now], allow=both[:1], volumes=elsewhere).plan.changes
    (problem,) = refused(repository, now, clusters=["stg-1"], allow=both[:1])
    assert "cluster stg-2 was not asked" in problem.hint
    assert onboard(repository, [now], "stg-1", allow=both).plan.changes


def test_namespace_that_a_cluster_has_for_another_tenant() -> None:
    (problem,) = refused(FLEET, small("shop"), found={"stg-2": {"shop": "other"}}, allow=["adopt_namespace"])
    assert "on cluster stg-2 this namespace is tenant other's" in problem.hint


def edited(repository: Mapping[str, str], path: str) -> dict[str, str]:
    """The repository after somebody's edit of one file."""
    text = repository[path].replace("prune: true", "prune: false")
    return {**repository, path: text if text != repository[path] else f"{text}more: 1\n"}


NOW = content(profile="strict", namespaces=["payments", "payments-jobs", "payments-new"])


@pytest.mark.parametrize("path", [FILE, SHARED, f"{STAGING}/namespaces/payments"])
def test_edit_holds_all_files_of_that_tenant_there(path: str) -> None:
    repository = edited(fleet(content(), small("shop")), path)
    wanted = [NOW, small("shop", profile="open")]
    found = onboard(repository, wanted)
    assert found.plan.held == {path: EDITED}
    written = [one for one in found.plan.paths if one.startswith(STAGING)]
    assert written == [f"{STAGING}/shop/tenant.yaml"], "the rest of the run goes on"
    assert any(one.startswith("projects/production/payments") for one in found.plan.paths)
    assert found.outcome(member("stg-1"))["held"] == {path: EDITED}
    assert found.outcome(member("prd-1"))["held"] == {}
    kept = onboard(repository, wanted, hand_edits="keep")
    assert (kept.plan.held, kept.plan.paths) == ({}, found.plan.paths)
    over = onboard(repository, wanted, hand_edits="overwrite")
    assert over.plan.held == {}
    assert FILE in over.plan.paths


def test_edit_of_a_file_that_needs_no_change_is_none_of_this_run() -> None:
    repository = edited(fleet(content()), FILE)
    assert onboard(repository, [small("shop")]).plan.held == {}


def test_held_tenant_keeps_its_keys_and_its_clusters() -> None:
    repository = edited(fleet(ONE), FILE)
    found = onboard(repository, [content({CLUSTERS: ["stg-2"]}, profile="strict")])
    assert found.outcome(member("stg-1"))["tenants"] == ["payments"]
    assert [key["source"] for key in found.outcome(member("stg-1"))["source_keys"]] == ["deploy"]
    assert found.outcome(member("stg-2"))["tenants"] == []


def test_unreadable_file_is_held() -> None:
    repository = {**fleet(content()), FILE: fleet(content())[FILE] + "\n{"}
    assert onboard(repository, [NOW]).plan.held == {FILE: EDITED}


def test_file_of_somebody_else_is_never_touched() -> None:
    repository = {**FLEET, f"{STAGING}/shop/tenant.yaml": "kind: Namespace\n"}
    for hand_edits in ("hold", "keep", "overwrite"):
        found = onboard(repository, [small("shop")], hand_edits=hand_edits)
        assert found.plan.held == {f"{STAGING}/shop/tenant.yaml": FOREIGN}
        assert found.plan.changes == ()


def test_formatters_may_touch_bytes() -> None:
    repository = fleet(content())
    repository[FILE] = repository[FILE].replace("  name: payments\n", "  name:   payments # same\n")
    assert onboard(repository, [content()]).plan.changes == ()


def test_user_template_that_renames_a_namespace_away_is_seen() -> None:
    extra = "---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: {{ tenant.name }}-extra\n  labels:\n"
    extra += "    fleet.fluxops.io/tenant: {{ tenant.name }}\n"
    templates = {"tenant.yaml.j2": TEMPLATES["tenant.yaml.j2"] + extra}
    change = onboard(FLEET, [small("shop")], templates=templates)
    assert f"{STAGING}/namespaces/shop-extra" in change.plan.paths
    (problem,) = refused(after(FLEET, change), small("shop"))
    assert "shop has namespace shop-extra" in problem.hint
    (problem,) = refused(FLEET, small("shop"), small("web", namespaces=["shop-extra"]), templates=templates)[:1]
    assert "wants this namespace" in problem.hint


def test_user_template_that_takes_what_is_forbidden() -> None:
    text = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: kube-system\n"
    (problem,) = refused(FLEET, small("shop"), templates={"tenant.yaml.j2": text})
    assert problem.where == "tenant.yaml.j2"


def test_all_problems_at_once() -> None:
    repository = fleet(content())
    found = refused(
        repository,
        content({CLUSTERS: ["stg-9"]}, namespaces=["payments"]),
        small("a", namespaces=["payments-jobs"]),
        small("b", namespaces=["x"]),
        small("c", namespaces=["x"]),
        found={"stg-1": {"x": "z"}},
    )
    assert len(found) >= 7


def paths_of(name: str, spaces: list[str]) -> re.Pattern[str]:
    """The paths that one tenant's onboarding may write."""
    claims = "|".join(re.escape(one) for one in spaces)
    own_name = re.escape(name)
    return re.compile(
        rf"projects/staging/(namespaces/({claims})|{own_name}/tenant\.yaml|(sync/[0-9a-f]|clusters/stg-[12])/{own_name}\.yaml)"
    )


OTHERS = fleet(small("other"), small("sys", namespaces=["web"]))


@given(
    labels | hostile,
    st.lists(labels | hostile, min_size=1, max_size=3),
    hostile,
    hostile,
    st.sampled_from([[], ["stg-1"], ["../../x"], ["stg-2/../stg-1"]]),
)
@settings(max_examples=3000)
def test_nothing_outside_of_the_tenants_own_files(
    name: str, spaces: list[str], environment: str, text: str, clusters: list[str]
) -> None:
    asked = small(name, namespaces=spaces, owner={"team": text})
    asked["environments"] = {"staging": {"ref": {"branch": text}} if len(text) % 2 else {}}
    if clusters:
        asked["environments"]["staging"]["clusters"] = clusters
    if len(environment) % 7 == 0:
        asked["environments"][environment] = {}
    if problems(asked):
        return
    try:
        found = onboard(OTHERS, [asked])
    except InvalidInput:  # a namespace that others have
        return
    allowed = paths_of(name, spaces)
    assert all(allowed.fullmatch(path) for path in found.plan.paths), found.plan.paths
    assert all(one.before is None for one in found.plan.changes)
    assert onboard(after(OTHERS, found), [asked]).plan.changes == ()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_reach_no_path(name: str) -> None:
    if not problems(small(name)):
        assert re.fullmatch(r"[a-z0-9-]+", name)


def test_claim_is_of_one_form() -> None:
    assert fleet(small("shop"))[f"{STAGING}/namespaces/shop"] == tenants.claim("shop")


PLAIN = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: door\nstringData:\n  key: canary\n"


def test_secrets_in_clear_are_refused_whoever_wrote_them() -> None:
    """Beside a tenant's files, and in a file of ours; in environments of the run."""
    by_hand = {f"projects/{one}/payments/extra/door.yaml": f"# ours\n{PLAIN}" for one in ("staging", "qa")}
    edited = {"projects/staging/shop/tenant.yaml": PLAIN}
    with pytest.raises(InvalidInput) as caught:
        onboard({**FLEET, **by_hand, **edited}, [small("shop")])
    assert [(one.where, one.field) for one in caught.value.problems] == [
        ("projects/staging/payments/extra/door.yaml:3", "Secret door: key"),
        ("projects/staging/shop/tenant.yaml:2", "Secret door: key"),
    ]
    assert "canary" not in str(caught.value)
    onboard({**FLEET, **by_hand}, [small("shop")], allow=["plain_secret"])


EXCEPTIONS = ("environments", "staging", "exceptions")


def kustomization(text: str) -> Any:
    """The one object of a sync file."""
    (found,) = documents.read(text, "sync")
    return found["spec"]


def test_exception_takes_the_place_of_what_all_clusters_have() -> None:
    fleet_before = fleet(content())
    asked = content({EXCEPTIONS: {"stg-2": {"ref": {"tag": "v1"}, "timeout": "5m"}}})
    found = after(fleet_before, onboard(fleet_before, [asked]))
    assert SHARED not in found
    assert "patches" not in kustomization(found[own("stg-1")])
    assert kustomization(found[own("stg-2")])["patches"] == [
        {
            "target": {"kind": "GitRepository", "name": "deploy"},
            "patch": "- op: add\n  path: /spec/ref\n  value:\n    tag: v1\n",
        }
    ]
    assert onboard(found, [asked]).plan.changes == ()
    assert after(found, onboard(found, [content()])) == fleet_before


def test_exception_among_chosen_clusters() -> None:
    found = fleet(content({CLUSTERS: ["stg-2"], EXCEPTIONS: {"stg-2": {"suspend": True}}}))
    assert own("stg-1") not in found
    assert "value: true" in kustomization(found[own("stg-2")])["patches"][0]["patch"]


def test_exception_for_a_cluster_that_does_not_have_the_tenant() -> None:
    (one,) = problems(content({CLUSTERS: ["stg-1"], EXCEPTIONS: {"stg-2": {}}}))
    assert (one.field, one.value) == ("environments.staging.exceptions.stg-2", "stg-2")
    (one,) = refused(FLEET, content({EXCEPTIONS: {"prd-1": {"wait": False}}}))
    assert str(one) == (
        "requests/0.yml: environments.staging.exceptions.prd-1 is 'prd-1': no cluster of staging is called so "
        "(there are stg-1, stg-2)"
    )


def test_template_of_a_user_that_leaves_exceptions_out() -> None:
    text = TEMPLATES["sync.yaml.j2"].replace("if sync.patches", "if false")
    asked = content({EXCEPTIONS: {"stg-2": {"wait": False}}})
    (one,) = refused(FLEET, asked, templates={"sync.yaml.j2": text})
    assert (
        str(one) == "sync.yaml.j2: spec.patches: leaves sync.patches out, by which payments has its exception on stg-2"
    )
    same = content({EXCEPTIONS: {"stg-2": {"wait": True}}})
    assert fleet(same, templates={"sync.yaml.j2": text})


@given(st.dictionaries(st.sampled_from(["path", "host"]), hostile, min_size=1))
@settings(max_examples=300)
def test_exception_reads_back_as_asked_or_is_refused(values: dict[str, str]) -> None:
    exception: dict[str, Any] = {"path": "./x", "substitute": {"host": values.get("host", "")}}
    asked = content({EXCEPTIONS: {"stg-2": {**exception, **{k: v for k, v in values.items() if k == "path"}}}})
    if problems(asked):
        return
    (patch,) = kustomization(fleet(asked)[own("stg-2")])["patches"]
    wanted = tenant(asked).placement("staging")
    operations = yaml.safe_load(patch["patch"])
    assert wanted
    assert {one["path"]: one["value"] for one in operations} == {
        "/spec/path": wanted.exceptions["stg-2"].path,
        "/spec/postBuild": {"substitute": {"host": values.get("host", "")}},
    }


EXTRA = f"{STAGING}/payments/extra"


def test_what_people_keep_for_a_tenant_is_checked_and_stays() -> None:
    kept = {
        f"{EXTRA}/more.yaml": "a: b\n",
        f"{EXTRA}/notes.txt": "{",
        f"{EXTRA}/deep/kustomization.yaml": "resources: []\n",
    }
    found = after({**FLEET, **kept}, onboard({**FLEET, **kept}, [content()]))
    assert {path: found[path] for path in kept} == kept
    asked = content(changes={("environments", "staging", "ref"): {"branch": "other"}})
    assert not [path for path in onboard(found, [asked]).plan.paths if path in kept]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("more.yaml", "a: {", f"{EXTRA}/more.yaml: YAML: "),
        ("more.yml", "a: b\na: c\n", "key 'a' stands twice"),
        ("more.yaml", "- a\n", "each document must be a mapping"),
        (
            "kustomization.yaml",
            "resources:\n  - more.yaml\n  - https://u:geheim@git.example/base?ref=main\n",
            f"{EXTRA}/kustomization.yaml:3: resources is 'https://…@git.example/base': comes from elsewhere",
        ),
    ],
)
def test_what_people_keep_that_flux_could_not_apply(name: str, text: str, said: str) -> None:
    (problem,) = refused({**FLEET, f"{EXTRA}/{name}": text}, content())
    assert said in str(problem)
    assert "geheim" not in str(problem)
    assert onboard({**FLEET, f"{EXTRA}/{name}": text}, [content(tenant="other", namespaces=["other"])])
