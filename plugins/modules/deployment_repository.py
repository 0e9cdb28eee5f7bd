# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: deployment_repository
short_description: Give a tenant's deployment repository its skeleton, by one commit
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Adds to an empty or existing repository what it lacks to be onboarded.
  - C(flux/<environment>/) is what Flux applies. C(kustomize/) has the application and what each environment has of its
    own. C(helm/) is the same application as a chart.
  - What is added builds as it is with C(kustomize build flux/<environment>), runs under Pod Security V(restricted),
    and keeps within what a tenant may do.
  - Nothing that is there is changed. A part of which anything is there is left out, and so is a part that was given
    once, whatever the team did to it since. The parts are recorded in C(.fleet.yaml) of the repository.
  - A further environment is given its own parts by a later run.
  - With O(recipients), C(.sops.yaml) is a part too. By it SOPS encrypts what lies in C(flux/) and C(kustomize/) so that
    the tenant's namespaces can decrypt it.
notes:
  - This is an action; it always runs on the controller, whatever the connection of the host.
  - The repository itself must exist at the forge; it may be empty.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._forge
  - fluxops.fleet._repository
options:
  name:
    description: The tenant's name, which is also the application's.
    type: str
    required: true
  environments:
    description: The environments that the application is to run in.
    type: list
    elements: str
    required: true
  namespace:
    description: The tenant's first namespace, where the application is to run. The same as O(name) without it.
    type: str
  source:
    description: The source in the tenant's request by which Flux reads this repository. The chart comes from it.
    type: str
    default: deploy
  image:
    description: The image to begin with, by its tag.
    type: str
    default: ghcr.io/stefanprodan/podinfo:6.7.1
  port:
    description: The port on which that image serves.
    type: int
    default: 9898
  recipients:
    description:
      - The public keys of age that read what the team encrypts; their private halves are in the Secret that the
        request's C(decryption) names.
      - A later run that is the first with keys adds C(.sops.yaml); one that is there stays as it is.
    type: list
    elements: str
    default: []
  templates:
    description: Directory on the controller whose files are used in place of the role's templates of the same paths.
    type: path
seealso:
  - module: fluxops.fleet.clusters
"""

EXAMPLES = r"""
- name: Give payments-deploy its skeleton
  fluxops.fleet.deployment_repository:
    name: payments
    environments: [staging, production]
    image: registry.example/payments:1.4.2
    port: 8080
    recipients: "{{ fleet_sops.tenants.payments }}"
    repository:
      url: ssh://git@git.example/payments/payments-deploy.git
      private_key: "{{ vault_payments_key }}"
      known_hosts: "{{ lookup('ansible.builtin.file', 'known_hosts') }}"
"""

RETURN = r"""
diff:
  description: What changes, as before and after.
  returned: in diff mode
  type: list
  elements: dict
files:
  description: The paths that were added.
  returned: success
  type: list
  elements: str
left:
  description: Part to reason, of the parts that were left out since the repository has something of its own there.
  returned: success
  type: dict
revision:
  description: The commit that holds the skeleton, empty in check mode where the repository is empty.
  returned: success
  type: str
pull_request:
  description: The URL of the open pull request that holds the change, or empty.
  returned: success
  type: str
"""
