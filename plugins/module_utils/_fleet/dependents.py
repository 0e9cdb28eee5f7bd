# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Tenants that stay, and wait for one that leaves: Flux would wait for ever, and apply nothing of theirs any more."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import dependencies
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.projects import Places, Scope
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot

# Most tenants wait for nobody, and reading YAML costs.
_SUSPECT = "dependsOn"


def problems(leaving: Collection[str], scope: Scope, places: Places, snapshot: Snapshot) -> Iterator[Problem]:
    """Who waits for whom of those that leave the environments of a run. Their requests have to change before."""
    for environment in scope.environments:
        there = places.tenants(environment)
        gone = set(leaving) & set(there)
        files = {scope.layout.tenant_file(environment, name): name for name in there if gone and name not in gone}
        for path, text in snapshot.read(files).items():
            found = dependencies.read(files[path], text, path) if _SUSPECT in text else None
            for name in sorted(gone & set(found.depends_on if found else ())):
                hint = (
                    f"tenant {files[path]} waits for it in {environment} (dependsOn), and would do so for ever: "
                    "change that request and onboard it first, or have both leave"
                )
                yield Problem("run", "tenant", name, hint)
