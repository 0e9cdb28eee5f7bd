# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that a cluster does not have are found in directories that people write, at file and line."""

from __future__ import annotations

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import component_facts
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.component_files import Placed
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.components import Component
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member, Sync
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import Files

FACTS = frozenset({"cluster_name", "cluster_region"})
MEMBER = Member("stg-1", "stg-1", "staging", "", Sync("ssh://git@git.example/fleet.git", "main"))
BASE = "infrastructure/base/door"
DISABLED = "kustomize.toolkit.fluxcd.io/substitute: disabled"
OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 'a'%s}\ndata:\n  a: %s\n"


def found(files: dict[str, str], directory: str = BASE) -> list[tuple[str, str]]:
    """File and line, and expression, of what is unknown in a directory; files are named below its parent."""
    component = Component.from_fields("door", {"layer": "configs", "kustomize": {"path": directory}})
    snapshot = Files({f"infrastructure/{name}": text for name, text in files.items()})
    written = component_facts.Written(snapshot, Layout())
    problems = list(written.problems(MEMBER, Placed(component, directory), FACTS))
    assert {problem.where for problem in problems} <= {"stg-1"}
    prefix = "fleet_components.door: infrastructure/"
    assert all(problem.field.startswith(prefix) for problem in problems)
    return [(problem.field.removeprefix(prefix), problem.value) for problem in problems]


def test_file_and_line_and_the_name_that_was_meant() -> None:
    files = Files({f"{BASE}/a.yaml": "# A door.\n---\n" + OBJECT % ("", '"${cluster_nam}"')})
    component = Component.from_fields("door", {"layer": "configs", "kustomize": {"path": BASE}})
    (one,) = component_facts.Written(files, Layout()).problems(MEMBER, Placed(component, BASE), FACTS)
    assert str(one) == (
        "stg-1: fleet_components.door: infrastructure/base/door/a.yaml:7 is '${cluster_nam}': did you mean "
        "${cluster_name}? the cluster has no such fact, and Flux would put nothing in its place: add it to "
        "fleet_substitutions and run bootstrap, or to the component's substitute, or write $${cluster_nam} for the "
        "text itself"
    )


@pytest.mark.parametrize(
    ("files", "expressions"),
    [
        ({"base/door/a.yaml": OBJECT % ("", "${cluster_name} ${cluster_region:=x} ${zone:=a} $${zone}")}, []),
        ({"base/door/a.yaml": OBJECT % ("", "${zone}")}, [("base/door/a.yaml:5", "${zone}")]),
        # Below the directory; in a literal block, a key, a name, and twice in a line.
        ({"base/door/x/a.yml": OBJECT % ("", "|\n    first\n    ${zone}")}, [("base/door/x/a.yml:7", "${zone}")]),
        ({"base/door/a.yaml": OBJECT % (", namespace: '${zone}'", "b")}, [("base/door/a.yaml:3", "${zone}")]),
        ({"base/door/a.yaml": OBJECT % ("", "b\n  ${key}: c")}, [("base/door/a.yaml:6", "${key}")]),
        (
            {"base/door/a.yaml": OBJECT % ("", "${x}${y}")},
            [("base/door/a.yaml:5", "${x}"), ("base/door/a.yaml:5", "${y}")],
        ),
        # Comments are no part of an object, and what is no YAML is not applied.
        ({"base/door/a.yaml": "# ${zone}\n" + OBJECT % ("", "b # ${zone}")}, []),
        ({"base/door/a.txt": "${zone}", "base/door/b.yaml": "a: ${zone}\n : b"}, []),
        # What lies beside the directory is nobody's matter.
        ({"base/other/a.yaml": OBJECT % ("", "${zone}"), "base/door/b.yaml": OBJECT % ("", "b")}, []),
        # Objects and definitions that are left as they are.
        ({"base/door/a.yaml": OBJECT % (f", annotations: {{{DISABLED}}}", "${zone}")}, []),
        ({"base/door/a.yaml": "kind: CustomResourceDefinition\nspec: {description: '${1}'}\n"}, []),
        (
            {"base/door/a.yaml": OBJECT % (f", labels: {{{DISABLED}}}", "${x}") + "---\n" + OBJECT % ("", "${y}")},
            [("base/door/a.yaml:11", "${y}")],
        ),
    ],
)
def test_expressions(files: dict[str, str], expressions: list[tuple[str, str]]) -> None:
    assert found(files) == expressions


def test_what_kustomize_takes_in_and_nothing_else() -> None:
    kustomization = (
        "resources: [../shared]\npatches:\n  - patch: |\n      kind: ConfigMap\n      data: {b: '${inline}'}\n"
    )
    files = {
        "base/door/kustomization.yaml": kustomization,
        "base/door/left-out.yaml": OBJECT % ("", "${left}"),
        "base/shared/kustomization.yaml": "resources: [a.yaml]\n",
        "base/shared/a.yaml": OBJECT % ("", "${shared}"),
    }
    assert found(files) == [("base/door/kustomization.yaml:5", "${inline}"), ("base/shared/a.yaml:5", "${shared}")]
    assert found(
        {**files, "base/shared/kustomization.yaml": f"commonAnnotations: {{{DISABLED}}}\nresources: [a.yaml]\n"}
    ) == [("base/door/kustomization.yaml:5", "${inline}")]


@pytest.mark.parametrize(
    ("kustomization", "expressions"),
    [
        ("configMapGenerator: [{name: x, files: [board.json]}]", [("base/door/board.json:2", "${DS}")]),
        (f"configMapGenerator: [{{name: x, files: [b=board.json], options: {{labels: {{{DISABLED}}}}}}}]", []),
        (f"generatorOptions: {{annotations: {{{DISABLED}}}}}\nconfigMapGenerator: [{{envs: [board.json]}}]", []),
        ("configMapGenerator: nothing", []),
        ("configMapGenerator: [{files: [../../../../etc/passwd, 3]}]", []),
    ],
)
def test_what_kustomize_makes_config_maps_of(kustomization: str, expressions: list[tuple[str, str]]) -> None:
    files = {"base/door/kustomization.yaml": kustomization, "base/door/board.json": '{\n"a": "${DS}"\n}\n'}
    assert found(files) == expressions


def test_an_environments_own_directory_reads_the_base() -> None:
    files = {
        "staging/door/kustomization.yaml": "resources: [../../base/door]\n",
        "base/door/kustomization.yaml": "resources: [a.yaml]\n",
        "base/door/a.yaml": OBJECT % ("", "${zone}"),
    }
    assert found(files, "infrastructure/staging/door") == [("base/door/a.yaml:5", "${zone}")]
