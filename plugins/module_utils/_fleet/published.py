# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What the publishing of a run came to for one cluster, as the cluster's own step is told of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class Published:
    """The part of what ``clusters`` returns for a cluster that matters there; all of it empty for one told of nothing.

    ``superseded``: commits that are known to lack ``revision``. ``holds``: what the directory has that a moving cluster
    is to follow. ``beside``: name → text of people's own files beside ``kustomization``. ``pending``: YAML documents
    that Flux will apply. ``digest``: of the install manifest, as the repository has locked it.
    """

    revision: str = ""
    superseded: Sequence[str] = ()
    files: Sequence[str] = ()
    kustomization: str = ""
    beside: Mapping[str, str] = field(default_factory=dict)
    holds: Sequence[str] = ()
    pending: str = ""
    source_keys: Sequence[Mapping[str, Any]] = ()
    tenants: Sequence[str] = ()
    digest: str = ""

    def of(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """What the cluster's step was asked for, with the tenants whose Secrets it needs."""
        return {**parameters, "tenants": self.tenants}

    @classmethod
    def from_params(cls, found: Mapping[str, Any]) -> Published:
        """From plain data, which has more than this; what is not there or None is empty."""
        return cls(**{one.name: found[one.name] for one in fields(cls) if found.get(one.name) is not None})
