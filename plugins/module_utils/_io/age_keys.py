# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Keys of age: made, and handed over once through a file of the user's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

try:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    IMPORT_ERROR: ImportError | None = None
except ImportError as error:  # ansible-core brings it
    IMPORT_ERROR = error

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import age
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import FleetError, InvalidInput, Problem


def generate(names: Iterable[str]) -> dict[str, str]:
    """Name → a new identity, which is private."""
    if IMPORT_ERROR:
        raise FleetError(f"the Python package cryptography is missing ({IMPORT_ERROR}): install it to make keys")
    return {name: age.encode(age.IDENTITY, X25519PrivateKey.generate().private_bytes_raw()) for name in names}


def recipients(identities: Mapping[str, str]) -> dict[str, str]:
    """Name → the public key of an identity. Raises ValueError where one is none."""
    keys = {
        name: X25519PrivateKey.from_private_bytes(age.decode(age.IDENTITY, one)) for name, one in identities.items()
    }
    return {name: age.encode(age.RECIPIENT, key.public_key().public_bytes_raw()) for name, key in keys.items()}


def write_once(path: str, text: str) -> None:
    """A new file that only its owner reads. Raises InvalidInput where it can't be made, or is there by now."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
    except OSError as error:
        hint = f"can't be made: {error.strerror}: give a file in a directory that is there, and where you may write"
        raise InvalidInput(problems=[Problem("run", "path", path, hint)]) from None
