# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``adopt``: a fleet repository of any layout, understood, and brought to the APIs of today by one commit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import ALLOW, FORGE, REPOSITORY, Specification
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import adoption_report, model
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.adoption import plan_adoption
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import Change
from ansible_collections.fluxops.fleet.plugins.module_utils._io import json_report, new_files
from ansible_collections.fluxops.fleet.plugins.module_utils._io.publishing import Wish, publish
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    **REPOSITORY,
    **FORGE,
    **ALLOW,
    "requests": {"type": "path"},
    "json_file": {"type": "path"},
}


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Adopt one repository; see the module's documentation for parameters and result."""
    sync = model.Sync(parameters["repository"]["url"], parameters["repository"]["branch"])
    raise_if(
        [
            *model.check_repository_url("adopt", "repository.url", sync.url),
            *model.check_branch("adopt", "repository.branch", sync.branch),
        ]
    )
    wish = Wish(sync, partial(plan_adoption, sync.url, parameters["allow"]), "adopt")
    made, published = publish(parameters, wish, check_mode=check_mode, say=say)
    folder = parameters["requests"]
    files = new_files.missing(folder, made.requests) if folder else {}
    if not check_mode:
        new_files.write(files)
    json_report.write(parameters["json_file"], made.understood)
    return {
        **made.understood,
        "changed": bool(made.plan.changes or files),
        "diff": [*made.diffs, *(Change(path, None, text).diff for path, text in files.items())],
        "files": made.plan.paths,
        "requests": sorted(files),
        "table": adoption_report.said(made.understood),
        **{name: published[name] for name in ("revision", "pull_request", "awaits")},
    }
