# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates that read the checkout: `make lint`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from tests.gates import files
from tests.gates.environment import MAIN, ROOT
from tests.gates.running import GateFailedError, Tally, Workspace, execute, tool


def looked_at(count: int, what: str) -> None:
    """Tools pass when they found no file; a gate does not."""
    if count < 1:
        raise GateFailedError(f"no {what} was looked at, so this gate would pass on anything")
    print(f"looked at: {count} {what}", flush=True)


def counted(pattern: str, output: str) -> int:
    """The sum of the numbers that a tool's output has at the pattern's group."""
    return sum(int(number) for number in re.findall(pattern, output))


def ruff_check(space: Workspace) -> Tally:
    variables = space.variables(MAIN)
    looked_at(sum(path.suffix == ".py" for path in files.listed(ROOT)), "Python files")
    execute([tool("ruff"), "check", "--no-cache", "."], env=variables)
    return Tally()


def ruff_format(space: Workspace) -> Tally:
    output = execute([tool("ruff"), "format", "--no-cache", "--check", "."], env=space.variables(MAIN))
    looked_at(counted(r"(\d+) files? already formatted", output), "Python files")
    return Tally()


def mypy(space: Workspace) -> Tally:
    # Its cache is what makes it quick; it lies with the other kept things.
    output = execute([tool("mypy"), "--cache-dir", space.home / "mypy"], env=space.variables(MAIN))
    looked_at(counted(r"in (\d+) source files?", output), "Python files")
    return Tally()


def ansible_lint(space: Workspace) -> Tally:
    output = execute([tool("ansible-lint"), "--nocolor"], env=space.variables(MAIN))
    looked_at(counted(r"in (\d+) files? processed", output), "files")
    return Tally()


def documentation(space: Workspace) -> Tally:
    variables = space.variables(MAIN)
    plugins = json.loads(execute([tool("ansible-doc"), "--list", "--json", "fluxops.fleet"], env=variables))
    looked_at(len(plugins), "documented modules")
    command: list[str | Path] = [tool("antsibull-docs"), "lint-collection-docs", "--plugin-docs"]
    execute([*command, "--validate-collection-refs=dependent", "."], env=variables)
    return Tally()


def changelog(space: Workspace) -> Tally:
    looked_at(len(list((ROOT / "changelogs").rglob("*.yml")) + list((ROOT / "changelogs").rglob("*.yaml"))), "files")
    execute([tool("antsibull-changelog"), "lint"], env=space.variables(MAIN))
    return Tally()


def own_check(check: Callable[..., files.Found]) -> Callable[[Workspace], Tally]:
    """A gate of one of the checks of files.py."""

    def gate(space: Workspace) -> Tally:
        count, problems = check(ROOT)
        print("\n".join(problems), end="\n" if problems else "", flush=True)
        if problems:
            raise GateFailedError(f"{len(problems)} problems, the first: {problems[0]}")
        looked_at(count, {files.roles: "roles", files.faults: "faults"}.get(check, "files"))
        return Tally()

    return gate
