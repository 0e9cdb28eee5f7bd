# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Soak: runs killed at random moments, over and over; whatever was killed, the next whole run converges.

make soak                                 # SOAK_KILLS=100 kills
"""

from __future__ import annotations

import os
import random
import time

import pytest

from tests.integration.conftest import Grounds
from tests.integration.project import Project, kill

pytest_plugins = ["tests.integration.conftest"]

KILLS = int(os.environ.get("SOAK_KILLS", "100"))
# A first bootstrap of two clusters takes some ten seconds; a kill may well come after its end.
LONGEST = 15.0


def interrupted(project: Project, seconds: float) -> None:
    """A run that is killed, with all that it started, after some time."""
    with project.start() as process:
        time.sleep(seconds)
        kill(process)


@pytest.mark.parametrize("story", range(max(KILLS // 10, 1)))
def test_killed_runs_converge(grounds: Grounds, story: int) -> None:
    chance = random.Random(story)  # noqa: S311 - a story that can be told again
    project = grounds.clean()
    for _kill in range(min(KILLS, 10)):
        interrupted(project, chance.uniform(0.3, LONGEST))
    outcome = project.run()
    assert outcome.code == 0, outcome.output
    assert len(project.commits()) == 1, "killed runs left more than the one commit that they were for"
    second = project.run()
    assert second.changed, "no host was there"
    assert not any(second.changed.values()), second.output
    assert not project.traces(["PRIVATE KEY", project.lab.forge.facts["token"]])
