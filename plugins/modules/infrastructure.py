# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: infrastructure
short_description: Make the infrastructure of clusters true in the fleet repository, by one commit
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Writes the components of all given clusters into the fleet repository by one commit, or by none where nothing
    differs.
  - What an environment's clusters share lies in C(infrastructure/<environment>/<layer>/<component>/). What a cluster
    takes of it, in which order and with which changes of its own, lies in C(clusters/<cluster>/infrastructure.yaml).
  - Writes the environments of the given clusters and no other. A cluster that can not be reached keeps its own
    directory as it was.
  - Tenants wait for the last layer that their cluster has.
  - Before anything is written it checks the whole run, and reports every problem at once.
  - Files that people wrote are never changed. Files of ours that people edited are held and reported.
notes:
  - This is an action; it always runs on the controller, whatever the connection of the host.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._forge
  - fluxops.fleet._repository
  - fluxops.fleet._sops
  - fluxops.fleet._wave
options:
  clusters:
    description:
      - The clusters of this run, each as returned by M(fluxops.fleet.preflight) with
        O(fluxops.fleet.preflight#module:components).
      - The components are up to four mappings of name to fields, each merged deeply over those before it. The first
        two, the fleet's and the environment's, must be the same for all clusters of an environment; the region's and
        the cluster's own change what the environment's clusters share.
      - A component has C(layer) and one of C(helm) (C(repository), C(version), and where they are wanted C(chart),
        C(release), C(secret), C(ca_secret)), C(kustomize) (C(path)) and C(manifests) (a list of objects, or a file or
        directory of them on the controller); for C(helm) also C(namespace) and C(values); for each C(depends_on),
        C(interval), C(timeout) and C(state).
    type: list
    elements: dict
    required: true
  layers:
    description: The layers in their order. Each component waits for all components of the layer before its own.
    type: list
    elements: str
    default: [controllers, configs]
  unreachable:
    description: Whether clusters that can not be reached are left out, or fail the run before anything is written.
    type: str
    choices: [skip, fail]
    default: skip
  hand_edits:
    description:
      - What happens to a file of ours that people edited.
      - V(hold) leaves it and reports it, V(keep) leaves it silently, V(overwrite) writes it anew.
    type: str
    choices: [hold, keep, overwrite]
    default: hold
  allow:
    description: Words for dangerous steps. V(remove_component) accepts that running things are removed or installed
      anew, V(plain_secret) values of Secrets that stand in clear below C(infrastructure/).
    type: list
    elements: str
    default: []
  templates:
    description: Directory on the controller whose C(helm.yaml.j2), C(manifests.yaml.j2) and C(kustomization.yaml.j2)
      are used in place of the role's.
    type: path
seealso:
  - module: fluxops.fleet.preflight
  - module: fluxops.fleet.clusters
"""

EXAMPLES = r"""
- name: Look at each cluster
  fluxops.fleet.preflight:
    name: "{{ inventory_hostname }}"
    environment: staging
    auth: {context: "{{ inventory_hostname }}"}
    repository:
      url: ssh://git@git.example/platform/fleet.git
      known_hosts: "{{ lookup('ansible.builtin.file', 'known_hosts') }}"
    components:
      - podinfo:
          layer: controllers
          helm: {repository: https://stefanprodan.github.io/podinfo, version: 6.x}
          values: {replicaCount: 2}
      - podinfo: {values: {replicaCount: 1}}
  register: cluster_facts

- name: Publish their infrastructure by one commit
  fluxops.fleet.infrastructure:
    repository:
      url: ssh://git@git.example/platform/fleet.git
      private_key: "{{ vault_fleet_key }}"
      known_hosts: "{{ lookup('ansible.builtin.file', 'known_hosts') }}"
    clusters: "{{ ansible_play_hosts | map('extract', hostvars, 'cluster_facts') | list }}"
  run_once: true
"""

RETURN = r"""
diff:
  description: What changes, as before and after.
  returned: in diff mode
  type: list
  elements: dict
held:
  description: Path to reason, of files that were left alone since people wrote or edited them.
  returned: success
  type: dict
stopped:
  description: Why this wave was not published, where O(earlier) ones were.
  returned: always
  type: str
paused:
  description: Whether that is no failure, and this wave is for another run.
  returned: always
  type: bool
pull_requests:
  description: The URLs of the open pull requests that hold the change.
  returned: success
  type: list
  elements: str
pending:
  description: The clusters of later waves for which something is to be published.
  returned: always
  type: list
  elements: str
published:
  description: Whether this wave changed anything in the repository.
  returned: always
  type: bool
clusters:
  description: Cluster name to what was published for it.
  returned: success
  type: dict
  contains:
    revision:
      description: The commit that holds what the cluster needs.
      type: str
      returned: always
    superseded:
      description: The commit that the branch was at before, where this run made one.
      type: list
      elements: str
      returned: always
    awaits:
      description: What must happen before the branch has the change, such as the merge of a pull request. Empty where
        it has it.
      type: str
      returned: always
    planned:
      description: Whether nothing was published, since this was check mode.
      type: bool
      returned: always
    publish:
      description: How it was to be published, O(repository.publish).
      type: str
      returned: always
    pull_request:
      description: The URL of the open pull request that holds the change, or empty.
      type: str
      returned: always
    files:
      description: The paths that were written and that concern this cluster.
      type: list
      elements: str
      returned: always
    held:
      description: The paths that concern this cluster and were left alone, and why.
      type: dict
      returned: always
    components:
      description: The cluster's components in the order in which they come.
      type: list
      elements: str
      returned: always
"""
