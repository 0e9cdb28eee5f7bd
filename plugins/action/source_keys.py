# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of ``source_keys``: the Git side runs on the controller."""

from __future__ import annotations

from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import source_keys
from ansible_collections.fluxops.fleet.plugins.plugin_utils._base import FleetAction


class ActionModule(FleetAction):
    """See the module's documentation."""

    noun = source_keys
    on_controller = True
