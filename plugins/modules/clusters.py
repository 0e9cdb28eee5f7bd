# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: clusters
short_description: Make clusters/ of the fleet repository true, by one commit
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Writes the directories of all given clusters into the fleet repository by one commit, or by none where nothing
    differs.
  - Runs on the controller, once for a play (C(run_once)); a push that loses a race is planned again and pushed again.
  - Before anything is written it checks the whole run, and reports every problem at once.
  - Files that people wrote are never changed. Files of ours that people edited are held and reported.
notes:
  - This is an action; it always runs on the controller, whatever the connection of the host.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._repository
  - fluxops.fleet._sops
  - fluxops.fleet._wave
  - fluxops.fleet._forge
options:
  clusters:
    description: The clusters of this run, each as returned by M(fluxops.fleet.preflight).
    type: list
    elements: dict
    required: true
  inventory:
    description: Host to cluster name for the whole inventory, so that a name is unique also among hosts outside of
      C(--limit).
    type: dict
    default: {}
  unreachable:
    description: Whether clusters that can not be reached are left out, or fail the run before anything is written.
    type: str
    choices: [skip, fail]
    default: skip
  owners:
    description:
      - Who approves changes of the repository, as C(CODEOWNERS) names them.
      - A repository that is empty gets, with the first commit, a C(README.md), a guide to C(requests/), C(CODEOWNERS)
        where there are owners, and where the kind of the forge is known a pipeline that checks requests. All of it is
        people's from then on. A repository with content gets nothing of it.
    type: list
    elements: str
    default: []
  hand_edits:
    description:
      - What happens to a file of ours that people edited.
      - V(hold) leaves it and reports it, V(keep) leaves it silently, V(overwrite) writes it anew.
    type: str
    choices: [hold, keep, overwrite]
    default: hold
  allow:
    description: Words for dangerous steps. V(replace_cluster) accepts a cluster that was made anew under its old name,
      V(remove_flux_component) the loss of components with their definitions and all objects of them,
      V(plain_secret) values of Secrets that stand in clear in the clusters' directories.
    type: list
    elements: str
    default: []
  templates:
    description: Directory on the controller whose C(cluster.yaml.j2) and C(projects.yaml.j2) are used in place of
      the role's.
    type: path
  cache:
    description: Directory of this run where verified manifests are shared. The action sets it.
    type: path
seealso:
  - module: fluxops.fleet.preflight
  - module: fluxops.fleet.flux
"""

EXAMPLES = r"""
- name: Look at each cluster
  fluxops.fleet.preflight:
    name: "{{ inventory_hostname }}"
    environment: staging
    auth: {context: "{{ inventory_hostname }}"}
    flux: {version: v2.9.4, manifest: files/install.yaml, digest: "{{ fleet_flux_digest }}"}
    repository:
      url: ssh://git@git.example/platform/fleet.git
      known_hosts: "{{ lookup('ansible.builtin.file', 'known_hosts') }}"
  register: cluster_facts

- name: Publish what they need by one commit
  fluxops.fleet.clusters:
    repository:
      url: ssh://git@git.example/platform/fleet.git
      private_key: "{{ vault_fleet_key }}"
      known_hosts: "{{ lookup('ansible.builtin.file', 'known_hosts') }}"
    clusters: "{{ ansible_play_hosts | map('extract', hostvars, 'cluster_facts') | list }}"
  run_once: true
"""

RETURN = r"""
diff:
  description: What changes, as before and after. Secrets by field name only.
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
      description: The paths below the cluster's directory that were written.
      type: list
      elements: str
      returned: always
    held:
      description: The paths below the cluster's directory that were left alone, and why.
      type: dict
      returned: always
    left:
      description: What an upgrade leaves. Fields in people's manifests that the new Flux no longer has, and clusters
        that are meant to have other versions of Flux. Also warnings.
      type: list
      elements: str
      returned: always
    digest:
      description: SHA-256 of the install manifest that it gets.
      type: str
      returned: always
    pending:
      description: What Flux will apply of it beside its own objects, as YAML documents.
      type: str
      returned: always
    kustomization:
      description: The text of the cluster's C(flux-system/kustomization.yaml).
      type: str
      returned: always
    holds:
      description: Of a cluster that follows something else until now, what its directory holds, by kind and name.
      type: list
      elements: str
      returned: always
    beside:
      description:
        - Of a cluster that runs no Flux yet and whose C(kustomization.yaml) has more than our block, name to text of
          people's own files beside it.
      type: dict
      returned: always
    tenants:
      description: The tenants that the cluster has, where it runs no Flux yet.
      type: list
      elements: str
      returned: always
    source_keys:
      description:
        - Of a cluster that runs no Flux yet, the sources of all tenants that the repository has there and that pull
          with a key of their own, for M(fluxops.fleet.credentials). A cluster made anew has its tenants back that way.
      type: list
      elements: dict
      returned: always
    takeover:
      description: Whether Flux's own tools bootstrapped this cluster, and this run makes it ours.
      type: bool
      returned: always
    taken_over:
      description: Whether this run or an earlier one took the cluster over.
      type: bool
      returned: always
    lockdown:
      description: Whether our part of its C(kustomization.yaml) locks tenants in, V(enforce) or V(none).
      type: str
      returned: always
    remote_bases:
      description: On takeover, what lockdown would refuse in files of the repository.
      type: list
      elements: dict
      returned: always
warnings:
  description: What is taken over, and what lockdown would break there.
  returned: success
  type: list
  elements: str
"""
