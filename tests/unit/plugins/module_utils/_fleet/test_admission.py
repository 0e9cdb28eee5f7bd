# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Admission policies: which there are, what they say, and that no pattern becomes anything but a pattern."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import admission, policy
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Cluster
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import parameters

SOURCES = ["ssh://git@git.example/**", "https://git.example/public-*/*"]
_REGEX = re.compile(r'variables\.url\.matches\((".*?(?<!\\)")\) && !variables\.url\.matches\((".*")\)')


def cluster(sources: list[str] | None) -> Cluster:
    """A cluster with admission policies for these patterns; without any where there is no list."""
    wanted = parameters()
    wanted["flux"]["admission"] = None if sources is None else {"sources": sources}
    return Cluster.from_params("host", wanted)


def test_nothing_unless_asked() -> None:
    assert admission.variables(cluster(None)) == []
    always = ["fleet-tenant-references", "fleet-tenant-tokens"]
    assert [one["name"] for one in admission.variables(cluster([]))] == always
    assert [one["name"] for one in admission.variables(cluster(SOURCES))] == [*always, "fleet-tenant-sources"]


def test_every_refusal_names_its_field_and_what_is_right() -> None:
    references, _tokens, sources = admission.variables(cluster(SOURCES))
    said = [one["message"] for one in references["validations"]]
    for field in ("serviceAccountName", "sourceRef", "chart.spec.sourceRef", "chartRef", "eventSources", "resources"):
        assert [one for one in said if one.startswith(f"spec.{field} ")], field
    assert all(": name" in one or ": refer to" in one for one in said)
    (one,) = sources["validations"]
    assert all(pattern in one["messageExpression"] for pattern in SOURCES)
    assert "fleet_tenant_caps.sources" in one["messageExpression"]


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("ssh://git@git.example/a/b.git", True),
        ("https://git.example/public-a/b", True),
        ("https://git.example/public-a/b/c", False),
        ("https://git.example/private/b", False),
        ("https://git.example.evil/public-a/b", False),
        ("https://gitXexample/public-a/b", False),
        ("ssh://git@git.example/../b", False),
        ("ssh://git@git.example/%2E%2e/b", False),
        ("x ssh://git@git.example/a", False),
    ],
)
def test_the_api_allows_what_requests_may_ask_for(url: str, allowed: bool) -> None:
    (one,) = admission.variables(cluster(SOURCES))[-1]["validations"]
    found = _REGEX.fullmatch(one["expression"])
    assert found
    right, climbing = (json.loads(text) for text in found.groups())
    assert bool(re.search(right, url) and not re.search(climbing, url)) == allowed
    assert policy.Policy({}, {"sources": SOURCES})._allows(url) == allowed


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4))
def test_whatever_is_no_pattern_is_refused_and_never_an_expression(texts: list[str]) -> None:
    made = cluster(texts)
    if list(admission.problems(made, {"kubernetes_version": "v1.35.0"})):
        return
    (one,) = admission.variables(made)[-1]["validations"]
    found = _REGEX.fullmatch(one["expression"])
    assert found
    re.compile(json.loads(found.group(1)))


def test_problems() -> None:
    assert list(admission.problems(cluster(SOURCES), {"kubernetes_version": "v1.30.1+k3s1"})) == []
    assert list(admission.problems(cluster(None), {"kubernetes_version": "v1.20.1"})) == []
    old, wrong = admission.problems(cluster(["git.example"]), {"kubernetes_version": "v1.29.9"})
    said = sorted([str(old), str(wrong)])
    assert said[0].startswith(
        "host: fleet_tenant_admission is 'true': admission policies need Kubernetes 1.30 or later"
    )
    assert said[1].startswith("run: fleet_tenant_caps.sources[0] is 'git.example': a URL with *")
