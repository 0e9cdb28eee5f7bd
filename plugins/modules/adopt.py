# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: adopt
short_description: Understand a fleet repository that people laid out, and bring it to the APIs of today by one commit
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Reads a fleet repository of any layout and says which clusters, environments, tenants, sources and Kustomizations of
    Flux it found, what it did not understand, and what endangers the fleet.
  - Brings manifests of old versions of Flux's APIs, and lists that kustomize has given up (C(bases),
    C(patchesStrategicMerge), C(patchesJson6902)), to the form of today. Comments, order and all other bytes stay.
    Directories stay where they are.
  - A file is written only where all directories that read it come to the same objects as before. What can not be
    rewritten safely stays as it is and is returned in RV(left).
  - Where O(requests) is given, each tenant that can be said in a request gets one, in a directory on the controller.
    A name that is taken there is left alone.
  - A second run changes nothing.
notes:
  - This is an action; it always runs on the controller, whatever the connection of the host.
  - Symbolic links and submodules of the repository are reported and not followed.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._forge
  - fluxops.fleet._repository
options:
  allow:
    description: Words for dangerous steps. V(newer_api) writes today's versions although an install manifest in the
      repository does not serve them. The clusters must run a Flux that does before they get the commit.
    type: list
    elements: str
    default: []
  requests:
    description: Directory on the controller that gets the requests. None are written without it.
    type: path
  json_file:
    description: File on the controller that gets what was understood. It is written also in check mode.
    type: path
seealso:
  - module: fluxops.fleet.clusters
  - module: fluxops.fleet.requests
"""

EXAMPLES = r"""
- name: Bring a fleet repository to the APIs of today
  fluxops.fleet.adopt:
    repository:
      url: ssh://git@git.example/platform/fleet.git
      private_key: "{{ vault_fleet_key }}"
      known_hosts: "{{ lookup('ansible.builtin.file', 'known_hosts') }}"
      publish: pull_request
    forge:
      kind: gitea
      url: https://git.example
      token: "{{ vault_forge_token }}"
    requests: "{{ playbook_dir }}/requests"
"""

RETURN = r"""
diff:
  description: What changes, as before and after.
  returned: in diff mode
  type: list
  elements: dict
files:
  description: The paths of the repository that were written.
  returned: success
  type: list
  elements: str
requests:
  description: The files on the controller that were written.
  returned: success
  type: list
  elements: str
revision:
  description: The commit that holds the change, or the head where nothing is to change.
  returned: success
  type: str
pull_request:
  description: The URL of the open pull request that holds the change, or empty.
  returned: success
  type: str
awaits:
  description: What must happen before the branch has the change. Empty where it has it.
  returned: success
  type: str
table:
  description: What was understood, as it is printed.
  returned: success
  type: str
clusters:
  description: Each cluster with its C(environment), C(directory), Flux's version, C(tenants), and how many
    Kustomizations of Flux it has.
  returned: success
  type: list
  elements: dict
environments:
  description: Environment to the names of its clusters.
  returned: success
  type: dict
tenants:
  description: Each tenant with its C(namespaces), and by environment what is delivered where.
  returned: success
  type: list
  elements: dict
sources:
  description: Flux's sources of each cluster, with URL and file.
  returned: success
  type: list
  elements: dict
syncs:
  description: Flux's Kustomizations of each cluster, with source, path and file.
  returned: success
  type: list
  elements: dict
unreached:
  description: Files with Kustomizations of Flux that no cluster follows.
  returned: success
  type: list
  elements: str
dangers:
  description: C(where) (a file) and C(danger). These are bindings to cluster-admin, values in clear, paths that are not
    there, and bases that lie elsewhere.
  returned: success
  type: list
  elements: dict
left:
  description: What was not understood or can not be rewritten safely, and why.
  returned: success
  type: list
  elements: str
"""
