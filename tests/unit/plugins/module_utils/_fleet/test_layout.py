# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths: they are for ever."""

from __future__ import annotations

import pytest
from hypothesis import assume, given

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import SHARDS, Layout, shard_of
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import labels


# The first hex digit of `printf %s NAME | sha256sum`.
@pytest.mark.parametrize(
    ("tenant", "shard"),
    [("payments", "d"), ("a", "c"), ("team-1", "7"), ("checkout", "c"), ("x" * 56, "0")],
)
def test_shard_of_is_for_ever(tenant: str, shard: str) -> None:
    assert shard_of(tenant) == shard


@given(labels)
def test_shard_of_any_tenant_is_one_of_sixteen(tenant: str) -> None:
    assert shard_of(tenant) in SHARDS


def test_shard_of_spreads_tenants() -> None:
    sizes = [sum(shard_of(f"tenant-{number}") == shard for number in range(1600)) for shard in SHARDS]
    assert len(SHARDS) == 16
    assert 50 < min(sizes) <= max(sizes) < 150


def test_layout_paths() -> None:
    layout = Layout()
    assert layout.cluster("a") == "clusters/a"
    assert layout.flux_file("a", "gotk-sync") == "clusters/a/flux-system/gotk-sync.yaml"
    assert layout.cluster_file("a", "cluster") == "clusters/a/cluster.yaml"
    assert layout.shard("staging", "f") == "projects/staging/sync/f"
    assert layout.own_tenants("staging", "a") == "projects/staging/clusters/a"
    assert layout.watched("a", "staging") == (
        "clusters/a/",
        "infrastructure/staging/",
        "infrastructure/base/",
        "projects/staging/",
    )


def test_layout_names_are_the_users() -> None:
    layout = Layout(clusters="c", infrastructure="deep/i", projects="p")
    assert layout.watched("a", "staging") == ("c/a/", "deep/i/staging/", "deep/i/base/", "p/staging/")


@given(labels, labels, labels)
def test_kept_makes_every_directory_that_is_watched(one: str, environment: str, other: str) -> None:
    layout = Layout()
    kept = layout.kept(one, environment)
    assert len(set(kept)) == len(kept) == 2 + 16 + 1
    assert all(path.endswith("/.gitkeep") for path in kept)
    for directory in layout.watched(one, environment)[1:]:
        assert any(path.startswith(directory) for path in kept)


@given(labels, labels, labels, labels)
def test_watched_takes_in_nothing_of_others(one: str, other: str, environment: str, elsewhere: str) -> None:
    assume(one != other)
    assume(environment != elsewhere)
    assume("base" not in (environment, elsewhere))
    layout = Layout()
    watched = layout.watched(one, environment)
    theirs = [layout.flux_file(other, "gotk-sync"), layout.cluster_file(other, "cluster")]
    theirs += [path for path in layout.kept(other, elsewhere) if path != "infrastructure/base/.gitkeep"]
    assert not [path for path in theirs if path.startswith(watched)]
    assert all(directory.endswith("/") for directory in watched)
