# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: verdict
short_description: Judge a wave, and take its commit back where it was not good
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Says whether the next wave may begin.
  - Where it may not, and where that was asked for, it takes the wave's commit back by another one, which has the
    wave's paths as they were before. It leaves all as it is, and says so, where others have changed these paths since.
notes:
  - This is an action; it always runs on the controller, whatever the connection of the host.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._repository
  - fluxops.fleet._forge
options:
  wave:
    description: What the wave is called.
    type: str
    required: true
  clusters:
    description: The clusters of the wave, each as returned by M(fluxops.fleet.preflight).
    type: list
    elements: dict
    required: true
  failures:
    description: Host to reason, where something failed, as of P(fluxops.fleet.wave_failures#filter).
    type: dict
    default: {}
  published:
    description: What was published, as returned by M(fluxops.fleet.clusters) under
      RV(fluxops.fleet.clusters#module:clusters).
    type: dict
    default: {}
  phases:
    description: What is a part of this run. Without V(clusters), a wave that was published has not been brought to its
      clusters, and the next one has to wait for another run.
    type: list
    elements: str
    default: [repository, clusters]
  revert:
    description: Whether to take the wave's commit back where the wave is not good.
    type: bool
    default: false
  stopped:
    description: Why the run has stopped before this wave. With any words nothing is judged; they are returned again.
    type: str
    default: ''
  paused:
    description: Whether O(stopped) is no failure; returned again with it.
    type: bool
    default: false
seealso:
  - module: fluxops.fleet.gate
"""

EXAMPLES = r"""
- name: Judge the wave
  fluxops.fleet.verdict:
    repository:
      url: ssh://git@git.example/platform/fleet.git
      private_key: "{{ vault_fleet_key }}"
      known_hosts: "{{ lookup('ansible.builtin.file', 'known_hosts') }}"
    wave: staging
    clusters: "{{ groups.staging | map('extract', hostvars, 'cluster_facts') | list }}"
    failures: {stg-eks-1: "Kustomization payments/payments: health check failed"}
    published: "{{ fleet_published.clusters }}"
    revert: true
  run_once: true
"""

RETURN = r"""
stopped:
  description: Why the run stops here; empty where it goes on.
  returned: success
  type: str
paused:
  description: Whether that is no failure, and the next wave is for another run.
  returned: success
  type: bool
reverted:
  description: The commits that were taken back.
  returned: success
  type: list
  elements: dict
  contains:
    revision:
      description: The commit that was taken back.
      type: str
    by:
      description: The commit that did.
      type: str
    files:
      description: The paths that are as they were.
      type: list
      elements: str
"""
