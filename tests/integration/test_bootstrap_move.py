# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet that moves to another repository, by the word that such a step needs."""

from __future__ import annotations

from typing import Any

from tests.integration.conftest import Grounds
from tests.integration.project import CLUSTERS

WORD = ["move_sync"]


def test_move_to_another_repository_needs_its_word_and_arrives(grounds: Grounds) -> None:
    old, new = grounds.fleet(), grounds.project()

    refused = new.run()
    assert refused.code != 0
    assert "fleet_allow: [move_sync]" in refused.words
    assert not new.commits()

    moved = new.run(fleet_allow=WORD)
    assert moved.code == 0, moved.output
    assert len(new.commits()) == 1
    for name in CLUSTERS:
        assert moved.rows[name]["revision"].endswith(new.commits()[0])
        sync = grounds.clusters[name].flux("kustomization")
        assert not sync["spec"].get("suspend"), "what was held for the move must go on"

    grounds.keep(new)
    second = new.run()
    assert not any(second.changed.values()), second.output
    assert len(old.commits()) >= 1, "the old repository stays as it was"


PLATFORM: dict[str, Any] = {
    "layer": "controllers",
    "manifests": [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "platform"}}],
}


def test_a_repository_that_was_lost_is_rendered_again_and_nothing_is_pruned(grounds: Grounds) -> None:
    old, new = grounds.fleet(), grounds.project()
    installed = old.run(playbook="infrastructure", fleet_components={"platform": PLATFORM})
    assert installed.code == 0, installed.output
    identity = {name: one.get("namespace", "platform")["metadata"]["uid"] for name, one in grounds.clusters.items()}
    grounds.forget()
    old.lab.forge.delete_repository(old.repository)

    new.variables |= {"fleet_components": {"platform": PLATFORM}, "fleet_allow": WORD}
    refused = new.run()
    assert refused.code != 0
    assert "Flux would prune Kustomization flux-system/infrastructure-platform, with what these run" in refused.words
    assert "fleet_allow: [prune_on_move]" in refused.words

    rendered = new.run("--tags", "repository", playbook="infrastructure")
    assert rendered.code == 0, rendered.output
    moved = new.run("--tags", "clusters")
    assert moved.code == 0, moved.output
    new.settle(*grounds.clusters.values())
    for name, cluster in grounds.clusters.items():
        assert cluster.get("namespace", "platform")["metadata"]["uid"] == identity[name]
    second = new.run(playbook="infrastructure")
    assert (second.code, any(second.changed.values())) == (0, False), second.output
