# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: gate
short_description: Wait until one cluster is as ready as it was, and see that it stays so
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Waits until all of Flux's objects in a cluster that were ready before are ready at the revision that their sources
    hold now, and so are those that came since. Flux's controllers are among them.
  - Then watches for a while that none of them fails, and that nothing is gone that was in Flux's own namespace.
  - What people have suspended is not waited for.
  - It fails with Flux's own words. It gives up before O(timeout) when all that is left has failed with the same words
    for 20 seconds. It writes nothing, and in check mode it does not wait.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._auth
options:
  name:
    description: The cluster's name.
    type: str
    required: true
  before:
    description: How the cluster was before, as returned by M(fluxops.fleet.preflight) with
      O(fluxops.fleet.preflight#module:before).
    type: dict
    default: {}
  strict:
    description: Whether also what was not ready before has to be ready.
    type: bool
    default: false
  removes:
    description: Whether what is gone was meant to go.
    type: bool
    default: false
  ignore:
    description: Objects that are not asked for, as V(Kind namespace/name), where V(*) stands for any characters.
    type: list
    elements: str
    default: []
  hold:
    description: For how many seconds all has to stay ready.
    type: int
    default: 0
  timeout:
    description: How long to wait until all is ready, in seconds.
    type: int
    default: 300
seealso:
  - module: fluxops.fleet.verdict
"""

EXAMPLES = r"""
- name: See that the cluster is well for a minute
  fluxops.fleet.gate:
    name: stg-eks-1
    auth: {context: stg-eks-1}
    before: "{{ cluster_facts.before }}"
    ignore: ["HelmRelease payments-jobs/*"]
    hold: 60
"""

RETURN = r"""# """

from ansible_collections.fluxops.fleet.plugins.module_utils._noun import run_module
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import gate


def main() -> None:
    """Run where Ansible copied this to."""
    run_module(gate)


if __name__ == "__main__":
    main()
