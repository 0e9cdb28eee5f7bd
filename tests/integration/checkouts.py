# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkouts of repositories at the lab's forge, as people and pipelines have them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from tests.integration.project import Project


class Checkout:
    """A working copy, in a new folder, of a repository of the forge: by its name, else the project's own."""

    def __init__(self, project: Project, folder: Path, repository: str = "") -> None:
        self._project, self.folder = project, folder
        urls = project.lab.forge.urls(repository or project.repository)
        self._run("clone", "--quiet", urls["https_url"], str(folder))

    def git(self, *arguments: str) -> str:
        """Git in the checkout; what it says."""
        return self._run("-C", str(self.folder), *arguments)

    def changes(self) -> dict[str, str]:
        """Path → Git's letter for what is not committed yet."""
        found = self.git("status", "--porcelain", "--untracked-files=all")
        return {line[3:]: line[:2].strip() for line in found.splitlines()}

    def commit(self, message: str) -> None:
        """Commit all that is there, and push it."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", message)
        self.git("push", "--quiet", "origin", "HEAD")

    def asked(self) -> dict[str, Any]:
        """The variables by which a run writes into the checkout."""
        return {"fleet_publish": "worktree", "fleet_worktree": str(self.folder)}

    def _run(self, *arguments: str) -> str:
        facts = self._project.lab.forge.facts
        settings = ["-c", "user.name=Team", "-c", "user.email=team@lab.invalid"]
        settings += ["-c", f"http.extraHeader=Authorization: token {facts['token']}"]
        variables = {**os.environ, "GIT_SSL_CAINFO": facts["ca_cert"]}
        done = subprocess.run(
            ["git", *settings, *arguments], check=False, capture_output=True, text=True, env=variables
        )
        assert done.returncode == 0, done.stderr
        return done.stdout
