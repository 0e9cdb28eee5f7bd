# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a request to a tenant: what is filled in, and what is refused with field, value and what would be right."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.profiles import PROFILES
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Request
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.requested import from_request
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rules import Rules
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.source import Source
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenant import Delivery, Placement
from ansible_collections.fluxops.fleet.tests.unit.plugins.tenant_samples import (
    HOSTILE,
    REMOVED,
    URL,
    content,
    hostile,
    problems,
    small,
    tenant,
)

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGm0"


def test_shortest_request() -> None:
    found = tenant(small())
    source = Source("deploy", "https://git.example/shop.git", "", generated=False)
    assert found.namespaces == ("shop",)
    assert found.placements == (
        Placement(
            "staging",
            source,
            Delivery(("branch", "main"), "./flux/staging"),
            (),
            (),
            "standard",
            PROFILES["standard"].quota,
            {},
            "open",
            "baseline",
        ),
    )


def test_full_request() -> None:
    changes = {
        ("environments", "staging"): {
            "source": "deploy",
            "ref": {"tag": "v1"},
            "path": "flux//./x/",
            "clusters": ["stg-2", "stg-1"],
            "suspend": True,
            "interval": "1h",
            "retryInterval": "2m",
            "timeout": "30s",
            "wait": False,
            "substitute": {"replicas": 3, "host": "shop.example", "debug": False},
            "dependsOn": ["ledger", "database"],
            "profile": "open",
        }
    }
    found = tenant(content(changes, profile="strict", quota={"pods": 5}, limits={"cpu": 1.5}))
    source = Source("deploy", URL, "source-deploy", generated=True)
    production, staging = found.placements
    assert staging == Placement(
        "staging",
        source,
        Delivery(
            ("tag", "v1"),
            "./flux/x",
            suspend=True,
            wait=False,
            interval="1h",
            retry_interval="2m",
            timeout="30s",
            substitute={"debug": "false", "host": "shop.example", "replicas": "3"},
        ),
        ("stg-1", "stg-2"),
        ("database", "ledger"),
        "open",
        {"pods": "5"},
        {"cpu": "1.5"},
        "open",
        "",
    )
    assert (production.profile, production.delivery.ref) == ("strict", ("semver", ">=1.0.0"))
    assert found.access == {"admin": ("oidc:payments-dev",), "view": ("oidc:everyone",)}


def test_request_as_data_is_what_it_leaves_out_too() -> None:
    shown = tenant(content()).as_dict()
    assert shown["environments"]["production"]["interval"] == "5m"
    assert shown["sources"] == [{"name": "deploy", "url": URL, "secret": "source-deploy"}]


@pytest.mark.parametrize(
    ("source", "secret", "generated"),
    [
        ({"url": URL}, "source-deploy", True),
        ({"url": URL, "secret": "mine"}, "mine", False),
        ({"url": "https://git.example/x.git"}, "", False),
        ({"url": "https://git.example/x.git", "secret": "mine"}, "mine", False),
    ],
)
def test_secret_of_a_source(source: dict[str, str], secret: str, *, generated: bool) -> None:
    found = tenant(content(sources=[{"name": "deploy", **source}])).placements[0].source
    assert (found.secret, found.generated) == (secret, generated)


def test_profile_of_the_fleet_is_for_who_names_none() -> None:
    rules = Rules(profile="strict")
    assert tenant(small(), rules).placements[0].profile == "strict"
    assert tenant(small(profile="open"), rules).placements[0].profile == "open"


def test_leaving_needs_a_name_alone() -> None:
    assert tenant({"tenant": "shop", "state": "absent"}).leaving
    assert tenant(content(state="absent")).placements == ()
    missing = {one.field for one in problems({"tenant": "shop", "state": "present"})}
    assert missing == {"environments", "owner", "sources"}


def refused(changes: dict[Any, Any], rules: Rules | None = None) -> tuple[str, str, str]:
    """Field, value and hint of the one problem of a request."""
    found = problems(content(changes), rules)
    assert len(found) == 1, found
    return found[0].field, found[0].value, found[0].hint


NAMES = ["../x", "x" * 57, "Foo_Bar", "", "-x", "x-", "a.b", "a/b", "pay ments", "pay\nments", "payments\n"]


@pytest.mark.parametrize("name", [*NAMES, "sync", "namespaces", "clusters", "base", "flux-system"])
def test_name_of_a_tenant(name: str) -> None:
    assert refused({("tenant",): name})[0] == "tenant"


def test_longest_name_of_a_tenant() -> None:
    assert tenant(small("x" * 56)).namespaces == ("x" * 56,)


@pytest.mark.parametrize(("name", "number"), [("аdmin", "U+0430"), ("pay\u200bments", "U+200B"), ("ｐay", "U+FF50")])
def test_name_that_looks_like_another_names_the_character(name: str, number: str) -> None:
    assert number in refused({("tenant",): name})[2]
    assert number in refused({("namespaces",): [name]})[2]


@pytest.mark.parametrize("name", [*NAMES[2:], "x" * 64, "default", "flux-system", "kube-system", "kube-x"])
def test_namespace(name: str) -> None:
    assert refused({("namespaces",): ["payments", name]})[0] == "namespaces[1]"


def test_namespaces_of_the_platform() -> None:
    rules = Rules(forbidden=("monitoring", "istio-*"))
    for name in ("monitoring", "istio-system"):
        assert "the platform's" in refused({("namespaces",): [name]}, rules)[2]
    assert problems(content(namespaces=["monitoring-x", "istio"]), rules) == []


def test_namespace_that_comes_from_the_name() -> None:
    assert [one.field for one in problems(small("kube-x"))] == ["tenant"]
    assert [one.field for one in problems(small("monitoring"), Rules(forbidden=("monitoring",)))] == ["tenant"]
    assert problems(small("kube-x", namespaces=["shop"])) == []


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ext::sh -c id", "ext::sh -c id"),
        ("file:///etc/passwd", "file:///etc/passwd"),
        ("http://git.example/x.git", "http://git.example/x.git"),
        ("git@git.example:x.git", "…@git.example:x.git"),
        ("https://user:geheim@git.example/x.git", "https://…@git.example/x.git"),
        ("https://geheim@git.example/x.git", "https://…@git.example/x.git"),
        ("ssh://git:geheim@git.example/x.git", "ssh://…@git.example/x.git"),
        ("https://git.example/x.git?token=geheim", "https://git.example/x.git"),
        ("ssh://-oProxyCommand=id/x.git", "ssh://-oProxyCommand=id/x.git"),
        ("https://git.example/x y.git", "https://git.example/x y.git"),
        ("https://git.example", "https://git.example"),
        ("https://gіt.example/x.git", "https://gіt.example/x.git"),  # і is U+0456
        ("", "empty"),
    ],
)
def test_url(url: str, shown: str) -> None:
    field, value, hint = refused({("sources", 0, "url"): url})
    assert field == "sources[0].url"
    assert "geheim" not in value + hint
    assert value == shown


def test_url_names_the_character_that_is_none_of_asciis() -> None:
    assert "U+0456" in refused({("sources", 0, "url"): "https://gіt.example/x.git"})[2]


@pytest.mark.parametrize("branch", ["-x", "a..b", "refs/heads/x", "a b", "a\nb", "x.lock", "HEAD", "@", "a~b", "", "/"])
def test_branch_and_tag(branch: str) -> None:
    for kind in ("branch", "tag"):
        field, _value, hint = refused({("environments", "staging", "ref"): {kind: branch}})
        assert field == f"environments.staging.ref.{kind}"
        assert hint


@pytest.mark.parametrize("branch", ["main", "feature/a", "v1.10", "größe", "release-1", "a{b}", "${x}", "{{x}}"])
def test_branch_that_git_accepts(branch: str) -> None:
    assert problems(content({("environments", "staging", "ref"): {"branch": branch}})) == []


@pytest.mark.parametrize(
    "version",
    [
        ">=1.0.0",
        "1.x",
        "*",
        "^1.2",
        "~1.2.3",
        ">=1.0.0 <2.0.0",
        ">=1.0.0, <2",
        "1.2 - 1.4.5",
        "1.x || 3.x",
        "v1.2.3-rc.1",
    ],
)
def test_semver(version: str) -> None:
    assert problems(content({("environments", "staging", "ref"): {"semver": version}})) == []


@pytest.mark.parametrize("version", ["latest", "", ">=", "1.2.3.4", ">=1.0.0\n", "1.0;id", "1 || ", "=>>1", "x" * 200])
def test_no_semver(version: str) -> None:
    assert refused({("environments", "staging", "ref"): {"semver": version}})[0] == "environments.staging.ref.semver"


@pytest.mark.parametrize("commit", ["abc1234", "x" * 40, "A" * 40, ""])
def test_no_commit(commit: str) -> None:
    assert "full id" in refused({("environments", "staging", "ref"): {"commit": commit}})[2]


@pytest.mark.parametrize(
    "path", ["/etc", "../x", "a/../../x", "a/..", "..", "~", "~/x", "a\\b", "a\nb", "", "a\u202eb"]
)
def test_path_outside_of_the_repository(path: str) -> None:
    assert refused({("environments", "staging", "path"): path})[0] == "environments.staging.path"


@pytest.mark.parametrize(
    ("path", "kept"), [(".", "./"), ("./", "./"), ("a", "./a"), ("./a//b/", "./a/b"), ("..a", "./..a")]
)
def test_path(path: str, kept: str) -> None:
    found = tenant(content({("environments", "staging", "path"): path})).placement("staging")
    assert found is not None
    assert found.delivery.path == kept


@pytest.mark.parametrize("duration", ["0s", "0m0s", "5", "1d", "5ms", "-5m", "m", "5 m", ""])
def test_no_duration(duration: str) -> None:
    assert "above zero" in refused({("environments", "staging", "interval"): duration})[2]


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ("system:masters", "of Kubernetes' own"),
        ("system:authenticated", "of Kubernetes' own"),
        ("oidc:аdmin", "U+0430"),
        ("oidc:a\nb", "in ASCII"),
        ("", "in ASCII"),
    ],
)
def test_group(group: str, said: str) -> None:
    assert said in refused({("access",): {"admin": [group]}})[2]


@pytest.mark.parametrize(
    ("team", "said"), [("a\u200bb", "U+200B"), ("a\nb", "U+000A"), ("a\x1b[31m", "U+001B"), ("", "")]
)
def test_text(team: str, said: str) -> None:
    field, _value, hint = refused({("owner", "team"): team})
    assert field == "owner.team"
    assert said in hint


@pytest.mark.parametrize("team", ["Größe & Söhne", "a: b #c", "😀", "{{ lookup('pipe', 'id') }}", "${x}", "on", "1e3"])
def test_text_that_stays_as_it_is(team: str) -> None:
    assert tenant(content({("owner", "team"): team})).team == team


def test_sources() -> None:
    two = [{"name": "deploy", "url": URL}, {"name": "other", "url": URL}]
    assert refused({("sources",): two})[:2] == ("sources[1]", "other")
    assert "stands twice" in refused({("sources",): [two[0], two[0] | {"secret": "x"}]})[2]
    field, value, hint = refused({("environments", "staging", "source"): "deploi"})
    assert (field, value) == ("environments.staging.source", "deploi")
    assert "(sources: deploy)" in hint
    both = content({("sources",): two, ("environments", "staging", "source"): "other"})
    assert problems(both) == []
    del both["environments"]["production"]["source"]
    assert {one.field for one in problems(both)} == {"environments.production.source", "sources[0]"}


def test_pinned_hosts() -> None:
    def said(hosts: str, **source: str) -> list[str]:
        found = problems(content(sources=[{"name": "deploy", "url": URL, **source}]), Rules(known_hosts=hosts))
        return [one.hint for one in found]

    assert "fleet_known_hosts is for git.example:" in said("")[0]
    assert said(f"git.example {KEY}") == []
    assert said("", secret="mine") == []
    assert said("", url="https://git.example/x.git") == []
    assert "for [git.example]:2222:" in said(f"git.example {KEY}", url="ssh://git@git.example:2222/x.git")[0]


TEXTS = (
    ("tenant",),
    ("owner", "team"),
    ("owner", "contact"),
    ("namespaces", 0),
    ("access", "admin", 0),
    ("sources", 0, "url"),
    ("environments", "staging", "ref", "branch"),
    ("environments", "production", "ref", "semver"),
    ("environments", "staging", "path"),
)


@given(st.dictionaries(st.sampled_from(TEXTS), hostile, min_size=1, max_size=4))
@settings(max_examples=2000)
def test_hostile_text_is_kept_or_refused(changes: dict[Any, str]) -> None:
    asked = content(changes)
    made, wrong = from_request(Request(asked, "request"), Rules())
    assert (made is None) == bool(wrong)
    assert "geheim" not in "".join(f"{one}" for one in wrong)
    if made:
        shown = made.as_dict()
        assert (shown["tenant"], shown["owner"]) == (asked["tenant"], asked["owner"])
        assert (shown["namespaces"], shown["access"]) == (asked["namespaces"], asked["access"])
        assert shown["sources"][0]["url"] == asked["sources"][0]["url"]
        assert {one: shown["environments"][one]["ref"] for one in shown["environments"]} == {
            one: asked["environments"][one]["ref"] for one in asked["environments"]
        }


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("field", ["tenant", "owner", "namespaces", "sources", "environments", "state", "profile"])
def test_hostile_text_in_place_of_a_field(field: str, value: str) -> None:
    made, wrong = from_request(Request(content({(field,): value}), "request"), Rules())
    assert (made is None) == bool(wrong)


def test_removed_is_no_value() -> None:
    assert "namespaces" not in content(namespaces=REMOVED)
