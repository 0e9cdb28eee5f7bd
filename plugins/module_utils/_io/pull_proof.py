# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Whether a credential that was given for clusters may pull, asked of the Git server from the controller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import FleetError, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_author import Author
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_program import patiently, program
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_remote import Remote


def problems(pull: Mapping[str, Any], repository: Mapping[str, Any], where: str) -> list[Problem]:
    """What the Git server says against a given credential (of the kinds ``secret.GIVEN``)."""
    kind = pull["kind"]
    remote = Remote(
        url=repository["url"],
        branch=repository["branch"],
        known_hosts=repository.get("known_hosts"),
        ca_cert=repository.get("ca_cert"),
        username=pull.get("username"),
        private_key=pull["private_key"] if kind == "private_key" else None,
        passphrase=pull.get("passphrase") if kind == "private_key" else None,
        token=pull["token"] if kind == "token" else None,
        bearer_token=pull["token"] if kind == "bearer_token" else None,
    )
    try:
        remote.check()
        with program(remote, Author()) as git:
            patiently(lambda: git.run("ls-remote", "--heads", remote.url))
    except FleetError as error:
        hint = f"clusters could not pull by this credential. {' '.join(str(error).split())}"
        return [Problem(where, "fleet_cluster_credential", kind, hint)]
    return []
