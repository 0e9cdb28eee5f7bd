# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: handover
short_description: Keep what tenants have on one cluster while it comes from other people's files to ours
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - "O(step=keep), before the commit that takes tenants out of the old layout: sees whether the new form can hold all
    that the cluster runs for a tenant, and has Flux keep it, by C(kustomize.toolkit.fluxcd.io/prune=disabled) on what
    changes hands and C(deletionPolicy=Orphan) on Kustomizations that go."
  - "O(step=release), after it: waits until all Kustomizations of the fleet repository have applied its revision and
    C(tenant-<name>) owns what was kept; sees that nothing was made anew; and takes the annotations away again."
  - Objects that people have told Flux to keep stay so.
  - A run that was killed in between is gone on with by either step.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._auth
options:
  name:
    description: The cluster's name. It is its directory's name in the repository.
    type: str
    required: true
  step:
    description: What to do.
    type: str
    required: true
    choices: [keep, release]
  moving:
    description: The tenants that move, as M(fluxops.fleet.tenants) returns them in C(handover) of
      RV(fluxops.fleet.tenants#module:clusters), with O(step=keep).
    type: list
    elements: dict
    default: []
  given:
    description: The names of Secrets that this run brings to tenants, with O(step=keep).
    type: list
    elements: str
    default: []
  tenants:
    description: The tenants that may have come, with O(step=release).
    type: list
    elements: str
    default: []
  before:
    description: RV(before) of O(step=keep), with O(step=release).
    type: list
    elements: dict
    default: []
  timeout:
    description: How long to wait, in seconds.
    type: int
    default: 300
seealso:
  - module: fluxops.fleet.tenants
  - module: fluxops.fleet.adopt
"""

EXAMPLES = r"""
- name: Keep what the tenants have, before their files change
  fluxops.fleet.handover:
    name: stg-eks-1
    auth: {context: stg-eks-1}
    step: keep
    moving: []
  register: kept

- name: Let go of it, once Flux applies it by the new files
  fluxops.fleet.handover:
    name: stg-eks-1
    auth: {context: stg-eks-1}
    step: release
    tenants: [payments]
    before: "{{ kept.before }}"
"""

RETURN = r"""
diff:
  description: What is kept, or let go of, by name.
  returned: in diff mode
  type: list
  elements: dict
refused:
  description: Tenant to reason, of those that can not move on this cluster.
  returned: with O(step=keep)
  type: dict
  sample: {payments: "stg-eks-1: ClusterRole fleet-tenant may not write certificates.cert-manager.io"}
before:
  description: All that the tenants that move have here, with C(api_version), C(kind), C(namespace), C(name) and C(uid).
  returned: with O(step=keep)
  type: list
  elements: dict
"""

from ansible_collections.fluxops.fleet.plugins.module_utils._noun import run_module
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import handover


def main() -> None:
    """Run where Ansible copied this to."""
    run_module(handover)


if __name__ == "__main__":
    main()
