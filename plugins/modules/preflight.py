# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: preflight
short_description: Check one cluster before anything is written
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Reads one cluster as M(fluxops.fleet.flux_info) does, and checks it against what it is meant to be.
  - Takes all that M(fluxops.fleet.flux) will be given for the cluster, so that an option that is wrong is named now.
  - Writes nothing and fails for nothing that it finds. M(fluxops.fleet.clusters) takes the results of all clusters, and
    refuses with the problems of all before it writes.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._auth
  - fluxops.fleet._cluster
  - fluxops.fleet._repository
  - fluxops.fleet._secrets
  - fluxops.fleet._secrets.pull
  - fluxops.fleet._forge
  - fluxops.fleet._forge.forges
options:
  flux:
    description:
      - Which Flux, and how it is set. Give it where Flux is to be installed or updated.
      - Without it, only what concerns a cluster that runs Flux already is checked.
    type: dict
    required: false
  before:
    description: Whether to note what M(fluxops.fleet.gate) compares with later.
    type: bool
    default: false
  namespaces:
    description: Whether to list the namespaces too, each with the tenant that owns it, and the volumes of tenants.
    type: bool
    default: false
  components:
    description: The layers of this cluster's components, the weakest first, as a list of mappings or the text of one,
      which Ansible need not walk through again for each task. Returned as text.
    type: json
    default: "[]"
  groups:
    description: The groups of this host, by which O(components) say whom they are for.
    type: list
    elements: str
    default: []
  labels:
    description: The labels of this host (C(fleet_labels)), by which O(components) say whom they are for.
    type: dict
    default: {}
  upgrade:
    description: Whether the run migrates what is stored before it changes Flux, as the playbook C(upgrade) does.
    type: bool
    default: false
  waves:
    description:
      - The waves of the run as this host has them. Returned as they are.
      - Whoever publishes refuses a run whose hosts differ in them.
    type: list
    elements: raw
    default: []
  sops:
    description: What O(fluxops.fleet.tenants#module:sops) is on this host. Returned as it is, and refused as O(waves)
      are.
    type: dict
    default: {}
  gate:
    description: What must hold between the waves, as this host has it. Returned as it is, and refused as O(waves) are.
    type: dict
    default: {}
    suboptions:
      hold:
        description: For how many seconds all has to stay ready.
        type: int
      revert:
        description: Whether the commit of a wave that did not pass is taken back.
        type: bool
      ignore:
        description: Objects that are not asked for, see O(fluxops.fleet.gate#module:ignore).
        type: list
        elements: str
  known_hosts:
    description: Pinned host keys of the Git servers of tenants' sources, for M(fluxops.fleet.flux).
    type: str
  timeout:
    description: How long M(fluxops.fleet.flux) is to wait, in seconds.
    type: int
    default: 300
  name:
    description: The cluster's name. It is its directory's name in the repository.
    type: str
    required: true
  host:
    description: The inventory host that problems are reported for. Default is the cluster's name.
    type: str
  allow:
    description:
      Words for dangerous steps. V(move_sync) accepts a cluster that follows another repository, branch or path,
      V(downgrade_flux) an older Flux than the cluster has, V(skip_flux_minor) one that is more than a minor newer.
    type: list
    elements: str
    default: []
seealso:
  - module: fluxops.fleet.flux_info
  - module: fluxops.fleet.clusters
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
"""

RETURN = r"""
unproven:
  description:
    - Whether the cluster lacks the credential that is given for it.
    - Then it is tried at the Git server, from the controller.
    - A key that is still to be made, and a GitHub App, can not be tried.
  returned: always
  type: bool
managed_by:
  description: What else than Flux's own tools installs Flux there, such as V(Helm); empty where nothing else does.
  returned: always
  type: str
problems:
  description: What stands in the way, each with where, field, value and hint.
  returned: always
  type: list
  elements: dict
host:
  description: The host that was asked for.
  returned: always
  type: str
name:
  description: The cluster's name.
  returned: always
  type: str
environment:
  description: As given.
  returned: always
  type: str
substitutions:
  description: As given.
  returned: always
  type: dict
flux:
  description: As given.
  returned: always
  type: dict
components:
  description: As given, as text.
  returned: always
  type: str
upgrade:
  description: As given.
  returned: always
  type: bool
waves:
  description: As given.
  returned: always
  type: list
  elements: raw
gate:
  description: As given.
  returned: always
  type: dict
sops:
  description: As given.
  returned: always
  type: dict
before:
  description: What is not ready (C(ailing)), and which objects of Flux's there are in its own namespace (C(fleet)).
  returned: where O(before) asked for it and the cluster was reached
  type: dict
namespaces:
  description: Namespace to the tenant that its label names; empty text without one.
  returned: where O(namespaces) asked for it and the cluster was reached
  type: dict
volumes:
  description: The PersistentVolumeClaims in namespaces of tenants, each with C(namespace), C(name), C(size) and
    C(by), the sync or release that applied it.
  returned: where O(namespaces) asked for it and the cluster was reached
  type: list
  elements: dict
  sample: [{namespace: payments, name: data, size: 10Gi, by: ""}]
repository:
  description: URL and branch, as given.
  returned: always
  type: dict
reachable:
  description: Whether the API server answered and accepted the credentials.
  returned: always
  type: bool
ready:
  description: Whether Flux runs, follows, and every object of Flux is ready or suspended.
  returned: always
  type: bool
failure:
  description: The first object that is not ready and what it says of itself, or why the cluster can not be reached.
  returned: always
  type: str
uid:
  description: The UID of the namespace C(kube-system), which tells this cluster from all others.
  returned: always
  type: str
kubernetes_version:
  description: The API server's version.
  returned: always
  type: str
  sample: v1.36.3
version:
  description: Flux's version.
  returned: always
  type: str
  sample: v2.9.4
revision:
  description: What the root sync applied last.
  returned: always
  type: str
  sample: main@sha1:789cc007d3f3a8a9d1f9d0c5c6e7f8a9b0c1d2e3
administrator:
  description: Whether the credentials may do everything in the cluster.
  returned: always
  type: bool
controllers:
  description: The names of Flux's controllers that are installed.
  returned: always
  type: list
  elements: str
definitions:
  description: How Flux's objects are stored in the cluster, where this run changes Flux's version or components.
  returned: always
  type: list
  elements: dict
removals:
  description: Component to what may go with it, of those that the cluster has and O(components) take away from it.
  returned: always
  type: dict
  contains:
    objects:
      description: How many objects Flux applied for it.
      type: int
    named:
      description: The first of them.
      type: list
      elements: str
    definitions:
      description: The CustomResourceDefinitions that it brought, each with its C(name), how many C(objects) there are
        of it, the first of them (C(named)), whether a Helm C(release) brought it, and why it C(stays), empty where it
        goes.
      type: list
      elements: dict
follows:
  description: URL, branch and path that the root sync follows.
  returned: always
  type: list
  elements: str
lockdown:
  description: Whether tenants are locked in, and what would stop to work if they were.
  returned: always
  type: dict
  contains:
    enforced:
      description: Whether each controller has the flags of the lockdown.
      type: bool
    missing:
      description: The flags that are missing, each with its controller.
      type: list
      elements: str
    would_break:
      description: What lockdown would refuse, each with C(object), C(field) and C(why).
      type: list
      elements: dict
suspended:
  description: The objects that are suspended.
  returned: always
  type: list
  elements: str
suspensions:
  description: The same by reason, see RV(fluxops.fleet.flux_info#module:suspensions).
  returned: always
  type: list
  elements: dict
objects:
  description: How many objects of each of Flux's kinds there are.
  returned: always
  type: dict
"""

from ansible_collections.fluxops.fleet.plugins.module_utils._noun import run_module
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import preflight


def main() -> None:
    """Run where Ansible copied this to."""
    run_module(preflight)


if __name__ == "__main__":
    main()
