# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real fleet on one machine, without containers: see README.md beside this file.

    from tests.lab import Lab

    lab = Lab.current()                      # the lab of LAB_DIR (default: .lab), as lab.json tells of it
    lab.facts, lab.clusters, lab.kubeconfig  # lab.json, the names, the path
    lab.up(["staging-2"]); lab.down(); lab.reset("staging-1")
    lab.stop_cluster("staging-1"); lab.start_cluster("staging-1")       # its API server gone, and back
    lab.forge.create_repository("fleet")     # {"ssh_url": …, "https_url": …}; private=True, owner=None
    lab.forge.delete_repository("fleet"); lab.forge.deploy_keys("fleet")
    lab.forge.commits("fleet", "main"); lab.forge.file("fleet", "clusters/staging-1/cluster.yaml")
    lab.forge.create_user("dev"); lab.forge.create_token("dev", ["read:repository"])

A repository is "name" (the administrator's) or "owner/name". Failures are LabError with a message for people.
"""

from __future__ import annotations

from .forge import Forge
from .lab import Lab
from .settings import LabError

__all__ = ["Forge", "Lab", "LabError"]
