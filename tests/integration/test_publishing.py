# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to the branch at the lab's forge: pull requests, a checkout, protected branches, signed commits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import GitError, InvalidInput, PushRefused
from ansible_collections.fluxops.fleet.plugins.module_utils._io import git
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import deployment_repository, verdict
from tests.integration.conftest import Grounds
from tests.integration.project import CLUSTERS, PRODUCTION, STAGING, eventually
from tests.integration.test_git import Place, forge, make_key, place
from tests.integration.test_tenants_git import CLUSTERS as MEMBERS
from tests.integration.test_tenants_git import FILE, changed_by_others, content, request, run

__all__ = ["forge", "place"]


def settings(place: Place, **fields: Any) -> dict[str, Any]:
    """The parameter ``repository``, over which the others are said."""
    given = {name: getattr(place.https, name) for name in ("url", "branch", "token", "ca_cert")}
    options: dict[str, Any] = {"publish": "push", "worktree": None, "signing_key": None}
    author = {"author_name": "Ops", "author_email": "ops@corp.example"}
    return given | options | author | fields


def api(place: Place) -> list[dict[str, Any]]:
    """The parameter ``forges``."""
    facts = place.forge.facts
    return [{"kind": "gitea", "url": facts["url"], "token": facts["token"], "ca_cert": place.https.ca_cert}]


def asked(place: Place, *asking: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    """A run by pull request."""
    given = {"repository": settings(place, publish="pull_request"), "forges": api(place)}
    return run(place, *asking, **{**given, **parameters})


def pulls(place: Place, state: str = "open") -> list[dict[str, Any]]:
    """The repository's pull requests."""
    full = place.forge._full(place.name)
    return list(place.forge.call("GET", f"/repos/{full}/pulls?state={state}"))


def merge(place: Place, way: str) -> None:
    """Merge the one open pull request as people do."""
    (one,) = pulls(place)
    full = place.forge._full(place.name)
    path = f"/repos/{full}/pulls/{one['number']}"
    eventually(lambda: place.forge.call("GET", path)["mergeable"], "the forge lets the pull request be merged")
    body = {"Do": way, "delete_branch_after_merge": way == "squash"}
    place.forge.call("POST", f"{path}/merge", json=body)


def protect(place: Place) -> None:
    """Nobody may push to the branch."""
    rule = {"rule_name": "main", "enable_push": False}
    place.forge.call("POST", f"/repos/{place.forge._full(place.name)}/branch_protections", json=rule)


@pytest.mark.parametrize("way", ["squash", "rebase"])
def test_a_pull_request_is_found_again_and_its_merge_is_known(place: Place, way: str) -> None:
    base = place.seed(MEMBERS)[-1]
    protect(place)
    planned = asked(place, request(), check_mode=True)
    assert (planned["changed"], pulls(place)) == (True, [])
    assert "fluxops-fleet" not in place.git("ls-remote", place.https.url)

    first = asked(place, request())
    (pull,) = pulls(place)
    assert first["pull_requests"] == [pull["html_url"]]
    assert first["diff"] == planned["diff"]
    own = first["clusters"]["stg-1"]
    assert own["awaits"] == f"{pull['html_url']}: run the cluster phase (--tags clusters) after the merge"
    assert (own["revision"], own["pull_request"]) == (base, pull["html_url"])
    assert (pull["title"], pull["base"]["ref"]) == ("onboard shop in staging", "main")
    fetched(place)
    assert (place.head(), place.git("rev-parse", f"{pull['head']['sha']}^")) == (base, base)

    second = asked(place, request())
    assert (second["changed"], second["diff"]) == (False, [])
    assert second["clusters"]["stg-1"]["awaits"] == own["awaits"]
    assert second["clusters"]["stg-1"]["files"] == []
    assert pulls(place)[0]["head"]["sha"] == pull["head"]["sha"]

    third = asked(place, request(owner={"team": "other"}))
    (updated,) = pulls(place)
    assert third["changed"]
    assert (updated["number"], third["pull_requests"]) == (pull["number"], [pull["html_url"]])
    assert updated["head"]["sha"] != pull["head"]["sha"]

    merge(place, way)
    merged = asked(place, request(owner={"team": "other"}))
    assert (merged["changed"], merged["pull_requests"], pulls(place)) == (False, [], [])
    assert (merged["clusters"]["stg-1"]["awaits"], merged["clusters"]["stg-1"]["revision"]) == ("", place.head())


def fetched(place: Place) -> None:
    """Have all of the repository's branches here."""
    place.git("fetch", "--quiet", place.https.url, "+refs/heads/*:refs/remotes/origin/*")


def committed_by_others(place: Place, branch: str) -> str:
    """A commit of somebody on top of a branch; its id."""
    fetched(place)
    tip = place.git("rev-parse", f"refs/remotes/origin/{branch}")
    commit = place.git("commit-tree", "-p", tip, "-m", "by hand", f"{tip}^{{tree}}")
    place.git("push", "--quiet", place.https.url, f"{commit}:refs/heads/{branch}")
    return commit


def test_a_pull_request_is_planned_anew_where_its_base_moved(place: Place) -> None:
    place.seed(MEMBERS)
    asked(place, request())
    head = committed_by_others(place, "main")
    (before,) = pulls(place)
    assert asked(place, request())["changed"]
    (after,) = pulls(place)
    assert after["number"] == before["number"]
    fetched(place)
    assert place.git("rev-parse", f"{after['head']['sha']}^") == head


def test_work_of_others_on_the_topic_is_not_overwritten(place: Place) -> None:
    place.seed(MEMBERS)
    asked(place, request())
    topic = str(pulls(place)[0]["head"]["ref"])
    assert topic.startswith("fluxops-fleet/main/onboard-shop-")
    theirs = committed_by_others(place, topic)
    with pytest.raises(GitError, match="somebody else has committed to fluxops-fleet/main/onboard-shop-"):
        asked(place, request(owner={"team": "other"}))
    assert place.head(topic) == theirs


def test_a_pull_request_needs_a_forge_and_a_branch(place: Place) -> None:
    defaults = {name: option.get("default") for name, option in deployment_repository.ARGUMENTS.items()}
    given = {"name": "shop", "environments": ["staging"], "forge": api(place)[0]}
    repository = {"repository": settings(place, publish="pull_request")}
    with pytest.raises(GitError, match="no branch main that a pull request could be merged into"):
        deployment_repository.run({**defaults, **given, **repository}, check_mode=False, say=print)
    place.seed(MEMBERS)
    with pytest.raises(InvalidInput, match="a pull request needs the API of the repository's forge"):
        asked(place, request(), forges=[])
    assert "fluxops-fleet" not in place.git("ls-remote", place.https.url)


def test_a_push_to_a_protected_branch_names_the_way_out(place: Place) -> None:
    place.seed(MEMBERS)
    protect(place)
    before = place.commits()
    given = {"repository": settings(place), "forges": api(place)}
    with pytest.raises(PushRefused, match=r"Not allowed to push to protected branch main.*fleet_publish: pull_request"):
        run(place, request(), **given)
    with pytest.raises(PushRefused, match=r"protects branch main from this token.*fleet_publish: pull_request"):
        run(place, request(), check_mode=True, **given)
    assert place.commits() == before


@pytest.fixture
def checkout(place: Place, tmp_path: Path) -> Path:
    """What a pipeline has checked out, with a change of somebody's that is not committed."""
    place.seed({**MEMBERS, "notes.md": ("100644", b"notes\n")})
    folder = tmp_path / "checkout"
    place.git("clone", "--quiet", place.https.url, str(folder))
    (folder / "notes.md").write_text("dirty\n")
    (folder / "inventory").mkdir()
    return folder


def test_a_worktree_gets_the_files_and_no_commit(place: Place, checkout: Path) -> None:
    def write(**parameters: Any) -> dict[str, Any]:
        repository = settings(place, publish="worktree", worktree=str(checkout / "inventory"))
        return run(place, request(), **{"repository": repository, **parameters})

    def status() -> str:
        return place.git("-C", str(checkout), "status", "--porcelain", "--untracked-files=all")

    planned = write(check_mode=True)
    assert status() == "M notes.md"
    head = place.head()
    first = write()
    assert first["diff"] == planned["diff"]
    assert first["changed"]
    assert f"?? {FILE}" in status()
    assert (place.head(), (checkout / "notes.md").read_text()) == (head, "dirty\n")
    assert first["clusters"]["stg-1"]["awaits"].startswith(f"{checkout}: commit what is there")
    second = write()
    assert (second["changed"], second["diff"]) == (False, [])
    assert second["clusters"]["stg-1"]["awaits"] == first["clusters"]["stg-1"]["awaits"]
    place.git("-C", str(checkout), "add", "projects")
    place.git("-C", str(checkout), "commit", "--quiet", "-m", "squashed")
    place.git("-C", str(checkout), "push", "--quiet", place.https.url, "HEAD:main")
    merged = write()
    assert (merged["changed"], merged["clusters"]["stg-1"]["awaits"]) == (False, "")
    assert merged["clusters"]["stg-1"]["revision"] == place.head()


def test_a_worktree_is_a_checkout_and_has_no_links_on_the_way(place: Place, checkout: Path, tmp_path: Path) -> None:
    def write(folder: Path) -> None:
        run(place, request(), repository=settings(place, publish="worktree", worktree=str(folder)))

    with pytest.raises(InvalidInput, match="there is no Git checkout at it"):
        write(Path(tmp_path.anchor))  # tmp_path itself may lie in a checkout
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (checkout / "projects").symlink_to(elsewhere)
    with pytest.raises(InvalidInput, match="which is a symbolic link in the repository"):
        write(checkout)
    assert list(elsewhere.iterdir()) == []


def test_commits_are_signed_by_an_ssh_key(place: Place, tmp_path: Path) -> None:
    place.seed(MEMBERS)
    private, public = make_key(tmp_path)
    run(place, request(), repository=settings(place, signing_key=private.rstrip()))
    allowed = tmp_path / "allowed"
    allowed.write_text(f"ops@corp.example {public}\n")
    fetched(place)
    verify = ["-c", f"gpg.ssh.allowedSignersFile={allowed}", "verify-commit", "--raw", place.head()]
    assert place.git(*verify) == ""  # it exits 0
    assert place.git("log", "-1", "--format=%an <%ae>|%cn|%s", place.head()) == (
        "Ops <ops@corp.example>|Ops|onboard shop in staging"
    )
    assert "gpgsig -----BEGIN SSH SIGNATURE-----" in place.git("cat-file", "commit", place.head())
    assert content(place, FILE)


@pytest.mark.parametrize("same_file", [True, False])
def test_a_wave_is_not_taken_back_over_the_work_of_others(place: Place, *, same_file: bool) -> None:
    """The wave's commit, one of somebody else's, and then the wave's end at its gate."""
    other = "clusters/stg-1/kustomization.yaml" if same_file else "clusters/stg-1/mine.yaml"
    ours = {"clusters/stg-1/kustomization.yaml": b"new\n", "clusters/stg-1/added.yaml": b"added\n"}
    place.seed({**MEMBERS, "clusters/stg-1/kustomization.yaml": ("100644", b"old\n"), other: ("100644", b"old\n")})
    with git.Repository(place.https) as repository:
        done = git.transact(repository, lambda _head: git.Proposal(ours, "the wave"))
    changed_by_others(place, other, lambda text: text + "by hand")
    commits, said = place.commits(), list[str]()
    published = {"revision": done.revision, "superseded": [done.previous], "files": list(ours)}
    defaults = {name: option.get("default") for name, option in verdict.ARGUMENTS.items()}
    asked = {
        "revert": True,
        "wave": "1 (staging)",
        "failures": {"stg-1": "not ready"},
        "published": {"stg-1": published},
    }
    clusters = [{"name": "stg-1", "repository": {"url": place.https.url, "branch": "main"}}]
    given = {**defaults, **asked, "repository": settings(place), "clusters": clusters}
    result = verdict.run(given, check_mode=False, say=said.append)
    assert result["stopped"] == "wave 1 (staging) did not pass its gate: stg-1"
    if same_file:
        assert (result["reverted"], place.commits()) == ([], commits)
        assert f"{other} changed since: revert {done.revision} by hand" in said[-1]
        assert content(place, other) == "new\nby hand"
        assert content(place, "clusters/stg-1/added.yaml") == "added"
    else:
        assert [one["revision"] for one in result["reverted"]] == [done.revision]
        assert place.commits()[1:] == commits
        assert content(place, other) == "old\nby hand"
        assert content(place, "clusters/stg-1/kustomization.yaml") == "old"
        assert "clusters/stg-1/added.yaml" not in place.tree()


def test_a_bootstrap_by_pull_request_in_two_steps(grounds: Grounds) -> None:
    project = grounds.clean()
    project.edit("README.md", "the fleet\n")
    given = {"fleet_publish": "pull_request"}
    asked = project.run(**given)
    assert asked.code == 0, asked.output
    assert [asked.rows[name]["ready"] for name in CLUSTERS] == ["published", "published"]
    assert "/pulls/1: run the cluster phase (--tags clusters) after the merge" in asked.rows[STAGING]["awaits"]
    assert "/pulls/1: commit " in asked.words
    assert set(project.tree()) == {"README.md"}
    assert not grounds.clusters[STAGING].has_flux()

    early = project.run("--tags", "clusters", **given)
    assert early.code != 0
    assert "/pulls/1: run the cluster phase (--tags clusters) after the merge" in early.failure(STAGING)
    assert not grounds.clusters[STAGING].has_flux()

    project.merge()
    done = project.run("--tags", "clusters", **given)
    assert done.code == 0, done.output
    assert [done.rows[name]["ready"] for name in CLUSTERS] == [True, True]
    assert len(project.commits()) == 2
    second = project.run(**given)
    assert (second.code, set(second.changed.values())) == (0, {0}), second.output
    grounds.keep(project)


def test_waves_by_pull_request_come_one_by_one(grounds: Grounds) -> None:
    project = grounds.fleet()
    before = project.tree()
    given = {"fleet_publish": "pull_request", "fleet_waves": ["staging", "production"], "fleet_lockdown": "none"}
    grounds.forget()
    writes = grounds.clusters[PRODUCTION].writes()
    first = project.run(**given)
    assert first.code == 0, first.output
    assert [first.rows[name]["ready"] for name in CLUSTERS] == ["published", "not started"]
    assert project.tree() == before
    project.merge()
    merged = project.tree()
    assert changed(before, merged) == {f"clusters/{STAGING}"}

    second = project.run(**given)
    assert second.code == 0, second.output
    assert [second.rows[name]["ready"] for name in CLUSTERS] == [True, "published"]
    assert "--no-cross-namespace-refs=true" not in grounds.clusters[STAGING].arguments("kustomize-controller")
    assert grounds.clusters[PRODUCTION].writes() == writes
    project.merge()
    assert changed(merged, project.tree()) == {f"clusters/{PRODUCTION}"}

    third = project.run(**given)
    assert third.code == 0, third.output
    assert [third.rows[name]["ready"] for name in CLUSTERS] == [True, True]
    fourth = project.run(**given)
    assert (fourth.code, set(fourth.changed.values())) == (0, {0}), fourth.output


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """The clusters' directories in which two trees differ, and all else as it is named."""
    paths = {path for path, _blob in set(before.items()) ^ set(after.items())}
    return {"/".join(path.split("/")[:2]) for path in paths}
