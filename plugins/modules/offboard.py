# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: offboard
short_description: Take tenants off one cluster, in the order that loses nothing
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - "O(step=workloads): suspends the Kustomization C(tenant-<name>), so that nothing comes back; puts the service
    account and the role binding of Flux back where somebody has deleted them; deletes the tenant's own Kustomizations
    and HelmReleases, not suspended, those that applied others last; and waits until these and all that they applied
    are gone."
  - "O(step=namespaces), when the files are gone from the repository: waits until Flux has let go of C(tenant-<name>);
    deletes the tenant's rights, then its network policies, quotas and limits, then its namespaces; and waits until
    these are gone."
  - What is in between is written down as an annotation of the tenant's first namespace, so a run that was killed
    goes on.
  - Nothing is touched but C(tenant-<name>) and what lies in namespaces labelled with C(fleet.fluxops.io/tenant).
    A label on C(default), C(flux-system) or C(kube-*) is refused.
  - Finalizers that hang are named and never taken off. The next run goes on when they are gone.
  - A tenant that the cluster does not have is no change, and needs no word.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._auth
options:
  name:
    description: The cluster's name. It is its directory's name in the repository.
    type: str
    required: true
  tenants:
    description: The tenants that leave.
    type: list
    elements: str
    required: true
  unfinished:
    description: The tenants that left while this cluster was away, as M(fluxops.fleet.tenants) returns them in
      RV(fluxops.fleet.tenants#module:clusters). They need no word to leave. Not those that O(tenants) names.
    type: list
    elements: dict
    default: []
    suboptions:
      tenant:
        description: The tenant's name.
        type: str
        required: true
      keep_workloads:
        description: As O(keep_workloads), for this tenant.
        type: bool
        default: false
      keep_namespace:
        description: As O(keep_namespace), for this tenant.
        type: bool
        default: false
      allow:
        description: As O(allow), for this tenant, beside it.
        type: list
        elements: str
        default: []
  step:
    description: What to take away.
    type: str
    required: true
    choices: [workloads, namespaces]
  keep_workloads:
    description:
      - Whether all that runs stays, with its namespaces, and is nobody's from then on.
      - With O(step=workloads), Flux lets go of it - the tenant's Kustomizations get C(suspend) and
        C(deletionPolicy=Orphan), its HelmReleases C(suspend), so that nothing is pruned or uninstalled; then they
        are deleted.
      - With O(step=namespaces), rights, network policies, quotas, limits, Flux's other objects and the Secrets that
        were made for sources go, and the namespaces lose the label by which they are the tenant's.
    type: bool
    default: false
  keep_namespace:
    description: Whether the namespaces stay where the workloads go, without the label by which they are the tenant's.
    type: bool
    default: false
  allow:
    description: Words for dangerous steps. V(remove_tenant) lets a tenant be removed that the cluster has,
      V(remove_volumes) also where its namespaces hold PersistentVolumeClaims.
    type: list
    elements: str
    default: []
  timeout:
    description: How long to wait, in seconds.
    type: int
    default: 300
seealso:
  - module: fluxops.fleet.tenants
"""

EXAMPLES = r"""
- name: Take away what the tenant runs
  fluxops.fleet.offboard:
    name: stg-eks-1
    auth: {context: stg-eks-1}
    tenants: [payments]
    step: workloads
    allow: [remove_tenant]

- name: Take away the rest, after its files
  fluxops.fleet.offboard:
    name: stg-eks-1
    auth: {context: stg-eks-1}
    tenants: [payments]
    step: namespaces
    allow: [remove_tenant]

- name: Have Flux let go of what the tenant runs, and keep it
  fluxops.fleet.offboard:
    name: stg-eks-1
    auth: {context: stg-eks-1}
    tenants: [payments]
    step: workloads
    keep_workloads: true
    allow: [remove_tenant]
"""

RETURN = r"""
diff:
  description: What goes, by name.
  returned: in diff mode
  type: list
  elements: dict
removed:
  description: What this step takes away, by tenant; empty where there is nothing to do but to wait.
  returned: when the cluster was reached
  type: dict
  sample: {payments: ["Kustomization payments/payments", "Deployment payments/web"]}
revision:
  description: What the root sync has applied.
  returned: when the cluster was reached
  type: str
  sample: main@sha1:789cc007d3f3a8a9d1f9d0c5c6e7f8a9b0c1d2e3
left:
  description: What the tenant's syncs applied and did not delete, since people or charts have said so, or
    O(keep_workloads). What of it lies in the tenant's namespaces goes with them, where these go. By tenant.
  returned: when the cluster was reached
  type: dict
started:
  description: When the step began, in UTC.
  returned: when the cluster was reached
  type: str
  sample: "2026-11-23T14:00:00Z"
ended:
  description: When it was done, in UTC.
  returned: when the cluster was reached
  type: str
  sample: "2026-11-23T14:00:07Z"
"""

from ansible_collections.fluxops.fleet.plugins.module_utils._noun import run_module
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import offboard


def main() -> None:
    """Run where Ansible copied this to."""
    run_module(offboard)


if __name__ == "__main__":
    main()
