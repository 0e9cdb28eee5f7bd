# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""How closely a tenant is fenced in: what a namespace of each profile gets beside rights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_POD_SECURITY = "pod-security.kubernetes.io"
# How many objects of Flux a namespace may hold, so that no tenant keeps the controllers of all others busy.
_FLUX_OBJECTS = {
    "count/gitrepositories.source.toolkit.fluxcd.io": "20",
    "count/helmrepositories.source.toolkit.fluxcd.io": "20",
    "count/ocirepositories.source.toolkit.fluxcd.io": "20",
    "count/buckets.source.toolkit.fluxcd.io": "20",
    "count/kustomizations.kustomize.toolkit.fluxcd.io": "100",
    "count/helmreleases.helm.toolkit.fluxcd.io": "100",
}
_STRICT_QUOTA = {
    "requests.cpu": "4",
    "requests.memory": "8Gi",
    "limits.cpu": "8",
    "limits.memory": "16Gi",
    "requests.storage": "100Gi",
    "pods": "50",
    "services.loadbalancers": "0",
    "services.nodeports": "0",
}
_STRICT_LIMITS = {"cpu": "500m", "memory": "512Mi"}


def _levels(enforced: str, warned: str) -> dict[str, str]:
    """Labels of a namespace: https://kubernetes.io/docs/concepts/security/pod-security-admission/."""
    levels = {"enforce": enforced, "audit": warned, "warn": warned}
    return {f"{_POD_SECURITY}/{mode}": level for mode, level in levels.items()}


@dataclass(frozen=True)
class Profile:
    """One profile: labels for Pod Security, quota and default limits by resource, and whether the network is closed."""

    labels: Mapping[str, str] = field(default_factory=dict)
    quota: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)
    isolated: bool = False


PROFILES: Mapping[str, Profile] = {
    "standard": Profile(labels=_levels("baseline", "restricted"), quota=_FLUX_OBJECTS),
    "strict": Profile(
        labels=_levels("restricted", "restricted"),
        quota={**_FLUX_OBJECTS, **_STRICT_QUOTA},
        limits=_STRICT_LIMITS,
        isolated=True,
    ),
    "open": Profile(),
}
DEFAULT = "standard"
