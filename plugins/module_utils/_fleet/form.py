# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The form of a tenant's request: the one declaration that checks, schema and documentation come from."""

from __future__ import annotations

import json

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import model
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.profiles import PROFILES
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import (
    DIALECT,
    Amount,
    Flag,
    Items,
    Record,
    Shape,
    Table,
    Text,
    Word,
    described,
)

# Names that the layout of the repository has taken.
RESERVED_TENANTS = ("sync", "namespaces", "clusters", "base", "flux-system")
# Kubernetes' own and Flux's; kube-* is Kubernetes' own by convention:
# https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/#initial-namespaces
FORBIDDEN_NAMESPACES = ("default", "flux-system", "kube-*")

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
# With a prefix of ours it must still be a label value.
_SHORT_LABEL = r"[a-z0-9]([-a-z0-9]{0,54}[a-z0-9])?"
_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?){0,3}"
# One line without control characters and without what has no width or turns the direction of writing.
_UNSEEN = r"\x00-\x1f\x7f-\xa0\xad\u061c\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f\ufeff\ufff9-\ufffb"
_LINE = rf"[^{_UNSEEN}]+"
_VERSION = r"[0-9xX*]{1,9}(\.[0-9xX*]{1,9}){0,2}(-[0-9A-Za-z.-]{1,60})?(\+[0-9A-Za-z.-]{1,60})?"
_TERM = rf"(=|!=|>|<|>=|=>|<=|=<|~|~>|\^)? ?v?{_VERSION}"
# Ranges of https://github.com/Masterminds/semver#checking-version-constraints, which Flux reads them with.
_RANGE = rf"{_TERM}( - {_TERM}|(, ?| | ?\|\| ?){_TERM}){{0,8}}"
_DURATION = r"(?=.*[1-9])([0-9]{1,6}(\.[0-9]{1,3})?[smh]){1,3}"


def _refused(names: tuple[str, ...], pattern: str) -> str:
    """The pattern without these names (``prefix*``: all that begin so)."""
    return f"(?!(?:{'|'.join(names).replace('*', '.*')})$){pattern}"


def _text_fault(value: str) -> tuple[str, str] | None:
    hidden = next((one for one in value if not one.isprintable()), None)
    if hidden is None:
        return None
    hint = f"one line of text that can be seen (it holds U+{ord(hidden):04X})"
    return value, hint


def _group_fault(value: str) -> tuple[str, str] | None:
    if value.startswith("system:"):
        return value, "groups of Kubernetes' own hold people of other tenants too: name the team's group"
    return None


def _url_fault(value: str) -> tuple[str, str] | None:
    found = model.check_repository_url("", "", value)
    if found:
        hint = found[0].hint.replace("give fleet_repository_token", "name the Secret that holds them as secret")
        return found[0].value, hint
    foreign = next((one for one in value if not one.isascii()), None)
    return (value, f"a URL is ASCII (U+{ord(foreign):04X} is not)") if foreign else None


def _branch_fault(value: str) -> tuple[str, str] | None:
    found = model.check_branch("", "", value)
    return (found[0].value, found[0].hint) if found else _text_fault(value)


def _tag_fault(value: str) -> tuple[str, str] | None:
    hint = "the short name of a tag that Git accepts, such as v1.2.3"
    return (value, hint) if model.check_branch("", "", value) else _text_fault(value)


def _path_fault(value: str) -> tuple[str, str] | None:
    if value.startswith(("/", "~")) or "\\" in value or ".." in value.split("/"):
        return value, "a directory within the repository, such as ./flux/staging"
    return _text_fault(value)


_NAMES = "lower-case letters, digits and '-', a letter or digit first and last"
_TENANT = Text(
    "The tenant's name, for ever.",
    _refused(RESERVED_TENANTS, _SHORT_LABEL),
    f"{_NAMES}, at most 56, and none of {', '.join(RESERVED_TENANTS)}",
    56,
)
_NAMESPACE = Text(
    "",
    _refused(FORBIDDEN_NAMESPACES, _LABEL),
    f"{_NAMES}, at most 63, and none of {', '.join(FORBIDDEN_NAMESPACES)}",
    63,
)
ENVIRONMENT_NAME = Text("", _refused(model.RESERVED_ENVIRONMENTS, _LABEL), f"{_NAMES}, at most 63, and not base", 63)
_CLUSTER = Text("", _LABEL, f"{_NAMES}, at most 63", 63)
_SOURCE_NAME = Text("A name for the repository, for this request.", _SHORT_LABEL, f"{_NAMES}, at most 56", 56)
_GROUP = Text("", r"[!-~]+( [!-~]+)*", "a group of the cluster's identity provider, in ASCII", 253, _group_fault)
PROFILE = Word("How closely the tenant is fenced in; the fleet's own default where it is left out.", tuple(PROFILES))
_QUANTITY = Amount("")
QUOTA = Table(
    "What a namespace may use, by the names of a ResourceQuota; over the profile's own.",
    Text("", r"[A-Za-z0-9]([A-Za-z0-9._/-]{0,250}[A-Za-z0-9])?", "a resource, such as requests.cpu or pods"),
    _QUANTITY,
    0,
)
LIMITS = Table(
    "What a container gets that says nothing itself; over the profile's own.",
    Text("", r"cpu|memory|ephemeral-storage", "cpu, memory or ephemeral-storage"),
    _QUANTITY,
    0,
)

_OWNER = Record(
    "Who answers for the tenant.",
    {
        "team": Text("The team's name.", _LINE, "one line of text", 253, _text_fault),
        "contact": Text("How to reach the team.", _LINE, "one line of text", 253, _text_fault),
    },
    ("team",),
)
_SOURCE = Record(
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
            _SUBDOMAIN,
            "the name of a Secret",
        ),
    },
    ("name", "url"),
)
_REF = Record(
    "What is followed: one of branch (main where ref is left out), tag, semver, commit.",
    {
        "branch": Text("A branch.", r"[^\x00-\x20\x7f~^:?*\[\\]+", "the short name of a branch", 253, _branch_fault),
        "tag": Text("A tag.", r"[^\x00-\x20\x7f~^:?*\[\\]+", "the short name of a tag", 253, _tag_fault),
        "semver": Text("The newest tag in this range.", _RANGE, 'a range of versions, such as ">=1.0.0" or "1.x"', 128),
        "commit": Text("A commit.", r"[0-9a-f]{40}|[0-9a-f]{64}", "the full id of a commit, 40 or 64 hex digits", 64),
    },
    one_of=True,
)
_DURATIONS = "a duration above zero, such as 30s, 10m or 1h30m"
INTERVAL = Text("How often Flux looks; 5m where it is left out.", _DURATION, _DURATIONS, 32)
TIMEOUT = Text("How long workloads may take to be ready; 5m where it is left out.", _DURATION, _DURATIONS, 32)
_ENVIRONMENT = Record(
    "",
    {
        "source": Text("The source that is applied; the only one where it is left out.", _SHORT_LABEL, _NAMES, 56),
        "ref": _REF,
        "path": Text(
            "The directory in the repository; ./flux/<environment> where it is left out.",
            _LINE,
            "a directory within the repository",
            512,
            _path_fault,
        ),
        "clusters": Items("Only these clusters of the environment.", _CLUSTER, most=500),
        "suspend": Flag("Whether Flux lets the tenant's workloads be as they are."),
        "interval": INTERVAL,
        "timeout": TIMEOUT,
        "profile": PROFILE,
    },
)

_FIELDS: dict[str, Shape] = {
    "tenant": _TENANT,
    "state": Word("absent: the tenant is to leave, by the playbook offboard.", ("present", "absent")),
    "owner": _OWNER,
    "namespaces": Items(
        "The tenant's namespaces, Flux's own objects in the first; one of its name if left out.", _NAMESPACE
    ),
    "access": Record(
        "Groups that may work in the namespaces (admin), or see them (view).",
        {"admin": Items("", _GROUP, 0), "view": Items("", _GROUP, 0)},
    ),
    "profile": PROFILE,
    "quota": QUOTA,
    "limits": LIMITS,
    "sources": Items("The tenant's repositories.", _SOURCE, most=20),
    "environments": Table("What is applied where.", ENVIRONMENT_NAME, _ENVIRONMENT, most=50),
}

FORM = Record(
    "A tenant's onboarding request.",
    _FIELDS,
    required=("owner", "sources", "environments"),
    always=("tenant",),
    unless=("state", "absent"),
)


def schema_file() -> str:
    """The JSON Schema of a request as the file that editors read."""
    document = {"$schema": DIALECT, "title": "fluxops.fleet request", **described(FORM)}
    return json.dumps(document, indent=2) + "\n"


def is_tenant_name(name: str) -> bool:
    """Whether a tenant may be called so."""
    return not list(_TENANT.faults(name, ()))


def namespace_fault(name: object) -> str:
    """What is wrong with a namespace's name, whoever asks for it; empty where nothing is."""
    return next((hint for _path, _value, hint in _NAMESPACE.faults(name, ())), "")
