# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Key pairs for deploy keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

try:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    _MAKERS: dict[str, Callable[[], Any]] = {
        "ed25519": Ed25519PrivateKey.generate,
        "ecdsa-p256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "ecdsa-p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "ecdsa-p521": lambda: ec.generate_private_key(ec.SECP521R1()),
        "rsa-3072": lambda: rsa.generate_private_key(65537, 3072),
        "rsa-4096": lambda: rsa.generate_private_key(65537, 4096),
    }

    IMPORT_ERROR: ImportError | None = None
except ImportError as error:  # ansible-core brings it to the controller; a bastion may lack it
    IMPORT_ERROR = error

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import FleetError


@dataclass(frozen=True)
class KeyPair:
    """An SSH key in OpenSSH's formats: private text, public line."""

    private: str
    public: str


def generate(where: str, algorithm: str = "ed25519") -> KeyPair:
    """A new key pair; ``where`` names the cluster in errors."""
    if IMPORT_ERROR:
        raise FleetError(
            f"{where}: the Python package cryptography is missing ({IMPORT_ERROR}): install it to generate keys"
        )
    key = _MAKERS[algorithm]()
    encoding, private_format = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH
    private = key.private_bytes(encoding, private_format, serialization.NoEncryption())
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return KeyPair(private.decode(), public.decode())


def public_of(private: str, where: str) -> str:
    """The public line of a private key in OpenSSH's or PEM format, without passphrase."""
    if IMPORT_ERROR:
        raise FleetError(
            f"{where}: the Python package cryptography is missing ({IMPORT_ERROR}): install it to read keys"
        )
    key = serialization.load_ssh_private_key(private.encode(), password=None)
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return public.decode()
