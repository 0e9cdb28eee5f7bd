# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Onboarding many tenants against what a team would do instead.

    make bench-tenants         # Flux's own program is found on PATH or in FLUX

BENCH_TENANTS="1 100 1000 5000" says how many request files there are, BENCH_PEER_TENANTS="1 100 1000" for which of
these the peers work too: Flux's own `flux create tenant|source git|kustomization --export`, three calls for each
tenant, and a role with a template task for each file, whose templates are the very files that onboarding writes. The
role takes a second a tenant, so where there are more than a hundred it works once.

The repository's side alone: files written, one commit, pushed to the lab's forge; no cluster applies it. Each way once
for all tenants, once more with nothing to do, and (ours) for one tenant more. Ratios are theirs to ours: above 1 we are
faster. No figure is asserted: machines differ. What is asserted is that each way did the work.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.benchmarks.costs import Cost, Record, measure
from tests.benchmarks.shared import lab_of_its_own, tell
from tests.integration.project import Project
from tests.lab import Lab

COUNTS = [int(count) for count in os.environ.get("BENCH_TENANTS", "1 100 1000 5000").split()]
PEER_COUNTS = [int(count) for count in os.environ.get("BENCH_PEER_TENANTS", "1 100 1000").split()]
FLUX = os.environ.get("FLUX") or shutil.which("flux")
CLUSTER, ENVIRONMENT, REPOSITORY = "bench-1", "bench", "bench-tenants"
LOOP, ROLE = "flux create, a loop", "a role of templates"
ALL, AGAIN, MORE = "at once", "nothing to do", "one more"
_PATIENT = 100
# Peer → case → number of tenants → the ratio to reach.
GOALS = {(LOOP, ALL): {1000: 12.0}, (ROLE, ALL): {1000: 100.0}}


@dataclass(frozen=True)
class Ground:
    """A fleet whose repository knows its cluster and no tenant, and a folder for one way to onboard."""

    project: Project
    folder: Path

    @property
    def commits(self) -> int:
        """How many the branch has."""
        return len(self.project.commits())


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab with an empty cluster for this alone, ended afterwards."""
    with lab_of_its_own([CLUSTER], [REPOSITORY], empty=True) as found:
        yield found


@pytest.fixture(scope="module")
def record() -> Record:
    """What is found goes to a file that other programs read."""
    return Record("tenants")


def named(number: int) -> str:
    """A tenant's name."""
    return f"team-{number:04}"


def write_request(folder: Path, number: int) -> Path:
    """A request in its shortest form, as a file."""
    name = named(number)
    request = {
        "tenant": name,
        "owner": {"team": name, "contact": f"{name}@corp.example"},
        "sources": [{"name": "deploy", "url": f"https://git.example/{name}/{name}-deploy.git"}],
        "environments": {ENVIRONMENT: {"source": "deploy", "ref": {"branch": "main"}, "path": f"./flux/{ENVIRONMENT}"}},
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.yml"
    path.write_text(yaml.safe_dump(request, sort_keys=False))
    return path


def ground(lab: Lab, folder: Path) -> Ground:
    """A repository made anew. Nothing applies it: the machine is ours."""
    lab.forge.delete_repository(REPOSITORY)
    lab.forge.create_repository(REPOSITORY)
    project = Project(lab, folder / "fleet", REPOSITORY, hosts={CLUSTER: {"fleet_environment": ENVIRONMENT}})
    outcome = project.run("--limit", CLUSTER, "--tags", "repository")
    assert outcome.code == 0, outcome.output
    return Ground(project, folder)


def cost(found: Ground, work: Callable[[], None]) -> Cost:
    """Of one go, with the commits that it made; each is pushed by itself."""
    before = found.commits
    return measure(work, lambda: found.commits - before, lambda: found.commits - before)


def onboard(found: Ground, requests: Path) -> None:
    """One run for the tenants of a file, or of a folder of files."""
    arguments = ("--limit", CLUSTER, "--tags", "repository")
    outcome = found.project.run(*arguments, playbook="onboard", fleet_requests=str(requests))
    assert outcome.code == 0, outcome.output


def checkout(found: Ground, environment: Mapping[str, str]) -> Path:
    """A fresh clone, as a person or a pipeline has it."""
    folder, url = found.folder / "checkout", found.project.lab.forge.urls(REPOSITORY)["https_url"]
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["git", "clone", "-q", url, folder], env=environment, check=True, capture_output=True)
    return folder


def create(found: Ground, names: list[str]) -> None:
    """What Flux's own guide says for each tenant, and one commit of it all."""
    environment = git_environment(found.project.lab)
    folder = checkout(found, environment)
    for name in names:
        place = folder / "projects" / ENVIRONMENT / name
        place.mkdir(parents=True, exist_ok=True)
        url = f"--url=https://git.example/{name}/{name}-deploy.git"
        space, account = f"--namespace={name}", f"--service-account={name}"
        path, source = f"--path=./flux/{ENVIRONMENT}", f"--source=GitRepository/{name}.{name}"
        commands = {
            "rbac": ["tenant", name, f"--with-namespace={name}"],
            "source": ["source", "git", name, url, "--branch=main", "--interval=5m", space],
            "sync": ["kustomization", name, source, path, "--prune", "--interval=5m", account, space],
        }
        for file, command in commands.items():
            done = subprocess.run([str(FLUX), "create", *command, "--export"], check=True, capture_output=True)
            (place / f"{file}.yaml").write_bytes(done.stdout)
    script = "git add -A && git diff --cached --quiet || (git commit -qm onboard && git push -q)"
    subprocess.run(["sh", "-c", script], cwd=folder, env=environment, check=True, capture_output=True)


def play(found: Ground, names: list[str], texts: Mapping[str, str]) -> None:
    """A playbook with a role that has a template task for each file: clone, write, commit, push."""
    work = found.folder / "role"
    if not work.exists():
        write_role(work, texts)
    url = found.project.lab.forge.urls(REPOSITORY)["https_url"]
    (work / "given.json").write_text(json.dumps({"tenants": names, "url": url, "work": str(work / "repository")}))
    program = Path(sys.executable).with_name("ansible-playbook")
    command = [str(program), str(work / "onboard.yml"), "-e", "@given.json"]
    environment = git_environment(found.project.lab)
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def write_role(work: Path, texts: Mapping[str, str]) -> None:
    """The role and its playbook: path below the environment's folder → text of each template."""
    role = work / "roles" / "onboarding"
    for folder in ("tasks", "templates"):
        (role / folder).mkdir(parents=True)
    tasks = yaml.safe_load(BEFORE)
    for number, (path, text) in enumerate(texts.items()):
        (role / "templates" / f"{number}.j2").write_text(text)
        written = {"src": f"{number}.j2", "dest": f"{{{{ work }}}}/projects/{ENVIRONMENT}/{path}", "mode": "0644"}
        tasks.append({"ansible.builtin.template": written, "loop": "{{ tenants }}"})
    (role / "tasks" / "main.yml").write_text(yaml.safe_dump([*tasks, *yaml.safe_load(AFTER)], sort_keys=False))
    one = {"hosts": "localhost", "gather_facts": False, "roles": ["onboarding"]}
    (work / "onboard.yml").write_text(yaml.safe_dump([one], sort_keys=False))


BEFORE = f"""
- ansible.builtin.git: {{repo: "{{{{ url }}}}", dest: "{{{{ work }}}}", version: main}}
- ansible.builtin.file: {{path: "{{{{ work }}}}/projects/{ENVIRONMENT}/{{{{ item }}}}", state: directory}}
  loop: "{{{{ ['namespaces', 'sync'] + tenants }}}}"
"""
AFTER = """
- ansible.builtin.shell: git add -A && git diff --cached --quiet || (git commit -qm onboard && git push -q)
  args: {chdir: "{{ work }}"}
"""


def git_environment(lab: Lab) -> dict[str, str]:
    """How git gets to the forge, and whose commits they are."""
    facts = lab.forge.facts
    settings = {"http.extraHeader": f"Authorization: token {facts['token']}", "user.name": "Team"}
    settings["user.email"] = "team@lab.invalid"
    found = {**os.environ, "GIT_SSL_CAINFO": facts["ca_cert"], "GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return found


def as_templates(project: Project) -> dict[str, str]:
    """The files of the first tenant as templates of any: path below the environment's folder → text."""
    name, prefix = named(0), f"projects/{ENVIRONMENT}/"
    own = [path.removeprefix(prefix) for path in project.tree() if path.startswith(prefix) and name in path]
    # One folder will do for what is spread over several.
    places = {path: f"sync/{path.split('/')[-1]}" if path.startswith("sync/") else path for path in own}
    return {
        place.replace(name, "{{ item }}"): project.file(f"{prefix}{path}").replace(name, "{{ item }}")
        for path, place in places.items()
    }


def ways(texts: Mapping[str, str]) -> dict[str, Callable[[Ground, list[str]], None]]:
    """How else to onboard, of what is here."""
    found: dict[str, Callable[[Ground, list[str]], None]] = {LOOP: create} if FLUX else {}
    found[ROLE] = lambda ground, names: play(ground, names, texts)
    return found


@pytest.mark.parametrize("count", COUNTS)
def test_tenants(lab: Lab, record: Record, count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own, names = ground(lab, tmp_path / "ours"), [named(number) for number in range(count)]
    for number in range(count):
        write_request(tmp_path / "requests", number)
    more = write_request(tmp_path / "more", count)
    places = {ALL: tmp_path / "requests", AGAIN: tmp_path / "requests", MORE: more}
    ours = {}
    for case, place in places.items():
        ours[case] = cost(own, lambda place=place: onboard(own, place))  # type: ignore[misc]
        tell(capsys, f"{count} tenants, {case}: ours", ours[case])
    assert [one.commits for one in ours.values()] == [1, 0, 1]
    texts, measured = as_templates(own.project), set()
    for way, work in ways(texts).items() if count in PEER_COUNTS else ():
        other = ground(lab, tmp_path / way.partition(" ")[0])
        for case in (ALL, AGAIN) if way == LOOP or count <= _PATIENT else (ALL,):
            theirs = cost(other, lambda: work(other, names))  # noqa: B023 - called at once
            tell(capsys, f"{count} tenants, {case}: {way}", theirs)
            goal = GOALS.get((way, case), {}).get(count)
            record.add(titled(count, case), ours[case], way, theirs, goal, tenants=count)
            assert theirs.commits == (1 if case == ALL else 0)
            measured.add(case)
    for case in [one for one in places if one not in measured]:
        record.add(titled(count, case), ours[case], LOOP, None, None, tenants=count)


def titled(count: int, case: str) -> str:
    """A case's name."""
    tenants = f"{count} tenant{'s' if count > 1 else ''}"
    return f"{tenants} there, {case}" if case == MORE else f"{tenants}, {case}"
