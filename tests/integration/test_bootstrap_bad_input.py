# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input: each is reported with where, field, value and what would be right, and nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from tests.integration.conftest import Grounds
from tests.integration.project import CLUSTERS, PRODUCTION, STAGING, Project, new_key

Variables = dict[str, Any]
Given = Callable[[Project], Variables]


@dataclass(frozen=True)
class Case:
    """What is given, what the run must say, and what it must not say."""

    name: str
    says: tuple[str, ...]
    variables: Given = lambda project: {}
    hosts: Mapping[str, Given] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()


def auth(**options: Any) -> Given:
    """A host's way to its cluster, with these options in place of the right ones."""
    return lambda project: {"fleet_cluster_auth": {"kubeconfig": str(project.lab.kubeconfig), **options}}


def wrong_token(project: Project) -> Variables:
    config = yaml.safe_load(project.lab.kubeconfig.read_text())
    server = next(one["cluster"]["server"] for one in config["clusters"] if one["name"] == STAGING)
    authority = str(project.lab.settings.certificates / "ca.crt")
    return {"fleet_cluster_auth": {"host": server, "ca_cert": authority, "api_key": "canary-wrong-bearer"}}


def read_only_key(project: Project) -> Variables:
    public, private = new_key(project.folder / "given" / "read-only")
    path = f"/repos/{project.lab.forge.facts['user']}/{project.repository}/keys"
    body = {"title": "only to read", "key": public, "read_only": True}
    if body["title"] not in project.key_titles():
        project.lab.forge.call("POST", path, json=body)
    return {"fleet_repository_private_key": private, **CHANGE}


def host_key_of(server: Callable[[Project], str]) -> Given:
    """Known hosts with a key that is not the forge's."""

    def given(project: Project) -> Variables:
        public, _private = new_key(project.folder / "given" / "host-key")
        return {"fleet_repository_known_hosts": f"{server(project)} {public}", **CHANGE}

    return given


def forge_server(project: Project) -> str:
    facts = project.lab.facts["forge"]
    return f"[{facts['ssh_host']}]:{facts['ssh_port']}"


def url_of(path: str) -> Given:
    return lambda project: {
        "fleet_repository_url": project.variables["fleet_repository_url"].replace(project.repository, path),
        "fleet_allow": ["move_sync"],
    }


def manifest(path: str) -> Given:
    return lambda project: {
        "fleet_flux_manifest": project.lab.facts["flux"]["url"].replace("install.yaml", path),
        "fleet_flux_digest": "1" * 64,
    }


# Without something to write, a right to write would not be missed.
CHANGE = {"fleet_substitutions": {"purpose": "never written"}}
FAIL = {"fleet_unreachable": "fail", **CHANGE}

CASES = (
    Case(
        "time that is none",
        ("argument 'timeout' is of type", "'soon'"),
        lambda project: {"fleet_timeout": "soon", **CHANGE},
    ),
    Case(
        "forge of a tenant without its kind",
        ("missing required arguments: kind found in forges",),
        lambda project: {"fleet_forges": [{"url": "https://git.example", "token": "canary-forge"}], **CHANGE},
        hides=("canary-forge",),
    ),
    Case(
        "kubeconfig that does not exist",
        (f"{STAGING}: fleet_unreachable", "/nowhere/kubeconfig does not exist", "give fleet_cluster_auth a kubeconfig"),
        lambda project: FAIL,
        {STAGING: auth(kubeconfig="/nowhere/kubeconfig", context=STAGING)},
    ),
    Case(
        "context that does not exist",
        (f"{STAGING}: fleet_unreachable", "nowhere-1", "a context that stands in it"),
        lambda project: FAIL,
        {STAGING: auth(context="nowhere-1")},
    ),
    Case(
        "wrong bearer token",
        (f"{STAGING}: fleet_unreachable", "does not accept these credentials (401)"),
        lambda project: FAIL,
        {STAGING: wrong_token},
        hides=("canary-wrong-bearer",),
    ),
    Case(
        "wrong forge token",
        ("/api/v1/repos/", "HTTP 401", "the forge does not accept fleet_forge_token: renew it"),
        lambda project: {"fleet_forge_token": "canary-wrong-forge-token", **CHANGE},
        hides=("canary-wrong-forge-token",),
    ),
    Case("key without push right", ("may not push", "Give it write access"), read_only_key),
    Case(
        "unknown host key",
        ("host key is not in known_hosts", "Pin it there"),
        host_key_of(lambda project: "[192.0.2.1]:22"),
    ),
    Case("changed host key", ("another host key than the pinned one",), host_key_of(forge_server)),
    Case("repository that does not exist", ("HTTP 404", "no such repository"), url_of("nowhere")),
    Case(
        "repository that does not exist, without a forge to ask",
        ("/nowhere.git", "there is no such repository", "Check the URL"),
        lambda project: {**url_of("nowhere")(project), "fleet_forge": {}},
    ),
    Case(
        "manifest with a wrong digest",
        ("fleet_flux_digest", "'" + "1" * 64 + "'", "not the manifest that was pinned"),
        manifest("install.yaml"),
    ),
    Case(
        "manifest that is not there",
        ("fleet_flux_manifest", "nowhere.yaml", "404", "give a URL that answers"),
        manifest("nowhere.yaml"),
    ),
    Case(
        "two hosts with one name",
        (f"{PRODUCTION}: fleet_cluster_name", "'same'", f"also the name of {STAGING}", "each cluster needs its own"),
        hosts={name: lambda project: {"fleet_cluster_name": "same"} for name in CLUSTERS},
    ),
    Case(
        "two hosts with one name, one of them outside the limit",
        (f"{STAGING}: fleet_cluster_name", "'same'", f"also the name of {PRODUCTION}"),
        hosts={name: lambda project: {"fleet_cluster_name": "same"} for name in CLUSTERS},
        arguments=("--limit", STAGING),
    ),
    Case(
        "two hosts that lead to one cluster",
        (f"{STAGING}: fleet_cluster_auth", f"leads to the same cluster as {PRODUCTION}"),
        hosts={PRODUCTION: auth(context=STAGING)},
    ),
    Case(
        "kubeconfig that leads to another cluster",
        (
            f"{PRODUCTION}: fleet_cluster_name",
            f"Flux on this cluster follows 'clusters/{STAGING}'",
            "mend fleet_cluster_auth",
        ),
        hosts={PRODUCTION: auth(context=STAGING), STAGING: auth(context=PRODUCTION)},
    ),
    Case(
        "kubeconfig that leads to another pinned cluster",
        (f"{PRODUCTION}: fleet_cluster_auth", f"leads to the cluster that the repository knows as {STAGING}"),
        lambda project: {"fleet_allow": ["move_sync"]},
        {PRODUCTION: auth(context=STAGING), STAGING: auth(context=PRODUCTION)},
    ),
    Case(
        "kubeconfig that leads to another pinned cluster, under --limit",
        (f"{PRODUCTION}: fleet_cluster_auth", f"leads to the cluster that the repository knows as {STAGING}"),
        lambda project: {"fleet_allow": ["move_sync"]},
        {PRODUCTION: auth(context=STAGING)},
        arguments=("--limit", PRODUCTION),
    ),
    Case(
        "credentials in the URL",
        (f"{STAGING}: fleet_repository_url", "credentials stand in the URL", "fleet_repository_token"),
        lambda project: {"fleet_repository_url": "https://git:canary-in-url@127.0.0.1/fleet.git"},
        arguments=("-vvv",),
        hides=("canary-in-url",),
    ),
    Case(
        "several at once",
        (
            f"{PRODUCTION}: fleet_environment",
            f"{STAGING}: fleet_environment is 'base'",
            f"{STAGING}: fleet_flux_version is '2.9'",
            "write it as v2.9.4",
            f"{PRODUCTION}: fleet_flux_digest is 'abc'",
            f"{PRODUCTION}: fleet_substitutions is 'a-b'",
            "fleet_repository_known_hosts",
        ),
        lambda project: {
            "fleet_flux_version": "2.9",
            "fleet_flux_digest": "abc",
            "fleet_substitutions": {"a-b": "x"},
            "fleet_repository_known_hosts": "",
        },
        {PRODUCTION: lambda project: {"fleet_environment": ""}, STAGING: lambda project: {"fleet_environment": "base"}},
    ),
    Case(
        "pattern that matches nothing",
        ("the host pattern 'nobody' matches no host",),
        lambda project: {"fleet_hosts": "nobody"},
    ),
    Case(
        "limit that leaves nobody",
        ("the host pattern 'staging' matches no host of this inventory (and --limit)",),
        lambda project: {"fleet_hosts": "staging"},
        arguments=("--limit", PRODUCTION),
    ),
)


def written(grounds: Grounds, project: Project) -> tuple[list[str], list[str], dict[str, Counter[str]]]:
    """All that a run could have written."""
    writes = {name: one.writes() for name, one in grounds.clusters.items()}
    return project.commits(), [key for key in project.key_titles() if "flux-system" in key], writes


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_refused_before_any_write(grounds: Grounds, project: Project, case: Case) -> None:
    variables = case.variables(project)
    hosts = {name: given(project) for name, given in case.hosts.items()}
    before = written(grounds, project)
    run = project.run(*case.arguments, hosts=hosts, **variables)
    assert run.code != 0, run.output
    for words in case.says:
        assert words in run.words, run.output
    for words in case.hides:
        assert words not in run.output
    assert "a fault in the collection itself" not in run.words
    assert written(grounds, project) == before
    assert all(count == 0 for count in run.changed.values())


def test_same_refusals_in_check_mode(grounds: Grounds, project: Project) -> None:
    before = written(grounds, project)
    run = project.run("--check", **read_only_key(project))
    assert run.code != 0
    assert "may not push" in run.words
    assert written(grounds, project) == before


def test_fleet_is_as_it_was(project: Project) -> None:
    run = project.run()
    assert run.code == 0, run.output
    assert run.changed == dict.fromkeys(CLUSTERS, 0)
