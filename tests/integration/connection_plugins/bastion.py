# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bastion without a network: everything runs here, but over a connection that is not Ansible's own local one."""

from __future__ import annotations

from ansible.plugins.connection import local

# Ansible reads this without running the file, so it can't be taken from the local plugin.
DOCUMENTATION = """
name: bastion
short_description: Plays a bastion
description: Runs commands on this machine, under another name than local.
author: fluxops.fleet contributors
extends_documentation_fragment: [connection_pipelining]
options:
  become_success_timeout:
    description: As for the local connection.
    type: int
    default: 10
  become_strip_preamble:
    description: As for the local connection.
    type: bool
    default: true
"""


class Connection(local.Connection):
    """Actions hand over to modules, as they do for any connection but ``local``."""

    transport = "bastion"
    has_pipelining = True
