# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: credentials
short_description: Put the Secrets into a cluster that Git can not hold
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Makes the Secret by which a cluster pulls from the fleet repository, and secrets of the user's.
  - A deploy key is made where the cluster has none, kept where it has one, and registered read-only at the forge under
    C(<cluster>/flux-system/flux-system). A key of that title that is another one is replaced.
  - So is a key for each source of a tenant that O(source_keys) names, under C(<cluster>/<namespace>/<source>). Where
    none of the given forges has the host of the source's URL, the public key is returned for somebody to register it.
    The namespace is made with the tenant's label where it is missing, and the source is asked to fetch again when its
    key was made or registered.
  - A forge that refuses one tenant's key stops no other tenant's. The module fails in the end and names it.
  - A Secret holds exactly what is asked for, with nothing left from a former kind of credential.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._auth
  - fluxops.fleet._repository
  - fluxops.fleet._forge
  - fluxops.fleet._keys
  - fluxops.fleet._forge.forges
  - fluxops.fleet._secrets
  - fluxops.fleet._secrets.pull
options:
  name:
    description: The cluster's name. It is its directory's name in the repository.
    type: str
    required: true
  tenants:
    description: The tenants that the cluster has. Of O(secrets) that name a tenant only theirs are written.
    type: list
    elements: str
    default: []
  source_keys:
    description: The sources of tenants that pull with a key of their own, as M(fluxops.fleet.tenants) returns
      them.
"""

EXAMPLES = r"""
- name: Have the cluster pull with a key of its own
  fluxops.fleet.credentials:
    name: stg-eks-1
    auth: {context: stg-eks-1}
    repository:
      url: ssh://git@git.example/platform/fleet.git
      known_hosts: "{{ lookup('ansible.builtin.file', 'known_hosts') }}"
    forge: {kind: gitea, url: https://git.example, token: "{{ vault_forge_token }}"}
    secrets:
      - name: sops-age
        data: {age.agekey: "{{ vault_age_key }}"}

- name: Give a tenant's source a key of its own
  fluxops.fleet.credentials:
    name: stg-eks-1
    auth: {context: stg-eks-1}
    repository:
      url: ssh://git@git.example/platform/fleet.git
    known_hosts: "{{ lookup('ansible.builtin.file', 'known_hosts') }}"
    forges:
      - {kind: gitea, url: https://git.example, token: "{{ vault_forge_token }}"}
    source_keys:
      - tenant: payments
        namespace: payments
        secret: source-deploy
        source: deploy
        url: ssh://git@git.example/payments/payments-deploy.git
"""

RETURN = r"""
diff:
  description: What changes, as before and after. Secrets by field name only.
  returned: in diff mode
  type: list
  elements: dict
failures:
  description: What went wrong with keys of tenants' sources, a text for each. The other Secrets are in place.
  returned: always
  type: list
  elements: str
source_keys:
  description: Each of O(source_keys), with what was made of it.
  returned: always
  type: list
  elements: dict
  contains:
    public_key:
      description: The public key.
      type: str
    registered:
      description: V(registered), V(missing) (check mode), V(by hand) where no forge has that host, or empty after a
        failure.
      type: str
    failure:
      description: Why the forge could not be asked or told.
      type: str
public_key:
  description: The public key of the cluster's own generated deploy key.
  returned: success
  type: str
registered:
  description: V(registered), V(missing) (check mode), or V(by hand) where no forge is given.
  returned: success
  type: str
"""

from ansible_collections.fluxops.fleet.plugins.module_utils._noun import run_module
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import credentials


def main() -> None:
    """Run where Ansible copied this to."""
    run_module(credentials)


if __name__ == "__main__":
    main()
