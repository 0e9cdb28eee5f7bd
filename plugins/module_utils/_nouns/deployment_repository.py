# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``deployment_repository``: the skeleton of a tenant's deployment repository, by one commit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import FORGE, NAME, REPOSITORY, Specification
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import model
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.skeleton import Application, plan_skeleton
from ansible_collections.fluxops.fleet.plugins.module_utils._io import templates
from ansible_collections.fluxops.fleet.plugins.module_utils._io.publishing import Wish, named, publish
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **REPOSITORY,
    **FORGE,
    **NAME,
    "environments": {"type": "list", "elements": "str", "required": True},
    "namespace": {"type": "str"},
    "source": {"type": "str", "default": "deploy"},
    "image": {"type": "str", "default": "ghcr.io/stefanprodan/podinfo:6.7.1"},
    "port": {"type": "int", "default": 9898},
    "recipients": {"type": "list", "elements": "str", "default": []},
    "templates": {"type": "path"},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Give the repository what it lacks; see the module's documentation for parameters and result."""
    application = Application.from_params(parameters)
    sync = model.Sync(parameters["repository"]["url"], parameters["repository"]["branch"])
    raise_if(
        [
            *application.problems(),
            *model.check_repository_url(application.name, "repository.url", sync.url),
            *model.check_branch(application.name, "repository.branch", sync.branch),
        ]
    )
    think = partial(plan_skeleton, application, templates.read("deployment_repository", parameters["templates"]))
    wish = Wish(sync, think, named("skeleton", [application.name]))
    made, published = publish(parameters, wish, check_mode=check_mode, say=say)
    for part, why in sorted(made.left.items()):
        say(f"{part} is left out: {why}")
    return {
        "changed": bool(made.plan.changes),
        "diff": made.plan.diffs,
        "files": made.plan.paths,
        "left": dict(made.left),
        "revision": published["revision"],
        "pull_request": published["pull_request"],
    }
