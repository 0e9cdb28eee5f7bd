# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: tenants
short_description: Onboard tenants into the fleet repository, or take them out of it, by one commit
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Writes what tenants get in the environments of the given clusters (C(projects/)) by one commit, or by none where
    nothing differs. A tenant has its own files, and nothing else is touched.
  - Runs on the controller, once for a play (C(run_once)); a push that loses a race is planned again and pushed again.
  - Before anything is written it checks all requests against each other, the repository and the clusters, and reports
    every problem at once.
  - Files that people wrote are never changed. Where somebody edited a file of a tenant, all files of that tenant are
    left as they are, and reported.
  - A tenant that is named nowhere is left as it is, unless O(prune) is set. Only O(state=absent) takes tenants away,
    and it belongs between the steps of the playbook C(offboard), which has the clusters cleaned up in the right order.
  - Where a tenant leaves while one of its clusters can not be reached, or is not in the run, a file
    C(projects/<environment>/clusters/<cluster>/<tenant>.leaving) keeps what is still to do there, and the claims of its
    namespaces stay. O(state=absent) takes it away with the first run that reaches the cluster, whoever leaves by that.
notes:
  - This is an action; it always runs on the controller, whatever the connection of the host.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._repository
  - fluxops.fleet._sops
  - fluxops.fleet._wave
  - fluxops.fleet._requests
  - fluxops.fleet._forge.forges
options:
  clusters:
    description: The clusters of this run, each as returned by M(fluxops.fleet.preflight).
    type: list
    elements: dict
    required: true
  inventory:
    description: All clusters of the inventory, also those outside of C(--limit), each with C(host), C(name) and
      C(environment).
    type: list
    elements: dict
    default: []
  state:
    description: Whether the tenants are to be there. V(absent) removes O(names), and the tenants whose request says
      C(state) V(absent), from the environments of O(clusters).
    type: str
    choices: [present, absent]
    default: present
  names:
    description: The tenants that are to leave, with O(state=absent).
    type: list
    elements: str
    default: []
  prune:
    description:
      - Whether the tenants leave too that the environments of O(clusters) have and no request lists. With
        O(state=present) they are only named, as RV(unlisted).
      - Needs requests that list those who stay. A tenant that people keep by files of their own is never among them.
    type: bool
    default: false
  prune_limit:
    description: How many such tenants may leave by one run. Where there are more, nothing is done.
    type: int
    default: 5
  keep_workloads:
    description: Whether what the leaving tenants run stays in the clusters, with O(state=absent). Then no volume goes.
    type: bool
    default: false
  keep_namespace:
    description: Whether their namespaces stay, with O(state=absent). Then only volumes go that Flux applied.
    type: bool
    default: false
  moved:
    description: Whether the tenants that move, by V(move_tenant) in O(allow), are ready where they moved to, and the
      workloads are taken off where they are to leave, so that their files and keys of there can go too.
    type: bool
    default: false
  waiting:
    description: Environment to reason, of environments whose files stay as they are, with O(state=absent).
    type: dict
    default: {}
  unreachable:
    description: Whether clusters that can not be reached are left out, or fail the run before anything is written.
    type: str
    choices: [skip, fail]
    default: skip
  hand_edits:
    description:
      - What happens to the files of a tenant of which people edited one.
      - V(hold) leaves them and reports it, V(keep) leaves them silently, V(overwrite) writes them anew.
    type: str
    choices: [hold, keep, overwrite]
    default: hold
  allow:
    description:
      - Words for dangerous steps.
      - V(remove_namespace) lets a tenant lose a namespace with all that is in it.
      - V(orphan_tenant) lets a tenant leave a cluster of those that it chose, where its objects stay behind.
      - V(adopt_namespace) gives a tenant a namespace that exists in a cluster already.
      - V(remove_tenant) lets O(state=absent) remove tenants that exist.
      - V(plain_secret) accepts values of Secrets that stand in clear in what this run reads and writes.
      - V(move_tenant) lets a tenant leave clusters that it chose, or an environment that its request no longer names,
        after it is ready on the others. They are left as they are, and returned as C(moves), until O(moved) is set.
      - V(remove_volumes) lets namespaces go, with their tenant or by V(remove_namespace), that hold
        PersistentVolumeClaims in a cluster.
    type: list
    elements: str
    default: []
  templates:
    description: Directory on the controller whose C(tenant.yaml.j2), C(tenant-*.yaml.j2) and C(sync.yaml.j2) are used
      in place of those of the role. C(tenant-patches.yaml.j2) has patches of what these make.
    type: path
  takes:
    description:
      - Whether tenants come that other people's files in the repository give to the clusters. The same commit writes
        their files and takes the old entries away; what the new form does not have goes into C(extra/).
      - It belongs between the steps of M(fluxops.fleet.handover), by which nothing of theirs is pruned meanwhile.
    type: bool
    default: false
  refused:
    description: Tenant to reason, of those that stay in these files since a cluster said so, with O(takes).
    type: dict
    default: {}
seealso:
  - module: fluxops.fleet.handover
  - module: fluxops.fleet.requests
  - module: fluxops.fleet.preflight
"""

EXAMPLES = r"""
- name: Look at each cluster
  fluxops.fleet.preflight:
    name: "{{ inventory_hostname }}"
    environment: staging
    auth: {context: "{{ inventory_hostname }}"}
    namespaces: true
    repository: &repository
      url: ssh://git@git.example/platform/fleet.git
      private_key: "{{ vault_fleet_key }}"
      known_hosts: "{{ lookup('ansible.builtin.file', 'known_hosts') }}"
  register: cluster_facts

- name: Onboard all tenants of some requests
  fluxops.fleet.tenants:
    repository: *repository
    clusters: "{{ ansible_play_hosts | map('extract', hostvars, 'cluster_facts') | list }}"
    requests: [requests/]
    known_hosts: "{{ lookup('ansible.builtin.file', 'known_hosts') }}"
  run_once: true
"""

RETURN = r"""
diff:
  description: What changes, as before and after.
  returned: in diff mode
  type: list
  elements: dict
held:
  description: Path to reason, of files that were left alone.
  returned: success
  type: dict
not_in_this_run:
  description: What requests ask for in environments that have no cluster in this run, a line for each tenant.
  returned: success
  type: list
  elements: str
leaving:
  description: The tenants whose request says C(state) V(absent).
  returned: success
  type: list
  elements: str
names:
  description: The tenants that leave, with O(state=absent).
  returned: success
  type: list
  elements: str
withdrawn:
  description: The deploy keys that were taken away at forges, each with C(url) and C(title), with O(state=absent).
  returned: success
  type: list
  elements: dict
unlisted:
  description: The tenants that no request lists, with O(prune).
  returned: success
  type: list
  elements: str
waiting:
  description: What was given as O(waiting).
  returned: success
  type: dict
by_hand:
  description: What was left to do at forges that we can not ask.
  returned: success
  type: list
  elements: str
unlocked:
  description: Clusters whose running controllers lack flags of the lockdown, whatever the repository says, and which.
  returned: success
  type: list
  elements: str
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
      description: The paths that were written and concern this cluster.
      type: list
      elements: str
      returned: always
    held:
      description: The paths that concern this cluster and were left alone, and why.
      type: dict
      returned: always
    tenants:
      description: The tenants of this run that the cluster is to have.
      type: list
      elements: str
      returned: always
    source_keys:
      description: The deploy keys that these need, each with C(tenant), C(namespace), C(secret), C(source) and C(url).
      type: list
      elements: dict
      returned: always
    moves:
      description: The tenants that are to be taken off the cluster once they are ready on the others.
      type: list
      elements: str
      returned: always
    handover:
      description: The tenants that come from other people's files, and what they have on this cluster, for
        O(fluxops.fleet.handover#module:moving), with O(takes).
      type: list
      elements: dict
      returned: always
    staying:
      description: Tenant to reasons, of those that can not come, with O(takes).
      type: dict
      returned: always
    unfinished:
      description: The tenants that left while the cluster was away, and with O(state=absent) can be taken off it now,
        as O(fluxops.fleet.offboard#module:unfinished).
      type: list
      elements: dict
      returned: always
"""
