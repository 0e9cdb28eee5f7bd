# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: decommission
short_description: Flux leaves one cluster, with what it applied kept or pruned
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Suspends the root sync; removes Flux's controllers and waits until none of their pods runs; takes Flux's finalizers,
    and no others, off all of its objects; removes its definitions, its cluster roles and bindings, and the namespace
    C(flux-system); and waits until all of this is gone.
  - With O(workloads=prune), Flux first deletes what it applied, dependents first, while its controllers are there.
  - Workloads (Deployments, StatefulSets, DaemonSets, CronJobs outside of C(flux-system)) are counted before and after.
    With O(workloads=keep) it fails where one of them is gone or is another then.
  - Finalizers of others that hang are named and never taken off. The next run goes on when they are gone.
  - It is refused where something that is not Flux's runs in C(flux-system), and where another installation of Flux uses
    the same definitions.
  - Killed at any moment, the next run goes on. A cluster without Flux is no change, and needs no word.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._auth
options:
  name:
    description: The cluster's name. It is its directory's name in the repository.
    type: str
    required: true
  workloads:
    description: What becomes of what Flux applied. V(keep) leaves it as it is, and V(prune) has Flux delete it.
    type: str
    choices: [keep, prune]
    default: keep
  allow:
    description: Words for dangerous steps. V(decommission) lets Flux leave.
    type: list
    elements: str
    default: []
  timeout:
    description: How long to wait, in seconds.
    type: int
    default: 300
seealso:
  - module: fluxops.fleet.former_clusters
"""

EXAMPLES = r"""
- name: Take Flux off a cluster, and leave what runs there
  fluxops.fleet.decommission:
    name: stg-eks-1
    auth: {context: stg-eks-1}
    allow: [decommission]
"""

RETURN = r"""
removed:
  description: What goes, in words. With O(workloads=prune) it begins with what Flux applied.
  returned: success
  type: list
  elements: str
left:
  description: With O(workloads=prune), what Flux applied and did not delete, as people may have asked for.
  returned: success
  type: list
  elements: str
lost:
  description: With O(workloads=keep), the workloads that are gone.
  returned: success
  type: list
  elements: str
workloads_before:
  description: How many workloads of each kind there were.
  returned: success
  type: dict
workloads_after:
  description: How many there are.
  returned: success
  type: dict
revision:
  description: V(gone); in check mode what the root sync applied last.
  returned: success
  type: str
"""

from ansible_collections.fluxops.fleet.plugins.module_utils._noun import run_module
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import decommission


def main() -> None:
    """Run where Ansible copied this to."""
    run_module(decommission)


if __name__ == "__main__":
    main()
