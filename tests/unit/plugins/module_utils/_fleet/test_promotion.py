# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions promoted from an environment to the next one, and taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import alike, documents, promoted
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import Declared
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import FleetError, InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.infrastructure import Wishes, plan_infrastructure
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Sync
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import Change, Plan
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.promotion import (
    Move,
    Promotion,
    plan_promotion,
    source_problems,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.revert import Made
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rollback import Rollback
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer
from ansible_collections.fluxops.fleet.tests.unit.plugins.infrastructure_samples import (
    LAYERS,
    OWN_TEMPLATES,
    Repository,
    bootstrapped,
    member,
)
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import Files

VERSIONS = "infrastructure/production/versions.yaml"
HELM = "infrastructure/production/controllers/podinfo/helm.yaml"
MOVE = Move("staging", "production")


def helm(version: str) -> dict[str, Any]:
    return {"layer": "controllers", "helm": {"repository": "https://charts.example", "version": version}}


FLEET = {"podinfo": helm("promoted"), "ingress": helm("4.11.x")}


def wishes(*layers: Mapping[str, Any]) -> Wishes:
    declared = {"prd-1": Declared.from_layers(layers or [FLEET])}
    return Wishes([member("prd-1")], declared, LAYERS, Renderer(OWN_TEMPLATES))


def runs(**versions: str) -> dict[str, dict[str, dict[str, str]]]:
    """What runs on the clusters of staging: podinfo at these versions."""
    return {f"stg-{number}": {"podinfo": {"revision": one}} for number, one in enumerate(versions.values(), 1)}


def carried_out(repository: Repository, plan: Plan) -> Repository:
    changes = {one.path: one.after for one in plan.changes}
    return {path: text for path, text in {**repository, **changes}.items() if text is not None}


def promote(
    repository: Repository, running: Mapping[str, Any], fleet: Mapping[str, Any] | None = None, move: Move = MOVE
) -> tuple[Promotion, Repository]:
    found = plan_promotion(wishes(fleet or FLEET), move, running, Files(repository))
    return found, carried_out(repository, found.plan)


def refused(repository: Repository, running: Mapping[str, Any], **options: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        promote(repository, running, **options)
    return str(caught.value)


@pytest.fixture(scope="module")
def first() -> Repository:
    """Production with its first promotion."""
    return promote(bootstrapped(), runs(a="6.9.1"))[1]


def version(repository: Repository) -> str:
    (release,) = [one for one in documents.read(repository[HELM], HELM) if one["kind"] == "HelmRelease"]
    return str(release["spec"]["chart"]["spec"]["version"])


def test_what_was_never_promoted_is_refused_with_what_helps() -> None:
    with pytest.raises(InvalidInput) as caught:
        plan_infrastructure(wishes(), Files(bootstrapped()))
    said = str(caught.value)
    assert f"prd-1: fleet_components.podinfo.helm.version is 'promoted': {VERSIONS} has no version of it" in said
    assert "run the playbook promote with fleet_from=… and fleet_to=production, or give production" in said


def test_first_promotion_brings_the_component(first: Repository) -> None:
    assert version(first) == "6.9.1"
    assert documents.read(first[VERSIONS], VERSIONS) == [{"versions": {"podinfo": "6.9.1"}}]
    assert not alike.is_edited(first[VERSIONS], VERSIONS)
    assert plan_infrastructure(wishes(), Files(first)).plan.changes == ()


def test_second_promotion_changes_nothing(first: Repository) -> None:
    again, after = promote(first, runs(a="6.9.1", b="6.9.1"))
    assert after == first
    assert (list(again.steps), again.skipped) == ([], ["ingress: its version is the inventory's"])


def test_one_change_of_versions_and_nothing_besides(first: Repository) -> None:
    found, after = promote(first, runs(a="6.10.0"))
    assert found.plan.paths == [HELM, VERSIONS]
    assert [str(one) for one in found.steps] == ["podinfo: 6.9.1 → 6.10.0"]
    assert found.message.startswith("promote staging to production: podinfo\n\npodinfo: 6.9.1 → 6.10.0\n\n")
    assert "Fleet-Component: podinfo\n" in found.message
    assert version(after) == "6.10.0"
    assert plan_infrastructure(wishes(), Files(after)).plan.changes == ()
    assert found.outcome(member("prd-1"))["files"] == [HELM, VERSIONS]


def test_a_cluster_of_its_own_mind_keeps_its_version(first: Repository) -> None:
    own = {"podinfo": {"helm": {"version": "6.8.0"}}}
    plan = plan_infrastructure(wishes(FLEET, {}, {}, own), Files(first)).plan
    assert plan.paths == ["clusters/prd-1/infrastructure.yaml"]
    assert version(carried_out(first, plan)) == "6.9.1"


@pytest.mark.parametrize(
    ("running", "words"),
    [
        (runs(a="6.10.0", b="6.9.1"), "staging has no one version to promote: stg-1 runs 6.10.0, stg-2 runs 6.9.1"),
        (runs(a="main@sha1:0123"), "stg-1 runs no Helm release of it"),
        (runs(a=""), "stg-1 runs no Helm release of it"),
    ],
)
def test_no_one_version_is_refused_by_name(first: Repository, running: Mapping[str, Any], words: str) -> None:
    assert words in refused(first, running)


def test_what_the_source_lacks_stays_as_it_is_unless_asked_for(first: Repository) -> None:
    assert promote(first, {"stg-1": {}})[1] == first
    words = "fleet_components.podinfo: staging has no such component, so there is no version to promote"
    assert words in refused(first, {"stg-1": {}}, move=Move("staging", "production", ["podinfo"]))
    assert words in refused(bootstrapped(), {"stg-1": {}})


def test_other_versions_are_refused_by_name(first: Repository) -> None:
    said = refused(first, runs(a="6.10.0"), move=Move("staging", "production", ["ingress", "nothing", "podinfo"]))
    assert "fleet_component is 'ingress': production has a version of its own of it: say helm.version: promoted" in said
    assert "fleet_component is 'nothing': production has no such component; promoted are podinfo" in said


def test_one_of_several(first: Repository) -> None:
    both = {**FLEET, "ingress": helm("promoted")}
    running = {"stg-1": {"podinfo": {"revision": "6.10.0"}, "ingress": {"revision": "4.11.3"}}}
    found, after = promote(first, running, both, Move("staging", "production", ["ingress"]))
    assert [str(one) for one in found.steps] == ["ingress: nothing → 4.11.3"]
    assert version(after) == "6.9.1"
    after = carried_out(after, plan_infrastructure(wishes(), Files(after)).plan)
    found, _after = promote(after, running, FLEET)
    assert [str(one) for one in found.steps] == [
        "ingress: 4.11.3 → no version promoted any more",
        "podinfo: 6.9.1 → 6.10.0",
    ]


def test_other_changes_of_the_inventory_come_first(first: Repository) -> None:
    more = {**FLEET, "podinfo": {**FLEET["podinfo"], "values": {"replicaCount": 3}}}
    said = refused(first, runs(a="6.10.0"), fleet=more)
    assert f"infrastructure of production: differs from what the inventory says ({HELM})" in said
    assert "run infrastructure for production first" in said


def test_edits_by_hand_stop_it(first: Repository) -> None:
    edited = {**first, VERSIONS: first[VERSIONS].replace("6.9.1", "6.9.2")}
    assert f"{VERSIONS}: versions: edited by hand, and only promote writes it" in refused(edited, runs(a="6.10.0"))
    with pytest.raises(InvalidInput, match="edited by hand"):
        plan_infrastructure(wishes(), Files(edited))
    release = {**first, HELM: first[HELM].replace("10m", "11m")}
    assert f"{HELM}: promotion: edited by hand" in refused(release, runs(a="6.10.0"))


@pytest.mark.parametrize(
    ("running", "found"),
    [
        ("6.9.1", "6.9.1"),
        ("v1.18.2", "v1.18.2"),
        ("1.0.0-rc.1+build", "1.0.0-rc.1+build"),
        ("6.9.1+0123456789ab", "6.9.1"),
        ("6.9.x", ""),
        ("main@sha1:0123456789ab", ""),
        ("", ""),
    ],
)
def test_exact_version(running: str, found: str) -> None:
    assert promoted.exact(running) == found


@pytest.mark.parametrize(
    ("move", "words"),
    [
        (
            Move("qa", "production"),
            "fleet_from is 'qa': no cluster of this run is in it; there are production, staging",
        ),
        (Move("staging", ""), "fleet_to is 'empty': no cluster of this run is in it"),
        (Move("staging", "staging"), "fleet_to is 'staging': is fleet_from too"),
        (Move("", "qa", rollback=True), "fleet_to is 'qa': no cluster of this run is in it"),
    ],
)
def test_environments(move: Move, words: str) -> None:
    members = [member("stg-1"), member("prd-1")]
    assert any(words in str(one) for one in move.problems(members))
    assert list(MOVE.problems(members)) == list(Move("", "production", rollback=True).problems(members)) == []


def test_source_that_is_not_well() -> None:
    members = [member("stg-1"), member("stg-2", reachable=False), member("prd-1", reachable=False)]
    found = [str(one) for one in source_problems(MOVE, members, {"stg-1": "HelmRelease flux-system/a: failed"})]
    assert [one.split(": production gets")[0] for one in found] == [
        "stg-1: the health gate of staging: HelmRelease flux-system/a: failed",
        "stg-2: the health gate of staging: can't be reached",
    ]


def rollback(before: Repository, ours: Repository, **options: Any) -> Rollback:
    paths = tuple(sorted(path for path in {**before, **ours} if before.get(path) != ours.get(path)))
    made = Made("b" * 40, "a" * 40, "promote", paths)
    sync = Sync("ssh://git@git.example/fleet.git", "main")
    texts = [{path: one[path] for path in paths if path in one} for one in (ours, before)]
    return Rollback("production", sync, made, *texts, **options)


def test_rollback_brings_the_files_back_and_the_next_run_leaves_them(first: Repository) -> None:
    made, ours = promote(first, runs(a="6.10.0"))
    back = rollback(first, ours).plan(Files(ours))
    assert [str(one) for one in back.steps] == ["podinfo: 6.10.0 → 6.9.1"]
    assert back.message.startswith("roll production back: podinfo\n\npodinfo: 6.10.0 → 6.9.1\n\n")
    assert Made("c" * 40, "b" * 40, back.message, ()).is_revert
    assert Made("c" * 40, "b" * 40, 'Revert "promote"\n\nThis reverts commit bbbb.\n', ()).is_revert
    assert not Made("b" * 40, "a" * 40, made.message, ()).is_revert
    assert carried_out(ours, back.plan) == first
    assert plan_infrastructure(wishes(), Files(first)).plan.changes == ()


def test_rollback_leaves_the_work_of_others(first: Repository) -> None:
    _found, ours = promote(first, runs(a="6.10.0"))
    with pytest.raises(FleetError, match="not taken back, since others work there"):
        rollback(first, ours).plan(Files({**ours, HELM: ours[HELM] + "# mine\n"}))


def test_rollback_of_the_first_promotion_needs_its_word(first: Repository) -> None:
    before = bootstrapped()
    with pytest.raises(InvalidInput, match=r"which would go .*fleet_allow: .remove_component"):
        rollback(before, first).plan(Files(first))
    back = rollback(before, first, allow=["remove_component"]).plan(Files(first))
    assert Change(VERSIONS, first[VERSIONS], None) in back.plan.changes
    assert Layout().versions("production") == VERSIONS
