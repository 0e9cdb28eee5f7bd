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
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._auth
options:
  name:
    description: The cluster's name. It is its directory's name in the repository.
    type: str
    required: true
  host:
    description: The inventory host that problems are reported for. Default is the cluster's name.
    type: str
  bootstrap:
    description: What the cluster is meant to be. Given, it is checked as well, and RV(problems) says what stands in
      the way.
    type: dict
    suboptions:
      environment:
        description: The cluster's environment, such as V(staging). It names directories of the repository.
        type: str
        required: true
      substitutions:
        description: Facts of this cluster that manifests may substitute, beside C(cluster_name) and
          C(cluster_environment).
        type: dict
        default: {}
      flux:
        description: Which Flux, and how it is set.
        type: dict
        required: true
        suboptions:
          version:
            description: Flux's version, such as V(v2.9.4).
            type: str
            required: true
          manifest:
            description: URL, or path on the host where the module runs, of the release's C(install.yaml).
            type: str
            required: true
          digest:
            description: SHA-256 of the manifest. Another manifest is refused before anything is written.
            type: str
            required: true
          lockdown:
            description:
              - V(enforce) has the controllers refuse references across namespaces and remote bases, and act as the
                service
                account C(fleet-tenant) where an object names none.
              - V(none) leaves Flux's own defaults.
            type: str
            choices: [enforce, none]
            default: enforce
      repository:
        description: The fleet repository, and how this run reaches it.
        type: dict
        required: true
        suboptions:
          url:
            description: C(ssh://git@host/path.git) or C(https://host/path.git), without credentials.
            type: str
            required: true
          branch:
            description: The branch that the clusters follow.
            type: str
            default: main
          private_key:
            description:
              - SSH key, in OpenSSH's format and without passphrase, that may push. It never reaches a file.
              - Without one, the keys of the user's SSH agent are offered.
            type: str
          known_hosts:
            description: Lines of a known_hosts file with the server's host keys. Host keys are pinned, never scanned.
            type: str
          username:
            description: User name that goes with O(bootstrap.repository.token).
            type: str
            default: git
          token:
            description: Token or password for HTTPS that may push.
            type: str
          ca_cert:
            description: Certificate authority (PEM, the text) that the server's certificate is checked against.
            type: str
      pull:
        description: How the cluster pulls from the fleet repository.
        type: dict
        default: {}
        suboptions:
          kind:
            description:
              - V(deploy_key) has a key made for this cluster alone, in the cluster, and registered read-only at the
                forge.
              - V(private_key) takes a given SSH key.
              - V(token) takes a given token, for an HTTPS URL.
            type: str
            choices: [deploy_key, private_key, token]
            default: deploy_key
          private_key:
            description: The SSH key of O(bootstrap.pull.kind=private_key), in OpenSSH's format and without passphrase.
            type: str
          username:
            description: User name that goes with O(bootstrap.pull.token).
            type: str
            default: git
          token:
            description: The token of O(bootstrap.pull.kind=token).
            type: str
      secrets:
        description: Secrets that the cluster needs before Flux starts to follow, such as decryption keys.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: The Secret's name.
            type: str
            required: true
          namespace:
            description: The Secret's namespace, made where it is missing.
            type: str
            default: flux-system
          type:
            description: The Secret's type.
            type: str
            default: Opaque
          data:
            description: Field to value, in clear (not base64).
            type: dict
            required: true
  allow:
    description: Words for dangerous steps. V(move_sync) accepts a cluster that follows another repository, branch
      or path.
    type: list
    elements: str
    default: []
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
follows:
  description: URL, branch and path that the root sync follows.
  returned: when reachable
  type: list
  elements: str
suspended:
  description: The objects that are suspended.
  returned: always
  type: list
  elements: str
objects:
  description: How many objects of each of Flux's kinds there are.
  returned: always
  type: dict
problems:
  description: What stands in the way of bootstrapping, each with where, field, value and hint.
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
  description: As given in O(bootstrap).
  returned: when O(bootstrap) is given
  type: str
substitutions:
  description: As given in O(bootstrap).
  returned: when O(bootstrap) is given
  type: dict
flux:
  description: As given in O(bootstrap).
  returned: when O(bootstrap) is given
  type: dict
repository:
  description: URL and branch, as given in O(bootstrap).
  returned: always
  type: dict
"""

from ansible_collections.fluxops.fleet.plugins.module_utils._noun import run_module
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import flux_info


def main() -> None:
    """Run where Ansible copied this to."""
    run_module(flux_info)


if __name__ == "__main__":
    main()
