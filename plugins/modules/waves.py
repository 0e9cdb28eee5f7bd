# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: waves
short_description: Put the clusters of a run into waves
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Says in which order the clusters of a run have their turn, and which tasks are run for each wave of them.
  - Asks nobody and writes nothing. What is wrong with the list of waves is returned, so that whoever publishes the
    first wave reports it together with all other problems.
notes:
  - This is an action; it always runs on the controller, whatever the connection of the host.
extends_documentation_fragment:
  - fluxops.fleet._attributes
options:
  clusters:
    description: The clusters of this run, each as returned by M(fluxops.fleet.preflight).
    type: list
    elements: dict
    required: true
  waves:
    description:
      - The waves in order, each a list of hosts, groups, and shares such as V(25%).
      - A share counts the whole fleet, and takes from the hosts that no wave has yet. The first wave that names a host
        has it. V(100%) stands for all that are left.
      - Without waves all clusters are in one.
    type: list
    elements: raw
    default: []
  inventory:
    description: The hosts of the whole fleet in the inventory's order, also those outside of C(--limit).
    type: list
    elements: str
    default: []
  groups:
    description: Ansible's C(groups).
    type: dict
    default: {}
  tasks:
    description: Files of tasks by what they are for, V(before) each wave (left out where there are none), the V(wave)
      itself, and its V(gate).
    type: dict
    default: {}
  gated:
    description: Whether the last wave has a gate too.
    type: bool
    default: false
  whole_environments:
    description: Where waves must be whole environments, the name of the variable that sets other ones for this role.
    type: str
    default: ''
seealso:
  - module: fluxops.fleet.clusters
"""

EXAMPLES = r"""
- name: Put the clusters into waves
  fluxops.fleet.waves:
    clusters: "{{ ansible_play_hosts | map('extract', hostvars, 'cluster_facts') | list }}"
    waves: [[stg-k3s-1], [staging], ["25%"], ["100%"]]
    inventory: "{{ groups.clusters }}"
    groups: "{{ groups }}"
    tasks: {wave: wave.yml}
  register: cluster_waves
  run_once: true
"""

RETURN = r"""
steps:
  description: What to do in which order.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: V(before), V(wave) or V(gate).
      type: str
    tasks:
      description: The file of tasks.
      type: str
    name:
      description: The wave's number, and what O(waves) says of it.
      type: str
      sample: 2 (staging)
    hosts:
      description: The hosts of the wave that are in this run.
      type: list
      elements: str
    number:
      description: The wave's number among those that have hosts in this run.
      type: int
    last:
      description: Whether it is the last of these.
      type: bool
problems:
  description: What is wrong with the list of waves.
  returned: success
  type: list
  elements: dict
"""
