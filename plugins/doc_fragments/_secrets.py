# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may use this fragment.
# It may change or go in any release.
"""What clusters hold that Git can not."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment."""

    DOCUMENTATION = r"""
options:
  pull:
    description: How the cluster pulls from the fleet repository. Without it, that Secret is left as it is.
    type: dict
    suboptions:
      kind:
        description:
          - V(deploy_key) has a key made for this cluster alone, in the cluster, and registered read-only at the forge.
          - V(private_key) takes a given SSH key.
          - V(token) takes a given token, for an HTTPS URL.
        type: str
        choices: [deploy_key, private_key, token]
        default: deploy_key
      private_key:
        description: The SSH key of O(pull.kind=private_key), in OpenSSH's format and without passphrase.
        type: str
      username:
        description: User name that goes with O(pull.token).
        type: str
        default: git
      token:
        description: The token of O(pull.kind=token).
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
"""
