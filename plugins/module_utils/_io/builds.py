# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What directories of the fleet repository come to, built by kustomize as Flux does: each once, few at a time."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import alike, documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.build_sources import (
    Fault,
    Sources,
    relative,
    sources,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.overlay_changes import apply_patch, parsed, transform
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.overlays import Tree
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.recipes import Recipe
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rendered import Built
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._io import overlay
from ansible_collections.fluxops.fleet.plugins.module_utils._io.private_folder import in_memory, private_folder

_SECONDS = 60
_OVERLAY = ".fluxops-fleet"
# What kustomize says of the way from our directory to the one that it is about.
_WAY = re.compile(
    r"^accumulating resources: accumulation err='accumulating resources from '[^']*': read [^']*: is a directory': "
)
# As Flux builds: files of other directories of the repository may be read.
_UNRESTRICTED = ("--load-restrictor", "LoadRestrictionsNone")
# Nothing is fetched: no program to fetch by is found, and no server is reached.
_NOWHERE = "http://127.0.0.1:9"
_ENVIRONMENT = {"PATH": "", "HTTP_PROXY": _NOWHERE, "HTTPS_PROXY": _NOWHERE}


@dataclass
class Builds:
    """All builds of a run; what came to the same before is not built again."""

    command: Sequence[str] = field(default_factory=overlay.builder)
    count: int = 0
    """How many directories a program has built."""
    _known: dict[str, Built] = field(default_factory=dict)

    @property
    def program(self) -> str:
        """What builds; empty where there is nothing."""
        return Path(self.command[0]).name if self.command else ""

    def of(self, snapshot: Snapshot, recipes: Iterable[Recipe], *, check: bool) -> dict[Recipe, Built]:
        """What each recipe comes to; ``check``: build also what is ours alone, whose objects are known without it."""
        result: dict[Recipe, Built] = {}
        jobs: dict[str, tuple[Sources, str]] = {}
        keys: dict[Recipe, str] = {}
        seen: dict[tuple[str, str], tuple[Sources, str]] = {}
        for one in recipes:
            if one.source:
                result[one] = Built(said=[f"it comes from {one.source}, and is not built here"])
                continue
            if "components" in json.loads(one.options):
                result[one] = Built(said=[f"{one.directory} is built with spec.components, which is not done here"])
                continue
            place = one.directory, one.options
            if place not in seen:
                found = sources(snapshot, one.directory)
                seen[place] = found, _key(found, one.options, check=check)
            jobs[seen[place][1]] = seen[place][0], one.options
            keys[one] = seen[place][1]
        self._build({key: job for key, job in jobs.items() if key not in self._known}, check=check)
        return result | {one: self._known[key] for one, key in keys.items()}

    def _build(self, jobs: Mapping[str, tuple[Sources, str]], *, check: bool) -> None:
        at_hand = {key: self._without_program(*job, check=check) for key, job in jobs.items()}
        self._known |= {key: one for key, one in at_hand.items() if one is not None}
        left = {key: jobs[key] for key, one in at_hand.items() if one is None}
        self.count += len(left)
        if not left:
            return
        with private_folder(in_memory()) as folder, ThreadPoolExecutor(os.cpu_count() or 1) as pool:

            def build(job: tuple[int, tuple[Sources, str]]) -> Built:
                number, (found, options) = job
                return _run(self.command, folder / str(number), found, json.loads(options))

            self._known |= dict(zip(left, pool.map(build, enumerate(left.values())), strict=True))

    def _without_program(self, found: Sources, options: str, *, check: bool) -> Built | None:
        """What is known, or as near as can be, without building; None for what a program builds."""
        if found.faults:
            return Built(faults=found.faults)
        if found.remote:
            return Built(said=[f"{one.place} {one.hint}, and nothing is fetched here" for one in found.remote])
        own = not json.loads(options) and _is_ours(found)
        if self.command and (check or not own):
            return None
        return Built(_objects(found)) if own else _read(found, json.loads(options))


def _key(found: Sources, options: str, *, check: bool) -> str:
    said = [str(one) for one in (*found.faults, *found.remote)]
    # What people write is built in any case, so it may have been built already for what is there now.
    data = json.dumps([found.directory, options, check and _is_ours(found), sorted(found.texts.items()), said])
    return hashlib.sha256(data.encode()).hexdigest()


def _is_ours(found: Sources) -> bool:
    """Whether a directory holds nothing but one file of ours."""
    texts = list(found.texts.values())
    return bool(found.resources) and len(texts) == 1 and documents.recorded_digest(texts[0]) is not None


def _objects(found: Sources) -> list[Document]:
    ((path, text),) = found.texts.items()
    return alike.read(text, path)


def _read(found: Sources, options: Mapping[str, Any]) -> Built:
    """What can be told without kustomize: nearly what it would make of the directory."""
    built = Tree(found.texts).build(found.directory)
    transform(options, built)
    for one in options.get("patches") or []:
        for patch in parsed(str(one.get("patch") or "")):
            apply_patch(patch, one.get("target"), found.directory, built)
    faults = [Fault(path, said) for path, said in built.faults]
    return Built([one.document for one in built.objects], faults)


def _run(command: Sequence[str], folder: Path, found: Sources, options: Mapping[str, Any]) -> Built:
    # What Flux would put into the kustomization.yaml, or make one of, stands in a directory beside all others.
    resources = [relative(path, _OVERLAY) for path in found.resources or [found.directory]]
    files = {**found.texts, f"{_OVERLAY}/kustomization.yaml": json.dumps({**options, "resources": resources})}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    program = Path(command[0]).name
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function  # not a module: there is no run_command here
            [*command, *_UNRESTRICTED, str(folder / _OVERLAY)],
            capture_output=True, check=False, timeout=_SECONDS, stdin=subprocess.DEVNULL, text=True, encoding="utf-8",
            env={**_ENVIRONMENT, "HOME": str(folder)}, errors="replace",
        )  # fmt: skip
        if done.returncode:
            return Built(faults=[Fault(found.directory, f"does not build: {program}: {_said(done.stderr, folder)}")])
        ours = not options and _is_ours(found)  # as we wrote it, and not as kustomize prints it: before is read so too
        return Built(_objects(found) if ours else documents.read(done.stdout, found.directory))
    except subprocess.TimeoutExpired:
        return Built(faults=[Fault(found.directory, f"does not build: {program} was not done in {_SECONDS} s")])
    except InvalidInput as error:
        return Built(
            faults=[Fault(found.directory, f"is built to something that can't be read: {error.problems[0].hint}")]
        )


def _said(text: str, folder: Path) -> str:
    """kustomize's own words, with the repository's paths."""
    return _WAY.sub("", overlay.words(text.replace(f"{folder}/", "")))
