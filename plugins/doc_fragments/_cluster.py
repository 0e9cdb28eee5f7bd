# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may use this fragment.
# It may change or go in any release.
"""What a cluster is meant to be."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment."""

    DOCUMENTATION = r"""
options:
  environment:
    description: The cluster's environment, such as V(staging). It names directories of the repository.
    type: str
    required: true
  substitutions:
    description: Facts of this cluster that manifests may substitute, beside C(cluster_name) and C(cluster_environment).
    type: dict
    default: {}
  flux:
    description: Which Flux, and how it is set.
    type: dict
    required: true
    suboptions:
      version:
        description: Flux's version, such as V(v2.9.4).
        type: str
        required: true
      manifest:
        description: URL, or path on the host where the module runs, of the release's C(install.yaml).
        type: str
        required: true
      digest:
        description: SHA-256 of the manifest. Another manifest is refused before anything is written.
        type: str
        required: true
      lockdown:
        description:
          - V(enforce) has the controllers refuse references across namespaces and remote bases, and act as the service
            account C(fleet-tenant) where an object names none.
          - V(none) leaves Flux's own defaults.
        type: str
        choices: [enforce, none]
        default: enforce
"""
