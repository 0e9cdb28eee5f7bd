# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real API server refuses to apply, in its words, and what helps."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import ClusterError
from ansible_collections.fluxops.fleet.plugins.module_utils._io import objects
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster
from tests.integration.project import STAGING
from tests.lab import Lab

RBAC = "rbac.authorization.k8s.io"
BINDING = {
    "apiVersion": f"{RBAC}/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "refused", "namespace": "default"},
    "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "view"},
    "subjects": [{"kind": "User", "name": "somebody", "apiGroup": RBAC}],
}
WORKLOAD = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "refused", "namespace": "default"},
    "spec": {
        "replicas": 0,
        "selector": {"matchLabels": {"app": "a"}},
        "template": {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
    },
}


@pytest.fixture
def cluster(lab: Lab) -> Iterator[Cluster]:
    with Cluster({"kubeconfig": str(lab.kubeconfig), "context": STAGING}, STAGING) as made:
        objects.apply(made, [BINDING, WORKLOAD], "kustomize-controller")
        try:
            yield made
        finally:
            for one in (BINDING, WORKLOAD):
                found = made.get(str(one["apiVersion"]), str(one["kind"]), "refused", "default")
                if found:
                    made.delete(found)


def other_role() -> dict[str, Any]:
    """The binding, to another role."""
    changed = copy.deepcopy(BINDING)
    changed["roleRef"]["name"] = "edit"  # type: ignore[index]
    return changed


def other_selector() -> dict[str, Any]:
    """The workload, of other pods."""
    changed: dict[str, Any] = copy.deepcopy(WORKLOAD)
    changed["spec"]["selector"]["matchLabels"] = changed["spec"]["template"]["metadata"]["labels"] = {"app": "b"}
    return changed


@pytest.mark.parametrize(
    ("wanted", "said"),
    [(other_role(), "cannot change roleRef"), (other_selector(), "field is immutable")],
    ids=["roleRef", "selector"],
)
def test_field_that_never_changes_is_explained_in_the_plan_already(
    cluster: Cluster, wanted: dict[str, Any], said: str
) -> None:
    name = objects.name(wanted)
    for attempt in (objects.plan, objects.apply):
        with pytest.raises(ClusterError) as caught:
            attempt(cluster, [wanted], "kustomize-controller")
        text = str(caught.value)
        assert text.startswith(f"{STAGING}: {name}: ")
        assert said in text
        assert text.endswith("delete the object, and run again to have it made anew")


def test_field_of_another_manager_is_left_to_it_by_name(cluster: Cluster) -> None:
    def sized(replicas: int) -> dict[str, Any]:
        changed: dict[str, Any] = copy.deepcopy(WORKLOAD)
        changed["spec"]["replicas"] = replicas
        return changed

    cluster.apply(sized(3), "autoscaler", force=True)
    for attempt in (objects.plan, objects.apply):
        with pytest.raises(ClusterError) as caught:
            attempt(cluster, [sized(1)], "kustomize-controller")
        assert caught.value.status == 409
        text = str(caught.value)
        assert 'conflict with "autoscaler": .spec.replicas' in text
        assert "have that manager let go of these fields" in text
    found = cluster.get("apps/v1", "Deployment", "refused", "default")
    assert found
    assert found["spec"]["replicas"] == 3
