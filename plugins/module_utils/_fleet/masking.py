# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Values that nobody is to see in a plan: those of Secrets, and those whose names say that they are secret."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.scrub import MASK

# Names of values, in whatever way they are written: adminPassword, API_KEY, client-secret.
_SECRET = re.compile(
    r"passw(or)?d|passphrase|pwd$|secret|token|credential|(api|access|private|encryption|signing)[-_.]?key"
    r"|connection[-_.]?string|dsn$|htpasswd|kubeconfig",
    re.IGNORECASE,
)
# What only says where a secret is, or how it is used.
_ABOUT = re.compile(
    r"(name|names|namespace|ref|refs|path|file|kind|type|policy|mode|enabled|create|class|store|interval|lifetime"
    r"|ttl|expiration(seconds)?|projection|mount|volume)$|^(automount|optional|key|version|apiVersion)",
    re.IGNORECASE,
)
_WITHIN = re.compile(r"((?:passw(?:or)?d|secret|token|api[-_]?key)[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&]+", re.IGNORECASE)
_IN_URL = re.compile(r"(://[^/\s:@]*:)[^/\s@]+(@)")
_VALUES = ("data", "stringData")


def is_secret(kind: str, path: Sequence[str]) -> bool:
    """Whether the value at a path of an object of that kind is nobody's to see."""
    if kind == "Secret" and path and path[0] in _VALUES:
        return True
    named = [part for part in path if part not in ("metadata", "spec", "data")]
    return bool(named) and any(_SECRET.search(part) for part in named) and not _ABOUT.search(named[-1])


def masked(kind: str, path: Sequence[str], value: Any) -> Any:
    """The value as people may see it, at whatever depth it holds a secret."""
    if isinstance(value, Mapping):
        return {key: masked(kind, [*path, str(key)], item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(kind, [*path, *_name_of(item)], item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if is_secret(kind, path):
        return MASK
    return _IN_URL.sub(rf"\1{MASK}\2", _WITHIN.sub(rf"\1{MASK}", value)) if isinstance(value, str) else value


def _name_of(item: Any) -> list[str]:
    """An item's own name: that of a variable says what its value is."""
    name = item.get("name") if isinstance(item, Mapping) else None
    return [name] if isinstance(name, str) else []
