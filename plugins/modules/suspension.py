# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: suspension
short_description: Have Flux leave one cluster alone, or one tenant on it, and go on again
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - "O(state=suspended) suspends every Kustomization and every HelmRelease of the cluster, the root sync first; with
    O(tenant), C(tenant-<name>) and those in the namespaces that are labelled as the tenant's. Flux then changes
    nothing there. Sources still fetch."
  - Why, by whom and since when stands on each object as annotations C(fleet.fluxops.io/suspended-reason),
    C(-by) and C(-since), and is shown by M(fluxops.fleet.flux_info) and the playbook C(status).
  - "O(state=resumed) resumes what carries these annotations, and nothing else: what people suspended by other means is
    theirs to resume, and is reported."
  - What was suspended for a tenant alone stays so when its cluster is resumed; and what was suspended with the cluster
    is not resumed for one tenant.
  - An object that is being applied at this moment is applied to its end.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._auth
options:
  name:
    description: The cluster's name. It is its directory's name in the repository.
    type: str
    required: true
  state:
    description: Whether Flux is to leave it alone.
    type: str
    required: true
    choices: [suspended, resumed]
  tenant:
    description: The one tenant. Without it, the whole cluster.
    type: str
    default: ''
  reason:
    description: Why, for those who find it suspended. Needed with O(state=suspended).
    type: str
    default: ''
  by:
    description: Who asks for it.
    type: str
    default: ''
seealso:
  - module: fluxops.fleet.flux_info
  - module: fluxops.fleet.reconcile
"""

EXAMPLES = r"""
- name: Leave a cluster alone while its storage is moved
  fluxops.fleet.suspension:
    name: stg-eks-1
    auth: {context: stg-eks-1}
    state: suspended
    reason: storage is being moved, see INC-1234
    by: alice

- name: Go on
  fluxops.fleet.suspension:
    name: stg-eks-1
    auth: {context: stg-eks-1}
    state: resumed
"""

RETURN = r"""
objects:
  description: What was suspended or resumed.
  returned: success
  type: list
  elements: str
  sample: [Kustomization flux-system/flux-system]
suspensions:
  description: What is suspended then, by reason.
  returned: success
  type: list
  elements: dict
  contains:
    scope:
      description: V(cluster), V(tenant), or empty for what was suspended by other means.
      type: str
    reason:
      description: Why.
      type: str
    by:
      description: Who had it suspended.
      type: str
    since:
      description: Since when.
      type: str
    objects:
      description: The objects.
      type: list
      elements: str
revision:
  description: What the root sync applied last.
  returned: success
  type: str
  sample: main@sha1:789cc007d3f3a8a9d1f9d0c5c6e7f8a9b0c1d2e3
"""

from ansible_collections.fluxops.fleet.plugins.module_utils._noun import run_module
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import suspension


def main() -> None:
    """Run where Ansible copied this to."""
    run_module(suspension)


if __name__ == "__main__":
    main()
