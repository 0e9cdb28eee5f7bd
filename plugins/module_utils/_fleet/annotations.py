# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Problems in the forms by which forges show them beside the lines of a change."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem

_PLACE = re.compile(r"(?P<file>.+):(?P<line>[1-9][0-9]*)")
# https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
_IN_TEXT = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTY = {**_IN_TEXT, ":": "%3A", ",": "%2C"}


def commands(problems: Iterable[Mapping[str, str]]) -> list[str]:
    """A line for each problem (as plain data) that GitHub, Gitea and Forgejo read from a job's output.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message
    """
    found = []
    for one in (Problem(**problem) for problem in problems):
        place = _PLACE.fullmatch(one.where)
        properties = {"title": one.field}
        if place:
            properties = {"file": place["file"], "line": place["line"], **properties}
        said = ",".join(f"{name}={_escaped(value, _IN_PROPERTY)}" for name, value in properties.items())
        found.append(f"::error {said}::{_escaped(str(one), _IN_TEXT)}")
    return found


def report(problems: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
    """The report that GitLab shows in a merge request, of problems as plain data.

    https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
    """
    found = []
    for one in (Problem(**problem) for problem in problems):
        place = _PLACE.fullmatch(one.where)
        found.append(
            {
                "description": str(one),
                "check_name": one.field,
                "fingerprint": hashlib.sha256(str(one).encode()).hexdigest(),
                "severity": "blocker",
                "location": {
                    "path": place["file"] if place else one.where,
                    "lines": {"begin": int(place["line"]) if place else 1},
                },
            }
        )
    return found


def _escaped(text: str, signs: Mapping[str, str]) -> str:
    return "".join(signs.get(sign, sign) for sign in text)
