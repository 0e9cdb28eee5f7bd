# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: former_clusters
short_description: Take clusters that have left out of the fleet repository by one commit, and their keys from forges
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Removes the deploy keys of the given clusters, at the fleet repository and at the repositories of tenants' sources,
    then their directories (C(clusters/<cluster>/), C(projects/<environment>/clusters/<cluster>/),
    C(infrastructure/<environment>/clusters/<cluster>/)) with all that lies in them, by one commit.
  - By a push the keys go first. By pull request or in a checkout they go in the run after the merge, but for those of
    tenants that lie in the cluster's own directories, since nothing tells of these then.
  - Runs on the controller, once for a play (C(run_once)), after M(fluxops.fleet.decommission); in check mode before it,
    since it reports all that stands in the way.
  - A cluster that could not be reached is left and reported, unless O(allow) has V(cluster_gone).
  - A cluster that the repository does not have is no change.
notes:
  - This is an action; it always runs on the controller, whatever the connection of the host.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._repository
  - fluxops.fleet._forge.forges
options:
  clusters:
    description: The clusters that leave, each as returned by M(fluxops.fleet.preflight).
    type: list
    elements: dict
    required: true
  waiting:
    description: Cluster to reason, of those whose files stay as they are, since Flux has not left them.
    type: dict
    default: {}
  allow:
    description: Words for dangerous steps. V(decommission) is needed for clusters that can be reached, V(cluster_gone)
      for others.
    type: list
    elements: str
    default: []
seealso:
  - module: fluxops.fleet.decommission
  - module: fluxops.fleet.clusters
"""

EXAMPLES = r"""
- name: Take the clusters out of the repository
  fluxops.fleet.former_clusters:
    repository: "{{ fleet_repository }}"
    forges: "{{ fleet_forges }}"
    clusters: "{{ ansible_play_hosts | map('extract', hostvars, 'found') | list }}"
    allow: [decommission]
  run_once: true
"""

RETURN = r"""
keys_removed:
  description: The titles of the deploy keys that were removed.
  returned: success
  type: list
  elements: str
by_hand:
  description: What was left to do at forges that we can not ask.
  returned: success
  type: list
  elements: str
pull_requests:
  description: The URLs of the open pull requests that hold the change.
  returned: success
  type: list
  elements: str
held:
  description: Directories that were left alone, and why.
  returned: success
  type: dict
clusters:
  description: Cluster name to what was removed for it.
  returned: success
  type: dict
  contains:
    revision:
      description: The commit that holds the change.
      type: str
      returned: always
    superseded:
      description: The commit that the branch was at before, where this run made one.
      type: list
      elements: str
      returned: always
    awaits:
      description: What must happen before the branch has the change, such as the merge of a pull request. Empty where
        it has it.
      type: str
      returned: always
    planned:
      description: Whether nothing was published, since this was check mode.
      type: bool
      returned: always
    publish:
      description: How it was to be published, O(repository.publish).
      type: str
      returned: always
    pull_request:
      description: The URL of the open pull request that holds the change, or empty.
      type: str
      returned: always
    files:
      description: The paths that were removed.
      type: list
      elements: str
      returned: always
    held:
      description: Its directory, where it was left alone, and why.
      type: dict
      returned: always
    gone:
      description: Whether it is taken for gone, since it could not be reached and O(allow) has V(cluster_gone).
      type: bool
      returned: always
"""
