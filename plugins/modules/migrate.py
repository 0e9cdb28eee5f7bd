# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: migrate
short_description: Store Flux's objects of a cluster in the versions of today
version_added: 0.1.0
author: fluxops.fleet contributors (@fluxops)
description:
  - A new Flux that has dropped an old version of its API can not be installed while objects are stored in it.
  - Rewrites every object of Flux's custom resource definitions that may be stored in another version than that in which
    it is written now, then takes the old versions out of C(status.storedVersions).
  - What objects say stays as it is. Killed at any moment, the next run goes on.
extends_documentation_fragment:
  - fluxops.fleet._attributes
  - fluxops.fleet._auth
options:
  name:
    description: The cluster's name. It is its directory's name in the repository.
    type: str
    required: true
seealso:
  - module: fluxops.fleet.preflight
  - module: fluxops.fleet.flux
"""

EXAMPLES = r"""
- name: Make a cluster ready for the next Flux
  fluxops.fleet.migrate:
    name: stg-eks-1
    auth:
      context: stg-eks-1
"""

RETURN = r"""
diff:
  description: The versions in which objects are stored, before and after.
  returned: in diff mode
  type: list
  elements: dict
migrated:
  description: Definition to how many objects of it were rewritten.
  returned: success
  type: dict
  sample: {"helmreleases.helm.toolkit.fluxcd.io": 12}
"""

from ansible_collections.fluxops.fleet.plugins.module_utils._noun import run_module
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import migrate


def main() -> None:
    """Run where Ansible copied this to."""
    run_module(migrate)


if __name__ == "__main__":
    main()
