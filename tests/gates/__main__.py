# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run gates: `python -m tests.gates lint|unit|integration|molecule|test`, best through the Makefile.

A gate that fails stops no other; at the end stand the failures, and one line with the counts.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.gates import files, package, static, suites
from tests.gates.environment import MAIN, NEWEST
from tests.gates.running import GateFailedError, SkippedError, Tally, Workspace, workspace


@dataclass(frozen=True)
class Gate:
    title: str
    run: Callable[[Workspace], Tally]
    needs_lab: bool = False


ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LINT = [
    Gate("ruff: rules", static.ruff_check),
    Gate("ruff: format", static.ruff_format),
    Gate("mypy: strict for _fleet and _io", static.mypy),
    Gate("headers: copyright and licence", static.own_check(files.headers)),
    Gate("hosts: no file names a package registry", static.own_check(files.registries)),
    Gate("roles: defaults and argument specifications agree", static.own_check(files.roles)),
    Gate("faults: every test that docs/faults.md names is there", static.own_check(files.faults)),
    Gate("ansible-lint: profile production", static.ansible_lint),
    Gate("antsibull-docs: documentation and its references", static.documentation),
    Gate("antsibull-changelog: fragments", static.changelog),
]
BUILD = Gate("ansible-galaxy: build, install, ansible-doc and playbooks from there", package.build)
PACKAGE = [
    BUILD,
    Gate("galaxy-importer: the tarball", package.importer),
    Gate("ansible-test 2.19: sanity", package.ansible_test(package.sanity, MAIN)),
    Gate("ansible-test 2.19: units", package.ansible_test(package.units, MAIN)),
    Gate("ansible-test 2.21: sanity", package.ansible_test(package.sanity, NEWEST)),
    Gate("ansible-test 2.21: units", package.ansible_test(package.units, NEWEST)),
]
UNIT = [Gate("pytest: unit tests", suites.pytest("-n2", folders=("tests/unit",)))]
INTEGRATION = [
    Gate(
        "pytest: the lab, and the collection on it",
        suites.pytest("-n4", "--dist=loadfile", folders=("tests/lab", "tests/integration"), home=True),
        True,
    )
]
MOLECULE = [Gate("molecule: the roles, on the lab's clusters", suites.molecule, True)]
SETS = {
    "lint": LINT,
    "package": PACKAGE,
    "unit": UNIT,
    "integration": INTEGRATION,
    "molecule": MOLECULE,
    # The unit tests are among those of the package, with both versions of ansible-core.
    "test": LINT + PACKAGE + INTEGRATION + MOLECULE,
}


@dataclass
class Run:
    """The gates of one run, and how they ended."""

    gates: list[Gate]
    total: Tally = field(default_factory=lambda: Tally(0))
    lines: list[str] = field(default_factory=list)

    def all(self, space: Workspace) -> None:
        lab = suites.Lab(space)
        if not self.gates[0].needs_lab and any(gate.needs_lab for gate in self.gates):
            lab.build()
        try:
            for number, gate in enumerate(self.gates, start=1):
                print(f"\n==> [{number}/{len(self.gates)}] {gate.title}", flush=True)
                self.one(gate, space, lab)
        finally:
            for number in ENDINGS:
                signal.signal(number, signal.SIG_IGN)  # an impatient second Ctrl-C would leave the lab behind
            self.end(lab)

    def one(self, gate: Gate, space: Workspace, lab: suites.Lab) -> None:
        started = time.monotonic()
        try:
            if gate.needs_lab:
                lab.up()
            tally, note = gate.run(space), ""
        except SkippedError as reason:
            tally, note = Tally(0, 0, 1), str(reason)
        except GateFailedError as problem:
            tally, note = Tally(0, 1), str(problem)
        except Exception as problem:  # noqa: BLE001 - a broken gate is a failed one, and stops no other
            tally, note = Tally(0, 1), f"{type(problem).__name__}: {problem}"
        self.add(gate.title, tally, note, time.monotonic() - started)

    def add(self, title: str, tally: Tally, note: str, seconds: float) -> None:
        word = "FAILED" if tally.failed else "skipped" if tally.skipped and not tally.passed else "ok"
        line = f"{word:8}{seconds:7.1f} s  {title}" + (f": {note}" if note else "")
        print(f"<== {line}", flush=True)
        self.lines.append(line)
        self.total += tally

    def end(self, lab: suites.Lab) -> None:
        try:
            lab.down()
        except GateFailedError as problem:
            self.add("the lab is taken down", Tally(0, 1), str(problem), 0)


def stop(number: int, frame: object) -> None:
    """Leave by an exception, so that what was started is ended first. A terminal that hung up is not written to."""
    if number == signal.SIGHUP:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(128 + number)


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in SETS]
    if unknown or not names:
        raise SystemExit(f"usage: python -m tests.gates {'|'.join(SETS)} …")
    for number in ENDINGS:
        signal.signal(number, stop)
    run = Run([gate for name in names for gate in SETS[name]])
    with workspace() as space:
        run.all(space)
    print("\n" + "\n".join(run.lines) + f"\n\n{run.total}", flush=True)
    return 1 if run.total.failed or not run.total.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
