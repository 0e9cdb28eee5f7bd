# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Artifacts as `flux push artifact` and `helm push` make them, in the forge's registry.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from urllib.parse import urlsplit

import requests

from . import charts
from .forge import Forge
from .settings import LabError

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
# Media types of the configuration and of the layer.
_FLUX = ("application/vnd.cncf.flux.config.v1+json", "application/vnd.cncf.flux.content.v1.tar+gzip")
_HELM = ("application/vnd.cncf.helm.config.v1+json", "application/vnd.cncf.helm.chart.content.v1.tar+gzip")


def registry(forge: Forge) -> str:
    """The registry's name: host and port."""
    return urlsplit(forge.facts["url"]).netloc


def publish(forge: Forge, name: str, tag: str, files: Mapping[str, str]) -> str:
    """Push files (path → text) as an artifact with a tag; its URL for Flux."""
    return _push(forge, name, tag, dict(zip(_FLUX, (b"{}", _packed(files)), strict=True)))[0]


def pinned(forge: Forge, name: str, files: Mapping[str, str]) -> tuple[str, str]:
    """Push files as an artifact; its URL for Flux, and its digest."""
    return _push(forge, name, "latest", dict(zip(_FLUX, (b"{}", _packed(files)), strict=True)))


def publish_chart(forge: Forge, folder: str, name: str, version: str) -> tuple[str, str]:
    """Push the lab's chart under a name and a version; the URL of the registry that holds it, and its digest."""
    config = {"name": name, "version": version, "apiVersion": "v2"}
    parts = (json.dumps(config).encode(), charts.archive(name, version, {}))
    url, digest = _push(forge, f"{folder}/{name}", version, dict(zip(_HELM, parts, strict=True)))
    return url.rpartition("/")[0], digest


def _push(forge: Forge, name: str, tag: str, contents: Mapping[str, bytes]) -> tuple[str, str]:
    """Push a configuration and a layer (media type → bytes) under a name below the user's; URL and digest."""
    path = f"{forge.facts['user']}/{name}"
    base = f"{forge.facts['url']}/v2/{path}"
    with requests.Session() as session:
        session.trust_env = False
        session.verify = forge.facts["ca_cert"]
        session.auth = (forge.facts["user"], forge.facts["token"])
        parts = [_blob(session, base, kind, data) for kind, data in contents.items()]
        manifest = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": parts[0], "layers": parts[1:]}
        data = json.dumps(manifest).encode()
        _done(session.put(f"{base}/manifests/{tag}", data=data, headers={"Content-Type": _MANIFEST}, timeout=30))
    return f"oci://{registry(forge)}/{path}", f"sha256:{hashlib.sha256(data).hexdigest()}"


def _blob(session: requests.Session, base: str, kind: str, data: bytes) -> dict[str, str | int]:
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    headers = {"Content-Type": "application/octet-stream"}
    _done(session.post(f"{base}/blobs/uploads/", params={"digest": digest}, data=data, headers=headers, timeout=30))
    return {"mediaType": kind, "digest": digest, "size": len(data)}


def _packed(files: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for path, text in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


def _done(answer: requests.Response) -> None:
    if answer.status_code != requests.codes.created:
        raise LabError(f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text[:300]}")
