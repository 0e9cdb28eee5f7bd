# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Tenants that leave by one run: who they are, their files, and their keys at the forges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import leaving
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.keeping import Keep
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.projects import ProjectsPlan, Scope
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.pruning import Pruning
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenant import Tenant
from ansible_collections.fluxops.fleet.plugins.module_utils._io import forge


class Departures:
    """``names``: who leaves; those whom no request lists are known once a repository was looked at."""

    def __init__(self, parameters: Mapping[str, Any], asking: Iterable[Tenant], *, check_mode: bool) -> None:
        found = {one["name"]: one.get("namespaces") or {} for one in parameters["clusters"] if one["reachable"]}
        listed = frozenset(one.name for one in asking)
        self._pruning = Pruning(listed, parameters["prune_limit"], found) if parameters["prune"] else None
        self._waiting, self._keep = parameters["waiting"], Keep.from_params(parameters)
        self._clusters, self._anybody = parameters["clusters"], bool(listed)
        self.withdrawal = forge.Withdrawal(parameters["forges"], check_mode=check_mode)
        self.unlisted: list[str] = []
        leaves = {one.name for one in asking if one.leaving}
        self.names = sorted({*parameters["names"], *leaves}) if parameters["state"] == "absent" else []

    def look(self, scope: Scope, snapshot: Snapshot) -> list[str]:
        """The tenants that no request lists, where that was asked for."""
        found = self._pruning.names(scope, snapshot) if self._pruning else []
        self.unlisted = sorted({*self.unlisted, *found})
        return found

    def withdraw_moved(self, change: ProjectsPlan, scope: Scope, *, moved: bool) -> None:
        """The keys of the clusters that tenants have moved away from."""
        if moved:
            self.withdrawal.withdraw(leaving.moved_titles(change, scope))

    def think(self, scope: Scope, snapshot: Snapshot) -> ProjectsPlan:
        """The keys lose their rights before the files go, which are all that tells of these keys."""
        self.names = sorted({*self.names, *self.look(scope, snapshot)})
        raise_if(self._pruning.problems(self.unlisted) if self._pruning else [])
        wishes = leaving.Leaving(scope, self.names, self._waiting, self._clusters, self._keep)
        change = leaving.plan_leaving(wishes, snapshot)
        if not (self.names or self._anybody or change.parts):
            hint = "say who, or give requests: nobody is to leave, and no cluster is to be rid of anybody yet"
            raise_if([Problem("run", "fleet_tenant", "", hint)])
        self.withdrawal.withdraw(leaving.key_titles(change, scope))
        return change
