# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What can go wrong, as values: one root, and problems that name where, field, value and what would be right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong.

    ``where`` is a host or a file, ``field`` the variable or field there, ``value`` what it holds (never a secret),
    ``hint`` what would be right.
    """

    where: str
    field: str
    value: str
    hint: str

    def __str__(self) -> str:
        value = f" is {self.value!r}" if self.value else ""
        return f"{self.where}: {self.field}{value}: {self.hint}"

    def as_dict(self) -> dict[str, str]:
        """The problem as plain data, for results."""
        return {"where": self.where, "field": self.field, "value": self.value, "hint": self.hint}


class FleetError(Exception):
    """Root of all errors that people are meant to read. Holds one sentence, or a list of problems.

    ``done``: the part of a result that is told all the same, of what was done by then.
    """

    def __init__(self, message: str = "", *, problems: Iterable[Problem] = ()) -> None:
        self.problems = sorted(set(problems))
        lines = [message] if message else []
        lines += [f"  - {problem}" for problem in self.problems]
        self.done: dict[str, Any] = {}
        super().__init__("\n".join(lines))


class InvalidInput(FleetError):
    """Something given is wrong; nothing was written."""

    def __init__(self, message: str = "", *, problems: Iterable[Problem] = ()) -> None:
        found = set(problems)
        super().__init__(message or f"{len(found)} problem(s), nothing was written:", problems=found)


def raise_if(problems: Iterable[Problem]) -> None:
    """Raise InvalidInput with all of them, where there are any."""
    found = list(problems)
    if found:
        raise InvalidInput(problems=found)


class GitError(FleetError):
    """Git could not do what was asked."""


class LostRace(GitError):
    """The branch moved between our fetch and our push: fetch, plan and push again."""


class PushRefused(GitError):
    """The forge refuses the push whatever we do: rights, protection, a hook."""


class ForgeError(FleetError):
    """The forge's API refuses or cannot be reached."""


class ClusterError(FleetError):
    """The cluster's API refuses; ``status`` is the HTTP status, 0 where there was none."""

    def __init__(self, message: str, *, status: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class Unreachable(ClusterError):
    """The cluster's API could not be asked at all, or does not let us in."""


class NotReady(FleetError):
    """What was applied did not become ready in time; the message holds Flux's own words."""


def some(names: Sequence[str], shown: int) -> str:
    """Names for a message: the first of them, and how many more there are."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return f"{', '.join(names[:shown])}{more}"
