# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: expected
short_description: What the fleet repository says that clusters have, component by component
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Reads the repository once for all clusters, at the branch's head and at the commits that they have applied.
  - It writes nothing.
notes:
  - This is an action; it always runs on the controller, whatever the connection of the host.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._repository
options:
  clusters:
    description: The clusters, each as returned by M(fluxops.fleet.drift) with O(fluxops.fleet.drift#module:look_ahead).
    type: list
    elements: dict
    required: true
seealso:
  - module: fluxops.fleet.drift
"""

EXAMPLES = r"""
- name: Read what the repository says of a cluster
  fluxops.fleet.expected:
    repository:
      url: ssh://git@git.example/platform/fleet.git
      private_key: "{{ vault_fleet_key }}"
      known_hosts: "{{ lookup('ansible.builtin.file', 'known_hosts') }}"
    clusters:
      - name: stg-eks-1
        environment: staging
        repository: {url: ssh://git@git.example/platform/fleet.git, branch: main}
        revisions: {'': 789cc007d3f3a8a9d1f9d0c5c6e7f8a9b0c1d2e3}
  register: said
"""

RETURN = r"""
clusters:
  description: Cluster name to what the repository says of it.
  returned: success
  type: dict
  contains:
    head:
      description: The commit that the branch is at.
      type: str
      returned: always
    components:
      description: Component to what the repository says of it.
      type: dict
      returned: always
      contains:
        behind:
          description: What of it the cluster has not applied yet, in words; empty where there is nothing.
          type: str
        sync:
          description: Its Flux Kustomization, as the cluster has applied it.
          type: dict
        documents:
          description: The objects that this applies, before Flux substitutes variables.
          type: list
          elements: dict
        notes:
          description: Why these are not all, such as a directory of another repository.
          type: list
          elements: str
"""
