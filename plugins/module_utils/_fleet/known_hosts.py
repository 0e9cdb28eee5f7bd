# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Whether a known_hosts text holds a key for a host: https://man.openbsd.org/sshd.8#SSH_KNOWN_HOSTS_FILE_FORMAT."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

_SSH_PORT = 22
_HASHED = re.compile(r"\|1\|([A-Za-z0-9+/]+=*)\|([A-Za-z0-9+/]+=*)")


def entry(url: str) -> str:
    """The name that the host of an ``ssh://`` URL has in known_hosts: ``host``, or ``[host]:port``."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _SSH_PORT
    return host if port == _SSH_PORT else f"[{host}]:{port}"


def holds(text: str, name: str) -> bool:
    """Whether some line pins a key of the host with this name: plainly, by a pattern, or by its hash."""
    return any(_names(patterns, name) for patterns in _pinned(text))


def _pinned(text: str) -> Iterator[str]:
    """The first field of each line that trusts a key."""
    for line in text.splitlines():
        fields = line.split()
        if fields and fields[0] == "@cert-authority":
            fields = fields[1:]
        if len(fields) > 2 and not fields[0].startswith(("#", "@")):  # a host, the key's type, the key
            yield fields[0]


def _names(patterns: str, name: str) -> bool:
    hashed = _HASHED.fullmatch(patterns)
    if hashed:
        return _is_hash(hashed.group(1), hashed.group(2), name)
    found = False
    for pattern in patterns.lower().split(","):
        if _matches(pattern.lstrip("!"), name.lower()):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def _matches(pattern: str, name: str) -> bool:
    parts = {"*": ".*", "?": "."}
    return bool(re.fullmatch("".join(parts.get(one, re.escape(one)) for one in pattern), name))


def _is_hash(salt: str, digest: str, name: str) -> bool:
    try:
        key, wanted = base64.b64decode(salt, validate=True), base64.b64decode(digest, validate=True)
    except ValueError:
        return False
    return hmac.new(key, name.encode(), hashlib.sha1).digest() == wanted
