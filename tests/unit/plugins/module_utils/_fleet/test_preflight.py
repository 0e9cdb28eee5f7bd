# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold between clusters before anything is written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, preflight, render
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import UID_ANNOTATION, Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import MANIFEST, TEMPLATES, Files, cluster, labels


def test_same_names_names_each_host_and_the_others() -> None:
    found = preflight.same_names({"a": "one", "b": "two", "c": "one", "d": "one"})
    assert [(problem.where, problem.field, problem.value) for problem in found] == [
        (host, "fleet_cluster_name", "one") for host in "acd"
    ]
    assert [problem.hint.partition(":")[0] for problem in found] == [
        f"also the name of {others}" for others in ("c, d", "a, d", "a, c")
    ]


@given(st.dictionaries(labels, labels, max_size=8))
def test_same_names_any_inventory(inventory: dict[str, str]) -> None:
    shared = [host for host, name in inventory.items() if list(inventory.values()).count(name) > 1]
    assert sorted(problem.where for problem in preflight.same_names(inventory)) == sorted(shared)


def test_same_cluster_by_uid() -> None:
    found = preflight.same_cluster([cluster("a", "u1"), cluster("b", "u2"), cluster("c", "u1")])
    assert [(problem.where, problem.field) for problem in found] == [
        ("a", "fleet_cluster_auth"),
        ("c", "fleet_cluster_auth"),
    ]
    assert "as c (UID u1)" in found[0].hint
    assert "as a (UID u1)" in found[1].hint


def test_same_cluster_knows_nothing_of_clusters_that_were_not_reached() -> None:
    assert preflight.same_cluster([cluster("a", ""), cluster("b", "")]) == []


def cluster_file(uid: str) -> str:
    """A cluster.yaml with a pin."""
    return documents.write([{"kind": "ConfigMap", "metadata": {"name": "x", "annotations": {UID_ANNOTATION: uid}}}])


def test_pinned_uids_of_what_we_write() -> None:
    files = render.cluster_files(cluster("a", "u1"), Layout(), Renderer(TEMPLATES), MANIFEST, {})
    texts = {path: text for path, text in files.items() if path.endswith("/cluster.yaml")}
    assert preflight.pinned_uids(texts, Layout()) == {"a": "u1"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "metadata: text\n",
        "metadata: {annotations: text}\n",
        "metadata: {annotations: [1]}\n",
        "metadata: {annotations: }\n",
        "kind: ConfigMap\n",
        cluster_file(""),
    ],
)
def test_pinned_uids_of_a_file_without_one(text: str) -> None:
    assert not preflight.pinned_uids({"clusters/a/cluster.yaml": text}, Layout()).get("a")


def test_pinned_uids_of_a_broken_file_let_no_cluster_pass() -> None:
    pins = preflight.pinned_uids({"clusters/a/cluster.yaml": "a: [\n"}, Layout())
    (problem,) = preflight.identity([cluster("a", "u1")], pins, [])
    assert "clusters/a/cluster.yaml can't be read" in problem.hint


@pytest.mark.parametrize("order", [1, -1])
def test_pinned_uids_of_a_file_with_more_documents(order: int) -> None:
    text = "---\n".join([cluster_file("u1"), "kind: ConfigMap\nmetadata: {name: more}\n"][::order])
    assert preflight.pinned_uids({"clusters/a/cluster.yaml": text}, Layout()) == {"a": "u1"}


def test_pinned_uids_in_a_layout_of_the_users() -> None:
    files = {"deep/er/a/cluster.yaml": cluster_file("u1")}
    assert preflight.pinned_uids(files, Layout(clusters="deep/er")) == {"a": "u1"}


REPLACE = ["replace_cluster"]
ALL_THREE = ["fleet_repository_url", "fleet_repository_branch", "fleet_cluster_name"]


@pytest.mark.parametrize(
    ("uid", "pins", "allow", "said"),
    [
        ("u1", {}, [], ""),
        ("u1", {"a": ""}, [], ""),
        ("u1", {"a": "u1"}, [], ""),
        ("u1", {"a": "u1", "b": "u2"}, [], ""),
        ("", {"a": "u1"}, [], ""),
        ("", {"a": "u1", "b": ""}, [], ""),
        ("u2", {"a": "u1"}, [], "the repository pins UID u1"),
        ("u2", {"a": "u1"}, ["move_sync"], "fleet_allow: [replace_cluster]"),
        ("u2", {"a": "u1"}, REPLACE, ""),
        ("u2", {"a": "u1"}, ["move_sync", "replace_cluster"], ""),
        ("u2", {"a": "u1", "b": "u2"}, [], "the cluster that the repository knows as b (UID u2)"),
        ("u2", {"a": "u1", "b": "u2"}, REPLACE, "the cluster that the repository knows as b (UID u2)"),
        ("u2", {"b": "u2"}, [], "the cluster that the repository knows as b (UID u2)"),
    ],
)
def test_identity_truth_table(uid: str, pins: dict[str, str], allow: list[str], said: str) -> None:
    found = preflight.identity([cluster("a", uid)], pins, allow)
    assert len(found) == bool(said)
    assert all(problem.where == "a" and said in problem.hint for problem in found)


def test_identity_of_all_clusters_at_once() -> None:
    found = preflight.identity([cluster("a", "u2"), cluster("b", "u1")], {"a": "u1", "b": "u2"}, [])
    assert [problem.where for problem in found] == ["a", "b"]


WANTED = ("ssh://git@git.example/fleet.git", "main", "clusters/a")


@pytest.mark.parametrize(
    ("followed", "allow", "fields"),
    [
        (("", "", ""), [], []),
        (WANTED, [], []),
        (("ssh://git@old.example/fleet.git", *WANTED[1:]), [], ["fleet_repository_url"]),
        ((WANTED[0], "old", WANTED[2]), [], ["fleet_repository_branch"]),
        ((*WANTED[:2], "clusters/b"), [], ["fleet_cluster_name"]),
        (("x", "y", "z"), [], ALL_THREE),
        (
            ("x", "y", "z"),
            ["replace_cluster"],
            ["fleet_repository_url", "fleet_repository_branch", "fleet_cluster_name"],
        ),
        (("x", "y", "z"), ["move_sync"], []),
    ],
)
def test_moved_sync_truth_table(followed: tuple[str, str, str], allow: list[str], fields: list[str]) -> None:
    found = preflight.moved_sync("h", followed, WANTED, allow)
    assert [problem.field for problem in found] == fields
    for problem in found:
        assert problem.where == "h"
        assert "fleet_allow: [move_sync]" in problem.hint
        assert problem.value in WANTED


def found(host: str, **changes: Any) -> dict[str, Any]:
    """What the noun preflight returns for a host."""
    about = {"host": host, "name": host, "environment": "staging", "uid": f"uid-{host}", "failure": "", "problems": []}
    repository = {"url": "ssh://git@git.example/platform/fleet.git", "branch": "main"}
    return {**about, "reachable": True, "repository": repository, **changes}


def test_secrets_of_a_member_can_be_wrong_before_it_is_reached() -> None:
    member = Member.from_params({**found("stg-1"), "reachable": False})
    given = [{"name": "registry.login", "namespace": "apps"}, {"name": "Bad_Name", "namespace": "a b"}]
    problems = preflight.member_problems(member, {}, [], given)
    assert [(one.field, one.value) for one in problems] == [
        ("fleet_secrets.name", "Bad_Name"),
        ("fleet_secrets.namespace", "a b"),
    ]


def test_checked_members() -> None:
    away = found("b", reachable=False, failure="b: no route", uid="")
    members = preflight.checked_members([found("a"), away])
    assert [(one.name, one.reachable) for one in members] == [("a", True), ("b", False)]
    with pytest.raises(InvalidInput, match="b: fleet_unreachable is 'fail': b: no route"):
        preflight.checked_members([found("a"), away], "fail")


def test_checked_members_reports_all_problems_at_once() -> None:
    wrong = {"where": "a", "field": "f", "value": "v", "hint": "h"}
    with pytest.raises(InvalidInput) as caught:
        preflight.checked_members([found("a", problems=[wrong], uid="u"), found("b", uid="u")])
    assert [one.field for one in caught.value.problems] == ["f", "fleet_cluster_auth", "fleet_cluster_auth"]


@pytest.mark.parametrize("others", [{}, {"waves": []}, {"waves": ["staging"]}, {"waves": [["staging", "c"]]}])
def test_one_list_of_waves_for_all_hosts(others: dict[str, Any]) -> None:
    reached = {"reachable": True, "failure": ""}
    waves: list[Any] = [["staging"], "c"]
    mine = [{"host": host, **reached, "waves": waves} for host in ("a", "b")]
    assert preflight.stated_problems(mine, "skip") == []
    (problem,) = preflight.stated_problems([{"host": "c", **reached, **others}, *mine], "skip")
    assert (problem.where, problem.field) == ("run", "fleet_waves")
    other = others.get("waves") or "nothing"
    assert f"{other} on c; [['staging'], 'c'] on a, b: set it in group_vars/all" in problem.hint


def test_recipients_that_differ_are_refused_by_name() -> None:
    hosts = [
        {"host": host, "reachable": True, "failure": "", "sops": {"age": [key]} if key else {}}
        for host, key in zip("abc", ("age1x", "age1x", ""), strict=True)
    ]
    (problem,) = preflight.stated_problems(hosts, "skip")
    assert (problem.where, problem.field) == ("run", "fleet_sops")
    assert "{'age': ['age1x']} on a, b; nothing on c" in problem.hint
    assert preflight.stated_problems(hosts[:2], "skip") == []


def test_one_gate_for_all_hosts() -> None:
    hosts = [
        {"host": host, "reachable": True, "failure": "", "gate": {"hold": hold}}
        for host, hold in zip("abc", (5, 5, 0), strict=True)
    ]
    (problem,) = preflight.stated_problems(hosts, "skip")
    assert (problem.where, problem.field) == ("run", "fleet_gate")
    assert "{'hold': 5} on a, b; {'hold': 0} on c" in problem.hint
    assert preflight.stated_problems(hosts[:2], "skip") == []


def test_check_known() -> None:
    files = {f"clusters/{name}/cluster.yaml": cluster_file(f"uid-{name}") for name in "ab"}
    members = preflight.checked_members([found("a"), found("b", uid="other"), found("c")])
    with pytest.raises(InvalidInput) as caught:
        preflight.check_known(members, Files(files), Layout(), [])
    assert [(one.where, one.field) for one in caught.value.problems] == [
        ("b", "identity of the cluster"),
        ("c", "fleet_cluster_name"),
    ]
    preflight.check_known(members[:1], Files(files), Layout(), [])
    preflight.check_known(members[:2], Files(files), Layout(), ["replace_cluster"])
