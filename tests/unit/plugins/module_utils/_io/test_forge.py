# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which forge hosts a repository."""

from __future__ import annotations

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._io import forge

FORGES = [
    {"kind": "gitea", "url": "https://git.example:3000"},
    {"kind": "gitea", "url": "https://code.example/forge"},
]


@pytest.mark.parametrize(
    ("url", "chosen"),
    [
        ("ssh://git@git.example:2222/payments/deploy.git", "https://git.example:3000"),
        ("https://git.example/payments/deploy.git", "https://git.example:3000"),
        ("ssh://git@CODE.example/payments/deploy.git", "https://code.example/forge"),
        ("ssh://git@git.example.evil/payments/deploy.git", None),
        ("ssh://git@sub.git.example/payments/deploy.git", None),
        ("ssh:///payments/deploy.git", None),
    ],
)
def test_choose_by_host(url: str, chosen: str | None) -> None:
    found = forge.choose(FORGES, url)
    assert (found["url"] if found else None) == chosen
