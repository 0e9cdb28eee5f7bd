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
  - First the Secrets that Git can not hold are put in place, as M(fluxops.fleet.credentials) does it, the one by which
    the cluster pulls where O(pull) is given. A tenant's key that a forge refuses is returned in RV(failures), and stops
    nothing.
  - Where Flux is missing, or follows nothing or something else, its components and the root sync are applied in stages,
    as the field manager that Flux itself applies with, so that Flux owns them from its first reconciliation on.
  - Where Flux follows already, nothing is applied; Flux does it. Unless C(source-controller) or C(kustomize-controller)
    does not run there, which Flux could not mend. People's own part of C(kustomization) that can't be built here stays
    Flux's also then.
  - Then it waits until the cluster has applied a revision that contains the given commit, and is healthy.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._auth
  - fluxops.fleet._cluster
  - fluxops.fleet._repository
  - fluxops.fleet._forge
  - fluxops.fleet._forge.forges
  - fluxops.fleet._secrets
  - fluxops.fleet._secrets.pull
options:
  name:
    description: The cluster's name. It is its directory's name in the repository.
    type: str
    required: true
  published:
    description:
      - What M(fluxops.fleet.clusters) returned for this cluster. Without it, any revision that is ready will do.
      - Of it are used C(revision), the commit to wait for; C(superseded), commits known not to contain it; C(files)
        that the run published, by which the cluster counts as changed; C(kustomization) and C(beside), the texts of
        C(flux-system/kustomization.yaml) and of people's own files there; C(holds), what the directory of a moving
        cluster has; C(pending), what Flux will apply; C(source_keys) of tenants; C(digest), as it is locked.
      - Where C(kustomization) has more than our block, the first install is built by C(kustomize) or C(kubectl),
        whichever is on E(PATH). Without both, or where they can not build it, a warning says what only Flux will apply.
      - A move by which Flux would prune anything that C(holds) lacks is refused.
    type: dict
    default: {}
  rejected:
    description: More commits that are known not to contain the one to wait for. The action sets it.
    type: list
    elements: str
    default: []
  known_hosts:
    description: Host keys of the tenants' Git hosts, as lines of a C(known_hosts) file. Default is
      O(repository.known_hosts).
    type: str
  forges:
    description: More forges, found by the host of their URLs, where keys of tenants' sources are registered.
  allow:
    description: Words for dangerous steps. V(prune_on_move) accepts that a move prunes what the new directory lacks.
    type: list
    elements: str
    default: []
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
    forge: {kind: gitea, url: https://git.example, token: "{{ vault_forge_token }}"}
    pull: {kind: deploy_key}
    published: "{{ published.clusters['stg-eks-1'] }}"
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
failures:
  description: As RV(fluxops.fleet.credentials#module:failures). The other Secrets are in place, and so is Flux.
  returned: success
  type: list
  elements: str
source_keys:
  description: As RV(fluxops.fleet.credentials#module:source_keys), for those that were published.
  returned: success
  type: list
  elements: dict
public_key:
  description: As RV(fluxops.fleet.credentials#module:public_key).
  returned: success
  type: str
registered:
  description: As RV(fluxops.fleet.credentials#module:registered).
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
