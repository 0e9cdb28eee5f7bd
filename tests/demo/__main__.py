# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell the story: python -m tests.demo [--leave], best through `make demo`.

It may be run as often as one likes: on a fleet that is there already it shows that nothing changes; clusters that were
made anew, or that tests have used, are brought back. With --leave (make demo LEAVE=yes) the tenant leaves at the end.
The lab stays up. LAB_DIR says where it is (.lab).
"""

from __future__ import annotations

import json
import shlex
import signal
import sys
import time
from pathlib import Path

from tests.demo import platform
from tests.demo.playbooks import BOOTSTRAP, FILES, FLUXS, OURS, PLAN, STATUS, Shell, changed, planned, playbook, shown
from tests.lab import Lab, LabError
from tests.lab.settings import DEFAULT_CLUSTERS, ROOT

REPLACE = '{"fleet_allow": ["replace_cluster"]}'
INFRASTRUCTURE = playbook("infrastructure")


class DemoError(Exception):
    """The story took another turn than it should."""


class Demo:
    """The steps, in the order in which they are told."""

    def __init__(self, lab: Lab, *, leave: bool = False) -> None:
        self.lab, self.leave = lab, leave
        self.shell = Shell(lab.settings.directory)
        self.started = time.monotonic()
        self.told = 0
        self.allow: list[str] = []

    def tell(self) -> None:
        """All of it; DemoError where something is not as it should be."""
        self.bring_up()
        self.plan()
        self.bootstrap()
        self.install_infrastructure()
        self.give_skeleton()
        self.onboard()
        self.show_status()
        self.repeat()
        if self.leave:
            self.offboard()
        self.say_what_next()

    def bring_up(self) -> None:
        self.step("The lab: two real clusters, and a Git forge with the fleet repository that they will follow")
        self.lab.up(DEFAULT_CLUSTERS)
        platform.make_repositories(self.lab.forge)
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
        self.expect([*BOOTSTRAP, *self.allow])
        history = self.history()
        print(f"The repository has {commits(len(history))}; the newest: {history[0].splitlines()[0]}")

    def install_infrastructure(self) -> None:
        self.step("Infrastructure: a chart, a directory written by hand, plain manifests; layer after layer")
        print(f"The chart is at {platform.publish_chart(self.lab.forge)}")
        if platform.write_by_hand(self.lab.forge):
            print(f"Committed by hand: {', '.join(platform.HAND_WRITTEN)}")
        self.expect(INFRASTRUCTURE)

    def give_skeleton(self) -> None:
        self.step(
            f"A team's deployment repository, {platform.DEPLOYMENT}, private: its skeleton, which builds as it is"
        )
        self.expect(self.skeleton)

    @property
    def skeleton(self) -> list[str]:
        """The command that gives the team's repository its skeleton."""
        settings = {
            "deployment_repository_name": platform.TENANT,
            "deployment_repository_url": self.lab.forge.urls(platform.DEPLOYMENT)["ssh_url"],
            "deployment_repository_environments": ["staging", "production"],
        }
        return playbook("deployment_repository", "-e", json.dumps(settings))

    def onboard(self) -> None:
        self.step("Onboarding: the team's request, checked, and made true in both environments by one commit")
        request = platform.write_request(self.lab)
        print(f"{shown(request)}:\n\n{request.read_text()}")
        self.expect(playbook("validate", "-e", f"fleet_requests={shown(request)}"), brief=True)
        self.expect(self.onboarding)
        print(f"The repository has {commits(len(self.history()))}; the newest: {self.history()[0].splitlines()[0]}")

    @property
    def onboarding(self) -> list[str]:
        """The command that onboards the team."""
        return playbook("onboard", "-e", f"fleet_requests={shown(platform.write_request(self.lab))}")

    def show_status(self) -> None:
        self.step("The status of clusters, infrastructure and tenants, as Flux itself reports it")
        self.expect(STATUS, brief=True)

    def repeat(self) -> None:
        self.step("Everything again, which finds nothing to do")
        before = self.history()
        for command in (BOOTSTRAP, INFRASTRUCTURE, self.skeleton, self.onboarding):
            counts = changed(self.expect(command, brief=True))
            if not counts or any(counts.values()):
                raise DemoError("a second run should have ended in changed=0 for every host: see above")
        after = self.history()
        if after != before:
            raise DemoError(f"second runs should have committed nothing: {len(before)} commits became {len(after)}")
        print(f"Checked: changed=0 in every run, and still {commits(len(after))}.")

    @property
    def leaving(self) -> list[str]:
        """The command by which the tenant leaves."""
        words = f'{{"fleet_tenant": "{platform.TENANT}", "fleet_allow": ["remove_tenant"]}}'
        return playbook("offboard", "-e", words)

    def offboard(self) -> None:
        self.step("The tenant leaves: its workloads, its files, its rights, its namespaces and its keys, in that order")
        self.expect(self.leaving)
        keys = self.lab.forge.deploy_keys(platform.DEPLOYMENT)
        if keys:
            raise DemoError(f"the forge still has keys of the tenant: {', '.join(key['title'] for key in keys)}")
        self.expect(STATUS, brief=True)

    def expect(self, command: list[str], *, brief: bool = False) -> str:
        """The output of a command that must end well."""
        code, output = self.shell.run(command, brief=brief)
        if code:
            raise DemoError("the run failed: see above")
        return output

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
            "The tenant leaves (make demo brings it back)": [self.leaving],
            "Lose a cluster, and bring it back, tenant and all": [
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
        print(f"\n==> [{self.told}/{9 + self.leave}] {minutes}:{seconds:02}  {title}", flush=True)

    @property
    def page(self) -> str:
        """Where people look at the fleet repository."""
        facts = self.lab.forge.facts
        return f"{facts['web']}{facts['user']}/{platform.FLEET}"

    def history(self) -> list[str]:
        """The messages of the fleet repository's commits, newest first."""
        return [str(commit["message"]) for commit in self.lab.forge.commits(platform.FLEET)]


def commits(count: int) -> str:
    return {0: "no commit yet", 1: "1 commit"}.get(count, f"{count} commits")


def stop(number: int, frame: object) -> None:
    """End by an exception, so that a running playbook is ended too."""
    raise KeyboardInterrupt


def main() -> int:
    """Tell the story; its exit code."""
    signal.signal(signal.SIGTERM, stop)
    demo = Demo(Lab(), leave="--leave" in sys.argv[1:])
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
