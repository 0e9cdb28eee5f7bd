# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates that take what is built and installed, as a user would: tarball, importer, ansible-test.

ansible-test runs in the installed collection, and not in the checkout: it wants a real path that ends in
ansible_collections/fluxops/fleet, and what it then sees is what people get.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree

from tests.gates import environment, files
from tests.gates.environment import IMPORTER, MAIN, ROOT, Environment
from tests.gates.running import GateFailedError, SkippedError, Tally, Workspace, execute, tool
from tests.gates.static import looked_at

NAME = "fluxops.fleet"
# One host whose API nobody serves: a playbook must load all that it needs, reach for it, and say that it is not there.
ABSENT = """
clusters:
  hosts:
    absent-1:
      ansible_connection: local
      ansible_python_interpreter: "{{ ansible_playbook_python }}"
      fleet_environment: staging
      fleet_cluster_auth: {host: "https://127.0.0.1:1", api_key: none, validate_certs: false}
"""
# Tests of ansible-test that look at modules: where these do not run, it has not seen a collection.
SANITY = {"ansible-doc", "import", "pylint", "validate-modules", "yamllint"}
# What ansible-test fetches from outside all package registries: pip's installer. This one installs the wheel beside it.
GET_PIP = """
import os, sys
wheel = os.path.join(os.path.dirname(os.path.abspath(__file__)), {name!r})
sys.path.insert(0, wheel)
from pip._internal.cli.main import main
words = [wheel if word.startswith("pip==") else word for word in sys.argv[1:]]
sys.exit(main(["install", "--no-index"] + [word for word in words if word not in ("--no-setuptools", "--no-wheel")]))
"""


def tarball(space: Workspace) -> Path:
    built = list((space.work / "dist").glob("*.tar.gz"))
    if not built:
        raise GateFailedError("not run: there is no tarball")
    return built[0]


def build(space: Workspace) -> Tally:
    """Build the tarball, install it into an empty folder as a user without network would, and use it from there."""
    variables = space.variables(MAIN, space.tree)
    galaxy: list[str | Path] = [tool("ansible-galaxy"), "collection"]
    execute([*galaxy, "build", "--output-path", space.work / "dist"], env=variables)
    refuse_strangers(tarball(space))
    add_dependency(space.tree, MAIN)
    execute([*galaxy, "install", tarball(space), "--collections-path", space.tree, "--offline"], env=variables)
    use_documentation(space, variables)
    use_playbooks(space, variables)
    return Tally()


def refuse_strangers(built: Path) -> None:
    """What git does not know (a lab's keys, an environment, a log) must not get into a tarball."""
    known = {str(path.relative_to(ROOT)) for path in files.listed(ROOT)} | {"MANIFEST.json", "FILES.json"}
    with tarfile.open(built) as archive:
        names = {member.name for member in archive if member.isfile()}
    looked_at(len(names), "files in the tarball")
    if names - known:
        raise GateFailedError(f"the tarball holds what git does not: {', '.join(sorted(names - known))}")


def add_dependency(tree: Path, source: Environment) -> None:
    beside = Path("ansible_collections", "kubernetes")
    shutil.copytree(source.path / "collections" / beside, tree / beside)


def use_documentation(space: Workspace, variables: dict[str, str]) -> None:
    """ansible-doc shows every module and role, and takes them from what was just installed."""
    for kind in ("module", "role"):
        listing = execute([tool("ansible-doc"), "--type", kind, "--list", "--json", NAME], env=variables)
        names = list(json.loads(listing))
        looked_at(len(names), f"{kind}s")
        shown = json.loads(execute_quietly([tool("ansible-doc"), "--type", kind, "--json", *names], variables))
        paths = [entry.get("path") or entry["doc"]["filename"] for entry in shown.values()]
        if len(shown) != len(names) or not all(path.startswith(str(space.collection)) for path in paths):
            raise GateFailedError(f"ansible-doc took {kind}s from elsewhere: {paths}")


def execute_quietly(command: list[str | Path], variables: dict[str, str]) -> str:
    """The standard output of a command whose output is long and for us only."""
    return subprocess.run(command, env=variables, stdout=subprocess.PIPE, text=True, check=True).stdout


def use_playbooks(space: Workspace, variables: dict[str, str]) -> None:
    """Every playbook is found by its full name; one of them really runs, against a cluster that is not there."""
    inventory = space.work / "absent.yml"
    inventory.write_text(ABSENT, encoding="utf-8")
    play: list[str | Path] = [tool("ansible-playbook"), "-i", inventory]
    names = sorted(path.stem for path in (space.collection / "playbooks").glob("*.yml"))
    looked_at(len(names), "playbooks")
    for name in names:
        execute([*play, "--syntax-check", f"{NAME}.{name}"], cwd=space.work, env=variables)
    output = execute([*play, f"{NAME}.status"], cwd=space.work, env=variables, codes=(2,))
    if "127.0.0.1:1" not in output:
        raise GateFailedError("the playbook status did not get as far as the cluster")


def importer(space: Workspace) -> Tally:
    """galaxy-importer on the tarball; what it finds wrong it only prints, unless it cannot go on at all."""
    if not environment.make(IMPORTER):
        raise SkippedError("there is no Python for galaxy-importer")
    variables = space.variables(IMPORTER) | {"GALAXY_IMPORTER_CHECK_REQUIRED_TAGS": "1"}
    folder = space.work / "importer"
    folder.mkdir()
    built = tarball(space)
    output = execute([IMPORTER.python, "-m", "galaxy_importer.main", built], cwd=folder, env=variables)
    findings = [line for line in output.splitlines() if re.match(r"(ERROR|WARNING|CRITICAL)\b", line)]
    if findings:
        raise GateFailedError(f"{len(findings)} findings, the first: {findings[0]}")
    looked_at(len(json.loads((folder / "importer_result.json").read_text())["contents"]), "plugins and roles")
    return Tally()


def ansible_test(
    subject: Callable[[Workspace, Environment, Path, list[str]], Tally], used: Environment
) -> Callable[[Workspace], Tally]:
    """A gate that runs ansible-test with one version of ansible-core in an installed collection."""

    def gate(space: Workspace) -> Tally:
        if not used.python.exists():
            raise SkippedError(f"{used.folder} was not made: this machine has no Python for it")
        if not space.collection.is_dir():
            raise GateFailedError("not run: the collection was not installed")
        collection = tree_of(space, used)
        keep_pip(space, used)
        version = subprocess.run([used.python, "-c", ASK], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        return subject(space, used, collection, ["--local", "--python", version, "--color", "no"])

    return gate


ASK = "import sys; print('%d.%d' % sys.version_info[:2])"


def tree_of(space: Workspace, used: Environment) -> Path:
    """The installed collection beside the kubernetes.core that belongs to this ansible-core."""
    if used is MAIN:
        return space.collection
    tree = space.work / used.lock
    collection = tree / space.collection.relative_to(space.tree)
    if not collection.exists():
        add_dependency(tree, used)
        shutil.copytree(space.collection, collection, ignore=shutil.ignore_patterns("output", "__pycache__"))
    return collection


def keep_pip(space: Workspace, used: Environment) -> None:
    cache = space.home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    wheel = next((used.path / "wheels").glob("pip-*.whl"))
    shutil.copy(wheel, cache)
    version = wheel.name.split("-")[1].replace(".", "_")
    (cache / f"get_pip_{version}.py").write_text(GET_PIP.format(name=wheel.name), encoding="utf-8")


def sanity(space: Workspace, used: Environment, collection: Path, options: list[str]) -> Tally:
    if list(collection.glob("tests/sanity/ignore*")):
        raise GateFailedError("there is a sanity-ignore file: repair what it hides")
    command: list[str | Path] = [tool("ansible-test", used), "sanity", *options]
    output = execute(command, cwd=collection, env=space.variables(used, collection.parents[2]))
    ran = set(re.findall(r"Running sanity test \"([\w-]+)\"", output))
    if ran < SANITY or not ran >= SANITY:
        raise GateFailedError(f"sanity tests that did not run: {', '.join(sorted(SANITY - ran))}")
    looked_at(len(ran), "sanity tests")
    return Tally()


def units(space: Workspace, used: Environment, collection: Path, options: list[str]) -> Tally:
    """The unit tests in the installed collection, each counted."""
    reports = collection / "tests" / "output" / "junit"
    shutil.rmtree(reports, ignore_errors=True)
    command: list[str | Path] = [tool("ansible-test", used), "units", *options]
    execute(command, cwd=collection, env=space.variables(used, collection.parents[2]))
    return tests_of(list(reports.glob("*.xml")))


def tests_of(reports: Sequence[Path]) -> Tally:
    """The tests of reports in JUnit's form, by how they ended; one that failed and then failed to clean up is one."""
    cases = [case for path in reports for case in ElementTree.parse(path).getroot().iter("testcase")]  # noqa: S314
    looked_at(len(cases), "tests")
    failed = sum(any(case.find(word) is not None for word in ("failure", "error")) for case in cases)
    skipped = sum(case.find("skipped") is not None for case in cases)
    return Tally(len(cases) - failed - skipped, failed, skipped)
