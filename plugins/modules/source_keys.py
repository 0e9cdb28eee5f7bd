# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: source_keys
short_description: What tenants' sources pull with on clusters, as the fleet repository says
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Reads the repository once for all clusters. It writes nothing.
  - The repository is asked and no cluster, since tenants can write sources there, and a key goes where a source says.
notes:
  - This is an action; it always runs on the controller, whatever the connection of the host.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._repository
options:
  clusters:
    description: The clusters' names. One that the repository does not have is refused.
    type: list
    elements: str
    required: true
  tenant:
    description: The one tenant. Without it, all that the clusters have. One that none of them has is refused.
    type: str
    default: ''
seealso:
  - module: fluxops.fleet.rotation
"""

EXAMPLES = r"""
- name: Read what tenants' sources pull with
  fluxops.fleet.source_keys:
    repository:
      url: ssh://git@git.example/platform/fleet.git
      private_key: "{{ vault_fleet_key }}"
      known_hosts: "{{ lookup('ansible.builtin.file', 'known_hosts') }}"
    clusters: [stg-eks-1]
  register: said
"""

RETURN = r"""
clusters:
  description: Cluster name to what its tenants' sources pull with.
  returned: success
  type: dict
  contains:
    source_keys:
      description: The sources with a key of their own, as O(fluxops.fleet.rotation#module:source_keys) wants them.
      type: list
      elements: dict
      returned: always
    given:
      description: The sources with a Secret that is given, by the platform, a store or the tenant.
      type: list
      elements: dict
      returned: always
      contains:
        tenant:
          description: The tenant's name.
          type: str
        namespace:
          description: The namespace of the source.
          type: str
        kind:
          description: The source's kind.
          type: str
        source:
          description: The source's name.
          type: str
        secret:
          description: The Secret's name.
          type: str
"""
