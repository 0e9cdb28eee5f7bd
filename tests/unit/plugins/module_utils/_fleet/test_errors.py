# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors that people read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import errors
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import FleetError, InvalidInput, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import guarded, keeping

FIRST, SECOND = Problem("a", "f", "v", "do this"), Problem("b", "f", "", "is missing")


@pytest.mark.parametrize(("problem", "said"), [(FIRST, "a: f is 'v': do this"), (SECOND, "b: f: is missing")])
def test_problem_in_words(problem: Problem, said: str) -> None:
    assert str(problem) == said
    assert Problem(**problem.as_dict()) == problem


def test_problem_shows_control_characters_escaped() -> None:
    assert "\n" not in str(Problem("a", "f", "x\ny\x1b[31m", "no"))
    assert "\x1b" not in str(Problem("a", "f", "x\ny\x1b[31m", "no"))


def test_invalid_input_counts_sorts_and_tells_each_once() -> None:
    error = InvalidInput(problems=iter([SECOND, FIRST, SECOND, FIRST]))
    assert error.problems == [FIRST, SECOND]
    assert str(error).splitlines()[1:] == [f"  - {FIRST}", f"  - {SECOND}"]
    assert str(error).startswith("2 problem(s), nothing was written:")


def test_fleet_error_of_one_sentence() -> None:
    assert str(FleetError("so")) == "so"
    assert str(InvalidInput("so", problems=[FIRST])) == f"so\n  - {FIRST}"


def test_raise_if_nothing_is_wrong() -> None:
    errors.raise_if(iter(()))


def test_raise_if_something_is_wrong() -> None:
    with pytest.raises(InvalidInput) as caught:
        errors.raise_if(iter([SECOND, FIRST]))
    assert caught.value.problems == [FIRST, SECOND]


def test_cluster_error_knows_its_status() -> None:
    error = errors.Unreachable("h: refused", status=503, reason="x")
    assert (str(error), error.status, error.reason, error.problems) == ("h: refused", 503, "x", [])
    assert isinstance(error, errors.ClusterError)
    assert isinstance(error, FleetError)


@pytest.mark.parametrize("name", [name for name in vars(errors) if isinstance(vars(errors)[name], type)])
def test_every_error_has_one_root(name: str) -> None:
    kind = vars(errors)[name]
    if issubclass(kind, BaseException):
        assert issubclass(kind, FleetError)


def test_what_was_done_is_told_where_the_rest_fails() -> None:
    class Half:
        ARGUMENTS: ClassVar[dict[str, dict[str, Any]]] = {}

        @staticmethod
        def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Callable[[str], None]) -> dict[str, Any]:
            with keeping() as made:
                made.update(changed=True, public_key="ssh-ed25519 AAAA")
                raise errors.ClusterError("stg-1: not ready")

    result = guarded(Half(), {}, check_mode=False, say=print)
    assert result == {
        "changed": True,
        "public_key": "ssh-ed25519 AAAA",
        "failed": True,
        "msg": "stg-1: not ready",
        "problems": [],
    }
