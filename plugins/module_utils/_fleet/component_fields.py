# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The fields of a component: which there are, and what each must be by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import component_sync
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_access import ACCESS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_clusters import CLUSTERS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_helm import HELM, VALUES_FROM
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_kustomize import KUSTOMIZE
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_objects import Objects, Tree
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_secrets import EXTERNAL_SECRETS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_values import INTERVAL, LABEL, NAMES, TIMEOUT
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_SYNC
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import check_label
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Request
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Shape, Text, Word
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.structures import Items, Record

KINDS = ("helm", "kustomize", "manifests", "access", "external_secrets")
STATES = ("present", "absent")
# The name of its Flux Kustomization, "infrastructure-<name>", becomes a label's value: at most 63 characters.
LONGEST_NAME = 48
# The fleet repository's own source has this name, and what a component comes from has the component's.
_RESERVED_NAME = FLUX_SYNC

_LABEL = Text("", LABEL, f"{NAMES}, at most 63", 63)
# One variable of the inventory says a part of them; that all which is needed is there is seen when they are merged.
FIELDS: dict[str, Shape] = {
    "layer": _LABEL,
    "state": Word("absent takes the component away.", STATES),
    "namespace": _LABEL,
    "helm": HELM,
    "values": Tree("The release's values."),
    "values_from": VALUES_FROM,
    "kustomize": KUSTOMIZE,
    "manifests": Objects("Objects of Kubernetes."),
    "access": ACCESS,
    "external_secrets": EXTERNAL_SECRETS,
    "clusters": CLUSTERS,
    "depends_on": Items("Components that it waits for besides those of the layer before.", _LABEL, least=0),
    "interval": INTERVAL,
    "timeout": TIMEOUT,
    **component_sync.FIELDS,
}
FORM = Record("", FIELDS)


def problems(where: str, variable: str, fragment: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with one variable of the inventory (component → fields) whatever the others say."""
    found, said = [], Request({}, where)
    for name, fields in fragment.items():
        found += check_name(where, variable, name)
        found += [said.problem(*fault) for fault in FORM.faults(fields, (variable, name))]
    return found


def check_name(where: str, field: str, value: str) -> list[Problem]:
    """Problems of a component's name."""
    if len(value) > LONGEST_NAME:
        return [Problem(where, field, value, f"a component's name has at most {LONGEST_NAME} characters")]
    if value == _RESERVED_NAME:
        return [Problem(where, field, value, "is the name of the fleet's own sync: choose another")]
    return check_label(where, field, value)
