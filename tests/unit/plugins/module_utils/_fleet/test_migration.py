# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests of API versions that are gone: rewritten in place, with nothing else changed, and what is left is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, migration
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import Files, text


def crd(group: str, kind: str, spec: dict[str, Any], *versions: str) -> documents.Document:
    """A definition whose first version is that of storage."""
    properties = {"spec": {"type": "object", "properties": spec}, "metadata": {"type": "object"}}
    schema = {"openAPIV3Schema": {"properties": {"apiVersion": {}, "kind": {}, **properties}}}
    every = [{"name": one, "served": True, "storage": one == versions[0], "schema": schema} for one in versions]
    names = {"group": group, "names": {"kind": kind}, "versions": every}
    return {"kind": "CustomResourceDefinition", "metadata": {"name": kind}, "spec": names}


STRING = {"type": "string"}
CHECKS = {"type": "array", "items": {"properties": {"apiVersion": STRING, "kind": STRING, "name": STRING}}}
API = migration.api(
    [
        crd("kustomize.toolkit.fluxcd.io", "Kustomization", {"path": STRING, "healthChecks": CHECKS}, "v1"),
        crd("helm.toolkit.fluxcd.io", "HelmRelease", {"values": {"x-kubernetes-preserve-unknown-fields": True}}, "v2"),
        crd("notification.toolkit.fluxcd.io", "Alert", {}, "v1beta3", "v1beta2"),
    ]
)
OLD = """\
# why this is here
apiVersion: "kustomize.toolkit.fluxcd.io/v1beta2" # as it was
kind:   Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  validation: client   # long gone
  path: ./apps
  healthChecks:
    - {apiVersion: helm.toolkit.fluxcd.io/v2beta1, kind: HelmRelease, name: x}
    - apiVersion: apps/v1
      kind: Deployment
---
kind: HelmRelease

apiVersion: 'helm.toolkit.fluxcd.io/v2beta2'
spec: {values: {anything: [1, {goes: here}]}}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta2   # still served
kind: Alert
---
apiVersion: example.toolkit.fluxcd.io/v1beta1
kind: Kustomization
"""
NEW = (
    OLD.replace('"kustomize.toolkit.fluxcd.io/v1beta2"', '"kustomize.toolkit.fluxcd.io/v1"')
    .replace("v2beta1", "v2")
    .replace("v2beta2", "v2")
)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_rewrite_edits_the_version_and_not_a_byte_more(end: str) -> None:
    after, left = migration.rewrite(OLD.replace("\n", end), API, "apps.yaml")
    assert after == NEW.replace("\n", end)
    assert left == ["apps.yaml, line 2: Kustomization spec.validation: Flux has no such field in v1"]
    assert migration.rewrite(after, API, "apps.yaml") == (after, [])


def test_rewrite_follows_lists_anchors_and_bare_files() -> None:
    before = "kind: List\nitems:\n- &a\n  apiVersion: helm.toolkit.fluxcd.io/v2beta1\n  kind: HelmRelease\n- *a\n- *a\n"
    assert migration.rewrite(before, API, "x")[0] == before.replace("v2beta1", "v2")
    assert migration.rewrite("", API, "x") == ("", [])
    assert migration.rewrite("---\n", API, "x") == ("---\n", [])


@pytest.mark.parametrize("broken", ["a: [\n", "{{ template }}\n", "\x00", "a: *b\n"])
def test_rewrite_leaves_what_is_no_yaml_alone(broken: str) -> None:
    found = broken + "apiVersion: helm.toolkit.fluxcd.io/v2beta1\nkind: HelmRelease\n"
    assert migration.rewrite(found, API, "x") == (found, [])


@given(st.lists(text, max_size=4))
def test_rewrite_keeps_every_comment(comments: list[str]) -> None:
    lines = "".join(f"# {' '.join(one.split())}\n" for one in comments if one.isprintable())
    before = f"{lines}apiVersion: helm.toolkit.fluxcd.io/v2beta1\n{lines}kind: HelmRelease\n{lines}"
    assert (
        migration.rewrite(before, API, "x")[0] == before.replace("v2beta1", "v2", 1) if "v2beta1" not in lines else True
    )


def test_rewrite_files_touches_what_people_wrote_in_their_directories() -> None:
    owned = documents.write_owned(documents.read(OLD, "x"))
    files = {
        "clusters/a/apps.yaml": OLD,
        "clusters/a/flux-system/gotk-sync.yaml": OLD,
        "clusters/a/projects.yaml": owned,
        "clusters/a/notes.md": OLD,
        "clusters/ab/apps.yaml": OLD,
        "infrastructure/base/new.yml": NEW,
    }
    found = migration.rewrite_files(Files(files), ["clusters/a/", "infrastructure/base/"], API)
    assert [(one.path, one.after) for one in found.changes] == [("clusters/a/apps.yaml", NEW)]
    assert len(found.left) == 1
