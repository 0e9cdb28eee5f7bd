# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: requests
short_description: Check tenants' requests, without cluster and without repository
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Reads requests, and fails with every problem of every one, each with file, line, field, value and what would be
    right.
  - Also checks them against each other (tenants that stand twice, namespaces that two of them want), and a checkout of
    the fleet repository for values of Secrets that stand in clear.
  - In a job of GitHub, Gitea or Forgejo (E(GITHUB_ACTIONS)) each problem is also printed so that it is shown beside its
    line of the change.
options:
  checkout:
    description:
      - A folder of a checkout of the fleet repository. All its manifests are looked through for Secrets whose values
        are not encrypted with SOPS, be they objects, patches or what kustomize generates Secrets from, whoever wrote
        them.
      - Without it only requests are checked.
    type: path
  allow:
    description: Words for dangerous steps. V(plain_secret) lets Secrets in clear pass.
    type: list
    elements: str
    default: []
  json_file:
    description: A file for the problems in the form of GitLab's code quality report, which merge requests show. Its
      directory must exist.
    type: path
notes:
  - This is an action; it always runs on the controller, whatever the connection of the host.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._requests
seealso:
  - module: fluxops.fleet.tenants
"""

EXAMPLES = r"""
- name: Check all requests of this checkout
  fluxops.fleet.requests:
    requests: [requests/]

- name: Check that no Secret stands in clear in this checkout
  fluxops.fleet.requests:
    checkout: .

- name: Check one request that is data
  fluxops.fleet.requests:
    tenants:
      - tenant: payments
        owner: {team: payments}
        sources: [{name: deploy, url: 'https://git.example/payments/payments-deploy.git'}]
        environments: {staging: {}}
"""

RETURN = r"""
count:
  description: The number of requests.
  returned: success
  type: int
requests:
  description: The requests, with all that they leave out.
  returned: success
  type: list
  elements: dict
problems:
  description: What is wrong, each with C(where), C(field), C(value) and C(hint).
  returned: failure
  type: list
  elements: dict
"""
