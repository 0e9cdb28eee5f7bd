# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The form of what a tenant asks for in one environment."""

from __future__ import annotations

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_fence import PROFILE
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_sources import REF
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_values import (
    CLUSTER,
    INTERVAL,
    LINE,
    NAMES,
    SHORT_LABEL,
    TIMEOUT,
    text_fault,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Flag, Text
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.structures import Items, Record


def _path_fault(value: str) -> tuple[str, str] | None:
    if value.startswith(("/", "~")) or "\\" in value or ".." in value.split("/"):
        return value, "a directory within the repository, such as ./flux/staging"
    return text_fault(value)


ENVIRONMENT = Record(
    "",
    {
        "source": Text("The source that is applied; the only one where it is left out.", SHORT_LABEL, NAMES, 56),
        "ref": REF,
        "path": Text(
            "The directory in the repository; ./flux/<environment> where it is left out.",
            LINE,
            "a directory within the repository",
            512,
            _path_fault,
        ),
        "clusters": Items("Only these clusters of the environment.", CLUSTER, most=500),
        "suspend": Flag("Whether Flux lets the tenant's workloads be as they are."),
        "interval": INTERVAL,
        "timeout": TIMEOUT,
        "profile": PROFILE,
    },
)
