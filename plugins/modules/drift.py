# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: drift
short_description: What in one cluster differs from the fleet repository, component by component
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Reads one cluster and writes nothing. Where plain comparison leaves open whether an object differs, the API server
    is asked by a dry run of what Flux would apply; where that is not allowed, fields are compared as they are.
  - A cluster that can not be reached is a result (RV(reachable) is false), no failure, so that the others go on.
  - Objects that Flux is told to leave alone, and what C(driftDetection.ignore) of a release names, may differ.
  - Values are never returned, only where they stand.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._auth
  - fluxops.fleet._repository
options:
  name:
    description: The cluster's name. It is its directory's name in the repository.
    type: str
    required: true
  environment:
    description: The cluster's environment; returned as it is.
    type: str
    default: ''
  repository:
    description: The fleet repository. Its URL and branch are returned as they are.
    required: false
  expected:
    description:
      - What the repository says that the cluster has, as C(components) of M(fluxops.fleet.expected).
      - Without it, what Flux and its releases tell by themselves is all that is looked at.
    type: dict
  look_ahead:
    description: Whether only what M(fluxops.fleet.expected) needs to know is read.
    type: bool
    default: false
seealso:
  - module: fluxops.fleet.expected
  - module: fluxops.fleet.flux_info
"""

EXAMPLES = r"""
- name: See whether somebody changed what the releases of a cluster brought
  fluxops.fleet.drift:
    name: stg-eks-1
    auth: {context: stg-eks-1}
  register: drift

- name: Say where
  ansible.builtin.debug:
    msg: "{{ drift.findings }}"
"""

RETURN = r"""
name:
  description: The cluster's name.
  returned: always
  type: str
environment:
  description: As given.
  returned: always
  type: str
repository:
  description: URL and branch as given.
  returned: always
  type: dict
reachable:
  description: Whether the API server answered and accepted the credentials.
  returned: always
  type: bool
failure:
  description: Why nothing could be compared.
  returned: always
  type: str
version:
  description: Flux's version.
  returned: always
  type: str
revision:
  description: What the root sync applied last.
  returned: always
  type: str
revisions:
  description: Component to the commit that it has applied; under an empty name, that of the root sync.
  returned: always
  type: dict
components:
  description: The components that the cluster has.
  returned: always
  type: list
  elements: str
findings:
  description: What differs.
  returned: always
  type: list
  elements: dict
  contains:
    component:
      description: The component.
      type: str
    finding:
      description: V(edited), V(missing), V(extra), V(suspended), V(failing) or V(not yet applied).
      type: str
    object:
      description: The object.
      type: str
    why:
      description: Which fields, and who set them; or what Flux says.
      type: str
notes:
  description: What could not be compared, or not as well.
  returned: always
  type: list
  elements: str
"""

from ansible_collections.fluxops.fleet.plugins.module_utils._noun import run_module
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import drift


def main() -> None:
    """Run where Ansible copied this to."""
    run_module(drift)


if __name__ == "__main__":
    main()
