# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may use this fragment.
# It may change or go in any release.
"""How a cluster is reached."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment."""

    DOCUMENTATION = r"""
options:
  auth:
    description:
      - How the cluster's API is reached, by the names of the options of M(kubernetes.core.k8s).
      - Without any, the environment variables E(K8S_AUTH_KUBECONFIG) and E(KUBECONFIG) and the file C(~/.kube/config)
        are used, as C(kubectl) does.
      - Credentials that stand in a kubeconfig never reach a file.
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
        description: Password that goes with O(auth.username).
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
        description: Path of the key (PEM) that goes with O(auth.client_cert).
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
requirements:
  - kubernetes >= 29.0.0 (Python, where the module runs)
"""
