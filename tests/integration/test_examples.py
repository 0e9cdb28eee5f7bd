# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users begin with: the example's playbooks, its request in both forms, and the components of the inventories."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.integration.project import ROOT, STAGING, Outcome, Project, new_key

EXAMPLE = ROOT / "examples" / "fleet"
PLAYBOOKS = sorted(set(EXAMPLE.glob("*.yml")) - {EXAMPLE / "requirements.yml"})
REQUEST = EXAMPLE / "requests" / "payments.yml"
INVENTORIES = (
    EXAMPLE / "inventories" / "staging",
    ROOT / "inventories" / "staging",
    ROOT / "inventories" / "production",
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


@pytest.mark.parametrize("inventory", INVENTORIES, ids=lambda path: f"{path.parent.parent.name}-{path.name}")
def test_components_of_the_inventory_are_planned(project: Project, inventory: Path) -> None:
    variables = yaml.safe_load((inventory / "group_vars" / "all" / "main.yml").read_text())
    given = {name: value for name, value in variables.items() if name.startswith("fleet_components")}
    outcome = project.run(
        "--check", "--diff", "--limit", STAGING, "--tags", "repository", playbook="infrastructure", **given
    )
    assert outcome.code == 0, outcome.output
    headers = " ".join(outcome.headers)
    assert "infrastructure/staging/controllers/cert-manager/" in headers
    assert "infrastructure/staging/configs/issuers/" in headers
