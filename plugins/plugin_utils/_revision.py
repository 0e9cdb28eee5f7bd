# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of nouns that wait for a revision: whether what a cluster applied contains our commit is judged here."""

from __future__ import annotations

from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import FleetError
from ansible_collections.fluxops.fleet.plugins.module_utils._io import git
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result
from ansible_collections.fluxops.fleet.plugins.plugin_utils._base import FleetAction

# A second call finds it done.
_BY_THE_FIRST = (
    "changed", "applied", "diff", "warnings", "failures", "source_keys", "public_key", "registered",
)  # fmt: skip


class RevisionAction(FleetAction):
    """The noun, again for as long as Flux has applied a revision that lacks the commit."""

    def perform(self, parameters: dict[str, Any], task_vars: dict[str, Any]) -> Result:
        """The result of the last call; what was applied was applied by the first."""
        result = super().perform(parameters, task_vars)
        done = {key: result[key] for key in _BY_THE_FIRST if key in result}
        rejected = list(parameters["rejected"])
        try:
            while not (self._task.check_mode or result.get("failed") or self._contained(parameters, result)):
                rejected.append(_commit(result))
                result = {**super().perform({**parameters, "rejected": rejected}, task_vars), **done}
        except FleetError as error:
            return {**result, "failed": True, "msg": str(error)}
        return result

    @staticmethod
    def _awaited(parameters: dict[str, Any]) -> str:
        """The commit to wait for."""
        return str(parameters["revision"])

    @classmethod
    def _contained(cls, parameters: dict[str, Any], result: Result) -> bool:
        commit, applied = cls._awaited(parameters), _commit(result)
        if not commit or applied == commit:
            return True
        if not parameters["repository"]:
            raise FleetError(f"{parameters['name']}: to judge whether {applied} contains {commit}, give the repository")
        with git.Repository(git.Remote.from_params(parameters["repository"])) as repository:
            return repository.contains(applied, commit)


def _commit(result: Result) -> str:
    return str(result["revision"]).rpartition(":")[2]
