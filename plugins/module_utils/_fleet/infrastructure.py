# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The change of ``infrastructure/`` that a run makes, and of what its clusters take: from components to a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import (
    alike,
    component_facts,
    component_guard,
    documents,
    plain_secrets,
    promoted,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.chart_values import Brought, brought
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_checks import together
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_fields import KINDS
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_files import Placed, Places, patched
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_guard import (
    Deployed,
    directory_of,
    files_of,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_layers import Layers
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_removals import Leaving, Removal
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import VARIABLES, Declared
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.messages import infrastructure_message
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import Plan, plan_files
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.preflight import check_known
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.render import after_infrastructure
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer


@dataclass(frozen=True)
class Wishes:
    """What a run wants of one repository; ``declared``: host → what the inventory says for its cluster; ``removals``:
    host → component → what its cluster said to go with it, if it goes."""

    members: Sequence[Member]
    declared: Mapping[str, Declared]
    layers: Layers
    renderer: Renderer
    hand_edits: str = "hold"
    allow: Sequence[str] = ()
    removals: Mapping[str, Mapping[str, Removal]] = field(default_factory=dict)
    layout: Layout = field(default_factory=Layout)

    @property
    def reachable(self) -> list[Member]:
        """The members whose own directories are written; that of a cluster that is down stays as it was."""
        return [member for member in self.members if member.reachable]


@dataclass(frozen=True)
class InfrastructurePlan:
    """The files to write, which of them concern which cluster (name → paths), what goes from it by component;
    and the charts and values that are new to clusters."""

    plan: Plan
    message: str
    concerns: Mapping[str, frozenset[str]]
    components: Mapping[str, Sequence[str]]
    removed: Mapping[str, Mapping[str, str]]
    brought: Brought

    def outcome(self, member: Member) -> dict[str, Any]:
        """What was planned for one cluster."""
        mine = self.concerns[member.name]
        return {
            "files": [path for path in self.plan.paths if path in mine],
            "held": {path: why for path, why in self.plan.held.items() if path in mine},
            "components": list(self.components[member.name]),
            "removed": dict(self.removed[member.name]),
        }


def plan_infrastructure(wishes: Wishes, snapshot: Snapshot) -> InfrastructurePlan:
    """Plan against a snapshot of the repository; InvalidInput with all that is wrong."""
    check_known(wishes.members, snapshot, wishes.layout, wishes.allow)
    known = promoted.resolved(wishes.declared, wishes.members, snapshot, wishes.layout, wishes.hand_edits)
    wishes = replace(wishes, declared=known)
    places = Places(wishes.renderer, wishes.layers, wishes.layout)
    placed = {one.name: places.of(one, wishes.declared[one.host]) for one in wishes.members}
    files = _read(wishes, snapshot)
    rendered = {one.file: one.shared for ones in placed.values() for one in ones if one.file}
    clear = _plain_secrets(wishes, snapshot, rendered, {one for ones in placed.values() for one in _patches(ones)})
    before = {one.name: component_guard.deployed(files, wishes.layout, one) for one in wishes.members}
    leaving = {one.name: _leaving(wishes, one, files, before[one.name], placed[one.name]) for one in wishes.members}
    raise_if([*together(_in_the_way(wishes, snapshot, files, placed, leaving)), *clear])
    desired: dict[str, str | None] = {file: alike.write_owned(shared) for file, shared in rendered.items()}
    for member in wishes.reachable:
        desired |= _own_files(wishes, member, places.kustomizations(member, placed[member.name]), files)
    desired |= dict.fromkeys(_unused(wishes, snapshot, desired))
    plan = plan_files(desired, files | snapshot.read(desired), wishes.hand_edits)
    concerns = {one.name: _concerns(wishes.layout, one, placed[one.name], files) for one in wishes.members}
    environments = sorted({one.environment for one in wishes.members})
    message = infrastructure_message(environments, _changed(plan, wishes.layout), plan.paths)
    names = {name: [one.component.name for one in ones] for name, ones in placed.items()}
    removed = {name: one.words for name, one in leaving.items()}
    new = brought((one.host, wishes.declared[one.host], before[one.name], placed[one.name]) for one in wishes.members)
    return InfrastructurePlan(plan, message, concerns, names, removed, new)


def _read(wishes: Wishes, snapshot: Snapshot) -> dict[str, str]:
    """The texts of all files that tell what the run's clusters have now."""
    kinds = ("cluster", "infrastructure", "projects")
    files = snapshot.read(wishes.layout.cluster_file(one.name, kind) for one in wishes.members for kind in kinds)
    overlays = [wishes.layout.cluster_file(one.name, "infrastructure") for one in wishes.members]
    needed = {
        path for file in overlays for one in component_guard.kustomizations(files, file) for path in files_of(one)
    }
    return files | snapshot.read(sorted(needed))


def _leaving(
    wishes: Wishes, member: Member, files: Mapping[str, str], before: Sequence[Deployed], placed: Sequence[Placed]
) -> Leaving:
    after = [replace(one, documents=_kept(wishes, one, files)) for one in placed]
    return Leaving.of(component_guard.losses(before, after), wishes.removals.get(member.host, {}))


def _in_the_way(
    wishes: Wishes,
    snapshot: Snapshot,
    files: Mapping[str, str],
    placed: Mapping[str, Sequence[Placed]],
    leaving: Mapping[str, Leaving],
) -> Iterator[Problem]:
    """What only the repository shows to be wrong."""
    written = component_facts.Written(snapshot, wishes.layout)
    for member in wishes.members:
        own, going = placed[member.name], leaving[member.name]
        yield from component_guard.removals(member, wishes.declared[member.host], going.words, wishes.allow)
        yield from going.problems(member.host, wishes.allow, reachable=member.reachable)
        path = wishes.layout.cluster_file(member.name, "cluster")
        facts = component_facts.of(files[path], path)
        for one in own:
            yield from _directory(member, one, snapshot, wishes.layout)
            known = facts.union(one.component.syncing.substitute)
            yield from component_facts.in_rendered(member, one, known)
            yield from written.problems(member, one, known) if one.is_written else ()


def _patches(placed: Iterable[Placed]) -> Iterator[tuple[str, str]]:
    """Variable and text of what people have components patched with."""
    for one in placed:
        if one.component.syncing.own_patches:
            variable = f"{VARIABLES[0]}.{one.component.name}.patches"
            yield variable, documents.write([{"patches": list(one.component.syncing.own_patches)}])


def _plain_secrets(
    wishes: Wishes, snapshot: Snapshot, rendered: Mapping[str, Sequence[Document]], patches: Iterable[tuple[str, str]]
) -> Iterator[Problem]:
    """Values in clear: what the run would write, and what people wrote where the clusters look."""
    for variable, text in sorted(patches):
        yield from plain_secrets.in_rendered(text, variable, wishes.allow)
    for file, shared in rendered.items():
        yield from plain_secrets.in_rendered(documents.write(shared), f"template of {file}", wishes.allow)
    names = sorted({"base", *(one.environment for one in wishes.members)})
    paths = [path for name in names for path in snapshot.paths(f"{wishes.layout.infrastructure}/{name}")]
    yield from plain_secrets.in_files(snapshot, [path for path in paths if path not in rendered], wishes.allow)


def _kept(wishes: Wishes, one: Placed, files: Mapping[str, str]) -> Sequence[Document]:
    """What a cluster will have of a component: what it is to have, or what people wrote into a file that is held."""
    text = files.get(one.file, "")
    if wishes.hand_edits == "overwrite" or not component_guard.is_edited(text, one.file):
        return one.documents
    return [patched(document, one.patches) for document in alike.read(text, one.file)]


def _directory(member: Member, one: Placed, snapshot: Snapshot, layout: Layout) -> Iterator[Problem]:
    if not one.is_written:
        return
    where = f"{VARIABLES[0]}.{one.component.name}.kustomize.path"
    seen = [f"{layout.infrastructure}/{name}/" for name in ("base", member.environment)]
    if not f"{one.directory}/".startswith(tuple(seen)):
        hint = f"must lie in {' or '.join(seen)}: that is what {member.name} checks out"
        yield Problem(member.host, where, one.directory, hint)
    elif not snapshot.paths(f"{one.directory}/"):
        hint = f"the fleet repository has no such directory on {member.sync.branch}: commit it first"
        yield Problem(member.host, where, one.directory, hint)


def _own_files(
    wishes: Wishes, member: Member, kustomizations: list[Document], files: Mapping[str, str]
) -> dict[str, str]:
    """A cluster's own files: what it takes, and its tenants, who wait for that."""
    overlay, projects = (wishes.layout.cluster_file(member.name, kind) for kind in ("infrastructure", "projects"))
    own = {overlay: alike.write_owned(kustomizations)} if kustomizations or overlay in files else {}
    if projects in files:
        # Of a file that is held the tenants wait for what it holds.
        taken = component_guard.kustomizations(_after(wishes, own, files), overlay)
        before = alike.read(files[projects], projects)
        after = after_infrastructure(before, taken)
        own |= {projects: alike.write_owned(after)} if after != before else {}
    return own


def _after(wishes: Wishes, desired: Mapping[str, str | None], files: Mapping[str, str]) -> dict[str, str]:
    """The files as they are after the run, those left alone that people edited."""
    changes = plan_files(desired, files, wishes.hand_edits).changes
    return {**files, **{one.path: one.after or "" for one in changes}}


def _unused(wishes: Wishes, snapshot: Snapshot, desired: Mapping[str, str | None]) -> list[str]:
    """Files of ours for components which no cluster takes any more, those outside of this run counted in."""
    layout, names = wishes.layout, tuple(f"/{kind}.yaml" for kind in KINDS)
    directories = [f"{layout.infrastructure}/{name}" for name in sorted({one.environment for one in wishes.members})]
    left = [path for one in directories for path in snapshot.paths(one) if path.endswith(names) and path not in desired]
    ours = [path for path, text in snapshot.read(left).items() if documents.recorded_digest(text)]
    if not ours:
        return []
    overlays = [path for path in snapshot.paths(layout.clusters) if path.endswith("/infrastructure.yaml")]
    wanted = {path: text for path, text in desired.items() if path.endswith("/infrastructure.yaml")}
    after = _after(wishes, wanted, snapshot.read(overlays))
    taken = {directory_of(one) for path in after for one in component_guard.kustomizations(after, path)}
    return [path for path in ours if path.rpartition("/")[0] not in taken]


def _concerns(layout: Layout, member: Member, placed: Iterable[Placed], files: Mapping[str, str]) -> frozenset[str]:
    overlay = layout.cluster_file(member.name, "infrastructure")
    before = [path for one in component_guard.kustomizations(files, overlay) for path in files_of(one)]
    return frozenset({overlay, layout.cluster_file(member.name, "projects"), *before, *(one.file for one in placed)})


def _changed(plan: Plan, layout: Layout) -> list[str]:
    """The components whose files change."""
    rendered = [path.split("/") for path in plan.paths if path.startswith(f"{layout.infrastructure}/")]
    return sorted({steps[-2] for steps in rendered})
