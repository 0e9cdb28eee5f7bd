# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Keys of age as text: recipients, which are public, and identities, which are not.

https://github.com/C2SP/C2SP/blob/main/age.md#the-x25519-recipient-type: 32 bytes each in Bech32 (BIP 173).
"""

from __future__ import annotations

from collections.abc import Sequence

RECIPIENT, IDENTITY = "age", "AGE-SECRET-KEY-"
_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM, _KEY_BYTES = 6, 32


def encode(prefix: str, key: bytes) -> str:
    """A key as text, in lower case for a recipient and in upper case for an identity."""
    human, data = prefix.lower(), _regrouped(key, 8, 5)
    check = _polymod([*_expanded(human), *data, *(0,) * _CHECKSUM]) ^ 1
    data += [check >> 5 * (_CHECKSUM - 1 - place) & 31 for place in range(_CHECKSUM)]
    text = f"{human}1{''.join(_ALPHABET[one] for one in data)}"
    return text.upper() if prefix.isupper() else text


def decode(prefix: str, text: str) -> bytes:
    """The key in a text. Raises ValueError where it is none of this prefix, or its checksum does not fit."""
    human, body = prefix.lower(), text.lower()
    head, rest = f"{human}1", body.removeprefix(f"{human}1")
    if text not in (body, text.upper()) or not body.startswith(head) or set(rest) - set(_ALPHABET):
        raise ValueError("no key of this kind")
    data = [_ALPHABET.index(one) for one in rest]
    if _polymod([*_expanded(human), *data]) != 1:
        raise ValueError("the checksum does not fit")
    key = bytes(_regrouped(data[:-_CHECKSUM], 5, 8))
    if encode(prefix, key[:_KEY_BYTES]).lower() != body:
        raise ValueError("not 32 bytes")
    return key[:_KEY_BYTES]


def recipient_fault(text: object) -> str:
    """What is wrong with a recipient; empty where nothing is. The value is not for showing: it may be an identity."""
    if str(text).upper().startswith(IDENTITY):
        return "this is a private key: give the public one, which begins with age1, and renew this"
    try:
        decode(RECIPIENT, str(text))
    except ValueError as error:
        return f"a public key of age (age1…), as age-keygen and the playbook age_keys print it: {error}"
    return ""


def _expanded(human: str) -> list[int]:
    return [*(ord(one) >> 5 for one in human), 0, *(ord(one) & 31 for one in human)]


def _polymod(values: Sequence[int]) -> int:
    check = 1
    for value in values:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(_GENERATORS):
            check ^= generator if top >> place & 1 else 0
    return check


def _regrouped(values: Sequence[int] | bytes, before: int, after: int) -> list[int]:
    """The same bits in groups of another size, the last one filled up with zeros."""
    bits = "".join(f"{value:0{before}b}" for value in values)
    bits += "0" * (-len(bits) % after)
    return [int(bits[place : place + after], 2) for place in range(0, len(bits), after)]
