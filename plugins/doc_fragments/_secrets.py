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
      tenant:
        description: The tenant whose Secret this is. Only clusters that have this tenant get it, with its label, when
          they are made anew and whenever the tenant is onboarded. Empty for one that all get.
        type: str
        default: ''
      type:
        description: The Secret's type.
        type: str
        default: Opaque
      data:
        description: Field to value, in clear (not base64).
        type: dict
        required: true
"""

    PULL = r"""
options:
  pull:
    description: How the cluster pulls from the fleet repository. Without it, that Secret is left as it is.
    type: dict
    suboptions:
      kind:
        description:
          - V(deploy_key) has a key made for this cluster alone, in the cluster, and registered read-only at the forge.
          - V(private_key) takes a given SSH key.
          - V(token) takes a given user name and token (or password), for an HTTPS URL.
          - V(bearer_token) takes a given token that the Git server wants as a bearer, for an HTTPS URL.
          - V(github_app) takes a GitHub App's key, for an HTTPS URL. Flux makes tokens of it.
        type: str
        choices: [deploy_key, private_key, token, bearer_token, github_app]
        default: deploy_key
      algorithm:
        description: Of what kind a key is that is made for O(pull.kind=deploy_key). One made before keeps its own.
        type: str
        choices: [ed25519, ecdsa-p256, ecdsa-p384, ecdsa-p521, rsa-3072, rsa-4096]
        default: ed25519
      private_key:
        description: The SSH key of O(pull.kind=private_key), or the GitHub App's key (PEM).
        type: str
      passphrase:
        description: What the SSH key is encrypted by. It goes into the cluster too.
        type: str
      app_id:
        description: The ID of the GitHub App.
        type: str
      installation_id:
        description: The ID of its installation in the organisation.
        type: str
      base_url:
        description: The URL of GitHub Enterprise Server's API, where it is not github.com.
        type: str
      username:
        description: User name that goes with O(pull.token).
        type: str
        default: git
      token:
        description: The token of O(pull.kind=token) or O(pull.kind=bearer_token).
        type: str
"""
