# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may use this fragment.
# It may change or go in any release.
"""Tenants' requests, and what the fleet adds to their form."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment."""

    DOCUMENTATION = r"""
options:
  requests:
    description:
      - Files of requests on the controller, and directories that hold such files (C(.yml), C(.yaml)) at any depth.
      - A file may hold several requests, a document each. Values stay the text that was written, and are never
        templated. The schema for editors is C(roles/onboard/files/request.schema.json).
    type: list
    elements: path
    default: []
  tenants:
    description: Requests as data.
    type: list
    elements: dict
    default: []
  profile:
    description: How closely a tenant is fenced in whose request names no profile.
    type: str
    choices: [standard, strict, open]
    default: standard
  defaults:
    description: What requests get that leave it out, by the names of a request C(quota), C(limits), C(network),
      C(podSecurity), C(role) or C(rules), C(interval), C(retryInterval) and C(timeout); and C(environments),
      environment to the same and C(profile).
    type: dict
    default: {}
  caps:
    description:
      - How far requests may go.
      - C(quota) has what a namespace may use at most, by resource, also where nobody asks for a quota of it.
      - C(profiles) has the allowed profiles.
      - C(externalSecrets) has patterns of what requests may have of a ClusterSecretStore, such as
        V(vault/tenants/{tenant}/**); without it they have nothing of one.
      - C(podSecurity) and C(network) have the laxest word that anybody gets, also where nobody asks.
      - C(roles) has the ClusterRoles that a request may name, beside C(fleet-tenant); V(admin), V(edit) and V(view)
        where it is left out.
      - C(sources) has patterns of allowed URLs, with V(*) for what lies between two slashes and V(/**) at the end for
        all that lies below.
    type: dict
    default: {}
  forbidden_namespaces:
    description: Namespaces of the platform that no tenant may have, V(name) or V(prefix*), beside C(default),
      C(flux-system) and C(kube-*).
    type: list
    elements: str
    default: []
  known_hosts:
    description: Lines of a known_hosts file with the keys of all hosts that tenants' repositories are read from by
      SSH. A source whose host is missing there is refused. Not checked where the option is left out.
    type: str
"""
