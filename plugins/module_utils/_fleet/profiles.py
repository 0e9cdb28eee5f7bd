# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""How closely a tenant is fenced in: what a namespace of each profile gets beside rights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# The laxest first: https://kubernetes.io/docs/concepts/security/pod-security-standards/
POD_SECURITY = ("privileged", "baseline", "restricted")
NETWORKS = ("open", "closed")
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


@dataclass(frozen=True)
class Profile:
    """One profile: Pod Security (``enforced``; empty: as the cluster has it), quota and default limits by resource.

    ``warned`` is the level that is warned of and audited, ``network`` a word of NETWORKS.
    """

    enforced: str = ""
    warned: str = ""
    quota: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)
    network: str = "open"


PROFILES: Mapping[str, Profile] = {
    "standard": Profile("baseline", "restricted", quota=_FLUX_OBJECTS),
    "strict": Profile(
        "restricted",
        "restricted",
        quota={**_FLUX_OBJECTS, **_STRICT_QUOTA},
        limits=_STRICT_LIMITS,
        network="closed",
    ),
    "open": Profile(),
}
DEFAULT = "standard"


def laxest(words: Sequence[str], order: Sequence[str]) -> str:
    """The one of some words that leaves most; ``order`` has the laxest first. No word leaves what the laxest does."""
    return min((word or order[0] for word in words), key=order.index)


def strictest(words: Sequence[str], order: Sequence[str]) -> str:
    """The one of some words that leaves least; empty where all are."""
    return max((word for word in words if word), key=order.index, default="")


def security_labels(profile: str, enforced: str) -> dict[str, str]:
    """Labels of a namespace: https://kubernetes.io/docs/concepts/security/pod-security-admission/."""
    if not enforced:
        return {}
    warned = strictest([enforced, PROFILES[profile].warned], POD_SECURITY)
    levels = {"enforce": enforced, "audit": warned, "warn": warned}
    return {f"pod-security.kubernetes.io/{mode}": level for mode, level in levels.items()}
