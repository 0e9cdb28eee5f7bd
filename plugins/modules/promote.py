# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: promote
short_description: Bring the versions of one environment to the next one, or take that back, by one commit
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Components whose C(helm.version) is V(promoted) in the environment O(target) get the versions that run in O(source).
  - The versions lie in C(infrastructure/<environment>/versions.yaml), which nothing else writes, and
    M(fluxops.fleet.infrastructure) reads. One commit changes that file and all that is rendered from it, and nothing
    besides.
  - A range is promoted as the one version that runs. Clusters of the source that do not run the same version are an
    error, and so is anything else that the inventory says for the target and the repository does not have yet.
  - With O(rollback) the commit that changed the target's versions last is taken back by another one. Where that commit
    took one back itself, there is nothing to do. Where others changed the same paths since, it is refused.
notes:
  - This is an action; it always runs on the controller, whatever the connection of the host.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._forge
  - fluxops.fleet._repository
  - fluxops.fleet._sops
  - fluxops.fleet._verify
options:
  clusters:
    description: The clusters of this run, each as for M(fluxops.fleet.infrastructure), those of the source among them.
    type: list
    elements: dict
    required: true
  source:
    description: The environment whose versions are promoted. A rollback needs none.
    type: str
    default: ''
  target:
    description: The environment that gets them.
    type: str
    required: true
  components:
    description: The components that are promoted. Without any, all whose version is V(promoted) in the target.
    type: list
    elements: str
    default: []
  running:
    description: Host of the source to what runs there, as C(components) of M(fluxops.fleet.reconcile).
    type: dict
    default: {}
  failures:
    description:
      - Host to reason, of hosts of the source where the health gate did not hold. With any of them nothing is promoted.
      - Leave it out where the gate is still to come and this is a look ahead.
    type: dict
  rollback:
    description: Whether the last promotion of the target is taken back.
    type: bool
    default: false
  layers:
    description: As O(fluxops.fleet.infrastructure#module:layers).
    type: raw
    default: [controllers, configs]
  inventory:
    description: As O(fluxops.fleet.infrastructure#module:inventory).
    type: list
    elements: dict
    default: []
  unreachable:
    description: As O(fluxops.fleet.infrastructure#module:unreachable). A source that can not be reached is an error.
    type: str
    choices: [skip, fail]
    default: skip
  hand_edits:
    description: As O(fluxops.fleet.infrastructure#module:hand_edits). With V(hold) an edited file stops the promotion.
    type: str
    choices: [hold, keep, overwrite]
    default: hold
  allow:
    description: As O(fluxops.fleet.infrastructure#module:allow).
    type: list
    elements: str
    default: []
  templates:
    description: As O(fluxops.fleet.infrastructure#module:templates).
    type: path
seealso:
  - module: fluxops.fleet.infrastructure
"""

EXAMPLES = r"""
- name: Promote what runs in staging
  fluxops.fleet.promote:
    repository:
      url: ssh://git@git.example/platform/fleet.git
      private_key: "{{ vault_fleet_key }}"
      known_hosts: "{{ lookup('ansible.builtin.file', 'known_hosts') }}"
    clusters: "{{ ansible_play_hosts | map('extract', hostvars, 'cluster_facts') | list }}"
    source: staging
    target: production
    running:
      stg-eks-1: {podinfo: {ready: true, revision: 6.9.1}}
    failures: {}
  run_once: true
"""

RETURN = r"""
steps:
  description: The components whose version changes.
  returned: success
  type: list
  elements: dict
  contains:
    component:
      description: Its name.
      type: str
    before:
      description: The version that the target had; empty where it had none.
      type: str
    after:
      description: The version that it gets; empty where it is promoted no more.
      type: str
objects:
  description: The objects that change, those of one component that change alike on some clusters together.
  returned: success
  type: list
  elements: dict
  contains:
    environment:
      description: The environment.
      type: str
      returned: always
    clusters:
      description: The clusters on which they change.
      type: list
      elements: str
      returned: always
    component:
      description: The component; V(tenants) for what lets tenants wait.
      type: str
      returned: always
    files:
      description: The files that cause it.
      type: list
      elements: str
      returned: always
    objects:
      description: Each object by its name (C(object)), whether it is C(created), C(removed) or C(changed) (C(action)),
        and the fields that change (C(field), C(before), C(after)). Secret values are masked.
      type: list
      elements: dict
      returned: always
verified:
  description: How the change was looked at.
  returned: success
  type: dict
  contains:
    by:
      description: The program that built directories, C(kustomize) or C(kubectl). Empty where there is none.
      type: str
      returned: always
    built:
      description: How many directories it built.
      type: int
      returned: always
    notes:
      description: What was not looked at, and why.
      type: list
      elements: str
      returned: always
diff:
  description: What changes, as before and after.
  returned: in diff mode
  type: list
  elements: dict
held:
  description: Path to reason, of files that were left alone since people wrote or edited them.
  returned: success
  type: dict
pull_requests:
  description: The URLs of the open pull requests that hold the change.
  returned: success
  type: list
  elements: str
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
"""
