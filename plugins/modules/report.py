# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: report
short_description: Print what came of a run, for people and for machines
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - Prints a table with a line for each cluster, and a second one with the components and tenants that are not ready.
  - Writes all of it as JSON where a file is given, under C(clusters), C(infrastructure) and C(tenants).
notes:
  - This is an action; it always runs on the controller, whatever the connection of the host.
extends_documentation_fragment:
  - fluxops.fleet._attributes
options:
  rows:
    description:
      - A dictionary for each cluster, as the collection's filters make them. C(infrastructure) and C(tenants) are lists
        of what the cluster has, as M(fluxops.fleet.flux_info) returns them.
    type: list
    elements: dict
    required: true
  json_file:
    description: Path on the controller that the rows are written to as JSON, in check mode too.
    type: path
"""

EXAMPLES = r"""
- name: Print how the clusters are
  fluxops.fleet.report:
    rows:
      - cluster: stg-eks-1
        ready: true
        flux: v2.9.4
        tenants: [{name: payments, ready: true, state: ready, revision: main@sha1:789cc007, failure: ''}]
        revision: main@sha1:789cc007
        failure: ''
    json_file: /tmp/fleet.json
  run_once: true
"""

RETURN = r"""
table:
  description: The tables, as text.
  returned: success
  type: str
not_ready:
  description: The clusters that are not as they should be.
  returned: success
  type: list
  elements: str
"""
