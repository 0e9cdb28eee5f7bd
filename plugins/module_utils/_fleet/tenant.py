# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""A tenant, as its request came to: nothing of it is wrong that can be known without asking anybody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import TENANT_SERVICE_ACCOUNT
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Request
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.source import Source


@dataclass(frozen=True)
class Delivery:
    """How Flux brings a tenant's workloads: what of the source, how often, and with which variables filled in."""

    ref: tuple[str, str]
    path: str
    suspend: bool = False
    wait: bool = True
    interval: str = "5m"
    retry_interval: str = "1m"
    timeout: str = "5m"
    substitute: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The same by the names of a request."""
        plain = ("path", "suspend", "wait", "interval", "timeout")
        own = {"ref": dict([self.ref]), "retryInterval": self.retry_interval, "substitute": dict(self.substitute)}
        return {**own, **{name: getattr(self, name) for name in plain}}


@dataclass(frozen=True)
class Placement:
    """What a tenant gets in one environment. ``clusters``: all of the environment where none is named.

    ``decryption``: the Secret with the keys; empty: nothing is decrypted.
    ``exceptions``: cluster → what is brought there, all of it, where it is not as in the environment.

    ``depends_on``: tenants; ``quota`` and ``limits`` are all that is in force there, by resource; ``network`` is a word
    of profiles.NETWORKS, ``pod_security`` the level that is enforced, empty: as the cluster has it. Flux acts in the
    tenant's name by ClusterRole ``role``, or by own ``rules``, each as Kubernetes' Role has it.
    """

    environment: str
    source: Source
    delivery: Delivery
    clusters: tuple[str, ...]
    depends_on: tuple[str, ...]
    profile: str
    quota: Mapping[str, str]
    limits: Mapping[str, str]
    network: str
    pod_security: str
    role: str = TENANT_SERVICE_ACCOUNT
    rules: tuple[Mapping[str, Any], ...] = ()
    decryption: str = ""
    exceptions: Mapping[str, Delivery] = field(default_factory=dict)

    def chosen(self, known: Iterable[str]) -> tuple[str, ...]:
        """The clusters that have a Kustomization of their own. ``known``: all clusters of the environment."""
        return self.clusters or (tuple(sorted(known)) if self.exceptions else ())


@dataclass(frozen=True)
class Tenant:
    """One tenant; ``leaving`` where its request says ``state: absent``.

    ``labels`` and ``annotations`` are for its namespaces, ``notifications`` as the request has them.
    """

    name: str
    request: Request
    leaving: bool = False
    team: str = ""
    contact: str = ""
    namespaces: tuple[str, ...] = ()
    access: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    placements: tuple[Placement, ...] = ()
    external_secrets: tuple[Mapping[str, str], ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    notifications: tuple[Mapping[str, str], ...] = ()

    @property
    def environments(self) -> tuple[str, ...]:
        """The names of the environments that the request asks for."""
        return tuple(one.environment for one in self.placements)

    def placement(self, environment: str) -> Placement | None:
        """What the tenant gets in an environment."""
        return next((one for one in self.placements if one.environment == environment), None)

    def as_dict(self) -> dict[str, Any]:
        """The request with all that it leaves out, as plain data."""
        sources = {one.source.name: one.source for one in self.placements}
        return {
            "tenant": self.name,
            "state": "absent" if self.leaving else "present",
            "where": self.request.place(),
            "owner": {"team": self.team, "contact": self.contact},
            "namespaces": list(self.namespaces),
            "access": {right: list(groups) for right, groups in self.access.items()},
            "externalSecrets": [dict(one) for one in self.external_secrets],
            "sources": [one.as_dict() for one in sources.values()],
            "labels": dict(self.labels),
            "annotations": dict(self.annotations),
            "notifications": [dict(one) for one in self.notifications],
            "environments": {one.environment: _placement_as_dict(one) for one in self.placements},
        }


def _placement_as_dict(placement: Placement) -> dict[str, Any]:
    return {
        "source": placement.source.name,
        **placement.delivery.as_dict(),
        "clusters": list(placement.clusters),
        "quota": dict(placement.quota),
        "exceptions": {cluster: one.as_dict() for cluster, one in placement.exceptions.items()},
        "dependsOn": list(placement.depends_on),
        "profile": placement.profile,
        "decryption": placement.decryption,
        "limits": dict(placement.limits),
        "network": placement.network,
        "podSecurity": placement.pod_security,
        "role": "" if placement.rules else placement.role,
        "rules": [dict(one) for one in placement.rules],
    }
