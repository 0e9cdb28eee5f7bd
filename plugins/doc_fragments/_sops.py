# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may use this fragment.
# It may change or go in any release.
"""Who can read what is encrypted in the fleet repository."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment."""

    DOCUMENTATION = r"""
options:
  sops:
    description:
      - The public keys of age for which SOPS encrypts what lies in the fleet repository. C(.sops.yaml) says so to
        people and their tools; it is written where it is missing, and of one that has our marks what is between them.
      - Without it nothing is decrypted.
    type: dict
    suboptions:
      age:
        description: Public keys that read everything.
        type: list
        elements: str
        default: []
      environments:
        description: Environment to the public keys that read C(infrastructure/<environment>/) and its tenants' part.
        type: dict
        default: {}
      tenants:
        description: Tenant to the public keys that read C(projects/<environment>/<tenant>/) too.
        type: dict
        default: {}
      secret:
        description: The Secret in C(flux-system) whose C(age.agekey) decrypts infrastructure. What lies in a tenant's
          directory is decrypted by the Secret of this name with a dash and the tenant's name behind it.
        type: str
        default: sops-age
"""
