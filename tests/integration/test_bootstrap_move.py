# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet that moves to another repository, by the word that such a step needs."""

from __future__ import annotations

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
