# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may use this fragment.
# It may change or go in any release.
"""One wave of a run's clusters."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment."""

    DOCUMENTATION = r"""
options:
  wave:
    description:
      - The hosts whose turn it is; without it, all. What is checked is the whole run, by the first wave.
    type: list
    elements: str
  earlier:
    description:
      - What this returned for the wave before. What earlier waves of this run published is returned again.
      - A failure does not fail the task then; it is returned as C(stopped).
    type: dict
    default: {}
  stopped:
    description: Why the run has stopped before this wave. With any words nothing is done, and they are returned again.
    type: str
    default: ''
  problems:
    description: Problems that were found elsewhere, which are reported with those found here.
    type: list
    elements: dict
    default: []
"""
