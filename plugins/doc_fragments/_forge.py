# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may use this fragment.
# It may change or go in any release.
"""The forge that hosts the fleet repository, and those of tenants."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment."""

    DOCUMENTATION = r"""
options:
  forge:
    description:
      - The forge's API, where deploy keys are registered and pull requests opened.
      - Without it, public keys are returned for somebody to register them.
    type: dict
    suboptions:
      kind:
        description: What the forge is. V(gitea) is Forgejo as well, V(github) GitHub Enterprise Server.
        type: str
        required: true
        choices: [gitea, github, gitlab]
      url:
        description: The forge's own URL.
        type: str
        required: true
      token:
        description: Token that may manage what is asked for, deploy keys or pull requests, of the repository.
        type: str
        required: true
      ca_cert:
        description: Certificate authority (PEM, the text) that the forge's certificate is checked against.
        type: str
"""

    FORGES = r"""
options:
  forges:
    description: Forges, found by the host of their URLs, where the deploy keys of tenants' repositories are registered.
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description: What the forge is. V(gitea) is Forgejo as well, V(github) GitHub Enterprise Server.
        type: str
        required: true
        choices: [gitea, github, gitlab]
      url:
        description: The forge's own URL.
        type: str
        required: true
      token:
        description: Token that may manage the deploy keys of the tenants' repositories.
        type: str
        required: true
      ca_cert:
        description: Certificate authority (PEM, the text) that the forge's certificate is checked against.
        type: str
"""
