# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Whether a known_hosts text holds a key for a host, and the keys of big forges: https://man.openbsd.org/sshd.8#SSH_KNOWN_HOSTS_FILE_FORMAT."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

_SSH_PORT = 22
_HASHED = re.compile(r"\|1\|([A-Za-z0-9+/]+=*)\|([A-Za-z0-9+/]+=*)")

# The host keys that big forges publish. Their fingerprints were compared with what the forge itself says:
# https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/githubs-ssh-key-fingerprints
# https://docs.gitlab.com/user/gitlab_com/#ssh-known_hosts-entries
# https://bitbucket.org/blog/ssh-host-key-changes
# https://docs.codeberg.org/security/ssh-fingerprint/
_PUBLISHED = {
    "github.com": (
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
        (
            "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENj"
            "QEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg="
        ),
    ),
    "gitlab.com": (
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf",
        (
            "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBFSMqzJe"
            "V9rUzU4kWitGjeR4PWSa29SPqJ1fVkhtj3Hw9xjLVXVYrU9QlYWrOLXBpQ6KWjbjTDTdDkoohFzgbEY="
        ),
    ),
    "bitbucket.org": (
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIazEu89wgQZ4bqs3d63QSMzYVa0MuJ2e2gKTKqu+UUO",
        (
            "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBPIQmuzM"
            "BuKdWeF4+a2sjSSpBK0iqitSQ+5BM9KhpexuGt20JpTVM7u5BDZngncgrqDMbWdxMWWOGtZ9UgbqgZE="
        ),
    ),
    "codeberg.org": (
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIVIC02vnjFyL+I4RHfvIGNtOgJMe769VTF1VR4EB3ZB",
        (
            "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBL2pDxWr"
            "18SoiDJCGZ5LmxPygTlPu+cCKSkpqkvCyQzl5xmIMeKNdfdBpfbCGDPoZQghePzFZkKJNR/v9Win3Sc="
        ),
    ),
}


def trusted(text: str | None, url: str) -> str:
    """The pinned lines for a URL: the text, and where it has none for the URL's host what that forge publishes."""
    given = text or ""
    try:
        name = entry(url)
    except ValueError:  # no URL: others say so
        return given
    published = "".join(f"{name} {key}\n" for key in _PUBLISHED.get(name, ()))
    if not published or holds(given, name):
        return given
    return f"{given.rstrip()}\n{published}".lstrip()


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
