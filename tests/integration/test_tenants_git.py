# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tenants in a repository at the lab's forge, without a cluster: what others keep there, races for a name, keys."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import REPOSITORY
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import ForgeError, InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import EDITED
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import tenants
from tests.integration.test_git import Place, Tree, forge, make_key, place
from tests.lab import Forge

__all__ = ["forge", "place"]

FILE = "projects/staging/shop/tenant.yaml"
CLUSTERS: Tree = {f"clusters/{name}/cluster.yaml": ("100644", b"") for name in ("stg-1", "stg-2", "prd-1")}
ENVIRONMENTS = {"stg-1": "staging", "stg-2": "staging", "prd-1": "production"}


def request(name: str = "shop", **fields: Any) -> dict[str, Any]:
    """A short request."""
    found = {
        "tenant": name,
        "owner": {"team": name},
        "sources": [{"name": "deploy", "url": f"https://git.example/{name}.git"}],
        "environments": {"staging": {}},
    }
    return found | fields


def run(place: Place, *asking: dict[str, Any], check_mode: bool = False, **parameters: Any) -> dict[str, Any]:
    """One run of the noun for the clusters of staging."""
    repository = {"url": place.https.url, "branch": "main"}
    facts = {"uid": "", "reachable": True, "failure": "", "problems": [], "namespaces": {}, "repository": repository}
    inventory = [{"host": name, "name": name, "environment": one} for name, one in ENVIRONMENTS.items()]
    defaults = {name: option.get("default") for name, option in tenants.ARGUMENTS.items()}
    options = {name: option.get("default") for name, option in REPOSITORY["repository"]["options"].items()}
    given = {
        "repository": {**options, "token": place.https.token, "ca_cert": place.https.ca_cert, **repository},
        "clusters": [one | facts for one in inventory if one["environment"] == "staging"],
        "inventory": inventory,
        "tenants": list(asking),
    }
    return tenants.run({**defaults, **given, **parameters}, check_mode=check_mode, say=lambda _text: None)


def content(place: Place, path: str) -> str:
    """A file at the branch's head."""
    place.git("fetch", "--quiet", place.https.url, "+main:main")
    return place.git("show", f"main:{path}")


def changed_by_others(place: Place, path: str, change: Callable[[str], str]) -> None:
    """A commit of somebody who changes one file by hand."""
    text = change(content(place, path) + "\n").encode()
    lines = [b"feature done", b"commit refs/heads/main", b"committer O <o@lab.invalid> now", b"data 2", b"o\n"]
    lines += [b"from refs/heads/main^0", f"M 100644 inline {path}".encode(), b"data %d" % len(text), text]
    place.git("fast-import", "--quiet", "--date-format=now", stdin=b"\n".join([*lines, b"done", b""]))
    place.git("push", "--quiet", place.https.url, "main")


def test_one_commit_and_then_none(place: Place) -> None:
    place.seed(CLUSTERS)
    planned = run(place, request(), request("web"), check_mode=True)
    assert len(place.commits()) == 1
    first = run(place, request(), request("web"))
    assert len(place.commits()) == 2
    assert {**planned, "clusters": {}} == {**first, "clusters": {}}
    assert planned["clusters"]["stg-1"]["files"] == first["clusters"]["stg-1"]["files"]
    assert first["clusters"]["stg-2"]["revision"] == place.head()
    assert place.git("log", "-1", "--format=%s", place.head()) == "onboard shop and web in staging"
    second = run(place, request(), request("web"))
    assert (second["changed"], second["diff"], len(place.commits())) == (False, [], 2)
    assert second["clusters"]["stg-1"]["revision"] == place.head()


def test_what_others_keep_there_stays_as_it_is(place: Place) -> None:
    others: Tree = {
        **CLUSTERS,
        ".gitattributes": ("100644", b"*.bin filter=lfs diff=lfs merge=lfs -text\n"),
        "projects/staging/large.bin": (
            "100644",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
        ),
        "projects/staging/shop/notes.md": ("100644", b"by hand\r\n"),
        "projects/staging/other/tenant.yaml": ("100755", b"\xff\xfe no text\x00"),
        "projects/staging/link": ("120000", b"../../clusters"),
        "projects/staging/module": ("160000", b"0123456789" * 4),
        "projects/base/shop/rbac.yaml": ("100644", b"kind: Role\n"),
    }
    place.seed(others)
    before = place.tree()
    run(place, request())
    after = place.tree()
    assert {path: after.get(path) for path in before} == before
    assert sorted(after.keys() - before.keys()) == [
        "projects/staging/namespaces/shop",
        FILE,
        "projects/staging/sync/8/shop.yaml",
    ]
    run(place, state="absent", names=["shop"], allow=["remove_tenant"])
    assert place.tree() == before


@pytest.mark.parametrize(
    "path", ["projects", "projects/staging", "projects/staging/shop", "projects/staging/sync", FILE]
)
@pytest.mark.parametrize("mode", ["120000", "160000"])
@pytest.mark.parametrize("check_mode", [True, False])
def test_folder_that_is_a_symlink_or_a_submodule(place: Place, path: str, mode: str, *, check_mode: bool) -> None:
    target = b"0123456789" * 4 if mode == "160000" else b"clusters"
    place.seed({**CLUSTERS, path: (mode, target)})
    with pytest.raises(InvalidInput, match=path):
        run(place, request(), check_mode=check_mode)
    assert len(place.commits()) == 1


def test_hand_edited_file(place: Place) -> None:
    place.seed(CLUSTERS)
    run(place, request(), request("web"))
    changed_by_others(place, FILE, lambda text: text.replace("prune: true", "prune: false"))
    wanted = [request(profile="open"), request("web", profile="open")]
    held = run(place, *wanted)
    assert held["held"] == held["clusters"]["stg-1"]["held"] == {FILE: EDITED}
    assert held["clusters"]["stg-1"]["files"] == ["projects/staging/web/tenant.yaml"]
    assert "prune: false" in content(place, FILE)
    kept = run(place, *wanted, hand_edits="keep")
    assert (kept["changed"], kept["held"]) == (False, {})
    assert run(place, *wanted, hand_edits="overwrite")["changed"]
    assert "prune: false" not in content(place, FILE)


def test_many_at_once_lose_nothing(place: Place) -> None:
    place.seed(CLUSTERS)
    names = [f"team-{number}" for number in range(8)]
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(lambda name: run(place, request(name)), names))
    assert {path.split("/")[2] for path in place.tree() if path.endswith("/tenant.yaml")} == set(names)
    assert len(place.commits()) == 1 + len(names)


def test_two_at_once_for_one_namespace(place: Place) -> None:
    place.seed(CLUSTERS)

    def attempt(name: str) -> str:
        try:
            run(place, request(name, namespaces=["web"]))
        except InvalidInput as error:
            return str(error)
        return name

    names = [f"team-{number}" for number in range(4)]
    with ThreadPoolExecutor(len(names)) as pool:
        outcomes = list(pool.map(attempt, names))
    (winner,) = set(outcomes).intersection(names)
    losers = [one for one in outcomes if one != winner]
    assert all(f"this namespace is tenant {winner}'s" in one for one in losers)
    assert f"tenant: {winner}" in content(place, "projects/staging/namespaces/web")


@pytest.fixture
def team(place: Place, tmp_path: Path) -> dict[str, Any]:
    """The request of a team whose deployment repository is the place's own, and which reads it by SSH."""
    return request(sources=[{"name": "deploy", "url": place.ssh.url}])


def register(place: Place, titles: list[str], folder: Path) -> None:
    """Deploy keys as a run's clusters have them registered."""
    for title in titles:
        body = {"title": title, "key": make_key(folder)[1], "read_only": True}
        place.forge.call("POST", f"/repos/{place.forge.facts['user']}/{place.name}/keys", json=body)


def titles(place: Place) -> set[str]:
    """The titles of the deploy keys at the forge."""
    return {key["title"] for key in place.forge.deploy_keys(place.name) if "/" in key["title"]}


def forges(forge: Forge, **changes: Any) -> list[dict[str, Any]]:
    """The lab's forge as a run is told of it."""
    facts = forge.facts
    ca_cert = Path(facts["ca_cert"]).read_text(encoding="utf-8")
    return [{"kind": "gitea", "url": facts["url"], "token": facts["token"], "ca_cert": ca_cert, **changes}]


OWN = ["stg-1/shop/deploy", "stg-2/shop/deploy"]
OTHERS = ["prd-1/shop/deploy", "stg-1/shop-x/deploy", "stg-10/shop/deploy", "stg-1/shop/deploy-2"]


def test_leaving_takes_the_keys_away(place: Place, team: dict[str, Any], tmp_path: Path) -> None:
    place.seed(CLUSTERS)
    found = run(place, team)
    key = {"tenant": "shop", "namespace": "shop", "secret": "source-deploy", "source": "deploy", "url": place.ssh.url}
    assert found["clusters"]["stg-1"]["source_keys"] == [key]
    register(place, OWN + OTHERS, tmp_path)
    leave = {"state": "absent", "names": ["shop"], "allow": ["remove_tenant"], "forges": forges(place.forge)}
    planned = run(place, **leave, check_mode=True)
    assert titles(place) == {*OWN, *OTHERS}
    assert (planned["changed"], len(place.commits())) == (True, 2)
    done = run(place, **leave)
    assert {**planned, "clusters": {}} == {**done, "clusters": {}}
    assert titles(place) == set(OTHERS)
    assert [one["before"] for one in done["diff"] if "deploy key" in one["before_header"]] == [
        f"{title} (read-only)\n" for title in OWN
    ]
    assert (done["names"], done["by_hand"]) == (["shop"], [])
    again = run(place, **leave)
    assert (again["changed"], again["by_hand"], len(place.commits())) == (False, [], 3)


def test_leaving_stops_before_the_commit_where_the_forge_refuses(place: Place, team: dict[str, Any]) -> None:
    place.seed(CLUSTERS)
    run(place, team)
    leave = {"state": "absent", "names": ["shop"], "allow": ["remove_tenant"]}
    for check_mode in (True, False):
        with pytest.raises(ForgeError, match="renew it"):
            run(place, **leave, forges=forges(place.forge, token="wrong"), check_mode=check_mode)
    assert len(place.commits()) == 2
    done = run(place, **leave)
    titles = sorted([*OWN, *(f"{title}/rotated" for title in OWN)])
    assert done["by_hand"] == [
        f"{place.ssh.url}: no forge is given for this host: where it exists, delete its deploy keys {', '.join(titles)}"
    ]


def test_leaving_by_a_request_that_says_so(place: Place, team: dict[str, Any]) -> None:
    place.seed(CLUSTERS)
    run(place, team, request("web"))
    leaves = {"tenant": "shop", "state": "absent"}
    told = run(place, leaves, request("web"))
    assert (told["changed"], told["leaving"], told["names"]) == (False, ["shop"], [])
    done = run(place, leaves, request("web"), state="absent", allow=["remove_tenant"])
    assert done["names"] == ["shop"]
    assert not [path for path in place.tree() if "shop" in path]
    assert [path for path in place.tree() if "web" in path]


def test_what_goes_beyond_the_run(place: Place) -> None:
    place.seed(CLUSTERS)
    found = run(place, request(environments={"staging": {}, "production": {}, "qa": {}}))
    assert found["not_in_this_run"] == ["shop: production, qa"]
    assert not [path for path in place.tree() if path.startswith(("projects/production", "projects/qa"))]


@pytest.mark.parametrize(
    ("parameters", "says"),
    [({}, "there is no tenant"), ({"tenants": []}, "there is no tenant"), ({"state": "absent"}, "nobody is to leave")],
)
def test_run_for_nobody(place: Place, parameters: dict[str, Any], says: str) -> None:
    place.seed(CLUSTERS)
    with pytest.raises(InvalidInput, match=says):
        run(place, **parameters)
