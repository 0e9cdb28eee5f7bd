# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people bring along: a chart, a directory that they write by hand, and a team with its request."""

from __future__ import annotations

import base64
from pathlib import Path

from tests.lab import Lab, charts
from tests.lab.forge import Forge

FLEET = "fleet"  # inventories/lab names it too
TENANT = "payments"
DEPLOYMENT = f"{TENANT}-deploy"
# What the component `notes` of inventories/lab applies.
HAND_WRITTEN = {
    "infrastructure/base/notes/kustomization.yaml": """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: platform
resources: [notes.yaml]
""",
    "infrastructure/base/notes/notes.yaml": """\
# Written by hand: the collection uses it, and never changes it.
apiVersion: v1
kind: ConfigMap
metadata:
  name: notes
data:
  where: "this is ${cluster_name}, in ${cluster_environment}"
""",
}
REQUEST = """\
tenant: {tenant}
owner: {{team: {tenant}, contact: {tenant}@corp.example}}
namespaces: [{tenant}]
access: {{admin: ["oidc:{tenant}-dev"], view: ["oidc:everyone"]}}
sources:
  - {{name: deploy, url: {url}}}
environments:
  staging: {{source: deploy, ref: {{branch: main}}, path: ./flux/staging}}
  production: {{source: deploy, ref: {{branch: main}}, path: ./flux/production}}
"""


def make_repositories(forge: Forge) -> None:
    """The fleet's repository and the team's, both private, where they are missing."""
    for name in (FLEET, DEPLOYMENT):
        if forge.call("GET", f"/repos/{forge.facts['user']}/{name}", missing=None) is None:
            forge.create_repository(name)


def publish_chart(forge: Forge) -> str:
    """The project's own chart in the forge's registry; the registry's URL."""
    return charts.publish(forge)


def write_by_hand(forge: Forge) -> bool:
    """Commit the hand-written directory, as a person does; False where it is there already."""
    missing = [path for path in HAND_WRITTEN if forge.file(FLEET, path) is None]
    files = [
        {"operation": "create", "path": path, "content": base64.b64encode(HAND_WRITTEN[path].encode()).decode()}
        for path in missing
    ]
    if files:
        body = {"branch": "main", "message": "notes for every cluster", "files": files}
        forge.call("POST", f"/repos/{forge.facts['user']}/{FLEET}/contents", json=body)
    return bool(files)


def write_request(lab: Lab) -> Path:
    """The team's request file."""
    path = lab.settings.directory / "requests" / f"{TENANT}.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(REQUEST.format(tenant=TENANT, url=lab.forge.urls(DEPLOYMENT)["ssh_url"]))
    return path
