# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of age as text, against the pair of age's own specification."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import age

# https://github.com/C2SP/C2SP/blob/main/age.md
IDENTITY = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
RECIPIENT = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"


def test_the_pair_of_the_specification() -> None:
    key = age.decode(age.IDENTITY, IDENTITY)
    assert key == b"\x42" * 32
    assert age.encode(age.IDENTITY, key) == IDENTITY
    public = X25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw()
    assert age.encode(age.RECIPIENT, public) == RECIPIENT
    assert age.recipient_fault(RECIPIENT) == ""


@given(st.binary(min_size=32, max_size=32), st.sampled_from([age.RECIPIENT, age.IDENTITY]))
def test_what_is_written_is_read(key: bytes, prefix: str) -> None:
    assert age.decode(prefix, age.encode(prefix, key)) == key


@given(st.integers(4, len(RECIPIENT) - 1), st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l"))
def test_a_mistyped_one_is_seen(place: int, letter: str) -> None:
    wrong = RECIPIENT[:place] + letter + RECIPIENT[place + 1 :]
    assert bool(age.recipient_fault(wrong)) == (wrong != RECIPIENT)


@pytest.mark.parametrize("wrong", ["", "age1", "ssh-ed25519 AAAA", RECIPIENT.title(), RECIPIENT[:-1], None, 5])
def test_what_is_none(wrong: object) -> None:
    assert "a public key of age" in age.recipient_fault(wrong)


def test_a_private_key_is_told_as_such() -> None:
    assert age.recipient_fault(IDENTITY).startswith("this is a private key")
    assert IDENTITY not in age.recipient_fault(IDENTITY)
