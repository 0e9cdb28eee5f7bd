# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's commands: python -m tests.lab build | up | status | down | reset."""

from __future__ import annotations

import argparse
import sys

from .lab import Lab
from .settings import LabError


def main() -> int:
    """Run one command; its exit code."""
    arguments = _parser().parse_args()
    names = " ".join(getattr(arguments, "clusters", None) or []).replace(",", " ").split()
    try:
        return _run(Lab(), arguments, names)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _run(lab: Lab, arguments: argparse.Namespace, names: list[str]) -> int:
    if arguments.command == "build":
        lab.build()
    elif arguments.command == "up":
        lab.up(names)
        facts = lab.facts
        print(f"kubeconfig {facts['kubeconfig']}, contexts {', '.join(facts['clusters'])}")
        print(f"forge {facts['forge']['web']} as {facts['forge']['user']}; its password is in {lab.settings.lab_json}")
    elif arguments.command == "down":
        lab.forget_beside()
        lab.down(arguments.purge)
    elif arguments.command == "reset":
        lab.reset(*names)
    else:
        lines, good = lab.status()
        print("\n".join(lines))
        return 0 if good else 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description="A lab of real clusters. LAB_DIR: where.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="find or build the programs")
    up = commands.add_parser("up", help="bring up the lab's clusters, and the named ones besides")
    up.add_argument("--clusters", nargs="+", help='names, as in "staging-1 production-1"')
    commands.add_parser("status", help="what runs; non-zero when something does not")
    down = commands.add_parser("down", help="end every process, keep the data")
    down.add_argument("--purge", action="store_true", help="remove the data too")
    reset = commands.add_parser("reset", help="make clusters anew")
    reset.add_argument("--clusters", nargs="+", required=True)
    return parser


if __name__ == "__main__":
    sys.exit(main())
