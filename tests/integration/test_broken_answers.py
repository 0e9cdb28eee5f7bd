# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real servers behind a proxy that breaks their answers: what is asked again, what is not, and what is said."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import (
    ClusterError,
    GitError,
    NotReady,
    Unreachable,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._io import connection, credentials, git_program, objects
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git import Proposal, Remote, Repository, transact
from tests.integration.project import STAGING
from tests.lab import Lab
from tests.lab.faults import Fault, FaultProxy, answer, changed, cut, reset, silent

SYSTEM = "/api/v1/namespaces/kube-system"
LOGIN = b"<!DOCTYPE html><title>Guest network</title><form action=/login>"
DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: lates.tests.example}
spec:
  group: tests.example
  scope: Cluster
  names: {kind: Late, plural: lates}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
"""


def server(lab: Lab, name: str) -> str:
    """The URL of a cluster's API server."""
    config = yaml.safe_load(lab.kubeconfig.read_text())
    return str(next(one["cluster"]["server"] for one in config["clusters"] if one["name"] == name))


@pytest.fixture
def proxy(lab: Lab) -> Iterator[FaultProxy]:
    """A proxy before staging's API server; it asks as an administrator, whoever asks it."""
    with FaultProxy(lab.settings, server(lab, STAGING), administrator=True) as made:
        yield made


@pytest.fixture
def cluster(lab: Lab, proxy: FaultProxy) -> Iterator[Cluster]:
    with Cluster(way(lab, proxy), STAGING) as made:
        yield made


def way(lab: Lab, proxy: FaultProxy) -> dict[str, Any]:
    """``auth`` through the proxy."""
    return {"host": proxy.url, "ca_cert": str(lab.settings.certificates / "ca.crt"), "api_key": "any"}


BUSY = answer(429, b"{}", Retry_After="1")


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([BUSY], id="429 with Retry-After"),
        pytest.param([answer(500), answer(502), answer(503), answer(504)], id="500, 502, 503, 504"),
        pytest.param([reset, cut], id="reset, and an answer that ends in its middle"),
    ],
)
def test_api_that_is_broken_for_a_moment_is_asked_again(
    cluster: Cluster, proxy: FaultProxy, faults: list[Fault]
) -> None:
    proxy.inject(SYSTEM, *faults)
    assert cluster.uid()
    assert proxy.asked == [f"GET {SYSTEM}"] * (len(faults) + 1)


def test_api_says_how_long_it_wants_to_be_left_alone(
    cluster: Cluster, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    proxy.inject(SYSTEM, answer(429, b"{}", Retry_After="7"), answer(503, b"{}", Retry_After="86400"))
    assert cluster.uid()
    assert 7 in pauses
    assert max(pauses) == connection._LONGEST_PAUSE


def test_api_that_refuses_is_asked_once(cluster: Cluster, proxy: FaultProxy) -> None:
    for status in (400, 401, 403, 409, 422):
        proxy.asked.clear()
        proxy.inject(SYSTEM, answer(status, json.dumps({"message": f"no: {status}"}).encode()))
        with pytest.raises(ClusterError, match="renew them" if status == 401 else f"no: {status}") as caught:
            cluster.uid()
        assert caught.value.status == status
        assert len(proxy.asked) == 1


def test_api_that_hangs_is_left_after_one_time_limit(
    cluster: Cluster, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_READ_SECONDS", 1)
    proxy.inject(SYSTEM, silent, always=True)
    with pytest.raises(Unreachable, match=rf"{STAGING}: {proxy.url} does not answer: Read timed out"):
        cluster.uid()
    assert len(proxy.asked) == 1


def test_login_page_in_place_of_the_api_is_told_from_an_answer(cluster: Cluster, proxy: FaultProxy) -> None:
    proxy.inject(SYSTEM, answer(200, LOGIN))
    with pytest.raises(Unreachable, match=r"the answer to GET .* is not JSON \(HTTP 200\): is this an API server\?"):
        cluster.uid()


def test_api_that_can_not_be_trusted_or_found_is_named(lab: Lab, proxy: FaultProxy) -> None:
    trusted = way(lab, proxy)
    cases = {
        "certificate verify failed": {**trusted, "ca_cert": None},
        "Name or service not known|resolve": {**trusted, "host": "https://api.invalid:6443"},
        "Connection refused": {**trusted, "host": "https://127.0.0.1:1"},
    }
    for words, auth in cases.items():
        with Cluster(auth, STAGING) as cluster, pytest.raises(Unreachable, match=words) as caught:
            cluster.uid()
        assert str(caught.value).startswith(f"{STAGING}: {auth['host']} does not answer: ")


def unestablished(body: bytes) -> bytes:
    """A list of definitions as it is while the API server does not serve them yet."""
    found = json.loads(body)
    for one in found["items"]:
        for condition in one["status"]["conditions"]:
            if condition["type"] == "Established":
                condition |= {"status": "False", "message": "the initial names have been accepted"}
    return json.dumps(found).encode()


def test_definition_that_is_served_late_is_waited_for(
    cluster: Cluster, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    definition = yaml.safe_load(DEFINITION)
    late = {"apiVersion": "tests.example/v1", "kind": "Late", "metadata": {"name": "one"}}
    states = "GET /apis/apiextensions.k8s.io/v1/customresourcedefinitions\\?"
    proxy.inject(states, *[changed(unestablished)] * 3)
    try:
        objects.apply(cluster, [late, definition], "tests")
        first = next(line for line in proxy.asked if "/lates/one" in line)
        assert len([line for line in proxy.asked[: proxy.asked.index(first)] if re.match(states, line)]) >= 4
        assert cluster.get("tests.example/v1", "Late", "one")
        monkeypatch.setattr(objects, "_ESTABLISHED_SECONDS", 0)
        proxy.inject(states, changed(unestablished), always=True)
        with pytest.raises(NotReady, match=r"lates\.tests\.example: the initial names have been accepted"):
            objects.apply(cluster, [definition], "tests")
    finally:
        definition["metadata"]["uid"] = cluster.get(
            definition["apiVersion"], definition["kind"], "lates.tests.example"
        )["metadata"]["uid"]  # type: ignore[index]
        cluster.delete(definition)


@pytest.fixture
def git(lab: Lab) -> Iterator[tuple[FaultProxy, Remote]]:
    """A proxy before the forge, and a repository of its own behind it."""
    forge, name = lab.forge, f"broken-{time.time_ns():x}"
    url = forge.create_repository(name)["https_url"]
    root, _slash, path = url.rpartition(f"/{forge.facts['user']}/")
    try:
        with FaultProxy(lab.settings, root) as proxy:
            remote = Remote(
                f"{proxy.url}/{forge.facts['user']}/{path}",
                "main",
                token=forge.facts["token"],
                ca_cert=Path(forge.facts["ca_cert"]).read_text(),
            )
            yield proxy, remote
    finally:
        forge.delete_repository(name)


@pytest.mark.parametrize("at", ["GET .*/info/refs", "POST .*/git-receive-pack"])
@pytest.mark.parametrize(
    "fault", [answer(429, Retry_After="1"), answer(503), reset, cut], ids=["429", "503", "reset", "cut"]
)
def test_forge_that_is_broken_for_a_moment_is_asked_again(
    git: tuple[FaultProxy, Remote], fault: Fault, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, remote = git
    monkeypatch.setattr(git_program, "PAUSES", (0.1, 0.1))
    proxy.inject(at, fault)
    with Repository(remote) as repository:
        published = transact(repository, lambda _snapshot: Proposal({"a": b"1"}, "one"))
        repository.fetch()
        assert repository.head == published.revision
    assert published.committed
    assert published.attempts == 1


@pytest.mark.parametrize("page", [LOGIN, LOGIN.replace(b"><", b">\n<")], ids=["one line", "lines"])
def test_forge_that_answers_by_a_login_page_is_named(git: tuple[FaultProxy, Remote], page: bytes) -> None:
    proxy, remote = git
    proxy.inject("", answer(200, page, Content_Type="text/html"), always=True)
    with Repository(remote) as repository, pytest.raises(GitError, match="not as a Git server does") as caught:
        transact(repository, lambda _snapshot: Proposal({"a": b"1"}, "one"))
    assert "a login page or a proxy before it" in str(caught.value)


def test_namespace_that_comes_meanwhile_gets_its_secret(cluster: Cluster, proxy: FaultProxy) -> None:
    """Flux brings the namespaces of tenants while a run writes their keys."""
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "meanwhile"}}
    metadata = {"name": "given", "namespace": "meanwhile"}
    wanted = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"value": "Y2FuYXJ5"}}
    there = cluster.create(space)
    try:
        proxy.inject("GET /api/v1/namespaces/meanwhile$", answer(404, json.dumps({"reason": "NotFound"}).encode()))
        planned = credentials.given(cluster, wanted)
        assert [one["kind"] for one in planned.changes] == ["Namespace", "Secret"]
        credentials.write(cluster, planned, set(), lambda _text: None)
        written = cluster.get("v1", "Secret", "given", "meanwhile")
        assert written
        assert written["data"] == wanted["data"]
        with pytest.raises(ClusterError, match="already exists"):  # what somebody else has written meanwhile stays
            credentials.write(cluster, planned, set(), lambda _text: None)
    finally:
        cluster.delete(there)
