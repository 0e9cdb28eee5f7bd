# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own certificate authority, and the keys and certificates that it gives out (PEM files, made once)."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Callable, Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .settings import write

LIFETIME = datetime.timedelta(days=3650)
Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
SERVER = ExtendedKeyUsageOID.SERVER_AUTH
CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
HOST_KEYS: dict[str, Callable[[], Private]] = {
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
    "rsa": lambda: rsa.generate_private_key(65537, 3072),
}


def private_pem(key: Private, layout: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8) -> bytes:
    """A private key without a passphrase; layout is PKCS8, or OpenSSH for host keys."""
    return key.private_bytes(serialization.Encoding.PEM, layout, serialization.NoEncryption())


def make_authority(folder: Path) -> None:
    """Make ca.crt and ca.key where they are missing."""
    if (folder / "ca.crt").exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fluxops lab CA")])
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    certificate = (
        _builder(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    write(folder / "ca.key", private_pem(key), 0o600)
    # Last, since its being there says that the authority is whole.
    write(folder / "ca.crt", certificate.public_bytes(serialization.Encoding.PEM))


def issue(folder: Path, name: str, usage: x509.ObjectIdentifier, subject: str, organization: str = "") -> None:
    """Make <name>.crt and <name>.key where they are missing: for a server on loopback, or for a client."""
    if (folder / f"{name}.crt").exists():
        return
    issuer_key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)
    issuer = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, subject)]
    if organization:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    builder = (
        _builder(x509.Name(attributes), issuer.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if usage == SERVER:
        builder = builder.add_extension(x509.SubjectAlternativeName(_local_names()), critical=False)
    write(folder / f"{name}.key", private_pem(key), 0o600)
    write(folder / f"{name}.crt", builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


def make_signing_key(path: Path) -> None:
    """Make the key with which a cluster signs the tokens of its service accounts: <path>.key and <path>.pub."""
    if path.with_suffix(".pub").exists():
        return
    key = rsa.generate_private_key(65537, 2048)
    write(path.with_suffix(".key"), private_pem(key), 0o600)
    write(
        path.with_suffix(".pub"),
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
    )


def make_ssh_keys(folder: Path, kinds: Iterable[str] = ()) -> dict[str, str]:
    """Make the SSH keys that are missing (all kinds of HOST_KEYS, or these); each one's public line by kind."""
    lines: dict[str, str] = {}
    for kind in kinds or HOST_KEYS:
        generate = HOST_KEYS[kind]
        public = folder / f"{kind}.pub"
        if not public.exists():
            key = generate()
            write(folder / kind, private_pem(key, serialization.PrivateFormat.OpenSSH), 0o600)
            write(
                public,
                key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH),
            )
        lines[kind] = public.read_text().strip()
    return lines


def _builder(subject: x509.Name, issuer: x509.Name, key: Private) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _local_names() -> list[x509.GeneralName]:
    return [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
