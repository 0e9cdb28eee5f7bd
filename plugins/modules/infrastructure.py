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
  - Tenants wait for the last layers that their cluster has, those for which no other layer waits.
  - Before anything is written it checks the whole run, and reports every problem at once.
  - Files that people wrote are never changed. Files of ours that people edited are held and reported.
notes:
  - This is an action; it always runs on the controller, whatever the connection of the host.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._forge
  - fluxops.fleet._repository
  - fluxops.fleet._secrets
  - fluxops.fleet._sops
  - fluxops.fleet._verify
  - fluxops.fleet._wave
options:
  clusters:
    description:
      - The clusters of this run, each as returned by M(fluxops.fleet.preflight) with
        O(fluxops.fleet.preflight#module:components).
      - The components are up to four mappings of name to fields, each merged deeply over those before it. The first
        two, the fleet's and the environment's, must be the same for all clusters of an environment; the region's and
        the cluster's own change what the environment's clusters share.
      - A component has C(layer) and one of C(helm), C(kustomize), C(manifests) (a list of objects, or a file or
        directory of them on the controller), C(access) (ClusterRole to groups and users) and C(external_secrets) (a
        list of C(name), C(namespace), C(store), C(kind), C(key), C(type)).
      - C(helm) has C(repository) with C(version), or with C(digest) where it is a registry, or C(git) with C(ref) and
        C(path); and where they are wanted C(chart), C(release), C(crds), and by Flux's own names C(install),
        C(upgrade), C(rollback), C(uninstall), C(test) and C(drift_detection). The component then also has
        C(namespace), C(values) and C(values_from).
      - C(kustomize) has C(path), a directory of the fleet repository, or C(git) with C(ref), or C(oci) with C(digest),
        and C(path) there. The component then also has C(target_namespace) and C(patches).
      - Both have C(secret), C(ca_secret) and C(verify) for what comes from elsewhere.
      - Each component has C(clusters) (C(environments), C(groups), C(labels), C(names)), C(depends_on), C(interval),
        C(retry_interval), C(timeout), C(wait), C(health_checks), C(health_check_exprs), C(service_account),
        C(decryption) (C(secret)), C(substitute) and C(state).
      - Of fields that stand for one another, such as C(version) and C(digest), the later mapping's one stays. C(ref),
        C(verify) and C(strategy) are replaced as a whole.
    type: list
    elements: dict
    required: true
  layers:
    description:
      - The layers in their order. Each component waits for all components of the layer before its own.
      - Or a mapping of each layer to the list of layers whose components it waits for.
    type: raw
    default: [controllers, configs]
  inventory:
    description:
      - All clusters of the inventory, also those outside of C(--limit), each with C(host), C(name), C(environment), and
        where they have them C(groups) and C(labels).
      - The field C(clusters) of a component is held against them.
    type: list
    elements: dict
    default: []
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
      anew, V(remove_crds) that CustomResourceDefinitions go of which there are objects, V(plain_secret) values of
      Secrets that stand in clear below C(infrastructure/).
    type: list
    elements: str
    default: []
  check_charts:
    description: Whether the repositories of charts that are new to a cluster, by name or version, are asked from here
      whether they have them, by those of O(secrets) that components name. One that does not answer is a warning.
      Values that change are held against the C(values.schema.json) of their chart and of the charts in it, where the
      Python package C(jsonschema) (4.18 or newer) is installed.
    type: bool
    default: true
  templates:
    description: Directory on the controller whose C(source.yaml.j2), C(helm.yaml.j2), C(manifests.yaml.j2) and
      C(kustomization.yaml.j2) are used in place of the role's.
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
        gateway-api:
          layer: controllers
          kustomize:
            git: https://github.com/kubernetes-sigs/gateway-api.git
            ref: {tag: v1.4.0}
            path: config/crd
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
warnings:
  description: Chart repositories that did not answer.
  returned: success
  type: list
  elements: str
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
    removed:
      description: Component to what goes of it, in words.
      type: dict
      returned: always
    components:
      description: The cluster's components in the order in which they come.
      type: list
      elements: str
      returned: always
"""
