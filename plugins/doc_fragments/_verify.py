# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may use this fragment.
# It may change or go in any release.
"""How far a change is looked at before it is committed."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment."""

    DOCUMENTATION = r"""
options:
  verify:
    description:
      - How far a change is looked at before it is committed.
      - V(build) builds the directories of all components that change, with C(kustomize) or C(kubectl) where one of
        them is on the controller's PATH, and holds objects against the CustomResourceDefinitions that come with them.
      - V(schema) also holds them against the schemas (OpenAPI v3) of the API server of one cluster of each environment.
      - V(server) also has that API server try each object by a dry run, as Flux would apply it. Objects whose namespace
        or kind is not there yet are named and left out.
    type: str
    choices: [build, schema, server]
    default: build
  schemas:
    description:
      - Directory on the controller with more schemas that objects are held against, OpenAPI v3 documents (C(*.json))
        and CustomResourceDefinitions (C(*.yaml)).
    type: path
  servers:
    description: How the clusters' APIs are reached from the controller. Needed where O(verify) is not V(build).
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: The cluster's inventory host.
        type: str
        required: true
      auth:
        description: The same as O(fluxops.fleet.preflight#module:auth).
        type: dict
        default: {}
        suboptions:
          kubeconfig:
            description: Path of a kubeconfig, or its content as text or dictionary.
            type: raw
          context:
            description: Context within the kubeconfig. Default is the one that it calls current.
            type: str
          host:
            description: URL of the API server, where no kubeconfig is given.
            type: str
          api_key:
            description: Bearer token.
            type: str
          username:
            description: User name for basic authentication, as a proxy before the API server may ask for.
            type: str
          password:
            description: Password that goes with O(servers[].auth.username).
            type: str
          ca_cert:
            description: Path of the certificate authority's certificate (PEM) that the API server's certificate is
              checked against.
            aliases: [ssl_ca_cert]
            type: path
          client_cert:
            description: Path of a client certificate (PEM).
            aliases: [cert_file]
            type: path
          client_key:
            description: Path of the key (PEM) that goes with O(servers[].auth.client_cert).
            aliases: [key_file]
            type: path
          validate_certs:
            description: Whether the API server's certificate is checked. Default is to check it.
            aliases: [verify_ssl]
            type: bool
          proxy:
            description: URL of an HTTP(S) or SOCKS proxy.
            type: str
          impersonate_user:
            description: User to act as.
            type: str
          impersonate_groups:
            description: Groups to act as.
            type: list
            elements: str
"""
