# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GitHub and GitLab as their documentation describes them. Gitea is real, in the lab."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import ForgeError, PushRefused
from ansible_collections.fluxops.fleet.plugins.module_utils._io import forge
from ansible_collections.fluxops.fleet.plugins.module_utils._io.forge_api import NoRepository
from ansible_collections.fluxops.fleet.plugins.module_utils._io.forge_kinds import (
    KINDS,
    Forge,
    GitHub,
    PullRequest,
    repository_path,
)
from ansible_collections.fluxops.fleet.tests.unit.plugins.module_utils._io.forge_double import (
    MAKERS,
    TOKEN,
    Double,
    served,
)

URLS = {
    "github": "ssh://git@127.0.0.1/group/fleet.git",
    "gitlab": "ssh://git@127.0.0.1:2222/group/sub/fleet.git",
}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA"


@pytest.fixture(params=sorted(MAKERS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def double(kind: str) -> Double:
    return MAKERS[kind](page=2)


@pytest.fixture
def url(double: Double) -> Iterator[str]:
    with served(double) as found:
        yield found


def at(kind: str, url: str, token: str = TOKEN, repository: str = "") -> Forge:
    return KINDS[kind]({"kind": kind, "url": f"{url}/", "token": token}, repository or URLS[kind])


def test_deploy_keys_of_all_pages(kind: str, double: Double, url: str) -> None:
    writing = {"github": {"read_only": False}, "gitlab": {"can_push": True}}[kind]
    reading = {"github": {"read_only": True}, "gitlab": {"can_push": False}}[kind]
    double.keys += [{"id": n, "title": f"key-{n}", "key": f"{KEY}{n} comment", **writing} for n in range(1, 5)]
    there = at(kind, url)
    there.add_deploy_key("ours", f"{KEY}5")
    assert double.keys[-1] == {**double.keys[-1], "title": "ours", "key": f"{KEY}5", **reading}
    found = there.deploy_keys()
    assert [(key.title, key.public, key.read_only) for key in found] == [
        *((f"key-{n}", f"{KEY}{n}", False) for n in range(1, 5)),
        ("ours", f"{KEY}5", True),
    ]
    there.delete_deploy_key(found[1])
    assert [key["title"] for key in double.keys] == ["key-1", "key-3", "key-4", "ours"]


def test_registration_replaces_a_key_of_its_title(kind: str, double: Double, url: str) -> None:
    settings = {"kind": kind, "url": url, "token": TOKEN}
    for key in (f"{KEY}1", f"{KEY}2"):
        registration = forge.Registration(settings, URLS[kind], ["staging-1/flux-system"])
        assert registration.needed(key)
        registration.register(key)
        assert not registration.needed(key)
        assert [one["key"] for one in double.keys] == [key]


def test_pull_request_is_opened_found_and_edited(kind: str, double: Double, url: str) -> None:
    there = at(kind, url)
    topic = "fluxops-fleet/bootstrap-1"
    assert there.pull_request(topic, "main") is None
    other = there.open_pull_request("fluxops-fleet/bootstrap-2", "main", "other", "")
    made = there.open_pull_request(topic, "main", "bootstrap a", "text")
    assert (made.number, other.number) == (2, 1)
    assert made == PullRequest(2, double.pulls[1]["web_url" if kind == "gitlab" else "html_url"])
    assert there.pull_request(topic, "main") == made
    assert there.pull_request(topic, "other") is None
    there.edit_pull_request(made, "bootstrap a, b", "more")
    text = {"github": "body", "gitlab": "description"}[kind]
    assert (double.pulls[1]["title"], double.pulls[1][text]) == ("bootstrap a, b", "more")
    assert len(double.pulls) == 2


def test_what_a_forge_refuses_is_told_in_its_words(kind: str, double: Double, url: str) -> None:
    there = at(kind, url)
    there.add_deploy_key("one", KEY)
    words = {"github": "key is already in use", "gitlab": "has already been taken"}[kind]
    with pytest.raises(ForgeError, match=words):
        there.add_deploy_key("two", KEY)
    with pytest.raises(ForgeError, match=r"HTTP 401.*the forge does not accept fleet_forge_token") as caught:
        at(kind, url, token="wrong-canary").deploy_keys()
    assert "wrong-canary" not in str(caught.value)
    with pytest.raises(NoRepository, match="the forge knows no such repository"):
        at(kind, url, repository="ssh://git@127.0.0.1/group/absent.git").deploy_keys()


def test_gitlab_says_who_may_push_to_a_branch() -> None:
    double = MAKERS["gitlab"]()
    with served(double) as url:
        settings = {"kind": "gitlab", "url": url, "token": TOKEN}
        for protected in (False, True):
            double.protected = protected
            assert at("gitlab", url).may_push("release/1") is not protected
        assert at("gitlab", url).may_push("to-come")
        forge.check_push(settings, URLS["gitlab"], "release/1", "another-token")
        with pytest.raises(PushRefused, match="fleet_publish: pull_request"):
            forge.check_push(settings, URLS["gitlab"], "release/1", TOKEN)


def test_forge_that_does_not_answer() -> None:
    with served(MAKERS["github"]()) as url:
        pass
    with pytest.raises(ForgeError, match="the forge does not answer"):
        at("github", url).deploy_keys()


def test_github_has_its_api_on_a_host_of_its_own() -> None:
    roots = {
        url: GitHub({"url": url, "token": "t"}, "ssh://git@github.com/a/b.git")._api.root
        for url in ("https://github.com", "https://github.corp.example/")
    }
    assert roots == {
        "https://github.com": "https://api.github.com",
        "https://github.corp.example/": "https://github.corp.example/api/v3",
    }


@pytest.mark.parametrize(
    ("forge_url", "repository_url", "path"),
    [
        ("https://git.example", "ssh://git@git.example:2222/group/sub/fleet.git", "group/sub/fleet"),
        ("https://git.example/forge/", "https://git.example/forge/group/fleet.git", "group/fleet"),
        ("https://git.example/forge", "ssh://git@git.example/group/fleet", "group/fleet"),
    ],
)
def test_path_of_a_repository(forge_url: str, repository_url: str, path: str) -> None:
    assert repository_path(forge_url, repository_url) == path


@pytest.mark.parametrize("answers", [[429, 503], [500], [502], [504, 503]])
def test_reading_waits_for_a_busy_forge(kind: str, double: Double, url: str, answers: list[int]) -> None:
    double.busy += answers
    assert list(at(kind, url).deploy_keys()) == []
    assert len(double.asked) == len(answers) + 1


def test_writing_is_tried_again_only_where_nothing_was_written(kind: str, double: Double, url: str) -> None:
    there = at(kind, url)
    double.busy += [503]
    there.add_deploy_key("ours", f"{KEY}1")
    assert len(double.keys) == 1
    for broken in (500, 502, 504, 403):
        double.busy += [broken]
        with pytest.raises(ForgeError, match=f"HTTP {broken}"):
            there.add_deploy_key("ours", f"{KEY}2")
    assert len(double.keys) == 1


def test_forge_that_stays_busy_is_a_failure(kind: str, double: Double, url: str) -> None:
    double.busy += [503] * 9
    with pytest.raises(ForgeError, match="HTTP 503"):
        at(kind, url).add_deploy_key("ours", f"{KEY}1")
    assert len(double.asked) == 4
