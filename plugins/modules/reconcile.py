# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: reconcile
short_description: Wait until one cluster has applied a revision, with its components or tenants
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Asks the root sync to fetch now and not at its next interval, as C(flux reconcile) does, and what is late with it.
  - Then waits until the cluster has applied a revision that contains the given commit, and until what is named is
    ready.
  - For components these are their Kustomizations in C(flux-system) and the sources and releases of their label there.
  - For a tenant these are its shard, the Kustomization C(tenant-<name>) and all of Flux's objects in the namespaces
    that are labelled as the tenant's.
  - Where all of this is true already, nothing is asked.
  - What people have suspended is not waited for.
  - It fails when all others have been waited for, and names each that is not ready in Flux's own words. It gives up
    before O(timeout) when all that is left has failed with the same words for 20 seconds.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._auth
  - fluxops.fleet._repository
options:
  repository:
    description: The fleet repository, where revisions are compared. Needed with O(revision).
    required: false
  name:
    description: The cluster's name. It is its directory's name in the repository.
    type: str
    required: true
  revision:
    description: The commit to wait for. Without one, any revision that is ready will do.
    type: str
    default: ''
  rejected:
    description: Commits that are known not to contain O(revision).
    type: list
    elements: str
    default: []
  files:
    description: What this run has changed for this cluster in the repository; with any, the cluster counts as changed.
    type: list
    elements: str
    default: []
  tenants:
    description: The tenants to wait for.
    type: list
    elements: str
    default: []
  components:
    description: Whether to wait for the components of the infrastructure.
    type: bool
    default: false
  everything:
    description: Whether to wait for all components and all tenants that the cluster has.
    type: bool
    default: false
  ask:
    description: Whether to ask even where all is ready, and to ask the sources, syncs and releases of O(tenants) and
      those of O(components) too.
    type: bool
    default: false
  timeout:
    description: How long to wait, in seconds.
    type: int
    default: 300
seealso:
  - module: fluxops.fleet.flux
  - module: fluxops.fleet.flux_info
"""

EXAMPLES = r"""
- name: Have a tenant fetch and apply what its repository holds now
  fluxops.fleet.reconcile:
    name: stg-eks-1
    auth: {context: stg-eks-1}
    tenants: [payments]
    ask: true
  register: reconciled

- name: Say what it runs
  ansible.builtin.debug:
    msg: "{{ reconciled.tenants.payments.revision }}"
"""

RETURN = r"""
revision:
  description: What the root sync has applied.
  returned: success
  type: str
  sample: main@sha1:789cc007d3f3a8a9d1f9d0c5c6e7f8a9b0c1d2e3
tenants:
  description: How each tenant is, by its name, also where the module fails.
  returned: when the cluster was reached
  type: dict
  contains: &health
    name:
      description: Its name.
      type: str
    ready:
      description: Whether all of it is ready.
      type: bool
    suspended:
      description: Whether people have suspended a part of it, and the rest is ready.
      type: bool
    state:
      description: V(ready), V(waiting), V(failed), V(suspended) or V(missing).
      type: str
    revision:
      description: What its own sync applied last, or the version of its chart.
      type: str
    failure:
      description: The first of its objects that is not ready, and what it says of itself.
      type: str
components:
  description: How each component is, by its name, also where the module fails.
  returned: when the cluster was reached
  type: dict
  contains: *health
"""

from ansible_collections.fluxops.fleet.plugins.module_utils._noun import run_module
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import reconcile


def main() -> None:
    """Run where Ansible copied this to."""
    run_module(reconcile)


if __name__ == "__main__":
    main()
