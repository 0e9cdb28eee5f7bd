# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of ``drift``: the noun in this process, or the module on a bastion."""

from __future__ import annotations

from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import drift
from ansible_collections.fluxops.fleet.plugins.plugin_utils._base import FleetAction


class ActionModule(FleetAction):
    """See the module's documentation."""

    noun = drift
