# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an empty fleet repository gets beside what clusters watch."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
import yaml

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import request_reader, requested, rules
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.fleet_skeleton import Skeleton
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.publication import Wishes, plan_clusters
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import MANIFEST, TEMPLATES, Files, cluster

STAGING, PRODUCTION = cluster("stg-1", "u1"), cluster("prd-1", "u2", environment="production")
BASE = {"README.md", "requests/README.md"}


def written(repository: Mapping[str, str], skeleton: Skeleton | None) -> dict[str, str]:
    """Path → text of what a first bootstrap of two clusters would commit outside of what clusters watch."""
    clusters = [STAGING, PRODUCTION]
    components = {one.distribution: MANIFEST for one in clusters}
    wishes = Wishes(clusters, components, Renderer(TEMPLATES), skeleton=skeleton)
    changes = plan_clusters(wishes, Files(repository)).plan.changes
    watched = ("clusters/", "infrastructure/", "projects/")
    return {one.path: str(one.after) for one in changes if not one.path.startswith(watched)}


@pytest.mark.parametrize(
    ("forge", "pipeline"),
    [
        ("github", ".github/workflows/validate.yaml"),
        ("gitea", ".gitea/workflows/validate.yaml"),
        ("gitlab", ".gitlab-ci.yml"),
        ("", ""),
    ],
)
def test_empty_repository_gets_it_with_the_pipeline_of_its_forge(forge: str, pipeline: str) -> None:
    found = written({}, Skeleton(forge=forge))
    assert set(found) == BASE | ({pipeline} if pipeline else set())
    if pipeline:
        assert "ansible-playbook fluxops.fleet.validate -e fleet_requests=requests/" in str(
            yaml.safe_load(found[pipeline])
        )


@pytest.mark.parametrize("there", ["README.md", "docs/notes.txt", ".gitignore"])
def test_repository_with_content_gets_nothing(there: str) -> None:
    assert written({there: "mine\n"}, Skeleton(("@platform",), "gitea")) == {}


def test_second_run_has_nothing_to_do() -> None:
    wishes = Wishes([STAGING], {STAGING.distribution: MANIFEST}, Renderer(TEMPLATES), skeleton=Skeleton(forge="gitlab"))
    first = {one.path: str(one.after) for one in plan_clusters(wishes, Files({})).plan.changes}
    assert ".gitlab-ci.yml" in first
    assert not plan_clusters(wishes, Files(first)).plan.changes
    assert not plan_clusters(
        wishes, Files({path: text for path, text in first.items() if path not in BASE})
    ).plan.changes


def test_owners_approve_everything() -> None:
    found = written({}, Skeleton(("@platform", "@corp/sre")))
    assert found["CODEOWNERS"] == "* @platform @corp/sre\n"
    assert "Approved by @platform, @corp/sre, see [CODEOWNERS](CODEOWNERS)." in found["README.md"]
    assert "CODEOWNERS" not in written({}, Skeleton())
    assert "add a `CODEOWNERS` file" in written({}, Skeleton())["README.md"]


def test_links_of_the_readme_lead_somewhere() -> None:
    found = written({}, Skeleton(("@platform",)))
    links = re.findall(r"\]\(([^)]+)\)", found["README.md"])
    assert links
    assert set(links) <= set(found)
    assert "`production`, `staging`" in found["README.md"]


def test_example_is_a_request() -> None:
    text = written({}, Skeleton())["requests/README.md"]
    example = text.partition("```yaml\n")[2].partition("```")[0]
    (one,), problems = request_reader.read(example.encode(), "example.yml")
    made, wrong = requested.from_request(one, rules.Rules("standard", (), None))
    assert (problems, wrong) == ([], [])
    assert made is not None
    assert set(made.environments) == {"staging", "production"}


@pytest.mark.parametrize("owner", ["platform", "@", "@a b", "* @a", "# no", "@x\n* @y", ""])
def test_owner_that_no_forge_knows_is_named(owner: str) -> None:
    (problem,) = Skeleton((owner,)).problems()
    assert (problem.field, problem.value) == ("fleet_owners", owner)


def test_owners_as_forges_name_them() -> None:
    assert Skeleton(("@ann", "@corp/platform", "ops@corp.example", "@group/sub/team")).problems() == []
