# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Versions and ranges of versions as Helm and Flux read them.

The rules are those of https://github.com/Masterminds/semver#checking-version-constraints, the order of versions that of
https://semver.org/#spec-item-11.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

_VERSION = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_PART = r"(\d+|[xX*])"
_BOUND = re.compile(
    rf"(=|!=|>=|=>|<=|=<|>|<|~>|~|\^|)\s*v?{_PART}(?:\.{_PART})?(?:\.{_PART})?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?"
)
_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)")
_WILD = ("x", "X", "*", None)


@dataclass(frozen=True)
class Version:
    """A version; ``pre`` are the parts of its pre-release, empty for a release."""

    numbers: tuple[int, int, int]
    pre: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> Version | None:
        """None for what is no version."""
        found = _VERSION.fullmatch(text)
        if not found:
            return None
        major, minor, patch, pre = found.groups()
        return cls((int(major), int(minor or 0), int(patch or 0)), tuple(pre.split(".")) if pre else ())

    @cached_property
    def order(self) -> tuple[object, ...]:
        """By which versions are sorted: a pre-release before its release, numbers before words."""
        parts = [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in self.pre]
        return self.numbers, not self.pre, tuple(parts)


@dataclass(frozen=True)
class _Bound:
    """One bound. ``given``: how many numbers of its version are given, the rest being wild."""

    operator: str
    version: Version
    given: int

    def holds(self, version: Version) -> bool:
        return _RULES[self.operator](self, version)

    def same(self, version: Version, count: int) -> bool:
        """Whether the first numbers are the same."""
        return self.version.numbers[:count] == version.numbers[:count]


def _is_equal(bound: _Bound, version: Version) -> bool:
    return _is_about(bound, version) if bound.given < 3 else version.order == bound.version.order


def _is_greater(bound: _Bound, version: Version) -> bool:
    if bound.given < 3:  # greater than all that the wild numbers stand for
        return version.numbers[: bound.given] > bound.version.numbers[: bound.given]
    return version.order > bound.version.order


def _is_at_most(bound: _Bound, version: Version) -> bool:
    if bound.given < 3:
        return version.numbers[: bound.given] <= bound.version.numbers[: bound.given]
    return version.order <= bound.version.order


def _is_about(bound: _Bound, version: Version) -> bool:
    """``~``: patches may differ, or what is wild."""
    return version.order >= bound.version.order and bound.same(version, min(bound.given, 2))


def _is_compatible(bound: _Bound, version: Version) -> bool:
    """``^``: the first number that is given and not zero may not differ, nor those before it."""
    if version.order < bound.version.order:
        return False
    leading = next((place for place in range(bound.given) if bound.version.numbers[place]), bound.given - 1)
    return bound.same(version, leading + 1) if bound.given else True


_RULES: Mapping[str, Callable[[_Bound, Version], bool]] = {
    "": _is_equal,
    "=": _is_equal,
    "!=": lambda bound, version: not _is_equal(bound, version),
    ">": _is_greater,
    "<": lambda bound, version: version.order < bound.version.order,
    ">=": lambda bound, version: version.order >= bound.version.order,
    "=>": lambda bound, version: version.order >= bound.version.order,
    "<=": _is_at_most,
    "=<": _is_at_most,
    "~": _is_about,
    "~>": _is_about,
    "^": _is_compatible,
}


@dataclass(frozen=True)
class Range:
    """What a chart's ``version`` allows: one of the lists of bounds, all of which hold."""

    choices: Sequence[Sequence[_Bound]]

    @classmethod
    def read(cls, text: str) -> Range | None:
        """None for what is no range."""
        choices = []
        for choice in text.split("||"):
            bounds = _bounds(_HYPHEN.sub(r">=\1 <=\2", choice).strip())
            if bounds is None:
                return None
            choices.append(bounds)
        return cls(choices)

    def allows(self, version: Version) -> bool:
        """Whether a version is in it; a pre-release only where a bound beside it names one."""
        return any(
            (not version.pre or any(bound.version.pre for bound in choice))
            and all(bound.holds(version) for bound in choice)
            for choice in self.choices
        )

    @property
    def anchor(self) -> Version:
        """The first version that it names."""
        return self.choices[0][0].version


def _bounds(text: str) -> list[_Bound] | None:
    found, place = [], 0
    while place < len(text):
        one = _BOUND.match(text, place)
        if not one or (text[one.end() : one.end() + 1] not in ("", ",", " ")):
            return None
        found.append(_bound(*one.groups()))
        place = one.end() + len(text[one.end() :]) - len(text[one.end() :].lstrip(", "))
    return found or None


def _bound(operator: str, major: str, minor: str | None, patch: str | None, pre: str | None) -> _Bound:
    parts = [major, minor, patch]
    given = next((place for place, part in enumerate(parts) if part in _WILD), 3)
    numbers = [int(part) if place < given and part else 0 for place, part in enumerate(parts)]
    version = Version((numbers[0], numbers[1], numbers[2]), tuple(pre.split(".")) if pre else ())
    return _Bound(operator, version, given)


def newest_first(texts: Iterable[str]) -> list[str]:
    """Those of the texts that are versions."""
    read = [(found.order, text) for text in texts if (found := Version.read(text))]
    return [text for _order, text in sorted(read, reverse=True)]


def nearest(texts: Iterable[str], anchor: Version, count: int) -> list[str]:
    """So many of the versions around one, the newest first."""
    every = newest_first(texts)
    newer = [one for one in every if (found := Version.read(one)) and found.order >= anchor.order]
    start = max(0, min(len(newer) - (count + 1) // 2, len(every) - count))
    return every[start : start + count]
