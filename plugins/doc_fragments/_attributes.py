# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may use this fragment.
# It may change or go in any release.
"""What all nouns promise."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Predicts what a run would change, and changes nothing.
    support: full
  diff_mode:
    description: Shows what changes, file by file or object by object. Values of secrets are never shown.
    support: full
  idempotent:
    description: A second run with the same parameters changes nothing.
    support: full
  action_group:
    description: Use C(group/fluxops.fleet.fleet) in C(module_defaults) to set options for all modules of this group.
    support: full
    membership:
      - fluxops.fleet.fleet
"""
