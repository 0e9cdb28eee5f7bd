# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Infrastructure before its commit: built by kustomize, held against an API server's schemas, tried by its dry run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Grounds
from tests.integration.project import STAGING, Outcome, Project
from tests.lab import Lab

WEB = "infrastructure/base/web"
NO_BUILDER = "overlays are not built: neither kustomize nor kubectl is on the PATH"
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "gates.example.com"},
    "spec": {
        "group": "example.com", "names": {"kind": "Gate", "plural": "gates"}, "scope": "Namespaced",
        "versions": [{
            "name": "v1", "served": True, "storage": True,
            "schema": {"openAPIV3Schema": {
                "type": "object",
                "properties": {"spec": {"type": "object", "properties": {"wide": {"type": "integer"}}}},
            }},
        }],
    },
}  # fmt: skip
GATE = {
    "apiVersion": "example.com/v1",
    "kind": "Gate",
    "metadata": {"name": "west", "namespace": "default"},
    "spec": {"wide": 3},
}
INSIDE = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "inside", "namespace": "web"},
    "data": {"a": "b"},
}


def deployment(replicas: str = "replicas: 1", app: str = "web") -> str:
    """A Deployment that people wrote."""
    return (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: default}\nspec:\n"
        f"  {replicas}\n  selector: {{matchLabels: {{app: web}}}}\n"
        f"  template:\n    metadata: {{labels: {{app: {app}}}}}\n"
        "    spec:\n      containers:\n      - name: web\n        image: registry.invalid/web:1\n"
        "        env: [{name: API_TOKEN, value: hidden-one}]\n"
    )


class Story:
    """A fleet of one cluster, and what its inventory says of components."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.components: dict[str, Any] = {
            "web": {"layer": "controllers", "kustomize": {"path": WEB}},
            "gates": {"layer": "controllers", "manifests": [DEFINITION]},
            "gate": {"layer": "configs", "manifests": [GATE]},
            "inside": {
                "layer": "configs",
                "manifests": [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web"}}, INSIDE],
            },
        }

    def run(self, *arguments: str, **variables: Any) -> Outcome:
        """A run of the playbook."""
        given = {"fleet_components": self.components, **variables}
        return self.project.run("--limit", STAGING, *arguments, playbook="infrastructure", **given)

    def write(self, **files: str) -> None:
        """What people have in the directory, written down by themselves: name (less .yaml) → text."""
        self.project.commit({f"{WEB}/{name}.yaml": text for name, text in files.items()})

    def refused(self, verify: str) -> str:
        """What is said of what people wrote, in one run; nothing is committed."""
        commits = self.project.commits()
        outcome = self.run(fleet_verify=verify)
        assert outcome.code != 0, outcome.output
        assert self.project.commits() == commits
        return outcome.words


@pytest.fixture(scope="module")
def story(grounds: Grounds, lab: Lab) -> Iterator[Story]:
    project = grounds.clean([STAGING])
    project.environment["PATH"] = f"{lab.settings.bin}:{os.environ['PATH']}"
    outcome = project.run("--limit", STAGING)
    assert outcome.code == 0, outcome.output
    yield Story(project)
    grounds.forget()


def test_what_does_not_build_is_refused_with_the_words_of_kustomize(story: Story) -> None:
    story.write(kustomization="resources: [web.yaml]\nnamesPrefix: my-\n", web=deployment())
    said = story.refused("build")
    assert f"{WEB}: component web of {STAGING}: does not build: kustomize: " in said
    assert 'unknown field "namesPrefix"' in said
    story.write(kustomization="resources: [web.yaml]\n", web="kind: Deployment\n bad: yes\n")
    assert f"{WEB}/web.yaml:2: component web of {STAGING}: is no YAML" in story.refused("build")


def test_a_field_that_the_server_does_not_know_is_found(story: Story) -> None:
    story.write(web=deployment(replicas="replicaz: 1"))
    said = story.refused("schema")
    assert "Deployment default/web: spec.replicaz: there is no such field: did you mean replicas?" in said
    story.components["gate"]["manifests"] = [{**GATE, "spec": {"wide": "${cluster_name}"}}]
    said = story.refused("schema")
    assert "Gate default/west: spec.wide: must be a whole number, and is text" in said
    story.components["gate"]["manifests"] = [GATE]


def test_what_only_the_server_knows_to_be_wrong_is_refused_in_its_words(story: Story) -> None:
    story.write(web=deployment(app="other"))
    assert story.run("--check", fleet_verify="schema").code == 0
    said = story.refused("server")
    assert f"Deployment default/web: the API server of {STAGING} refuses it" in said
    assert "`selector` does not match template `labels`" in said


def test_what_is_right_is_committed_and_what_can_not_be_tried_is_named(story: Story) -> None:
    story.write(web=deployment())
    versions = story.project.commits()
    checked = story.run("--check", fleet_verify="server")
    assert checked.code == 0, checked.output
    assert story.project.commits() == versions
    assert (
        f"{STAGING} can't try ConfigMap web/inside before the commit: its namespace is not there yet" in checked.words
    )
    assert f"{STAGING} can't try Gate default/west before the commit: its kind is not there yet" in checked.words
    assert "+ Deployment default/web" in checked.words
    outcome = story.run(fleet_verify="server")
    assert outcome.code == 0, outcome.output
    assert len(story.project.commits()) == len(versions) + 1
    again = story.run(fleet_verify="server")
    assert again.code == 0, again.output
    assert again.changed == {STAGING: 0}
    assert "objects that change" not in again.output


def test_the_plan_shows_fields_and_hides_secrets(story: Story) -> None:
    container = {"name": "web", "env": [{"name": "API_TOKEN", "value": "hidden-two"}]}
    patch = {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": 2, "template": {"spec": {"containers": [container]}}},
    }  # fmt: skip
    story.components["web"]["patches"] = [{"patch": json.dumps(patch)}]
    outcome = story.run("--check", fleet_verify="server")
    assert outcome.code == 0, outcome.output
    assert "~ Deployment default/web: spec.replicas: 1 → 2" in outcome.words
    assert "containers[web].env[API_TOKEN].value: ******** → ********" in outcome.words
    plan = outcome.output.partition("objects that change")[2].partition("changed:")[0]
    assert "hidden" not in plan


def without_builders(folder: Path) -> str:
    """A PATH with all programs of this one's but those that build overlays."""
    for place in os.environ["PATH"].split(os.pathsep):
        for program in Path(place).iterdir() if Path(place).is_dir() else ():
            if program.name not in ("kustomize", "kubectl") and not (folder / program.name).is_symlink():
                (folder / program.name).symlink_to(program)
    return str(folder)


def test_without_a_program_it_is_told_and_the_run_goes_on(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(story.project.environment, "PATH", without_builders(tmp_path))
    outcome = story.run("--check")
    assert outcome.code == 0, outcome.output
    assert outcome.words.count(NO_BUILDER) == 1
    assert "spec.replicas: 1 → 2" in outcome.words
