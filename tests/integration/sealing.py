# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets as the program sops encrypts them for a key of age, without that program, whose build takes minutes.

https://getsops.io/docs/#message-authentication-code and https://github.com/C2SP/C2SP/blob/main/age.md.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import textwrap
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import age

_WHEN = "2026-11-23T12:00:00Z"


@dataclass(frozen=True)
class KeyPair:
    """A key of age, both halves as text."""

    identity: str
    recipient: str


def new_key() -> KeyPair:
    """A key of age."""
    key = X25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    return KeyPair(age.encode(age.IDENTITY, key.private_bytes_raw()), age.encode(age.RECIPIENT, public))


def sealed(name: str, recipients: str, **values: str) -> dict[str, Any]:
    """A Secret with these values, encrypted for recipients as a rule of ``.sops.yaml`` names them."""
    key = secrets.token_bytes(32)
    plain = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}
    hashed = hashlib.sha512("".join(["v1", "Secret", name, *values.values()]).encode()).hexdigest().upper()
    sops = {
        "age": [{"recipient": one, "enc": _wrapped(key, one)} for one in recipients.split(",")],
        "lastmodified": _WHEN,
        "mac": _value(hashed, key, _WHEN),
        "encrypted_regex": "^(data|stringData)$",
        "version": "3.9.0",
    }
    found = {field: _value(value, key, f"stringData:{field}:") for field, value in values.items()}
    return {**plain, "stringData": found, "sops": sops}


def _value(text: str, key: bytes, place: str) -> str:
    nonce = secrets.token_bytes(32)
    cipher = Cipher(algorithms.AES(key), modes.GCM(nonce)).encryptor()
    cipher.authenticate_additional_data(place.encode())
    data = cipher.update(text.encode()) + cipher.finalize()
    parts = {"data": data, "iv": nonce, "tag": cipher.tag}
    return "ENC[AES256_GCM," + ",".join(f"{one}:{_base64(what)}" for one, what in parts.items()) + ",type:str]"


def _wrapped(key: bytes, recipient: str) -> str:
    """The data key as an armored file of age for one recipient."""
    public, file_key, once = age.decode(age.RECIPIENT, recipient), secrets.token_bytes(16), X25519PrivateKey.generate()
    share = once.public_key().public_bytes_raw()
    shared = once.exchange(X25519PublicKey.from_public_bytes(public))
    wrap = _derived(shared, share + public, b"age-encryption.org/v1/X25519")
    body = ChaCha20Poly1305(wrap).encrypt(bytes(12), file_key, None)
    header = f"age-encryption.org/v1\n-> X25519 {_unpadded(share)}\n{_unpadded(body)}\n---"
    mac = hmac.digest(_derived(file_key, b"", b"header"), header.encode(), "sha256")
    nonce = secrets.token_bytes(16)
    last = bytes(11) + b"\x01"  # the first chunk is the last one
    payload = nonce + ChaCha20Poly1305(_derived(file_key, nonce, b"payload")).encrypt(last, key, None)
    text = _base64(f"{header} {_unpadded(mac)}\n".encode() + payload)
    lines = ["-----BEGIN AGE ENCRYPTED FILE-----", *textwrap.wrap(text, 64), "-----END AGE ENCRYPTED FILE-----", ""]
    return "\n".join(lines)


def _derived(secret: bytes, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, purpose).derive(secret)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unpadded(data: bytes) -> str:
    return _base64(data).rstrip("=")
