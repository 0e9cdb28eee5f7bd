# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that some tests compare us with."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import ROOT


def kustomize() -> list[str]:
    """The command that builds a directory, as on PATH or as the lab has built it."""
    for program, words in (("kustomize", ["build"]), ("kubectl", ["kustomize"])):
        path = shutil.which(program) or shutil.which(
            program, path=str(Path(os.environ.get("LAB_DIR", ROOT / ".lab")) / "bin")
        )
        if path:
            return [path, *words]
    return pytest.skip("there is no kustomize and no kubectl on PATH")
