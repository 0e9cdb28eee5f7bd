# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell the story: python -m tests.demo, best through `make demo`.

It may be run as often as one likes: on a fleet that is there already it shows that nothing changes; clusters that were
made anew, or that tests have used, are brought back. The lab stays up at the end. LAB_DIR says where it is (.lab).
"""

from __future__ import annotations

import shlex
import signal
import sys
import time
from pathlib import Path

from tests.demo.playbooks import BOOTSTRAP, FILES, FLUXS, OURS, PLAN, STATUS, Shell, changed, planned, shown
from tests.lab import Lab, LabError
from tests.lab.settings import DEFAULT_CLUSTERS, ROOT

REPOSITORY = "fleet"  # inventories/lab names it too
REPLACE = '{"fleet_allow": ["replace_cluster"]}'


class DemoError(Exception):
    """The story took another turn than it should."""


class Demo:
    """The steps, in the order in which they are told."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.shell = Shell(lab.settings.directory)
        self.started = time.monotonic()
        self.told = 0
        self.allow: list[str] = []

    def tell(self) -> None:
        """All of it; DemoError where something is not as it should be."""
        self.bring_up()
        self.plan()
        self.bootstrap()
        self.show_status()
        self.repeat()
        self.say_what_next()

    def bring_up(self) -> None:
        self.step("The lab: two real clusters, and a Git forge with the fleet repository that they will follow")
        self.lab.up(DEFAULT_CLUSTERS)
        forge = self.lab.forge
        if forge.call("GET", f"/repos/{forge.facts['user']}/{REPOSITORY}", missing=None) is None:
            forge.create_repository(REPOSITORY)
        print(f"fleet repository {self.page}, private, {commits(len(self.history()))}")

    def plan(self) -> None:
        self.step("The plan: what a run would do, with nothing written anywhere")
        code, output = self.ask_for_plan()
        if code:
            raise DemoError(f"{output}\nthe plan failed: see above")
        found = planned(output)
        for name, count in found.items():
            ours, later = count[OURS], count[FLUXS]
            print(
                f"  {name:14} files to commit: {count[FILES]:3}   objects to apply: {ours:3}   then by Flux: {later:3}"
            )
        if not any(count.total() for count in found.values()):
            prefix = self.shell.prefix
            print("Nothing to do: an earlier run made this fleet. To see one made, first remove the lab's data:")
            print(f"  {prefix}.venv/bin/python -m tests.lab down --purge && {prefix}make demo")
            return
        path = self.shell.folder / "demo-plan.diff"
        path.write_text(output)
        print(f"The whole plan: {shown(path)}")

    def ask_for_plan(self) -> tuple[int, str]:
        """Exit code and output of the plan, once clusters that are not what they were are dealt with."""
        code, output = self.shell.run(PLAN, show=False)
        if code and "fleet_allow: [move_sync]" in output:
            print("Refused: a cluster follows another repository, as tests leave it. The clusters are made anew:")
            for name in DEFAULT_CLUSTERS:
                self.lab.reset(name)
            code, output = self.shell.run(PLAN, show=False)
        if code and "fleet_allow: [replace_cluster]" in output:
            print("Refused: a cluster was made anew since the repository got to know it. The word that allows it:")
            self.allow = ["-e", REPLACE]
            code, output = self.shell.run([*PLAN, *self.allow], show=False)
        return code, output

    def bootstrap(self) -> None:
        self.step("The run: one commit for all clusters, then Flux on each")
        code, _output = self.shell.run([*BOOTSTRAP, *self.allow])
        if code:
            raise DemoError("the run failed: see above")
        history = self.history()
        print(f"The repository has {commits(len(history))}; the newest: {history[0].splitlines()[0]}")

    def show_status(self) -> None:
        self.step("The status, as Flux itself reports it")
        code, _output = self.shell.run(STATUS, brief=True)
        if code:
            raise DemoError("a cluster is not ready: see above")

    def repeat(self) -> None:
        self.step("The same run again, which finds nothing to do")
        before = self.history()
        code, output = self.shell.run(BOOTSTRAP, brief=True)
        counts = changed(output)
        if code or counts.keys() != set(DEFAULT_CLUSTERS) or any(counts.values()):
            raise DemoError("the second run should have ended in changed=0 for every cluster: see above")
        after = self.history()
        if after != before:
            raise DemoError(f"the second run should have committed nothing: {len(before)} commits became {len(after)}")
        print(f"Checked: changed=0 for {' and '.join(DEFAULT_CLUSTERS)}, and still {commits(len(after))}.")

    def say_what_next(self) -> None:
        self.step("The lab stays up. What to try next")
        first = DEFAULT_CLUSTERS[0]
        kubectl = [shown(self.lab.settings.bin / "kubectl"), "--kubeconfig", shown(self.lab.kubeconfig)]
        tries = {
            "How the clusters are": [STATUS],
            "What Flux applies in one of them": [[*kubectl, "--context", first, "get", "kustomizations", "-A"]],
            "The plan for a change, here a fact that manifests may use": [
                [*PLAN, "-e", '{"fleet_substitutions": {"region": "north"}}']
            ],
            "Lose a cluster, and bring it back": [
                ["make", "lab-reset", f"CLUSTERS={first}"],
                [*BOOTSTRAP, "--limit", first, "-e", REPLACE],
            ],
            "End the lab (make lab-up brings it back as it was)": [["make", "lab-down"]],
        }
        print(f"\n  cd {shlex.quote(str(ROOT))}")
        if self.shell.prefix:
            print(f"  export {self.shell.prefix.rstrip()}")
        for title, commands in tries.items():
            print("\n".join(["", f"  # {title}", *(f"  {shlex.join(command)}" for command in commands)]))
        self.say_where()

    def say_where(self) -> None:
        facts, settings = self.lab.facts["forge"], self.lab.settings
        print()
        print(f"Kubeconfig  {shown(self.lab.kubeconfig)}, contexts {', '.join(self.lab.clusters)}")
        print(f"Forge       {self.page}")
        print(f"            log in as {facts['user']}; the password: grep '\"password\"' {shown(settings.lab_json)}")
        print(f"            its certificate is signed by {shown(Path(facts['ca_cert']))}")

    def step(self, title: str) -> None:
        self.told += 1
        minutes, seconds = divmod(int(time.monotonic() - self.started), 60)
        print(f"\n==> [{self.told}/6] {minutes}:{seconds:02}  {title}", flush=True)

    @property
    def page(self) -> str:
        """Where people look at the fleet repository."""
        facts = self.lab.forge.facts
        return f"{facts['web']}{facts['user']}/{REPOSITORY}"

    def history(self) -> list[str]:
        """The messages of the fleet repository's commits, newest first."""
        return [str(commit["message"]) for commit in self.lab.forge.commits(REPOSITORY)]


def commits(count: int) -> str:
    return {0: "no commit yet", 1: "1 commit"}.get(count, f"{count} commits")


def stop(number: int, frame: object) -> None:
    """End by an exception, so that a running playbook is ended too."""
    raise KeyboardInterrupt


def main() -> int:
    """Tell the story; its exit code."""
    signal.signal(signal.SIGTERM, stop)
    demo = Demo(Lab())
    left = f"demo: the lab is left as it is; {demo.shell.prefix}make lab-down ends it"
    try:
        demo.tell()
    except (DemoError, LabError) as error:
        print(f"\ndemo: {error}\n{left}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\ndemo: stopped\n{left}", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
