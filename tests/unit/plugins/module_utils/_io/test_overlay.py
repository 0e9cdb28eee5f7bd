# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first install with people's own part of kustomization.yaml: as kustomize builds it, or without it, and said."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import kustomization, render
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._io import overlay
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import MANIFEST, cluster
from ansible_collections.fluxops.fleet.tests.unit.plugins.tools import kustomize

CLUSTER = cluster("stg-1")
HEAD = "resources: [gotk-components.yaml, gotk-sync.yaml]\n"
MINE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: source-controller, namespace: flux-system}
spec: {replicas: 3}
"""


def own(text: str) -> str:
    """A user's kustomization.yaml with our block in it."""
    return kustomization.update(text, render.patches(CLUSTER, Layout(), MANIFEST), "kustomization.yaml")


def named(objects: list[Document]) -> dict[tuple[str, str], Document]:
    return {(one["kind"], one["metadata"]["name"]): one for one in objects}


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The kustomize or kubectl that is here, alone on PATH."""
    path = Path(kustomize()[0])
    (tmp_path / path.name).symlink_to(path)
    monkeypatch.setenv("PATH", str(tmp_path))
    return path.name


def test_without_a_part_of_ones_own_no_program_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    objects, warnings = overlay.flux_objects(CLUSTER, MANIFEST, own(HEAD), {})
    assert objects == render.as_applied(render.flux_objects(CLUSTER, Layout(), MANIFEST))
    assert warnings == []


@pytest.mark.usefixtures("program")
def test_own_part_is_built() -> None:
    text = own(HEAD + "patches:\n- path: mine.yaml\n")
    objects, warnings = overlay.flux_objects(CLUSTER, MANIFEST, text, {"mine.yaml": MINE})
    plain = named(render.as_applied(render.flux_objects(CLUSTER, Layout(), MANIFEST)))
    found, key = named(objects), ("Deployment", "source-controller")
    assert warnings == []
    assert found.pop(key)["spec"]["replicas"] == 3
    plain.pop(key)
    assert found == plain


def test_what_can_not_be_built_is_left_to_flux(program: str) -> None:
    objects, warnings = overlay.flux_objects(CLUSTER, MANIFEST, own(HEAD + "patches:\n- path: mine.yaml\n"), {})
    assert named(objects) == named(render.as_applied(render.flux_objects(CLUSTER, Layout(), MANIFEST)))
    [said] = warnings
    assert said.startswith("clusters/stg-1/flux-system/kustomization.yaml: your part of it (patches) takes effect")
    assert f": {program}: " in said
    assert "mine.yaml" in said


def test_without_a_program_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    _objects, warnings = overlay.flux_objects(CLUSTER, MANIFEST, own(HEAD + "namePrefix: a-\n"), {})
    part = "clusters/stg-1/flux-system/kustomization.yaml: your part of it (namePrefix)"
    when = "takes effect when Flux applies the file itself, after the first install"
    assert warnings == [f"{part} {when}: neither kustomize nor kubectl is here"]
