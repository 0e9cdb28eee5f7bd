# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own Helm chart (`greeter/` beside this file), in the forge's chart registry."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
import yaml

from .forge import Forge
from .settings import LabError

CHART = "greeter"
VERSION = "0.1.0"
_SOURCE = Path(__file__).with_name(CHART)


def publish(
    forge: Forge,
    name: str = CHART,
    version: str = VERSION,
    owner: str | None = None,
    more: Mapping[str, str] | None = None,
) -> str:
    """Push the chart under a name and a version, unless they are there already; the repository's URL for Helm.

    ``more``: files that it has besides, path → text.
    """
    repository = f"{forge.facts['url']}/api/packages/{owner or forge.facts['user']}/helm"
    with requests.Session() as session:
        session.trust_env = False
        session.verify = forge.facts["ca_cert"]
        answer = session.post(
            f"{repository}/api/charts",
            data=archive(name, version, more or {}),
            headers={"Authorization": f"token {forge.facts['token']}"},
            timeout=30,
        )
    if answer.status_code not in (requests.codes.created, requests.codes.conflict):
        raise LabError(f"chart {name} {version}: {answer.status_code} {answer.text[:300]}")
    return repository


def about(name: str, version: str) -> dict[str, Any]:
    """What its Chart.yaml says."""
    return {**yaml.safe_load((_SOURCE / "Chart.yaml").read_text()), "name": name, "version": version}


def archive(name: str, version: str, more: Mapping[str, str]) -> bytes:
    """The chart as `helm package` packs it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        files = sorted(one for one in _SOURCE.rglob("*") if one.is_file())
        contents = {path.relative_to(_SOURCE).as_posix(): path.read_bytes() for path in files}
        contents |= {
            "Chart.yaml": yaml.safe_dump(about(name, version)).encode(),
            **{path: text.encode() for path, text in more.items()},
        }
        for path, content in contents.items():
            entry = tarfile.TarInfo(f"{name}/{path}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
