# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A move of the root sync: what it would prune is named, and needs a word."""

from __future__ import annotations

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import moving

IDS = {
    "flux-system_infrastructure-web_kustomize.toolkit.fluxcd.io_Kustomization": "v1",
    "_system__node_rbac.authorization.k8s.io_ClusterRole": "v1",
    "_flux-system__Namespace": "v1",
}
SYNC = {"status": {"inventory": {"entries": [{"id": one, "v": version} for one, version in IDS.items()]}}}
WEB, ROLE, SPACE = "Kustomization flux-system/infrastructure-web", "ClusterRole system:node", "Namespace flux-system"


@pytest.mark.parametrize(
    ("kept", "allow", "named"),
    [
        ([WEB, ROLE, SPACE, "Role a/b"], [], ""),
        ([WEB, SPACE], [], f"prune {ROLE}, with"),
        ([], [], f"prune {ROLE}, {WEB}, {SPACE}, with"),
        ([], ["prune_on_move"], ""),
        ([], ["move_sync"], "fleet_allow: [prune_on_move]"),
    ],
)
def test_what_would_be_pruned(kept: list[str], allow: list[str], named: str) -> None:
    found = moving.problems("stg-1", SYNC, kept, allow)
    assert [one.where for one in found] == (["stg-1"] if named else [])
    assert named in "".join(one.hint for one in found)


def test_of_many_the_beginning_is_named() -> None:
    entries = [{"id": f"a_{number:02}__ConfigMap", "v": "v1"} for number in range(12)]
    [problem] = moving.problems("h", {"status": {"inventory": {"entries": entries}}}, [], [])
    assert "ConfigMap a/09 and 2 more, with" in problem.hint


def test_a_sync_that_never_applied_prunes_nothing() -> None:
    assert moving.problems("h", {}, [], []) == []


def test_what_files_hold() -> None:
    texts = {
        "a.yaml": "kind: Role\nmetadata: {name: r, namespace: n}\n---\nkind: Namespace\nmetadata: {name: n}\n",
        "b.yml": "kind: X\nmetadata: {name: x}",
        "broken.yaml": "{",
        "readme.md": "kind: Y",
    }
    assert moving.held(texts) == ["Namespace n", "Role n/r", "X x"]
