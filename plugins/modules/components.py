# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: components
short_description: Show what a cluster's components come to, and where each value came from
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Merges the layers of a cluster's components as M(fluxops.fleet.infrastructure) does, and prints each value with the
    variable that it came from, and with those that it lies over.
  - Asks no cluster, no repository and no forge, and writes nothing.
  - What looks secret, by its name or by itself, is masked.
notes:
  - This is an action; it always runs on the controller, whatever the connection of the host.
extends_documentation_fragment:
  - fluxops.fleet._attributes
options:
  name:
    description: The cluster's name.
    type: str
    required: true
  environment:
    description: Its environment. This, O(groups) and O(labels) say which components are for the cluster.
    type: str
    default: ""
  groups:
    description: The groups of the inventory that its host is in.
    type: list
    elements: str
    default: []
  labels:
    description: The labels of its host, C(fleet_labels).
    type: dict
    default: {}
  components:
    description: The layers of this cluster's components, the weakest first, the values of C(fleet_components),
      C(fleet_components_environment), C(fleet_components_region) and C(fleet_components_cluster).
    type: list
    elements: dict
    required: true
  component:
    description: Only the component of this name.
    type: str
    default: ""
seealso:
  - module: fluxops.fleet.infrastructure
"""

EXAMPLES = r"""
- name: Show what podinfo comes to on this cluster
  fluxops.fleet.components:
    name: "{{ inventory_hostname }}"
    component: podinfo
    components:
      - podinfo:
          layer: controllers
          helm: {repository: https://stefanprodan.github.io/podinfo, version: 6.x}
          values: {replicaCount: 2}
      - podinfo: {values: {replicaCount: 1}}
"""

RETURN = r"""
components:
  description: Component to what it comes to.
  returned: success
  type: dict
  contains:
    present:
      description: Whether the cluster is to have it.
      type: bool
      returned: always
    fields:
      description: Its fields, with the value of each. A list is one value.
      type: list
      elements: dict
      returned: always
      contains:
        field:
          description: The field, such as V(values.replicaCount).
          type: str
          returned: always
        value:
          description: Its value, without what looks secret.
          type: raw
          returned: always
        variable:
          description: The variable that said it.
          type: str
          returned: always
        over:
          description: The variables that said something else before.
          type: list
          elements: str
          returned: always
"""

from ansible_collections.fluxops.fleet.plugins.module_utils._noun import run_module
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import components


def main() -> None:
    """Run where Ansible copied this to."""
    run_module(components)


if __name__ == "__main__":
    main()
