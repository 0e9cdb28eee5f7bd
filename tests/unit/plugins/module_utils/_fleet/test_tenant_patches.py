# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A platform's patches of what is rendered for tenants: applied, held against the fence, named where they are none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name
from ansible_collections.fluxops.fleet.tests.unit.plugins.tenant_samples import FLEET, content, hostile, onboard, small

TEMPLATE = "tenant-patches.yaml.j2"


def patched(patches: str, **request: Any) -> dict[str, documents.Document]:
    """What a tenant's file holds, by name."""
    change = onboard(FLEET, [small(profile="strict", **request)], templates={TEMPLATE: patches})
    (text,) = [str(one.after) for one in change.plan.changes if one.path == "projects/staging/shop/tenant.yaml"]
    return {name(one): one for one in documents.read(text, "tenant.yaml")}


def refusal(patches: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        patched(patches)
    return str(caught.value)


def test_operations_merges_and_deletions() -> None:
    found = patched("""\
target: {kind: LimitRange}
patch:
  - {op: add, path: /spec/limits/0/max, value: {cpu: "4"}}
---
target: {kind: Namespace}
patch: |
  metadata:
    labels: {pod-security.kubernetes.io/warn: null, cost: "{{ tenant.owner.team }}"}
{% if environment == "staging" %}
---
patch:
  kind: ResourceQuota
  metadata: {name: fleet, namespace: shop}
  spec: {hard: {pods: "7"}}
{% endif %}
---
target: {kind: NetworkPolicy, name: fleet-.*, labelSelector: fleet.fluxops.io/tenant=shop}
patch: {$patch: delete}
{% if environment != "staging" %}
---
target: {kind: Namespace}
patch: {$patch: delete}
{% endif %}
""")
    assert found["LimitRange shop/fleet"]["spec"]["limits"][0]["max"] == {"cpu": "4"}
    labels = found["Namespace shop"]["metadata"]["labels"]
    assert "pod-security.kubernetes.io/warn" not in labels
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    quota = found["ResourceQuota shop/fleet"]["spec"]["hard"]
    assert (quota["pods"], quota["requests.cpu"]) == ("7", "4")
    assert not [one for one in found if one.startswith("NetworkPolicy")]


def test_what_selects_nothing_is_for_others() -> None:
    assert patched("target: {kind: Ingress}\npatch: [{op: remove, path: /spec}]\n") == patched("")


@pytest.mark.parametrize(
    ("patch", "said"),
    [
        ("target: {kind: Namespace}\n", "document 1"),
        ("target: {kinds: Namespace}\npatch: [{op: remove, path: /x}]\n", "found kinds"),
        ("patch: {spec: {a: b}}\n", "found nothing"),
        ("target: {kind: Namespace}\npatch: [{op: move, path: /x, from: /y}]\n", "a JSON patch is a list"),
        ("target: {kind: Namespace}\npatch: [{op: remove, path: /spec/none}]\n", "has no such place"),
        ("target: {kind: Namespace}\npatch: '{'\n", "patch"),
        ("target: {name: '('}\npatch: {a: b}\n", "regular expression"),
        ("target: {kind: Namespace}\npatch: {$patch: replace}\n", "only '$patch: delete'"),
    ],
)
def test_what_is_no_patch(patch: str, said: str) -> None:
    text = refusal(patch)
    assert TEMPLATE in text
    assert said in text


@pytest.mark.parametrize(
    ("patch", "said"),
    [
        ("target: {kind: ServiceAccount}\npatch: {metadata: {namespace: other}}\n", "one of the tenant's namespaces"),
        ("target: {kind: RoleBinding}\npatch: {roleRef: {name: cluster-admin}}\n", "gives more than the fence leaves"),
        ("target: {kind: Kustomization}\npatch: {spec: {serviceAccountName: null}}\n", "spec.serviceAccountName"),
        ("target: {kind: ServiceAccount}\npatch: {kind: ClusterRole}\n", "belongs to the whole cluster"),
        ("target: {kind: Namespace}\npatch: {metadata: {labels: {fleet.fluxops.io/tenant: x}}}\n", "needs this label"),
        ("target: {kind: ServiceAccount}\npatch: {kind: Secret, stringData: {a: b}}\n", "stands in clear"),
    ],
)
def test_patches_are_held_against_the_fence(patch: str, said: str) -> None:
    assert said in refusal(patch)


@given(hostile)
def test_no_value_of_a_request_becomes_a_patch(text: str) -> None:
    asked = content(owner={"team": text})
    patches = "target: {kind: Namespace}\npatch: {metadata: {annotations: {team: {{ tenant.owner.team }}}}}\n"
    try:
        change = onboard(FLEET, [asked], templates={TEMPLATE: patches})
    except AssertionError:  # no request may say this
        return
    texts = {one.path: str(one.after) for one in change.plan.changes}
    found = documents.read(texts["projects/staging/payments/tenant.yaml"], "tenant.yaml")
    assert [one["metadata"]["annotations"]["team"] for one in found if one["kind"] == "Namespace"] == [text, text]
