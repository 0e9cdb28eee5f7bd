# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""A promotion taken back: its commit found by the file that only promotions write, and reverted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import promoted, revert
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_guard import REMOVE_COMPONENT
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, raise_if, some
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.messages import promotion_message
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Sync
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.promotion import Promotion, Step
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.revert import REVERTS, Made
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot

_LISTED = 3


@dataclass(frozen=True)
class Rollback:
    """What takes a promotion back: its commit, and the texts of its paths as it left them and as they were before."""

    target: str
    sync: Sync
    made: Made
    ours: Mapping[str, str]
    before: Mapping[str, str]
    allow: Collection[str] = ()
    layout: Layout = field(default_factory=Layout)

    def plan(self, snapshot: Snapshot) -> Promotion:
        """Plan against a snapshot; FleetError where others changed the same paths since."""
        made = self.made
        commit = revert.Commit(self.sync, made.revision, made.previous, made.paths)
        why = f"{self.target} is rolled back"
        plan = revert.plan_revert(commit, snapshot.read(made.paths), self.ours, self.before, why).plan
        path = self.layout.versions(self.target)
        gone = [one.path for one in plan.changes if one.after is None and one.path != path]
        if gone and REMOVE_COMPONENT not in self.allow:
            hint = (
                f"brought what {self.target} did not have before, which would go ({some(gone, _LISTED)}): promote "
                f"another version, or run again with fleet_allow: [{REMOVE_COMPONENT}]"
            )
            raise_if([Problem("run", "fleet_rollback", made.revision[:12], hint)])
        steps = self._steps()
        said, names = [str(one) for one in steps], [one.component for one in steps]
        message = promotion_message(f"roll {self.target} back", said, names, plan.paths)
        return Promotion(plan, f"{message.rstrip()}{REVERTS}{made.revision}\n", steps)

    def _steps(self) -> list[Step]:
        path = self.layout.versions(self.target)
        ours, before = (promoted.parsed(one.get(path, ""), path) for one in (self.ours, self.before))
        names = sorted({*ours, *before})
        changed = [name for name in names if ours.get(name) != before.get(name)]
        return [Step(name, ours.get(name, ""), before.get(name, "")) for name in changed]
