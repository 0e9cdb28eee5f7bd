# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a request may go with rights, network, Pod Security and metadata: the form, the fence, the fleet's caps."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import request_reader
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.policy import Policy
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.requested import from_request
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rules import Rules
from ansible_collections.fluxops.fleet.tests.unit.plugins.tenant_samples import content, hostile, problems, tenant


def rules(**caps: Any) -> Rules:
    """A fleet with these caps."""
    policy = Policy({}, caps)
    assert list(policy.problems()) == []
    return Rules(policy=policy)


RULE = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "a role that nobody allowed": (
        {"role": "cluster-admin"},
        {},
        "role is 'cluster-admin': the fleet allows fleet-tenant, admin, edit, view (fleet_tenant_caps.roles)",
    ),
    "a role that the cap leaves out": ({"role": "admin"}, {"roles": ["edit"]}, "the fleet allows fleet-tenant, edit"),
    "two ways": ({"role": "admin", "rules": [RULE]}, {}, "role is 'admin': rules stand in place of a role"),
    "everything": ({"rules": [{**RULE, "resources": ["*"]}]}, {}, "rules[0].resources[0] is '*': a name, and never *"),
    "another's rights": (
        {"rules": [{**RULE, "verbs": ["impersonate"]}]},
        {},
        "rules[0].verbs[0] is 'impersonate': one of get, list",
    ),
    "the fence itself": (
        {"rules": [RULE, {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": ["patch"]}]},
        {},
        "rules[1].resources[0] is 'networkpolicies': is what fences tenants in",
    ),
    "half a rule": ({"rules": [{"verbs": ["get"], "apiGroups": [""]}]}, {}, "rules[0].resources: is missing"),
    "a laxer level than the cap": (
        {"podSecurity": "privileged"},
        {"podSecurity": "baseline"},
        "podSecurity is 'privileged': the fleet allows nothing laxer than baseline (fleet_tenant_caps.podSecurity)",
    ),
    "a laxer level than any profile": (
        {"podSecurity": "baseline", "profile": "strict"},
        {"profiles": ["strict"]},
        "podSecurity is 'baseline': the fleet allows nothing laxer than restricted (fleet_tenant_caps.profiles)",
    ),
    "an open network": (
        {"network": "open", "profile": "strict"},
        {"profiles": ["strict"]},
        "network is 'open': the fleet allows nothing laxer than closed (fleet_tenant_caps.profiles)",
    ),
    "no word": ({"network": "half"}, {}, "network is 'half': one of open, closed"),
    "a label of the fleet's": (
        {"labels": {"fleet.fluxops.io/reaches-tenants": "true"}},
        {},
        "labels.fleet.fluxops.io/reaches-tenants: this name is wrong: a name such as cost-center",
    ),
    "a label of Kubernetes'": (
        {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}},
        {},
        "is wrong: a name",
    ),
    "an annotation of Flux's": ({"annotations": {"kustomize.toolkit.fluxcd.io/prune": "x"}}, {}, "is wrong: a name"),
    "a value that is no label's": ({"labels": {"a": "b c"}}, {}, "labels.a is 'b c': a label's value"),
    "two channels of one name": (
        {"notifications": [{"name": "a", "provider": "slack"}, {"name": "a", "provider": "discord"}]},
        {},
        "notifications[1].name is 'a': stands twice: each has its own name",
    ),
    "an unknown service": (
        {"notifications": [{"name": "a", "provider": "fax"}]},
        {},
        "notifications[0].provider is 'fax'",
    ),
}


@pytest.mark.parametrize(("asked", "caps", "said"), CASES.values(), ids=CASES)
def test_refused(asked: dict[str, Any], caps: dict[str, Any], said: str) -> None:
    (problem,) = problems(content(**asked), rules(**caps))
    assert said in str(problem)


FINE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"role": "fleet-tenant"}, {"roles": ["edit"]}),
    ({"role": "team:a.b"}, {"roles": ["team:a.b"]}),
    ({"rules": [RULE]}, {"roles": ["edit"]}),
    ({"podSecurity": "baseline"}, {"podSecurity": "baseline", "profiles": ["standard", "strict"]}),
    ({"network": "closed", "podSecurity": "restricted"}, {"profiles": ["strict"], "network": "closed"}),
    ({"labels": {"notkubernetes.io/a": "", "kubernetes": "x"}}, {}),
]


@pytest.mark.parametrize(("asked", "caps"), FINE, ids=str)
def test_allowed(asked: dict[str, Any], caps: dict[str, Any]) -> None:
    assert problems(content(**asked, profile="strict"), rules(**caps)) == []


def test_caps_hold_where_nobody_asks() -> None:
    capped = rules(podSecurity="restricted", network="closed")
    for one in tenant(content(profile="open"), capped).placements:
        assert (one.pod_security, one.network) == ("restricted", "closed")


def test_a_file_is_named_with_the_line() -> None:
    text = (
        "tenant: a\nowner: {team: a}\nsources: [{name: a, url: 'https://git.example/a'}]\nenvironments: {staging: {}}\n"
    )
    text += (
        "labels:\n  a: b\n  x.k8s.io/c: d\nrules:\n  - apiGroups: ['']\n    resources: [secrets]\n    verbs: [bind]\n"
    )
    (found,), wrong = request_reader.read(text.encode(), "a.yml")
    assert wrong == []
    first, second = sorted(from_request(found, Rules())[1])
    assert str(first).startswith("a.yml:11: rules[0].verbs[0] is 'bind': one of")
    assert str(second).startswith("a.yml:7: labels.x.k8s.io/c: this name is wrong")


@given(st.dictionaries(hostile, hostile, min_size=1, max_size=3))
def test_no_label_is_the_platforms(labels: dict[str, str]) -> None:
    if problems(content(labels=labels)):
        return
    for name, value in labels.items():
        domain = name.rpartition("/")[0]
        assert not f".{domain}".endswith((".fleet.fluxops.io", ".kubernetes.io", ".k8s.io", ".fluxcd.io"))
        assert value.isascii()
