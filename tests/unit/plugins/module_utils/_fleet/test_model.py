# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model's rules: good values pass, bad ones are named with what would be right, all of them at once."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import model
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Cluster
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import DIGEST, cluster, labels, parameters

CANARY = "s3cr3t-Canary"


def fields(found: list[Problem]) -> list[str]:
    """The fields that problems are about."""
    return sorted({problem.field for problem in found})


@pytest.mark.parametrize("name", ["a", "0", "stg-1", "a--b", "1-2", "x" * 63, "xn--bcher-kva"])
def test_check_label_good(name: str) -> None:
    assert model.check_label("h", "f", name) == []


@pytest.mark.parametrize(
    "name", ["", "-a", "a-", "A", "a.b", "a_b", "a b", " a", "a\n", "a/b", "..", "x" * 64, "a\x00", "{{ a }}"]
)
def test_check_label_bad(name: str) -> None:
    (problem,) = model.check_label("h", "f", name)
    assert (problem.where, problem.field, problem.value) == ("h", "f", name or "empty")
    assert "lower-case letters, digits and '-'" in problem.hint


@pytest.mark.parametrize(
    ("name", "code_point"),
    [
        ("st\u0430ging", "U+0430"),  # Cyrillic a
        ("stag\u0131ng", "U+0131"),  # dotless i
        ("prod\u2010eu", "U+2010"),  # a hyphen that is not '-'
        ("prod\u200b", "U+200B"),  # no width at all
        ("\uff41", "U+FF41"),  # full width
        ("stg-\U0001d7cf", "U+1D7CF"),  # mathematical bold 1
        ("m\u00fcnchen", "U+00FC"),
    ],
)
def test_check_label_homoglyph_names_its_code_point(name: str, code_point: str) -> None:
    (problem,) = model.check_label("h", "f", name)
    assert code_point in problem.hint


@given(labels)
def test_check_label_any_label(name: str) -> None:
    assert model.check_label("h", "f", name) == []


@pytest.mark.parametrize(
    "url",
    [
        "ssh://git@git.example/platform/fleet.git",
        "ssh://git@git.example:2222/platform/fleet.git",
        "ssh://git.example/fleet",
        "ssh://git@[2001:db8::1]:22/fleet.git",
        "https://git.example/platform/fleet.git",
        "https://git.example:8443/fleet",
        "https://10.0.0.1/a/b/c/d.git",
        "https://dev.azure.example/org/project/_git/fleet",
    ],
)
def test_check_repository_url_good(url: str) -> None:
    assert model.check_repository_url("h", "f", url) == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "fleet",
        "git@git.example:platform/fleet.git",
        "git.example:platform/fleet.git",
        "http://git.example/fleet.git",
        "git://git.example/fleet.git",
        "file:///srv/fleet.git",
        "/srv/fleet.git",
        "ext::sh -c id",
        "ssh://git@git.example",
        "ssh://git@git.example/",
        "https:///fleet.git",
        "https://git.example:0/fleet.git",
        "https://git.example:70000/fleet.git",
        "https://git.example:port/fleet.git",
        "ssh://[git@git.example/fleet.git",
        "ssh://-oProxyCommand=id/fleet.git",
        "ssh://git@-oProxyCommand=id/fleet.git",
        "ssh://-oProxyCommand=id@git.example/fleet.git",
        "https://git.example/fl eet.git",
        "https://git.example/fleet.git\n",
        "https://git.example/fleet.git\nurl: evil",
        "https://git.exa\tmple/fleet.git",
        " https://git.example/fleet.git",
    ],
)
def test_check_repository_url_bad(url: str) -> None:
    (problem,) = model.check_repository_url("h", "f", url)
    assert (problem.where, problem.field) == ("h", "f")
    assert problem.hint


@pytest.mark.parametrize(
    "url",
    [
        f"https://git:{CANARY}@git.example/fleet.git",
        f"https://{CANARY}@git.example/fleet.git",
        f"https://:{CANARY}@git.example/fleet.git",
        f"ssh://git:{CANARY}@git.example/fleet.git",
        f"http://{CANARY}@git.example/fleet.git",
        f"http://git:{CANARY}@git.example/fleet.git",
        f"git://git:{CANARY}@git.example/fleet.git",
        f"git:{CANARY}@git.example:fleet.git",
        f"https://git:{CANARY}@git.example:port/fleet.git",
        f"https://git:{CANARY}@git.example:70000/fleet.git",
        f"https://git:{CANARY}@[git.example/fleet.git",
        f"https://git:a/{CANARY}@git.example/fleet.git",
        f"https://git:a@{CANARY}@git.example/fleet.git",
        f"https://git:a#{CANARY}@git.example/fleet.git",
        f"https://git:a?{CANARY}@git.example/fleet.git",
        f"https:/git:{CANARY}@git.example/fleet.git",
        f"https:git:{CANARY}@git.example/fleet.git",
        f" https://git:{CANARY}@git.example/fleet.git",
        f"https://git:{CANARY}@git.example/fl eet.git",
        f"https://git:{CANARY}\n@git.example/fleet.git",
        f"https://git:{CANARY}@",
        f"ssh://git:{CANARY}@-host/fleet.git",
        f"https://user/{CANARY}@git.example/fleet.git",
        f"https://git.example/fleet.git?private_token={CANARY}",
        f"https://git.example/fleet.git#{CANARY}",
    ],
)
def test_check_repository_url_never_echoes_credentials(url: str) -> None:
    (problem,) = model.check_repository_url("h", "f", url)
    assert CANARY not in str(problem)


@given(
    st.sampled_from(["https://", "http://", "ssh://git:", "git://", "", "https:/", "ftp://"]),
    st.text("ab:/@#?[]%\\ \n", max_size=5),
    st.text("ab:/@#?[]%\\ \n", max_size=5),
    st.text("ab:/@#?[]%\\ 0", max_size=8),
)
@example("https://", "git:", "", "")
def test_check_repository_url_with_credentials_anywhere(scheme: str, before: str, after: str, rest: str) -> None:
    (problem,) = model.check_repository_url("h", "f", f"{scheme}{before}{CANARY}{after}@{rest}")
    assert CANARY not in str(problem)


def git_accepts(name: str) -> bool:
    """Whether git would make a branch of that name."""
    command = ["git", "check-ref-format", "--branch", name]
    return subprocess.run(command, capture_output=True, check=False, cwd="/").returncode == 0


def we_accept(name: str) -> bool:
    """Whether we let that name pass."""
    return model.check_branch("h", "f", name) == []


BRANCHES = {
    "main": True,
    "feature/x": True,
    "feature/x.y-z_1": True,
    "ümläut": True,
    "a/@/b": True,
    "a@b": True,
    "1e3": True,
    "head": True,
    "a.lockx": True,
    "%2e": True,
    "": False,
    "HEAD": False,
    "-a": False,
    "--upload-pack=id": False,
    "/a": False,
    "a/": False,
    "a//b": False,
    ".a": False,
    "a/.b": False,
    "a.": False,
    "a..b": False,
    "a.lock": False,
    "a.lock/b": False,
    "a@{b": False,
    "a b": False,
    "a\tb": False,
    "a\nb": False,
    "a\x7fb": False,
    "a~b": False,
    "a^b": False,
    "a:b": False,
    "a?b": False,
    "a*b": False,
    "a[b": False,
    "a\\b": False,
}


@pytest.mark.parametrize(("name", "good"), BRANCHES.items())
def test_check_branch_as_git_does(name: str, good: bool) -> None:
    assert git_accepts(name) == good
    assert we_accept(name) == good


@given(st.lists(st.sampled_from([*"aA1.-/@{}~^:?*[\\ _", "..", ".lock", "@{", "HEAD", "ü", "\x7f", "\t"]), max_size=6))
def test_check_branch_any_name_as_git_does(parts: list[str]) -> None:
    name = "".join(parts)
    assume(name != "@")
    assert we_accept(name) == git_accepts(name), name


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=6))
def test_check_branch_any_text_as_git_does(name: str) -> None:
    assume(not name.startswith("refs/"))
    assert we_accept(name) == git_accepts(name), name


@pytest.mark.parametrize("name", ["refs/heads/main", "@"])
def test_check_branch_name_that_git_reads_otherwise_is_refused(name: str) -> None:
    (problem,) = model.check_branch("h", "f", name)
    assert "short name" in problem.hint


def test_problems_of_a_good_cluster() -> None:
    assert cluster().problems() == []
    assert cluster(substitutions={"region": "eu", "_x1": 1}, version="v2.9.4-rc.1+a.b").problems() == []


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("name", "Stg_1", "fleet_cluster_name"),
        ("environment", "sta ging", "fleet_environment"),
        ("environment", "base", "fleet_environment"),
        ("url", "git@git.example:fleet.git", "fleet_repository_url"),
        ("branch", "a..b", "fleet_repository_branch"),
        ("version", "2.9.4", "fleet_flux_version"),
        ("version", "v2.9", "fleet_flux_version"),
        ("version", "latest", "fleet_flux_version"),
        ("version", "v2.9.4 ", "fleet_flux_version"),
        ("version", "v2.9.4\n", "fleet_flux_version"),
        ("version", "v٢.9.4", "fleet_flux_version"),
        ("digest", DIGEST[:-1], "fleet_flux_digest"),
        ("digest", DIGEST.upper(), "fleet_flux_digest"),
        ("digest", "md5:" + DIGEST, "fleet_flux_digest"),
        ("substitutions", {"a-b": "x"}, "fleet_substitutions"),
        ("substitutions", {"1a": "x"}, "fleet_substitutions"),
        ("substitutions", {"": "x"}, "fleet_substitutions"),
        ("substitutions", {"ä": "x"}, "fleet_substitutions"),
    ],
)
def test_problems_of_one_bad_field(field: str, value: Any, named: str) -> None:
    found = cluster(**{field: value}).problems()
    assert fields(found) == [named]
    assert {problem.where for problem in found} == {"stg-1"}


def test_problems_all_at_once() -> None:
    found = cluster(
        name="A", environment="base", url="x", branch="", version="1", digest="x", substitutions={"a b": 1, "c d": 2}
    ).problems()
    assert fields(found) == [
        "fleet_cluster_name",
        "fleet_environment",
        "fleet_flux_digest",
        "fleet_flux_version",
        "fleet_repository_branch",
        "fleet_repository_url",
        "fleet_substitutions",
    ]
    assert [problem.value for problem in found if problem.field == "fleet_substitutions"] == ["a b", "c d"]


def test_from_params_takes_the_host_for_a_name_that_is_missing() -> None:
    assert Cluster.from_params("host-1", parameters(name="")).name == "host-1"


@pytest.mark.parametrize("digest", [DIGEST, f"sha256:{DIGEST}"])
def test_from_params_digest_with_and_without_its_kind(digest: str) -> None:
    assert cluster(digest=digest).distribution.digest == DIGEST


def test_facts_are_text_and_ours_win() -> None:
    substitutions = {"yes": True, "no": False, "n": 7, "f": 1.5, "s": "x", "cluster_name": "lie", 5: "key"}
    assert cluster(substitutions=substitutions).facts == {
        "yes": "true",
        "no": "false",
        "n": "7",
        "f": "1.5",
        "s": "x",
        "5": "key",
        "cluster_name": "stg-1",
        "cluster_environment": "staging",
    }


def test_cluster_is_the_same_whatever_the_order_of_its_facts() -> None:
    assert cluster(substitutions={"a": 1, "b": 2}) == cluster(substitutions={"b": 2, "a": 1})
    assert len({cluster(), cluster(), cluster("stg-2")}) == 2
