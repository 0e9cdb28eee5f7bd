# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users begin with: the example's playbooks, its request in both forms, and the components of the inventories."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.integration.project import ROOT, STAGING, Outcome, Project, new_key

EXAMPLE = ROOT / "examples" / "fleet"
PLAYBOOKS = sorted(set(EXAMPLE.glob("*.yml")) - {EXAMPLE / "requirements.yml"})
REQUEST = EXAMPLE / "requests" / "payments.yml"
INVENTORY = EXAMPLE / "inventories" / "fleet"
VARIABLES = (
    [
        INVENTORY / "group_vars" / name
        for name in ("all/components.yml", "all/versions.yml", "staging.yml", "europe.yml")
    ],
    [ROOT / "inventories" / "staging" / "group_vars" / "all" / "main.yml"],
    [ROOT / "inventories" / "production" / "group_vars" / "all" / "main.yml"],
)


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.name)
def test_playbook_can_be_read(playbook: Path) -> None:
    program = Path(sys.executable).with_name("ansible-playbook")
    command = [str(program), "--syntax-check", playbook.name]
    done = subprocess.run(command, cwd=EXAMPLE, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_both_forms_of_the_request_come_to_the_same(project: Project, tmp_path: Path) -> None:
    known_hosts = f"git.example {new_key(tmp_path / 'keys' / 'host')[0]}"

    def onboard(**arguments: object) -> Outcome:
        outcome = project.run("--tags", "repository", fleet_known_hosts=known_hosts, **arguments)  # type: ignore[arg-type]
        assert outcome.code == 0, outcome.output
        return outcome

    onboard(playbook=EXAMPLE / "onboard_payments.yml")
    before = project.commits()
    assert any(path.startswith("projects/production/payments/") for path in project.tree())
    onboard(playbook="onboard", fleet_requests=str(REQUEST))
    assert project.commits() == before


@pytest.mark.parametrize("files", VARIABLES, ids=lambda files: "-".join(files[-1].parts[-5:]))
def test_components_of_the_inventory_are_planned(project: Project, files: list[Path]) -> None:
    variables = {name: value for path in files for name, value in yaml.safe_load(path.read_text()).items()}
    given = {
        name: value
        for name, value in variables.items()
        if name.startswith("fleet_components") or name.endswith("_version")
    }
    given.pop("fleet_flux_version", None)
    outcome = project.run(
        "--check", "--diff", "--limit", STAGING, "--tags", "repository", playbook="infrastructure", **given
    )
    assert outcome.code == 0, outcome.output
    headers = " ".join(outcome.headers)
    assert "infrastructure/staging/controllers/cert-manager/" in headers
    assert "infrastructure/staging/configs/issuers/" in headers


def test_values_by_environment_and_region_and_where_they_come_from() -> None:
    program = Path(sys.executable).with_name("ansible-playbook")
    command = [str(program), ROOT / "playbooks" / "components.yml"]
    # The example's own ansible.cfg, and no other, names its inventory.
    variables = {key: value for key, value in os.environ.items() if key != "ANSIBLE_CONFIG"}
    done = subprocess.run(command, cwd=EXAMPLE, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    said = {re.sub(r" +", " ", line.strip()) for line in done.stdout.splitlines()}
    assert {
        "helm.version v1.18.2 fleet_components",
        "values.replicaCount 2 fleet_components_environment",
        "manifests ClusterIssuer public fleet_components_environment",
        "values.deployment.replicas 2 fleet_components",
        "values.deployment.replicas 4 fleet_components_region (over fleet_components)",
        'access.view ["oidc:developers"] fleet_components',
    } <= said


def test_update_bots_find_the_version_of_every_chart() -> None:
    settings = json.loads((EXAMPLE / "renovate.json").read_text())["customManagers"][0]
    (files,), (wanted,) = settings["managerFilePatterns"], settings["matchStrings"]
    found = {}
    for path in (one for one in EXAMPLE.rglob("*.yml") if re.search(files.strip("/"), str(one))):
        matches = re.finditer(wanted.replace("(?<", "(?P<"), path.read_text())
        found |= {one["depName"]: one.groupdict() for one in matches}
    components = yaml.safe_load((INVENTORY / "group_vars" / "all" / "components.yml").read_text())["fleet_components"]
    charts = {one["helm"].get("chart", name): one["helm"] for name, one in components.items() if "helm" in one}
    assert {name: one["repository"] for name, one in charts.items()} == {
        name: one["registryUrl"] for name, one in found.items()
    }
    assert all(one["datasource"] == "helm" and re.match(r"v?\d", one["currentValue"]) for one in found.values())
    assert all(one["version"].startswith("{{ ") for one in charts.values())
