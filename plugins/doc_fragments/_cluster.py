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
        description:
          - URL, or path on the host where the module runs, of the release's C(install.yaml).
          - V(flux) takes what the C(flux) program on PATH installs.
        type: str
        required: true
      digest:
        description:
          - SHA-256 of the manifest. Another manifest is refused before anything is written.
          - Without it the first manifest of a version that is used is locked in the fleet repository, and no other one
            is accepted from then on.
        type: str
        default: ""
      lockdown:
        description:
          - V(enforce) has the controllers refuse references across namespaces and remote bases, and act as the service
            account C(fleet-tenant) where an object names none.
          - V(keep) leaves the lockdown of a cluster as its C(kustomization.yaml) has it.
          - V(none) leaves Flux's own defaults.
          - Default is V(keep) for a cluster that Flux's own tools bootstrapped, and V(enforce) for all others.
        type: str
        choices: [enforce, keep, none]
      admission:
        description:
          - Has Kubernetes' own admission policies hold tenants' namespaces to what the fleet allows, whoever writes
            there but Flux for the platform, that is, sources within patterns, a service account in each Kustomization
            and HelmRelease, no references to other namespaces, and no Secrets with tokens that never end.
          - Nothing of it where the option is left out. Kubernetes must be 1.30 or later.
        type: dict
        suboptions:
          sources:
            description: The patterns of URLs, as C(sources) of O(fluxops.fleet.tenants#module:caps). All URLs where it
              is empty.
            type: list
            elements: str
            default: []
      provider:
        description:
          - How Flux's source signs in at the Git server. V(github) is for a credential that is a GitHub App, and goes
            with it alone.
        type: str
        choices: [generic, github]
        default: generic
      components:
        description:
          - The controllers to install. Default is what C(flux bootstrap) installs.
          - V(image-reflector-controller), V(image-automation-controller) and V(source-watcher) are there besides, where
            the manifest has them.
        type: list
        elements: str
      registry:
        description: Where the controllers' images come from, such as V(registry.example/fluxcd). Default is the
          manifest's.
        type: str
      pull_secret:
        description: Name of the Secret in C(flux-system) by which images are pulled.
        type: str
      log_level:
        description: How much the controllers say.
        type: str
        choices: [debug, info, error]
        default: info
      cluster_domain:
        description: The cluster's domain, of which the controllers' addresses for one another are made.
        type: str
        default: cluster.local
      tolerations:
        description: Tolerations of all controllers, as pods have them.
        type: list
        elements: dict
        default: []
      network_policy:
        description: Whether Flux's own network policies are installed.
        type: bool
        default: true
      watch_all_namespaces:
        description: Whether the controllers act on objects outside of C(flux-system) too.
        type: bool
        default: true
      ca_secret:
        description: Name of a Secret in C(flux-system) whose C(ca.crt) all controllers trust beside the public
          authorities.
        type: str
      controllers:
        description:
          - Options of single controllers by their names, or under C(all) of every one.
          - C(args) is a list of arguments, C(env) maps variables to values (such as C(HTTPS_PROXY)). C(resources),
            C(node_selector) and C(affinity) are laid over the release's own, as pods have them.
        type: dict
        default: {}
      tenant_artifacts:
        description:
          - Whether each tenant has an artifact of its own, so that a commit concerns only the tenants that it changes.
          - Needs the component V(source-watcher) of Flux 2.9 or later. The next onboarding has the tenants' syncs use
            the artifacts, once all clusters of the environment make them.
        type: bool
        default: false
      patches:
        description:
          - Patches of your own on all that is installed, as kustomize has them, each with C(target) and C(patch).
          - "A C(patch) is a JSON patch (operations V(add), V(replace) and V(remove)), or V($patch: delete)."
        type: list
        elements: dict
        default: []
"""
