# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of a run, as rows and as a table."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import outcome

REVISION = "main@sha1:0123456789abcdef0123456789abcdef01234567"


def registered(**changes: Any) -> dict[str, Any]:
    """What the role bootstrap registers on a host on which all went well."""
    found: dict[str, Any] = {
        "__bootstrap_preflight": {"name": "a", "environment": "staging", "reachable": True, "version": "v2.9.3"},
        "__bootstrap_published": {"clusters": {"a": {"files": [], "held": {}}}},
        "__bootstrap_credentials": {"changed": False},
        "__bootstrap_flux": {"changed": False, "revision": REVISION, "version": "v2.9.4"},
    }
    for name, value in changes.items():
        found[f"__bootstrap_{name}"] = {**found[f"__bootstrap_{name}"], **value}
    return found


def awaiting(**own: Any) -> dict[str, Any]:
    """The same where the branch lacks the change: nothing was done in the cluster."""
    published = {"clusters": {"a": {"files": ["x"], "held": {}, "awaits": "merge it", "planned": False, **own}}}
    skipped = {"skipped": True, "changed": False}
    return registered(published=published, credentials=skipped, flux=skipped)


def waits(*, paused: bool = False) -> dict[str, Any]:
    """The same where the run ended before this host's wave."""
    skipped = {"skipped": True, "changed": False}
    verdict = {"__bootstrap_verdict": {"stopped": "wave 1 did not pass", "paused": paused}}
    return {**registered(published={"clusters": {"b": {}}}, credentials=skipped, flux=skipped), **verdict}


HELD = {"scope": "cluster", "reason": "moving", "by": "alice", "since": "", "objects": ["K x"]}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (registered(), {"ready": True, "changed": False, "failure": "", "flux": "v2.9.4", "revision": REVISION}),
        (registered(flux={"changed": True}), {"ready": True, "changed": True}),
        (registered(credentials={"changed": True}), {"ready": True, "changed": True}),
        (registered(published={"clusters": {"a": {"files": ["x"]}}}), {"ready": True, "changed": True}),
        (registered(published={"clusters": {"b": {"files": ["x"]}}}), {"ready": True, "changed": False}),
        (registered(flux={"revision": ""}), {"ready": "planned", "failure": "", "revision": ""}),
        ({**registered(flux={"changed": True}), "ansible_check_mode": True}, {"ready": "planned", "changed": True}),
        ({**registered(), "ansible_check_mode": True}, {"ready": True, "changed": False}),
        (registered(flux={"skipped": True}), {"ready": "planned", "flux": "v2.9.3"}),
        (registered(published={"clusters": {"a": {"held": {"p": "why"}}}}), {"ready": False, "failure": "p: why"}),
        (registered(preflight={"reachable": False, "failure": "refused"}), {"ready": False, "failure": "refused"}),
        (registered(preflight={"failed": True, "msg": "bad"}), {"ready": False, "failure": "bad"}),
        (registered(credentials={"failed": True, "msg": "bad"}), {"ready": False, "failure": "bad"}),
        (registered(credentials={"failures": ["a: refused"]}), {"ready": False, "failure": "a: refused"}),
        (registered(flux={"failed": True, "msg": "bad", "revision": ""}), {"ready": False, "failure": "bad"}),
        ({}, {"cluster": "h", "environment": "", "revision": "", "ready": False, "failure": "not asked"}),
        ({"__bootstrap_preflight": {"unreachable": True, "msg": "no ssh"}}, {"ready": False, "failure": "no ssh"}),
        (registered(published={"clusters": None}), {"ready": True, "changed": False}),
        (awaiting(), {"ready": "published", "failure": "", "awaits": "merge it"}),
        ({**awaiting(), "ansible_check_mode": True}, {"ready": "planned", "failure": "", "awaits": "merge it"}),
        (awaiting(planned=True), {"ready": False, "failure": "merge it"}),
        ({**awaiting(planned=True), "ansible_check_mode": True}, {"ready": "planned", "failure": ""}),
        (awaiting(held={"p": "why"}), {"ready": False, "failure": "p: why"}),
        (waits(), {"ready": "not started", "failure": "wave 1 did not pass", "changed": False}),
        (waits(paused=True), {"ready": "not started", "failure": ""}),
        ({**registered(), "__bootstrap_verdict": {"stopped": "it did not pass"}}, {"ready": True, "failure": ""}),
        ({**registered(), "__bootstrap_gate": {"failed": True, "msg": "h: bad"}}, {"ready": False, "failure": "bad"}),
        (
            registered(
                published={"clusters": {}, "stopped": "refused"}, credentials={"skipped": True}, flux={"skipped": True}
            ),
            {"ready": "not started", "failure": "refused"},
        ),
    ],
)
def test_run_row_truth_table(variables: dict[str, Any], expected: dict[str, Any]) -> None:
    row = outcome.run_row("h", variables, "bootstrap")
    assert {key: row[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"name": "a", "ready": True, "version": "v2.9.4"}, {"cluster": "a", "ready": True, "failure": ""}),
        ({"name": "a", "ready": False, "failure": "why"}, {"ready": False, "failure": "why"}),
        ({"failed": True, "msg": "bad"}, {"cluster": "h", "ready": False, "failure": "bad"}),
        (
            {"ready": True, "suspended": ["K x"], "suspensions": [HELD]},
            {"ready": True, "failure": "suspended by alice: moving (K x)", "suspended": ["K x"]},
        ),
        ({"ready": False, "failure": "why", "suspended": ["K x"]}, {"failure": "why"}),
        ({"skipped": True}, {"ready": False, "failure": "not asked"}),
    ],
)
def test_status_row_truth_table(facts: dict[str, Any], expected: dict[str, Any]) -> None:
    row = outcome.status_row("h", {"__status_facts": facts, "fleet_environment": "staging"})
    assert {key: row[key] for key in expected} == expected
    assert row["environment"] == "staging"


def test_status_row_of_a_host_that_was_not_asked() -> None:
    assert outcome.status_row("h", {})["failure"] == "not asked"


def test_table_is_aligned_and_short() -> None:
    rows = [
        {"cluster": "a", "ready": True, "flux": "v2.9.4", "revision": REVISION, "failure": ""},
        {"cluster": "longer-1", "ready": "planned", "flux": "", "revision": "", "failure": "two\n  lines"},
        {"cluster": "c", "ready": False, "flux": "", "revision": "6.2.0", "failure": None},
    ]
    assert outcome.table(rows).splitlines() == [
        "CLUSTER   READY    FLUX    REVISION       FAILURE",
        "a         yes      v2.9.4  main@01234567  -",
        "longer-1  planned  -       -              two lines",
        "c         no       -       6.2.0          -",
    ]


def test_table_of_no_rows() -> None:
    assert outcome.table([]).strip() == ""


def test_failed_names_what_is_not_well() -> None:
    rows = [{"cluster": name, "ready": ready} for name, ready in (("a", True), ("b", False), ("c", "planned"))]
    assert outcome.failed(rows) == ["b"]


def test_failed_environments() -> None:
    hosts = {
        "a": {
            "__offboard_preflight": {"environment": "staging"},
            "__offboard_offboarded": {"failed": True, "msg": "x"},
        },
        "b": {"__offboard_preflight": {"environment": "qa"}, "__offboard_offboarded": {"changed": True}},
        "c": {"__offboard_preflight": {"environment": "production"}, "__offboard_offboarded": {"skipped": True}},
        "d": {},
    }
    assert outcome.failed_environments(hosts, "offboard", "offboarded") == {"staging": "x"}


FINE = {"name": "shop", "ready": True, "suspended": False, "state": "ready", "revision": REVISION, "failure": ""}
BROKEN = {**FINE, "name": "bank", "ready": False, "state": "failed", "failure": "GitRepository bank/deploy: no"}
HELD = {**FINE, "name": "mail", "ready": False, "suspended": True, "state": "suspended", "failure": "suspended: K x"}


def looked(cluster: str, **facts: Any) -> outcome.Row:
    """A row of status."""
    return outcome.status_row(cluster, {"__status_facts": {"name": cluster, "ready": True, **facts}})


def test_status_counts_and_names_what_is_not_ready_or_suspended() -> None:
    rows = [
        looked("a", tenants=[FINE, BROKEN, HELD], infrastructure=[{**FINE, "name": "certs"}]),
        looked("b", tenants=[FINE], infrastructure=[]),
    ]
    assert outcome.tables(rows).splitlines() == [
        "CLUSTER  READY  FLUX  INFRASTRUCTURE  TENANTS  REVISION  FAILURE",
        "a        yes    -     1/1             1/3      -         -",
        "b        yes    -     -               1/1      -         -",
        "",
        "CLUSTER  WHAT    NAME  STATE      REVISION       FAILURE",
        "a        tenant  bank  failed     main@01234567  GitRepository bank/deploy: no",
        "a        tenant  mail  suspended  main@01234567  suspended: K x",
    ]


def test_status_of_one_tenant_shows_it_on_each_cluster() -> None:
    missing = {**BROKEN, "name": "shop", "state": "missing", "revision": "", "failure": "not here"}
    rows = [looked("a", tenant="shop", tenants=[FINE]), looked("b", tenant="shop", tenants=[missing])]
    assert [(one["cluster"], one["state"]) for one in outcome.details(rows)] == [("a", "ready"), ("b", "missing")]


def test_status_without_contents_has_one_table_and_no_column_for_them() -> None:
    assert outcome.tables([looked("a")]).splitlines() == [
        "CLUSTER  READY  FLUX  REVISION  FAILURE",
        "a        yes    -     -         -",
    ]


def test_data_for_machines_has_everything_with_its_cluster() -> None:
    rows = [looked("a", tenants=[FINE, BROKEN], infrastructure=[FINE]), looked("b", tenants=[FINE])]
    data = outcome.as_data(rows)
    assert [row["cluster"] for row in data["clusters"]] == ["a", "b"]
    assert not any("tenants" in row or "infrastructure" in row for row in data["clusters"])
    assert data["tenants"] == [{"cluster": "a", **FINE}, {"cluster": "a", **BROKEN}, {"cluster": "b", **FINE}]
    assert data["infrastructure"] == [{"cluster": "a", **FINE}]


def test_run_row_has_what_was_waited_for() -> None:
    variables = registered() | {
        "__bootstrap_reconciled": {"failed": True, "msg": "late", "tenants": {"shop": FINE, "bank": BROKEN}}
    }
    row = outcome.run_row("h", variables, "bootstrap")
    assert (row["tenants"], row["infrastructure"]) == ([FINE, BROKEN], [])
    assert (row["ready"], row["failure"]) == (False, "late")


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ({"h": registered()}, {}),
        ({"h": registered(flux={"failed": True, "msg": "h: bad"})}, {"h": "bad"}),
        ({"h": registered(), "i": registered(preflight={"reachable": False, "failure": "refused"})}, {}),
        ({"i": registered(preflight={"reachable": False})}, {"i": "can't be reached, like all others of the wave"}),
        ({"h": registered(published={"clusters": {"a": {"held": {"p": "why"}}}})}, {}),
    ],
)
def test_wave_failures(hosts: dict[str, dict[str, Any]], expected: dict[str, str]) -> None:
    assert outcome.wave_failures(hosts, "bootstrap") == expected


def test_clusters_that_wait_for_a_failed_wave_fail() -> None:
    rows = [outcome.run_row("h", variables, "bootstrap") for variables in (waits(), waits(paused=True), registered())]
    assert outcome.failed(rows) == ["a"]


def test_failed_clusters() -> None:
    hosts = {
        "a": {
            "__decommission_preflight": {"name": "stg-1"},
            "__decommission_decommissioned": {"failed": True, "msg": "x"},
        },
        "b": {"__decommission_preflight": {"name": "stg-2"}, "__decommission_decommissioned": {"changed": True}},
        "c": {"__decommission_preflight": {"name": "stg-3"}, "__decommission_decommissioned": {"skipped": True}},
        "d": {},
    }
    assert outcome.failed_clusters(hosts, "decommission", "decommissioned") == {"stg-1": "x"}


def test_cluster_that_is_taken_for_gone_is_no_failure() -> None:
    found = {"name": "stg-1", "reachable": False, "failure": "no route"}
    published = {"clusters": {"stg-1": {"files": ["f"], "held": {}, "gone": True}}}
    variables = {"__decommission_preflight": found, "__decommission_published": published}
    row = outcome.run_row("h", variables, "decommission")
    assert (row["ready"], row["revision"], row["failure"]) == (True, "gone", "")
    published["clusters"]["stg-1"] |= {"gone": False, "files": [], "held": {"clusters/stg-1/": "say cluster_gone"}}
    row = outcome.run_row("h", variables, "decommission")
    assert (row["ready"], row["failure"]) == (False, "clusters/stg-1/: say cluster_gone")
