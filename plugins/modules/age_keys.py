# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: age_keys
short_description: Make private keys for what SOPS encrypts, and hand them over once
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Makes keys of age, one for each name, and writes the private ones into a new file of yours, as a variable for the
    inventory. The file is made for its owner alone (mode 0600), and encrypted by Ansible's vault unless O(vault=false).
  - The private keys are printed nowhere and kept nowhere else. The public ones are the result.
  - A file that is there is never changed; the public keys of those in it are the result.
options:
  path:
    description: The file on the controller. Its directory must exist.
    type: path
    required: true
  names:
    description: What the keys are for, such as environments or tenants.
    type: list
    elements: str
    required: true
  variable:
    description: The variable in the file, which maps names to private keys.
    type: str
    default: vault_age_keys
  vault:
    description: Whether the file is encrypted, by the first password or vault ID that the run of Ansible was given.
    type: bool
    default: true
notes:
  - This is an action; it always runs on the controller, whatever the connection of the host.
extends_documentation_fragment:
  - fluxops.fleet._attributes
seealso:
  - module: fluxops.fleet.clusters
  - module: fluxops.fleet.credentials
"""

EXAMPLES = r"""
- name: Make a key for each environment
  fluxops.fleet.age_keys:
    path: inventories/group_vars/all/age.yml
    names: [staging, production]
  register: age
"""

RETURN = r"""
recipients:
  description: Name to public key, for O(fluxops.fleet.clusters#module:sops). Empty in check mode for keys to come.
  returned: success
  type: dict
"""
