# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The form of a tenant's sources: what a request says of the repositories that it is applied from."""

from __future__ import annotations

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import model
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_values import (
    NAMES,
    SHORT_LABEL,
    SUBDOMAIN,
    text_fault,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Text
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.structures import Record

_VERSION = r"[0-9xX*]{1,9}(\.[0-9xX*]{1,9}){0,2}(-[0-9A-Za-z.-]{1,60})?(\+[0-9A-Za-z.-]{1,60})?"
_TERM = rf"(=|!=|>|<|>=|=>|<=|=<|~|~>|\^)? ?v?{_VERSION}"
# Ranges of https://github.com/Masterminds/semver#checking-version-constraints, which Flux reads them with.
_RANGE = rf"{_TERM}( - {_TERM}|(, ?| | ?\|\| ?){_TERM}){{0,8}}"


def _url_fault(value: str) -> tuple[str, str] | None:
    found = model.check_repository_url("", "", value)
    if found:
        hint = found[0].hint.replace("give fleet_repository_token", "name the Secret that holds them as secret")
        return found[0].value, hint
    foreign = next((one for one in value if not one.isascii()), None)
    return (value, f"a URL is ASCII (U+{ord(foreign):04X} is not)") if foreign else None


def _branch_fault(value: str) -> tuple[str, str] | None:
    found = model.check_branch("", "", value)
    return (found[0].value, found[0].hint) if found else text_fault(value)


def _tag_fault(value: str) -> tuple[str, str] | None:
    hint = "the short name of a tag that Git accepts, such as v1.2.3"
    return (value, hint) if model.check_branch("", "", value) else text_fault(value)


_SOURCE_NAME = Text("A name for the repository, for this request.", SHORT_LABEL, f"{NAMES}, at most 56", 56)
SOURCE = Record(
    "",
    {
        "name": _SOURCE_NAME,
        "url": Text(
            "ssh://git@host/path.git or https://host/path.git, without credentials.",
            r"(ssh|https)://[!-~]+",
            "ssh://git@host/path.git or https://host/path.git",
            2048,
            _url_fault,
        ),
        "secret": Text(
            "An existing Secret in the first namespace that holds what it takes to read the repository. "
            "Where it is left out, ssh:// gets a deploy key that is made on each cluster, and https:// needs none.",
            SUBDOMAIN,
            "the name of a Secret",
        ),
    },
    ("name", "url"),
)
REF = Record(
    "What is followed: one of branch (main where ref is left out), tag, semver, commit.",
    {
        "branch": Text("A branch.", r"[^\x00-\x20\x7f~^:?*\[\\]+", "the short name of a branch", 253, _branch_fault),
        "tag": Text("A tag.", r"[^\x00-\x20\x7f~^:?*\[\\]+", "the short name of a tag", 253, _tag_fault),
        "semver": Text("The newest tag in this range.", _RANGE, 'a range of versions, such as ">=1.0.0" or "1.x"', 128),
        "commit": Text("A commit.", r"[0-9a-f]{40}|[0-9a-f]{64}", "the full id of a commit, 40 or 64 hex digits", 64),
    },
    one_of=True,
)
