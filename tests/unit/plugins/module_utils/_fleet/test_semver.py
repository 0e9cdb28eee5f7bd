# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranges of versions allow what Helm and Flux take by them; the rules are those of Masterminds/semver's README."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.semver import Range, Version, nearest, newest_first

ALLOWED = [
    ("1.2.3", "1.2.3 v1.2.3 1.2.3+build", "1.2.4 1.2.3-rc.1"),
    ("v1.2.3", "1.2.3", "1.2.4"),
    ("=1.2", "1.2.0 1.2.9", "1.3.0 1.1.0"),
    ("1.2", "1.2.0 1.2.9", "1.3.0 1.1.0"),
    ("1.x", "1.0.0 1.9.9", "2.0.0 0.9.0 1.0.0-rc.1"),
    ("1", "1.0.0 1.9.9", "2.0.0"),
    ("*", "0.0.0 0.1.0 9.9.9", "1.0.0-rc.1"),
    ("!=1.2.3", "1.2.4 2.0.0", "1.2.3"),
    ("!=1.2.x", "1.3.0 2.2.0", "1.2.0 1.2.9"),
    (">1.2.3", "1.2.4 2.0.0", "1.2.3 1.2.2"),
    (">1.2", "1.3.0 2.0.0", "1.2.9 1.2.0"),
    (">1", "2.0.0", "1.9.9"),
    (">=1.2", "1.2.0 1.3.0", "1.1.9"),
    ("=>1.2.3", "1.2.3", "1.2.2"),
    ("<1.2", "1.1.9 0.1.0", "1.2.0 1.2.0-rc.1"),
    ("<=1.2", "1.2.9 1.0.0", "1.3.0"),
    ("=<1.2.3", "1.2.3", "1.2.4"),
    ("<=11", "11.2.0 10.0.0", "12.0.0"),
    ("~1.2.3", "1.2.3 1.2.9", "1.3.0 1.2.2"),
    ("~1", "1.0.0 1.9.0", "2.0.0"),
    ("~2.3", "2.3.0 2.3.9", "2.4.0"),
    ("~>1.2", "1.2.7", "1.3.0"),
    ("^1.2.3", "1.2.3 1.9.0", "2.0.0 1.2.2"),
    ("^1.2.x", "1.2.0 1.9.0", "2.0.0"),
    ("^0.2.3", "0.2.3 0.2.9", "0.3.0 0.2.2"),
    ("^0.2", "0.2.0 0.2.9", "0.3.0"),
    ("^0.0.3", "0.0.3", "0.0.4 0.1.0"),
    ("^0.0", "0.0.0 0.0.9", "0.1.0"),
    ("^0", "0.0.0 0.9.0", "1.0.0"),
    (">=1.0.0 <2.0.0", "1.0.0 1.9.9", "2.0.0 0.9.0"),
    (">= 1.0, < 2", "1.5.0", "2.0.0"),
    ("1.2 - 1.4.5", "1.2.0 1.4.5", "1.4.6 1.1.0"),
    ("<1.0.0 || >=2.0.0", "0.9.0 2.0.0", "1.5.0"),
    (">=1.0.0-0", "1.0.0 1.0.0-rc.1 2.0.0-alpha", "0.9.0"),
    (">=1.0.0-0 <2.0.0", "1.5.0-beta.2 1.0.0-0", "2.0.0"),
    ("1.0.0-rc.1", "1.0.0-rc.1", "1.0.0 1.0.0-rc.2"),
]


@pytest.mark.parametrize(("text", "inside", "outside"), ALLOWED, ids=[one[0] for one in ALLOWED])
def test_range(text: str, inside: str, outside: str) -> None:
    found = Range.read(text)
    assert found is not None
    for version, expected in [*((one, True) for one in inside.split()), *((one, False) for one in outside.split())]:
        read = Version.read(version)
        assert read is not None
        assert found.allows(read) is expected, version


@pytest.mark.parametrize("text", ["", "a", "1.2.3.4", "1 || ", ">>1", "1.2.3foo", "latest", ">=1,,x.y.z.w"])
def test_what_is_no_range(text: str) -> None:
    assert Range.read(text) is None


# https://semver.org/#spec-item-11
ORDER = "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.0.1 1.10.0"


@given(st.permutations(ORDER.split()))
def test_order(mixed: list[str]) -> None:
    assert newest_first([*mixed, "latest", "sha256-abc.sig"]) == ORDER.split()[::-1]


def test_nearest() -> None:
    texts = [f"1.{number}.0" for number in range(10)]

    def around(text: str) -> list[str]:
        anchor = Version.read(text)
        assert anchor is not None
        return nearest(texts, anchor, 4)

    assert around("1.5.5") == ["1.7.0", "1.6.0", "1.5.0", "1.4.0"]
    assert around("9.0.0") == ["1.9.0", "1.8.0", "1.7.0", "1.6.0"]
    assert around("0.1.0") == ["1.3.0", "1.2.0", "1.1.0", "1.0.0"]
    assert nearest(["1.0.0"], Version((3, 0, 0)), 4) == ["1.0.0"]
