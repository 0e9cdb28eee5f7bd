# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: flux_info
short_description: Facts of one cluster and its Flux
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Reads one cluster and writes nothing.
  - A cluster that can not be reached is a result (RV(reachable) is false), no failure, so that the others go on.
  - A Kustomization says nothing of how it is while Flux looks at it, as it does at every interval. What comes of it is
    waited for, for ten seconds at most.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._auth
options:
  name:
    description: The cluster's name. It is its directory's name in the repository.
    type: str
    required: true
  tenant:
    description: The one tenant to look at. Then RV(ready) and RV(failure) are about that tenant, which has to be there.
    type: str
    default: ''
seealso:
  - module: fluxops.fleet.preflight
"""

EXAMPLES = r"""
- name: Look at a cluster
  fluxops.fleet.flux_info:
    name: stg-eks-1
    auth:
      kubeconfig: ~/.kube/config
      context: stg-eks-1
  register: found

- name: Say what is wrong with it
  ansible.builtin.debug:
    msg: "{{ found.failure }}"
  when: not found.ready
"""

RETURN = r"""
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
  description: Always empty here; M(fluxops.fleet.preflight) fills it.
  returned: always
  type: list
  elements: dict
follows:
  description: URL, branch and path that the root sync follows.
  returned: always
  type: list
  elements: str
managed_by:
  description: What else than Flux's own tools installs Flux there, such as V(Helm); empty where nothing else does.
  returned: always
  type: str
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
  description: The same by reason, as M(fluxops.fleet.suspension) writes it on what it suspends.
  returned: always
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
objects:
  description: How many objects of each of Flux's kinds there are.
  returned: always
  type: dict
infrastructure:
  description: How each component of the infrastructure is.
  returned: always
  type: list
  elements: dict
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
tenants:
  description: How each tenant is, or the one of O(tenant).
  returned: always
  type: list
  elements: dict
  contains: *health
tenant:
  description: The tenant that was asked for.
  returned: always
  type: str
name:
  description: The cluster's name.
  returned: always
  type: str
"""

from ansible_collections.fluxops.fleet.plugins.module_utils._noun import run_module
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import flux_info


def main() -> None:
    """Run where Ansible copied this to."""
    run_module(flux_info)


if __name__ == "__main__":
    main()
