# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: flux
short_description: Have one cluster run Flux and follow its directory of the fleet repository
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Where Flux is missing, or follows nothing or something else, its components and the root sync are applied in stages,
    as the field manager that Flux itself applies with, so that Flux owns them from its first reconciliation on.
  - Where Flux follows already, nothing is applied; Flux does it. Unless C(source-controller) or C(kustomize-controller)
    does not run there, which Flux could not mend. People's own part of O(kustomization) that can't be built here stays
    Flux's also then.
  - Then it waits until the cluster has applied a revision that contains the given commit, and is healthy.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._auth
  - fluxops.fleet._cluster
  - fluxops.fleet._repository
options:
  name:
    description: The cluster's name. It is its directory's name in the repository.
    type: str
    required: true
  revision:
    description: The commit to wait for. Without one, any revision that is ready will do.
    type: str
    default: ''
  rejected:
    description: Commits that are known not to contain O(revision).
    type: list
    elements: str
    default: []
  files:
    description: Files of the cluster's directory that this run published. The cluster counts as changed where there
      are any.
    type: list
    elements: str
    default: []
  kustomization:
    description:
      - The text of the cluster's C(flux-system/kustomization.yaml).
      - Where it has more than our block, the first install is built by C(kustomize) or C(kubectl), whichever is on
        E(PATH). Without both, or where they can not build it, a warning says what only Flux will apply.
    type: str
    default: ''
  holds:
    description:
      - What the directory holds that a moving cluster is to follow, as M(fluxops.fleet.clusters) returns it.
      - A move by which Flux would prune anything is refused then.
    type: list
    elements: str
    default: []
  allow:
    description: Words for dangerous steps. V(prune_on_move) accepts that a move prunes what the new directory lacks.
    type: list
    elements: str
    default: []
  beside:
    description: Name to text of people's own files in C(flux-system/), which their part of O(kustomization) may read.
    type: dict
    default: {}
  pending:
    description: YAML documents that Flux will apply beside its own, to show in check mode what becomes of them.
    type: str
    default: ''
  timeout:
    description: How long to wait, in seconds.
    type: int
    default: 300
  cache:
    description: Directory of this run where verified manifests are shared. The action sets it.
    type: path
seealso:
  - module: fluxops.fleet.clusters
  - module: fluxops.fleet.credentials
"""

EXAMPLES = r"""
- name: Install Flux where it is missing, and wait for the commit
  fluxops.fleet.flux:
    name: stg-eks-1
    environment: staging
    auth: {context: stg-eks-1}
    flux:
      version: v2.9.4
      manifest: https://github.com/fluxcd/flux2/releases/download/v2.9.4/install.yaml
      digest: "{{ fleet_flux_digest }}"
    repository:
      url: ssh://git@git.example/platform/fleet.git
      private_key: "{{ vault_fleet_key }}"
      known_hosts: "{{ lookup('ansible.builtin.file', 'known_hosts') }}"
    revision: "{{ published.clusters['stg-eks-1'].revision }}"
"""

RETURN = r"""
diff:
  description: What changes, as before and after. Secrets by field name only.
  returned: in diff mode
  type: list
  elements: dict
applied:
  description: The objects that this module applied itself.
  returned: success
  type: list
  elements: str
revision:
  description: What the cluster has applied.
  returned: success
  type: str
version:
  description: Flux's version.
  returned: success
  type: str
warnings:
  description: What takes effect only when Flux applies it.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.fluxops.fleet.plugins.module_utils._noun import run_module
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import flux


def main() -> None:
    """Run where Ansible copied this to."""
    run_module(flux)


if __name__ == "__main__":
    main()
