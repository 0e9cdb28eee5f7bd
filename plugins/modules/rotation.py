# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rotation
short_description: New credentials by which one cluster pulls, proven before the old ones go
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Rotates the credential of the root sync once. It is not idempotent by nature, O(older_than) makes it so. A given key
    or token that the cluster has already is no change.
  - A generated key is made, and registered read-only at the forge beside the old one, under the second of the two
    titles that are the cluster's (C(<cluster>/flux-system/flux-system) and the same with C(/rotated)).
  - It lies in the Secret C(flux-system-next) until Flux itself has pulled with it, by a GitRepository
    C(flux-system-next) that is like the root sync's. Then it is put in the place of the old one, and when the root
    sync has pulled with it, the old key loses its right at the forge.
  - Killed at any moment, one of the two works, and the next run ends what was begun.
  - A credential that Flux can't pull with leaves the old one in its place, and is told in Flux's words.
  - The keys that were made for tenants' sources (O(source_keys)) are rotated in the same way, all of them together.
    What lies beside is in the tenant's namespace, and their titles are C(<cluster>/<namespace>/<source>) and the same
    with C(/rotated). A source that has another URL or Secret in the cluster than it is given here is refused. One that
    fails stops no other. The module fails in the end and names it.
  - Where none of the given forges has the host of a source's URL, the new public key is told for somebody to register
    it, and the old one stays until the next run.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._auth
  - fluxops.fleet._repository
  - fluxops.fleet._forge
  - fluxops.fleet._keys
  - fluxops.fleet._forge.forges
  - fluxops.fleet._secrets.pull
options:
  name:
    description: The cluster's name. It is its directory's name in the repository.
    type: str
    required: true
  pull:
    description: How the cluster is to pull from the fleet repository. Whoever gives a credential has registered it.
  root_sync:
    description: Whether the credential of the root sync is rotated.
    type: bool
    default: true
  source_keys:
    description: The sources of tenants whose generated keys are rotated, as M(fluxops.fleet.source_keys) returns them.
  older_than:
    description: Days. A credential that was made or rotated since then is left. V(0) rotates any.
    type: int
    default: 0
  timeout:
    description: How long to wait for Flux to pull, in seconds.
    type: int
    default: 300
seealso:
  - module: fluxops.fleet.credentials
  - module: fluxops.fleet.source_keys
"""

EXAMPLES = r"""
- name: Give the cluster a new key
  fluxops.fleet.rotation:
    name: stg-eks-1
    auth: {context: stg-eks-1}
    repository:
      url: ssh://git@git.example/platform/fleet.git
      known_hosts: "{{ lookup('ansible.builtin.file', 'known_hosts') }}"
    forge: {kind: gitea, url: https://git.example, token: "{{ vault_forge_token }}"}
    older_than: 90

- name: Give a tenant's source a new key, and leave the cluster's own
  fluxops.fleet.rotation:
    name: stg-eks-1
    auth: {context: stg-eks-1}
    repository:
      url: ssh://git@git.example/platform/fleet.git
    known_hosts: "{{ lookup('ansible.builtin.file', 'known_hosts') }}"
    forges:
      - {kind: gitea, url: https://git.example, token: "{{ vault_forge_token }}"}
    root_sync: false
    source_keys:
      - tenant: payments
        namespace: payments
        secret: source-deploy
        source: deploy
        url: ssh://git@git.example/payments/payments-deploy.git
"""

RETURN = r"""
resumed:
  description: Whether a rotation that was begun by another run was ended, and no other begun.
  returned: with O(root_sync)
  type: bool
old_key:
  description: The public key that was replaced; empty where it was none.
  returned: with O(root_sync)
  type: str
public_key:
  description: The public key in its place; empty in check mode, where nothing was to do, and for what is given.
  returned: with O(root_sync)
  type: str
source_keys:
  description: Each of O(source_keys), with what was made of it.
  returned: when the cluster was reached
  type: list
  elements: dict
  contains:
    changed:
      description: Whether it was rotated, or would be.
      type: bool
    resumed:
      description: Whether a rotation that was begun by another run was ended, and no other begun.
      type: bool
    old_key:
      description: The public key that was replaced.
      type: str
    public_key:
      description: The public key in its place; empty in check mode, and where nothing was to do.
      type: str
    failure:
      description: Why it could not be rotated.
      type: str
by_hand:
  description: What is left to do where no forge is given, or where people registered the old key by a title of theirs.
  returned: success
  type: list
  elements: str
revision:
  description: What the root sync applied last.
  returned: success
  type: str
"""

from ansible_collections.fluxops.fleet.plugins.module_utils._noun import run_module
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import rotation


def main() -> None:
    """Run where Ansible copied this to."""
    run_module(rotation)


if __name__ == "__main__":
    main()
