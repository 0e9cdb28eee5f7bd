# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commit messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.messages import clusters_message
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import labels

LONG = ["x" * 40, "y" * 40]


@pytest.mark.parametrize(
    ("new", "changed", "subject"),
    [
        (["a"], [], "bootstrap a"),
        (["b", "a"], [], "bootstrap a, b"),
        ([], ["a"], "update a"),
        (["b"], ["a", "c"], "bootstrap b and update a, c"),
        ([], [], "make the directories that clusters watch"),
        (LONG, [], "bootstrap 2 clusters"),
        (["a"] * 20, [], "bootstrap " + ", ".join("a" * 20)),
        (["a"] * 22, [], "bootstrap 22 clusters"),
        (LONG[:1], [], f"bootstrap {LONG[0]}"),
        (["x" * 63], [], "bootstrap 1 cluster"),
        (["a"], LONG, "bootstrap 1 cluster and update 2 clusters"),
    ],
)
def test_clusters_message_subject(new: list[str], changed: list[str], subject: str) -> None:
    assert clusters_message(new, changed, []).splitlines()[0] == subject


def test_clusters_message_whole() -> None:
    paths = ["clusters/b/cluster.yaml", "clusters/a/z.yaml", "clusters/a/b.yaml", "projects/x/.gitkeep"]
    assert clusters_message(["b"], ["a"], paths) == (
        "bootstrap b and update a\n\n"
        "clusters/a: b.yaml, z.yaml\nclusters/b: cluster.yaml\n\n"
        "Fleet-Cluster: a\nFleet-Cluster: b\n"
    )


names = st.lists(st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True) | labels, max_size=12)


@given(names, names)
def test_clusters_message_any_names(new: list[str], changed: list[str]) -> None:
    message = clusters_message(new, changed, [f"clusters/{name}/cluster.yaml" for name in [*new, *changed]])
    lines = message.splitlines()
    assert 0 < len(lines[0]) <= 72
    assert message.endswith("\n")
    if new or changed:
        assert lines[1] == ""
        trailers = [line.partition("Fleet-Cluster: ") for line in lines]
        assert [value for before, key, value in trailers if key and not before] == sorted(new + changed)
