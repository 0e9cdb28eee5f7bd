# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When something is ready: the truth tables of Flux's objects, Deployments and CRDs."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import ready


def flux(status: dict[str, Any] | None, generation: int = 2, **spec: Any) -> dict[str, Any]:
    """An object of Flux."""
    found: dict[str, Any] = {"metadata": {"name": "x", "namespace": "n", "generation": generation}, "spec": spec}
    return found if status is None else {**found, "status": status}


def condition(value: str, message: str = "said", kind: str = "Ready") -> list[dict[str, str]]:
    """Conditions, the wanted one not the first."""
    return [{"type": "Other", "status": "True"}, {"type": kind, "status": value, "message": message}]


@pytest.mark.parametrize(
    ("found", "state", "message"),
    [
        (None, "missing", ""),
        ({}, "missing", ""),
        (flux(None), "waiting", "not reconciled yet"),
        (flux({}), "waiting", "not reconciled yet"),
        (flux({"observedGeneration": -1}), "waiting", "not reconciled yet"),
        (flux({"observedGeneration": 1, "conditions": condition("True")}), "waiting", "said"),
        (flux({"observedGeneration": 1, "conditions": condition("False")}), "waiting", "said"),
        (flux({"observedGeneration": 2, "conditions": condition("True")}), "ready", "said"),
        (flux({"observedGeneration": 2, "conditions": condition("False")}), "failed", "said"),
        (flux({"observedGeneration": 2, "conditions": condition("Unknown")}), "waiting", "said"),
        (flux({"observedGeneration": 2, "conditions": None}), "waiting", "not reconciled yet"),
        (
            flux({"observedGeneration": 2, "conditions": condition("True", kind="Healthy")}),
            "waiting",
            "not reconciled yet",
        ),
        (flux({"observedGeneration": 2, "conditions": condition("True")}, suspend=True), "suspended", "suspended"),
        (flux({"observedGeneration": 2, "conditions": condition("False")}, suspend=True), "suspended", "suspended"),
        (flux({"observedGeneration": 2, "conditions": condition("True")}, suspend=False), "ready", "said"),
    ],
)
def test_flux_object_truth_table(found: Any, state: str, message: str) -> None:
    readiness = ready.flux_object(found)
    assert (readiness.state, readiness.message, readiness.ready) == (state, message, state == "ready")


@pytest.mark.parametrize(
    ("value", "reason", "suspend", "expected"),
    [
        ("Unknown", "Progressing", False, True),
        ("Unknown", "Progressing", True, False),
        ("Unknown", "Other", False, False),
        ("True", "ReconciliationSucceeded", False, False),
        ("False", "Progressing", False, False),
    ],
)
def test_in_progress_is_what_its_controller_is_just_at(value: str, reason: str, suspend: bool, expected: bool) -> None:
    said = [{**one, "reason": reason} for one in condition(value)]
    assert ready.in_progress(flux({"conditions": said}, suspend=suspend)) is expected


def test_what_was_never_looked_at_is_not_in_progress() -> None:
    assert not ready.in_progress(flux(None))


@pytest.mark.parametrize(
    ("status", "revision"),
    [
        ({"lastAppliedRevision": "main@sha1:1"}, "main@sha1:1"),
        ({"artifact": {"revision": "main@sha1:2"}}, "main@sha1:2"),
        ({"lastAppliedRevision": "main@sha1:1", "lastAttemptedRevision": "main@sha1:3"}, "main@sha1:1"),
        ({"lastAttemptedRevision": "main@sha1:3"}, ""),
        ({"artifact": None}, ""),
        ({}, ""),
    ],
)
@pytest.mark.parametrize("suspend", [True, False])
def test_flux_object_revision(status: dict[str, Any], revision: str, suspend: bool) -> None:
    assert ready.flux_object(flux(status, suspend=suspend)).revision == revision


def deployed(generation: int = 2, replicas: int | None = 1, **status: Any) -> dict[str, Any]:
    """A Deployment."""
    spec = {} if replicas is None else {"replicas": replicas}
    return {"metadata": {"name": "x", "namespace": "n", "generation": generation}, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (None, "missing"),
        (deployed(), "waiting"),
        (deployed(observedGeneration=2, updatedReplicas=1, availableReplicas=1), "ready"),
        (deployed(observedGeneration=1, updatedReplicas=1, availableReplicas=1), "waiting"),
        (deployed(observedGeneration=2, updatedReplicas=1), "waiting"),
        (deployed(observedGeneration=2, availableReplicas=1), "waiting"),
        (deployed(observedGeneration=2, updatedReplicas=1, availableReplicas=2), "waiting"),
        (deployed(replicas=3, observedGeneration=2, updatedReplicas=3, availableReplicas=2), "waiting"),
        (deployed(replicas=3, observedGeneration=2, updatedReplicas=3, availableReplicas=3), "ready"),
        (deployed(replicas=None, observedGeneration=2, updatedReplicas=1, availableReplicas=1), "ready"),
        (deployed(replicas=0, observedGeneration=2), "ready"),
    ],
)
def test_deployment_truth_table(found: Any, state: str) -> None:
    assert ready.deployment(found).state == state


def test_deployment_says_how_many() -> None:
    assert ready.deployment(deployed(replicas=3, availableReplicas=2)).message == "2 of 3 replicas available"


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([("Progressing", "True", "is progressing")], ""),
        ([("Progressing", "False", "timed out")], ": timed out"),
        ([("Progressing", "False", "timed out"), ("ReplicaFailure", "True", "exceeded quota")], ": exceeded quota"),
        ([("Available", "False", "no minimum availability")], ""),
    ],
)
def test_deployment_that_makes_no_progress_says_why(conditions: list[tuple[str, str, str]], expected: str) -> None:
    found = deployed(conditions=[{"type": one, "status": status, "message": m} for one, status, m in conditions])
    assert ready.deployment(found).message == f"0 of 1 replicas available{expected}"


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (None, "missing"),
        ({"metadata": {"name": "x"}}, "waiting"),
        ({"status": {"conditions": condition("False", kind="Established")}}, "waiting"),
        ({"status": {"conditions": condition("True", kind="NamesAccepted")}}, "waiting"),
        ({"status": {"conditions": condition("True", kind="Established")}}, "ready"),
    ],
)
def test_custom_resource_definition_truth_table(found: Any, state: str) -> None:
    assert ready.custom_resource_definition(found).state == state


GOOD = flux({"observedGeneration": 2, "conditions": condition("True")})
BAD = flux({"observedGeneration": 2, "conditions": condition("False", "no such branch")})
PAUSED = flux({"observedGeneration": 2, "conditions": condition("False")}, suspend=True)
UP = deployed(observedGeneration=2, updatedReplicas=1, availableReplicas=1)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({}, ""),
        ({"Deployment": [], "GitRepository": []}, ""),
        ({"Deployment": [UP], "GitRepository": [GOOD], "Kustomization": [GOOD, PAUSED]}, ""),
        ({"Deployment": [UP], "GitRepository": [GOOD, BAD]}, "GitRepository n/x: no such branch"),
        ({"GitRepository": [BAD], "Kustomization": [BAD]}, "GitRepository n/x: no such branch"),
        ({"Deployment": [deployed()], "GitRepository": [BAD]}, "Deployment n/x: 0 of 1 replicas available"),
        ({"Kustomization": [flux(None)]}, "Kustomization n/x: not reconciled yet"),
    ],
)
def test_first_failure_is_the_cause(found: dict[str, list[Any]], said: str) -> None:
    assert ready.first_failure(found) == said


def test_a_helm_repository_of_type_oci_has_no_status_and_is_ready() -> None:
    assert ready.flux_object({"metadata": {"generation": 1}, "spec": {"type": "oci"}}).ready
    assert not ready.flux_object({"metadata": {"generation": 1}, "spec": {"type": "default"}}).ready
    assert ready.flux_object({"metadata": {}, "spec": {"type": "oci", "suspend": True}}).state == "suspended"


@pytest.mark.parametrize(
    ("status", "about", "state"),
    [("False", 2, "failed"), ("False", 1, "waiting"), ("True", 2, "waiting"), ("Unknown", 2, "waiting")],
)
def test_a_release_whose_chart_can_not_be_had_has_failed(status: str, about: int, state: str) -> None:
    said = [{**condition(status)[-1], "observedGeneration": about}]
    assert ready.flux_object(flux({"observedGeneration": -1, "conditions": said})).state == state
