# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``verdict``: whether a wave was good, so that the next may begin; where not, its commit is taken back if asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import FORGE, MEMBERS, REPOSITORY, Specification
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import gate, revert
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import FleetError
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._io import publishing
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **REPOSITORY,
    **FORGE,
    **MEMBERS,
    "wave": {"type": "str", "required": True},
    "failures": {"type": "dict", "default": {}},
    "published": {"type": "dict", "default": {}},
    "phases": {"type": "list", "elements": "str", "default": ["repository", "clusters"]},
    "revert": {"type": "bool", "default": False},
    "stopped": {"type": "str", "default": ""},
    "paused": {"type": "bool", "default": False},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Judge a wave; see the module's documentation for parameters and result."""
    went_on = {"changed": False, "stopped": parameters["stopped"], "paused": parameters["paused"], "reverted": []}
    if parameters["stopped"]:
        return went_on
    wave, failures, commits = parameters["wave"], parameters["failures"], _commits(parameters)
    stopped, later = gate.verdict(wave, failures), revert.for_later(parameters["clusters"], parameters["published"])
    if commits and "clusters" not in parameters["phases"]:
        later = "bring its clusters to it (--tags clusters), then run this again"
    if later and not stopped and not check_mode:
        return {**went_on, "stopped": f"wave {wave} is published: {later}", "paused": True}
    reverted = []
    for host, why in sorted(failures.items()):
        say(f"{host}: {why}")
    for commit in commits if stopped and parameters["revert"] else ():
        reverted += _revert(commit, parameters, stopped, check_mode=check_mode, say=say)
    return {**went_on, "changed": bool(reverted), "stopped": stopped, "reverted": reverted}


def _commits(parameters: Mapping[str, Any]) -> list[revert.Commit]:
    return revert.commits(parameters["clusters"], parameters["published"])


def _revert(
    commit: revert.Commit, parameters: Mapping[str, Any], why: str, *, check_mode: bool, say: Say
) -> list[dict[str, Any]]:
    def think(head: Snapshot) -> revert.Reverted:
        return revert.plan_revert(commit, head.read(commit.paths), ours, before, why)

    try:
        both = (commit.revision, commit.previous)
        ours, before = (publishing.texts_at(parameters, commit.sync, one, commit.paths) for one in both)
        wish = publishing.Wish(commit.sync, think, publishing.named("revert", [commit.revision]))
        change, published = publishing.publish(parameters, wish, check_mode=check_mode, say=say)
    except FleetError as error:
        say(str(error))
        return []
    return [{"revision": commit.revision, "by": published["revision"], "files": change.plan.paths}]
