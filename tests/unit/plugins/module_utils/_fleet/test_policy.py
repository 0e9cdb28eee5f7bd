# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet gives to requests, and how far it lets them go."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import request_reader
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.policy import Policy, quantity
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Request
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.requested import from_request
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rules import Rules
from ansible_collections.fluxops.fleet.tests.unit.plugins.tenant_samples import (
    FLEET,
    content,
    onboard,
    problems,
    small,
    tenant,
)

DEFAULTS = {
    "quota": {"pods": 50, "services": "7"},
    "limits": {"cpu": "1"},
    "interval": "10m",
    "environments": {"production": {"profile": "strict", "quota": {"pods": 200}, "timeout": "15m"}},
}


def rules(defaults: dict[str, Any] | None = None, caps: dict[str, Any] | None = None) -> Rules:
    """The rules of a fleet with these defaults and caps, which are right."""
    policy = Policy(defaults or {}, caps or {})
    assert list(policy.problems()) == []
    return Rules(policy=policy)


def wrong(defaults: dict[str, Any] | None = None, caps: dict[str, Any] | None = None) -> list[str]:
    """The fields of the fleet's variables in which something is wrong."""
    return [one.field for one in Policy(defaults or {}, caps or {}).problems()]


def test_defaults_of_the_fleet_and_of_an_environment() -> None:
    made = tenant(small(environments={"staging": {}, "production": {}}), rules(DEFAULTS))
    production, staging = made.placements
    assert (staging.profile, staging.delivery.interval, staging.delivery.timeout) == ("standard", "10m", "5m")
    assert (staging.quota["pods"], staging.quota["services"], staging.limits) == ("50", "7", {"cpu": "1"})
    assert (production.profile, production.delivery.interval, production.delivery.timeout) == ("strict", "10m", "15m")
    assert (production.quota["pods"], production.quota["requests.cpu"]) == ("200", "4")
    assert production.limits == {"cpu": "1", "memory": "512Mi"}


def test_own_word_of_a_request_goes_over_all_defaults() -> None:
    asked = {"production": {"profile": "open", "interval": "1m", "timeout": "2m"}}
    one = tenant(small(environments=asked, quota={"pods": 3}, limits={"cpu": "2"}), rules(DEFAULTS)).placements[0]
    assert (one.profile, one.delivery.interval, one.delivery.timeout) == ("open", "1m", "2m")
    assert (one.quota, one.limits) == ({"pods": "3", "services": "7"}, {"cpu": "2"})
    one = tenant(small(environments={"production": {}}, profile="open"), rules(DEFAULTS)).placements[0]
    assert one.profile == "open"


RULE = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}


def test_what_is_said_nearest_fences_in() -> None:
    defaults = {
        "role": "edit",
        "network": "closed",
        "environments": {"production": {"rules": [RULE], "podSecurity": "restricted", "limits": {"cpu": "2"}}},
    }
    asked = {"staging": {}, "production": {}}
    production, staging = tenant(small(environments=asked), rules(defaults)).placements
    assert (staging.role, staging.rules, staging.network, staging.pod_security) == ("edit", (), "closed", "baseline")
    assert (production.rules, production.network, production.pod_security) == ((RULE,), "closed", "restricted")
    assert production.limits["cpu"] == "2"
    request = small(environments=asked, role="view", podSecurity="baseline", limits={"cpu": "3", "memory": "1Gi"})
    production, staging = tenant(request, rules(defaults)).placements
    assert [(one.role, one.rules, one.pod_security) for one in (staging, production)] == [("view", (), "baseline")] * 2
    assert production.limits == {"cpu": "3", "memory": "1Gi"}
    own = {
        "rules": [RULE],
        "network": "open",
        "podSecurity": "privileged",
        "quota": {"pods": 3},
        "limits": {"cpu": "9"},
    }
    (made,) = tenant({**request, "environments": {"production": own}}, rules(defaults)).placements
    assert (made.rules, made.network, made.pod_security) == ((RULE,), "open", "privileged")
    assert (made.quota["pods"], made.limits) == ("3", {"cpu": "9", "memory": "1Gi"})


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"role": "cluster-admin"}, "role"),
        ({"rules": [{**RULE, "verbs": ["*"]}]}, "rules[0].verbs[0]"),
        ({"network": "open"}, "network"),
        ({"podSecurity": "privileged"}, "podSecurity"),
        ({"role": "edit", "rules": [RULE]}, "role"),
        ({"quota": {"pods": 9}}, "quota.pods"),
    ],
)
def test_caps_hold_for_environments_and_for_the_fleets_own_words(said: dict[str, Any], field: str) -> None:
    caps = {"network": "closed", "podSecurity": "baseline", "quota": {"pods": 3}}
    assert wrong({"environments": {"staging": said}}, caps) == [f"fleet_tenant_defaults.environments.staging.{field}"]
    assert wrong(said, caps) == [f"fleet_tenant_defaults.{field}"]
    faults = problems(small(environments={"staging": said}), rules(caps=caps))
    assert [one.field for one in faults] == [f"environments.staging.{field}"]


def test_request_beyond_a_quota_names_line_value_and_cap() -> None:
    text = b"tenant: shop\nowner: {team: shop}\nquota:\n  pods: 301\n  requests.memory: 64Gi\n"
    text += b"sources: [{name: a, url: 'https://git.example/a.git'}]\nenvironments: {staging: {}}\n"
    (found,), _wrong = request_reader.read(text, "shop.yml")
    made, faults = from_request(found, rules(caps={"quota": {"pods": 300, "requests.memory": "65536Mi"}}))
    assert made is None
    said = "shop.yml:4: quota.pods is '301': the fleet allows at most 300 (fleet_tenant_caps.quota)"
    assert [str(one) for one in faults] == [said]


def test_whatever_is_capped_is_limited_where_nobody_asks_for_it() -> None:
    caps = {"quota": {"pods": 20, "requests.cpu": 2, "secrets": 9}}
    one = tenant(small(profile="strict", quota={"secrets": 4}), rules({"quota": {"pods": 5}}, caps)).placements[0]
    assert (one.quota["pods"], one.quota["requests.cpu"], one.quota["secrets"]) == ("5", "2", "4")
    assert tenant(small(profile="open"), rules(caps=caps)).placements[0].quota["requests.cpu"] == "2"


def test_profile_that_the_fleet_does_not_allow() -> None:
    mine = rules(caps={"profiles": ["standard", "strict"]})
    (one,) = problems(small(profile="open"), mine)
    assert (one.field, one.value, "standard, strict" in one.hint) == ("profile", "open", True)
    (one,) = problems(small(environments={"staging": {"profile": "open"}}), mine)
    assert (one.field, one.value) == ("environments.staging.profile", "open")


PATTERNS = ["ssh://git@git.example/**", "https://*.corp.example/team-*/*.git"]


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("ssh://git@git.example/a/b/c.git", True),
        ("ssh://git@git.example:22/a/b.git", False),
        ("ssh://git@git.example.evil/a/b.git", False),
        ("ssh://root@git.example/a/b.git", False),
        ("ssh://git@git.example/a/../b.git", False),
        ("ssh://git@git.example/a/%2e%2E/b.git", False),
        ("ssh://git@git.example/a%2f..%2fb.git", False),
        ("https://git.corp.example/team-a/x.git", True),
        ("https://a.b.corp.example/team-a/x.git", True),
        ("https://git.corp.example/team-a/deep/x.git", False),
        ("https://git.corp.example/other/x.git", False),
        ("https://evil.example/git.corp.example/team-a/x.git", False),
        ("https://gitxcorp.example/team-a/x.git", False),
        ("https://evil.example:1.corp.example/team-a/x.git", False),
    ],
)
def test_sources_that_the_fleet_allows(url: str, *, allowed: bool) -> None:
    found = problems(small(sources=[{"name": "deploy", "url": url}]), rules(caps={"sources": PATTERNS}))
    assert [one.field for one in found] == ([] if allowed else ["sources[0].url"])


@given(st.text(alphabet="abc.:@/%*?#-", max_size=30))
def test_host_of_a_source_is_the_patterns(rest: str) -> None:
    url = f"https://{rest}"
    found = problems(small(sources=[{"name": "a", "url": url}]), rules(caps={"sources": ["https://a.*.c/**"]}))
    host = url.split("/")[2]
    assert found or (host.startswith("a.") and host.endswith(".c") and ":" not in host and "@" not in host)


def test_what_is_wrong_with_the_fleets_own_variables_is_said_of_them() -> None:
    assert wrong({"qouta": {}, "interval": "5"}, {"quota": {"pods": "many"}, "sources": ["*"]}) == [
        "fleet_tenant_defaults.qouta",
        "fleet_tenant_defaults.interval",
        "fleet_tenant_caps.quota.pods",
        "fleet_tenant_caps.sources[0]",
    ]
    caps = {"quota": {"pods": 100}, "profiles": ["standard"]}
    assert wrong(DEFAULTS, caps) == [
        "fleet_tenant_defaults.environments.production.quota.pods",
        "fleet_tenant_defaults.environments.production.profile",
    ]


def test_defaults_of_an_environment_that_nobody_has() -> None:
    mine = rules({"environments": {"prodution": {"profile": "strict"}}})
    with pytest.raises(InvalidInput, match=r"fleet_tenant_defaults.environments is 'prodution': no cluster"):
        onboard(FLEET, [content()], rules=mine)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", "1"), (2.5, "2.5"), ("500m", "0.5"), ("4Gi", 4 * 1024**3), ("1k", "1000"), ("2e3", "2000"), ("1E", 10**18)],
)
def test_quantity(text: object, number: str | int) -> None:
    assert quantity(text) == Decimal(number)


@given(st.from_regex(r"\A[0-9]{1,5}(\.[0-9]{1,3})?(m|k|Ki|Mi|G|e2|E)?\Z"), st.integers(0, 10**6))
def test_no_quota_is_above_its_cap(asked: str, cap: int) -> None:
    mine = rules(caps={"quota": {"pods": cap}})
    made, _faults = from_request(Request(small(quota={"pods": asked}), "request"), mine)
    assert made is None or quantity(made.placements[0].quota["pods"]) <= cap
