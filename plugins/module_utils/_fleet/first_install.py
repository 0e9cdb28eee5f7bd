# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Where people had a ``kustomization.yaml`` of their own before Flux was first installed: what it takes to build it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import kustomization
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot

NO_PROGRAM = "neither kustomize nor kubectl is here"


@dataclass(frozen=True)
class Own:
    """A cluster's own part: the fields by which it changes what is installed, and name → text of people's files."""

    where: str
    fields: Sequence[str] = ()
    beside: Mapping[str, str] = field(default_factory=dict)

    def left_to_flux(self, reason: str) -> str:
        """What to say where the first install has to do without it."""
        when = "takes effect when Flux applies the file itself, after the first install"
        return f"{self.where}: your part of it ({', '.join(self.fields)}) {when}: {reason}"


def own(cluster: str, text: str, layout: Layout) -> Own:
    """What the text of a cluster's ``kustomization.yaml`` has beside our block."""
    where = layout.flux_file(cluster, "kustomization")
    return Own(where, kustomization.user_changes(text, where) if text else [])


def found(clusters: Iterable[str], texts: Mapping[str, str], layout: Layout, snapshot: Snapshot) -> dict[str, Own]:
    """Cluster → its own part, of those among these clusters (→ text of ``kustomization.yaml``) that have one."""
    parts = {}
    for name in clusters:
        part = own(name, texts[name], layout)
        if part.fields:
            folder = part.where.removesuffix("kustomization.yaml")
            known = {part.where, *(folder + resource for resource in kustomization.RESOURCES)}
            files = snapshot.read(path for path in snapshot.paths(folder.rstrip("/")) if path not in known)
            beside = {path.removeprefix(folder): content for path, content in files.items()}
            parts[name] = replace(part, beside=beside)
    return parts
