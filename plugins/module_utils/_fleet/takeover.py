# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Clusters that Flux's own tools bootstrapped: what of theirs stays, and what people are told of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, kustomization, lockdown
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Cluster
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot

_KUSTOMIZATION = "/kustomization.yaml"


def as_found(cluster: Cluster, layout: Layout, existing: Mapping[str, str]) -> Cluster:
    """The cluster with what the repository decides: whether it was taken over, and its lockdown where that is kept.

    ``existing``: texts of ``kustomization.yaml``, ``gotk-sync.yaml`` and ``cluster.yaml``, as far as they are there.
    """
    text = existing.get(layout.flux_file(cluster.name, "kustomization"), "")
    return settled(replace(cluster, taken_over=begins(cluster, layout, existing)), text)


def begins(cluster: Cluster, layout: Layout, existing: Mapping[str, str]) -> bool:
    """Whether Flux's own tools bootstrapped this directory and we never wrote into it."""
    text = existing.get(layout.flux_file(cluster.name, "kustomization"), "")
    sync = existing.get(layout.flux_file(cluster.name, "gotk-sync"), "")
    ours = kustomization.has_block(text) or bool(existing.get(layout.cluster_file(cluster.name, "cluster")))
    return bool(text) and not ours and bool(documents.read(sync, "gotk-sync.yaml"))


def settled(cluster: Cluster, text: str) -> Cluster:
    """The cluster with what its ``kustomization.yaml`` says of an earlier takeover, and of the lockdown to be kept."""
    own = kustomization.block(text)
    taken_over = cluster.taken_over or kustomization.TAKEN_OVER in own
    wish = cluster.lockdown or ("keep" if taken_over else "enforce")
    kept = "enforce" if any(flag in own for _controller, flag in lockdown.FLAGS) else "none"
    return replace(cluster, taken_over=taken_over, lockdown=kept if wish == "keep" else wish)


def report(cluster: Cluster, layout: Layout, existing: Mapping[str, str], snapshot: Snapshot) -> dict[str, Any]:
    """What is said of one cluster as found, as plain data."""
    begun = begins(cluster, layout, existing)
    remote = _remote_bases(cluster, layout, snapshot) if begun else []
    return {"takeover": begun, "taken_over": cluster.taken_over, "lockdown": cluster.lockdown, "remote_bases": remote}


def unseen(cluster: Cluster, layout: Layout, existing: Mapping[str, str]) -> list[Problem]:
    """A list of files beside ours that lacks them: Flux would see none of what we write."""
    path = layout.cluster_file(cluster.name, "kustomization")
    text = existing.get(path)
    if text is None:
        return []
    entries = [str(entry) for found in documents.read(text, path) for entry in found.get("resources") or []]
    listed = {entry.removeprefix("./") for entry in entries}
    absent = [name for name in ("cluster.yaml", "projects.yaml") if name not in listed]
    hint = f"lacks {' and '.join(absent)}: remove this file, since without it Flux takes in all files of the directory"
    return [Problem(path, "resources", "", hint)] if absent else []


def _remote_bases(cluster: Cluster, layout: Layout, snapshot: Snapshot) -> list[lockdown.Finding]:
    """Remote bases in the files that a cluster may build: all but those of other clusters."""
    own, others = layout.cluster(cluster.name) + "/", layout.clusters + "/"
    paths = [path for path in snapshot.paths("") if path.endswith(_KUSTOMIZATION)]
    mine = [path for path in paths if path.startswith(own) or not path.startswith(others)]
    return lockdown.remote_bases(snapshot.read(mine))


def warnings(specifications: Iterable[Mapping[str, Any]], outcomes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What people have to know of clusters that were taken over, from what ``preflight`` and the plan found."""
    said = []
    for one in specifications:
        outcome, wish = outcomes.get(one["name"]) or {}, one["flux"].get("lockdown")
        if outcome.get("takeover"):
            words = "taken over from Flux's own tools; its kustomization.yaml stays, with our block in it"
            said.append(f"{one['name']}: {words}")
        if outcome.get("takeover") or (outcome.get("taken_over") and not wish):
            found = one.get("lockdown") or {"missing": [], "would_break": []}
            broken = [*found["would_break"], *(outcome.get("remote_bases") or [])]
            text = _about(found["missing"], broken, kept=outcome.get("lockdown") == "none")
            said += [f"{one['name']}: {text}"] if text else []
    return said


def _about(missing: Sequence[str], broken: Sequence[lockdown.Finding], *, kept: bool) -> str:
    words = lockdown.said(broken)
    if not kept:
        return f"what stops to work under lockdown: {words}" if broken else ""
    if not missing:
        return ""
    breaks = f"breaks {len(broken)}: {words}" if broken else "breaks nothing"
    return f"its lockdown is kept, without {', '.join(missing)}. fleet_lockdown: enforce {breaks}"
