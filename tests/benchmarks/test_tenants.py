# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Onboarding many tenants, and against what a team would write itself: a role with a template task for each file.

    make bench                 # BENCH_TENANTS="1 100 1000" request files, and BENCH_ROLE=100 tenants by the role

The repository's side alone: files written, one commit, pushed to the lab's forge; no cluster applies it. Each once for
all, once more with nothing to do, and (not by the role) once for one tenant more. The role's templates are the very
files that onboarding writes. Wall time, processor time of the programs themselves, and commits; ratios are ours to
theirs. No figure is asserted: machines differ.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from tests.benchmarks.costs import Cost, measure
from tests.integration.project import Project
from tests.lab import Lab

COUNTS = [int(count) for count in os.environ.get("BENCH_TENANTS", "1 100 1000").split()]
ROLE_COUNT = int(os.environ.get("BENCH_ROLE", "100"))
CLUSTER, ENVIRONMENT, REPOSITORY = "bench-1", "bench", "bench-tenants"
STEPS = ("all", "nothing to do", "one more")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab with a cluster for this alone, ended afterwards."""
    found = Lab()
    was_up = found.status()[1]
    found.up([CLUSTER])
    try:
        yield found
    finally:
        found.forge.delete_repository(REPOSITORY)
        if not was_up:
            found.down()


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
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.yml"
    path.write_text(yaml.safe_dump(request, sort_keys=False))
    return path


def fleet(lab: Lab, folder: Path) -> Project:
    """A fleet whose repository knows its cluster, and no tenant. Nothing applies it: the machine is ours."""
    lab.forge.delete_repository(REPOSITORY)
    lab.forge.create_repository(REPOSITORY)
    made = Project(lab, folder, REPOSITORY, hosts={CLUSTER: {"fleet_environment": ENVIRONMENT}})
    outcome = made.run("--limit", CLUSTER, "--tags", "repository")
    assert outcome.code == 0, outcome.output
    return made


def onboard(project: Project, requests: Path) -> None:
    """One run for the tenants of a file, or of a folder of files."""
    arguments = ("--limit", CLUSTER, "--tags", "repository")
    outcome = project.run(*arguments, playbook="onboard", fleet_requests=str(requests))
    assert outcome.code == 0, outcome.output


def ours(lab: Lab, folder: Path, count: int) -> tuple[list[Cost], Project]:
    """What onboarding costs, step by step."""
    project, requests = fleet(lab, folder / f"fleet-{count}"), folder / f"requests-{count}"
    for number in range(count):
        write_request(requests, number)
    more = write_request(folder / "more", count)
    found = [
        measure(lambda place=place: onboard(project, place), lambda: len(project.commits()))  # type: ignore[misc]
        for place in (requests, requests, more)
    ]
    return found, project


def theirs(lab: Lab, folder: Path, files: Mapping[str, str], count: int) -> list[Cost]:
    """What a role costs that writes the same files, step by step."""
    project, names = fleet(lab, folder / "role"), [named(number) for number in range(count)]
    work = folder / "role" / "work"
    write_role(work, files)

    def run(tenants: list[str]) -> None:
        given = {"tenants": tenants, "url": lab.forge.urls(REPOSITORY)["https_url"], "work": str(work / "repository")}
        (work / "given.json").write_text(json.dumps(given))
        program = Path(sys.executable).with_name("ansible-playbook")
        command = [str(program), str(work / "onboard.yml"), "-e", "@given.json"]
        done = subprocess.run(command, cwd=work, env=environment(lab), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    return [
        measure(lambda tenants=tenants: run(tenants), lambda: len(project.commits()))  # type: ignore[misc]
        for tenants in (names, names)
    ]


def write_role(work: Path, files: Mapping[str, str]) -> None:
    """A playbook with a role that has a template task for each file: clone, write, commit, push."""
    role = work / "roles" / "onboarding"
    for folder in ("tasks", "templates"):
        (role / folder).mkdir(parents=True)
    tasks = yaml.safe_load(BEFORE)
    for number, (path, text) in enumerate(files.items()):
        (role / "templates" / f"{number}.j2").write_text(text)
        written = {"src": f"{number}.j2", "dest": f"{{{{ work }}}}/projects/{ENVIRONMENT}/{path}", "mode": "0644"}
        tasks.append({"ansible.builtin.template": written, "loop": "{{ tenants }}"})
    (role / "tasks" / "main.yml").write_text(yaml.safe_dump([*tasks, *yaml.safe_load(AFTER)], sort_keys=False))
    play = {"hosts": "localhost", "gather_facts": False, "roles": ["onboarding"]}
    (work / "onboard.yml").write_text(yaml.safe_dump([play], sort_keys=False))


BEFORE = f"""
- ansible.builtin.git: {{repo: "{{{{ url }}}}", dest: "{{{{ work }}}}", version: main}}
- ansible.builtin.file: {{path: "{{{{ work }}}}/projects/{ENVIRONMENT}/{{{{ item }}}}", state: directory}}
  loop: "{{{{ ['namespaces'] + tenants }}}}"
"""
AFTER = """
- ansible.builtin.shell: git add -A && git diff --cached --quiet || (git commit -qm onboard && git push -q)
  args: {chdir: "{{ work }}"}
"""


def environment(lab: Lab) -> dict[str, str]:
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
    name = named(0)
    shard = hashlib.sha256(name.encode()).hexdigest()[0]
    places = {
        f"{name}/tenant.yaml": "{{ item }}/tenant.yaml",
        f"namespaces/{name}": "namespaces/{{ item }}",
        f"sync/{shard}/{name}.yaml": "sync/{{ (item | hash('sha256'))[0] }}/{{ item }}.yaml",
    }
    texts = {place: project.file(f"projects/{ENVIRONMENT}/{path}") for path, place in places.items()}
    return {place: text.replace(name, "{{ item }}") for place, text in texts.items()}


def test_tenants(lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found: dict[int, list[Cost]] = {}
    templates: dict[str, str] = {}
    for count in sorted({*COUNTS, ROLE_COUNT}):
        found[count], project = ours(lab, tmp_path, count)
        templates = templates or as_templates(project)
    other = theirs(lab, tmp_path, templates, ROLE_COUNT)
    for costs in (*found.values(), other):
        assert [cost.commits for cost in costs] == [2, 2, 3][: len(costs)]  # the first one is bootstrap's
    with capsys.disabled():
        print("\ntenants  step             wall s   processor s")
        for count, costs in found.items():
            for step, cost in zip(STEPS, costs, strict=True):
                print(f"{count:7}  {step:14} {cost.wall:8.1f}  {cost.processor:12.1f}")
        print(f"\n{ROLE_COUNT} tenants     wall s (ours/theirs)      processor s (ours/theirs)")
        for step, mine, cost in zip(STEPS, found[ROLE_COUNT], other, strict=False):
            wall = f"{mine.wall:6.1f} / {cost.wall:6.1f} = {mine.wall / cost.wall:4.2f}"
            processor = f"{mine.processor:6.1f} / {cost.processor:6.1f} = {mine.processor / cost.processor:4.2f}"
            print(f"{step:14}  {wall}   {processor}")
