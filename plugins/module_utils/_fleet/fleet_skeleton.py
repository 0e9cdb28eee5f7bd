# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What an empty fleet repository gets with its first commit for people to live with it, and theirs from then on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer

_FOLDER = "repository/"
# Where each forge looks for its pipelines, and the template of it.
_PIPELINES = {
    "gitea": (".gitea/workflows/validate.yaml", "actions.yaml.j2"),
    "github": (".github/workflows/validate.yaml", "actions.yaml.j2"),
    "gitlab": (".gitlab-ci.yml", "gitlab.yaml.j2"),
}
# https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
_OWNER = re.compile(r"@[A-Za-z0-9][A-Za-z0-9._/-]*|[^@\s#]+@[^@\s#]+")


@dataclass(frozen=True)
class Skeleton:
    """``owners`` approve changes, as ``CODEOWNERS`` names them; ``forge``: its kind, empty where none is known."""

    owners: Sequence[str] = ()
    forge: str = ""

    def problems(self) -> list[Problem]:
        """What is wrong with the owners."""
        hint = "a user or team as the forge names it, such as @platform or @corp/platform, or an e-mail address"
        return [Problem("run", "fleet_owners", one, hint) for one in self.owners if not _OWNER.fullmatch(one)]

    def files(self, renderer: Renderer, branch: str, environments: Sequence[str]) -> Mapping[str, str]:
        """Path → text of all of them; nothing of it has a digest, so nothing of it is ever looked at again."""
        variables: dict[str, Any] = {
            "branch": branch,
            "environments": list(environments),
            "owners": list(self.owners),
        }
        wanted = {"README.md": "README.md.j2", "requests/README.md": "requests/README.md.j2"}
        wanted |= {"CODEOWNERS": "CODEOWNERS.j2"} if self.owners else {}
        if self.forge in _PIPELINES:
            path, template = _PIPELINES[self.forge]
            wanted[path] = f"pipelines/{template}"
        return {path: renderer.text(_FOLDER + template, variables) for path, template in wanted.items()}
