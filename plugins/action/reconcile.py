# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of ``reconcile``: the noun, and the judgement whether what a cluster applied contains our commit."""

from __future__ import annotations

from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import reconcile
from ansible_collections.fluxops.fleet.plugins.plugin_utils._revision import RevisionAction


class ActionModule(RevisionAction):
    """See the module's documentation."""

    noun = reconcile
