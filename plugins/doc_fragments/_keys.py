# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may use this fragment.
# It may change or go in any release.
"""The keys of tenants' sources."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment."""

    DOCUMENTATION = r"""
options:
  forges:
    description: More forges, found by the host of their URLs, where keys of tenants' sources are registered.
  source_keys:
    type: list
    elements: dict
    default: []
    suboptions:
      tenant:
        description: The tenant's name. A namespace that is labelled as another tenant's is refused.
        type: str
        required: true
      namespace:
        description: The namespace of the source and of its Secret.
        type: str
        required: true
      secret:
        description: The Secret's name.
        type: str
        required: true
      source:
        description: The name of the C(GitRepository).
        type: str
        required: true
      url:
        description: The repository's C(ssh://) URL.
        type: str
        required: true
  known_hosts:
    description: Host keys of the tenants' Git hosts, as lines of a C(known_hosts) file. Default is
      O(repository.known_hosts).
    type: str
"""
