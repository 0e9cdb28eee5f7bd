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
  - A Secret holds exactly what is asked for, with nothing left from a former kind of credential.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._auth
  - fluxops.fleet._repository
  - fluxops.fleet._forge
  - fluxops.fleet._secrets
options:
  name:
    description: The cluster's name. It is its directory's name in the repository.
    type: str
    required: true
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
"""

RETURN = r"""
diff:
  description: What changes, as before and after. Secrets by field name only.
  returned: in diff mode
  type: list
  elements: dict
public_key:
  description: The public key of a generated deploy key.
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
