# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""A planned change of the infrastructure, looked at before it is committed: built, held against schemas, tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import alike, object_plan, rendered
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import CLUSTER_FACTS, Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.loaded import Loaded
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.object_plan import Entry
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import Plan
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.recipes import Recipe, Touched, touched
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rendered import Built, Rendered
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._io.builds import Builds
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_snapshot import Overlaid
from ansible_collections.fluxops.fleet.plugins.module_utils._io.judges import Judges
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Say

NO_BUILDER = "overlays are not built: neither kustomize nor kubectl is on the PATH"
_BASE = "base"


class Planned(Protocol):
    """What a run is about to commit."""

    @property
    def plan(self) -> Plan:
        """The files."""


Facts = dict[str, dict[str, str]]


class Verifier:
    """Looks at every change that a run plans before it can be committed, and remembers what it comes to."""

    def __init__(self, parameters: Mapping[str, Any], say: Say) -> None:
        """``parameters``: the noun's, of which ``verify``, ``schemas`` and ``servers`` are read."""
        self._judges = Judges.from_params(parameters)
        self._builds = Builds()
        self._say = say
        self._notes: list[str] = []
        self._entries: dict[Any, list[Entry]] = {}
        self._layout = Layout()

    def checking(self, members: Sequence[Member], think: Callable[[Snapshot], Planned]) -> Callable[[Snapshot], Any]:
        """What plans for these clusters, and raises InvalidInput where what it plans is not fit to be committed."""

        def checked(snapshot: Snapshot) -> Planned:
            change = think(snapshot)
            sync = members[0].sync if members else None
            self._entries[sync] = self._look(members, snapshot, change.plan) if change.plan.changes else []
            return change

        return checked

    @property
    def plan(self) -> list[Entry]:
        """The objects that change, by what was planned last."""
        return [entry for entries in self._entries.values() for entry in entries]

    def tell(self, result: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
        """The noun's result with the plan in it; in check mode people are told the plan, too."""
        text = object_plan.text(self.plan)
        if check_mode and text:
            self._say("objects that change:\n" + "".join(f"    {line}\n" for line in text.splitlines()).rstrip())
        shown = [{"prepared": f"objects that change:\n{text}"}] if text and not check_mode else []
        verified = {"built": self._builds.count, "by": self._builds.program, "notes": self._notes}
        objects = [entry.as_dict() for entry in self.plan]
        return {**result, "diff": [*shown, *result["diff"]], "objects": objects, "verified": verified}

    def _look(self, members: Sequence[Member], snapshot: Snapshot, plan: Plan) -> list[Entry]:
        loaded = Loaded(snapshot, self._layout.infrastructure)
        hit = touched(members, loaded, plan, self._layout)
        self._load(loaded, hit)
        after = self._built(Overlaid(loaded, plan.contents), {one.after for one in hit.components}, check=True)
        before = self._built(loaded, {one.before for one in hit.components}, check=False)
        facts = self._facts(loaded, members)
        ones = [
            Rendered(change, names, change.after.patched(after[change.after].objects), after[change.after])
            for change, names in hit.components.items()
            if change.after
        ]
        problems = list(rendered.building(ones))
        verdict = self._judges.of(members, ones, hit.own, facts)
        self._note([NO_BUILDER] if ones and not self._builds.program else [])
        self._note(said for one in ones for said in one.built.said)
        self._note(verdict.notes)
        raise_if([*problems, *verdict.problems])
        return object_plan.Plan(
            hit,
            lambda recipe: recipe.patched(before[recipe].objects),
            lambda recipe: recipe.patched(after[recipe].objects),
            facts,
            plan.paths,
            _environments(members),
        ).entries()

    def _load(self, loaded: Loaded, hit: Touched) -> None:
        """All that most builds read, by one look at the repository."""
        directories = {one.directory for change in hit.components for one in (change.before, change.after) if one}
        base = f"{self._layout.infrastructure}/{_BASE}"
        loaded.read([path for directory in sorted({*directories, base}) for path in loaded.paths(f"{directory}/")])

    def _built(self, snapshot: Snapshot, recipes: set[Recipe | None], *, check: bool) -> dict[Recipe, Built]:
        found = sorted((one for one in recipes if one), key=lambda one: (one.directory, one.options))
        return self._builds.of(snapshot, found, check=check)

    def _facts(self, snapshot: Snapshot, members: Sequence[Member]) -> Facts:
        paths = {one.name: self._layout.cluster_file(one.name, "cluster") for one in members}
        texts = snapshot.read(paths.values())
        return {name: _data(texts[path], path) for name, path in paths.items() if path in texts}

    def _note(self, notes: Any) -> None:
        for one in notes:
            if one not in self._notes:
                self._notes.append(one)
                self._say(one)


def _data(text: str, path: str) -> dict[str, str]:
    found = [one for one in alike.read(text, path) if one.get("kind") == "ConfigMap"]
    own = [one.get("data") or {} for one in found if one.get("metadata", {}).get("name") == CLUSTER_FACTS]
    return {str(key): str(value) for one in own for key, value in one.items()}


def _environments(members: Sequence[Member]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in members:
        found.setdefault(one.environment, []).append(one.name)
    return found
