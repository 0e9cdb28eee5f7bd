# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Teams that want to be onboarded: deployment repositories at the lab's forge, and request files."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.integration.project import Project
from tests.lab import Lab

ENVIRONMENTS = ("staging", "production")


def workload(name: str, **metadata: Any) -> dict[str, Any]:
    """A Deployment that every profile lets in."""
    labels = {"app": name}
    container = {
        "name": "main",
        "image": "registry.example/app:1",
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "20m", "memory": "32Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = {
        "containers": [container],
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    }
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, **metadata}, "spec": spec}


@dataclass
class Teams:
    """Deployment repositories of a test module, and where its requests lie."""

    lab: Lab
    folder: Path
    made: list[str] = field(default_factory=list)

    def repository(self, files: Mapping[str, Any]) -> str:
        """The SSH URL of a new private repository with these files (path → objects, or text)."""
        name = f"team-{secrets.token_hex(4)}-deploy"
        self.made.append(name)
        urls = self.lab.forge.create_repository(name)
        self.commit(name, files)
        return urls["ssh_url"]

    def commit(self, name: str, files: Mapping[str, Any]) -> None:
        """One commit that adds these files."""
        changes = [
            {"operation": "create", "path": path, "content": base64.b64encode(_text(content).encode()).decode()}
            for path, content in files.items()
        ]
        body = {"branch": "main", "message": "deploy", "files": changes}
        self.lab.forge.call("POST", f"/repos/{self.lab.forge.facts['user']}/{name}/contents", json=body)

    def deployment(self, *names: str, **metadata: Any) -> str:
        """The URL of a repository with a workload in flux/<environment>, for each of these names."""
        objects = [workload(name, **metadata) for name in names]
        return self.repository({f"flux/{environment}/app.yaml": objects for environment in ENVIRONMENTS})

    def request(self, tenant: str, url: str, **changes: Any) -> dict[str, Any]:
        """A request in its shortest form, with changes."""
        return {
            "tenant": tenant,
            "owner": {"team": tenant, "contact": f"{tenant}@corp.example"},
            "sources": [{"name": "deploy", "url": url}],
            "environments": {
                name: {"source": "deploy", "ref": {"branch": "main"}, "path": f"./flux/{name}"} for name in ENVIRONMENTS
            },
            **changes,
        }

    def write(self, *requests: Mapping[str, Any]) -> str:
        """A new directory with a file for each request."""
        folder = self.folder / f"requests-{secrets.token_hex(4)}"
        folder.mkdir(parents=True)
        for one in requests:
            folder.joinpath(f"{one['tenant']}.yml").write_text(yaml.safe_dump(dict(one), sort_keys=False))
        return str(folder)

    def key_titles(self, url: str) -> list[str]:
        """The titles of the deploy keys of a repository."""
        name = url.rpartition("/")[2].removesuffix(".git")
        keys = self.lab.forge.deploy_keys(name)
        assert all(key["read_only"] for key in keys)
        return sorted(key["title"] for key in keys)

    def end(self) -> None:
        """Remove what was made at the forge."""
        for name in self.made:
            self.lab.forge.delete_repository(name)


def _text(content: Any) -> str:
    return content if isinstance(content, str) else yaml.safe_dump_all(content)


def projects(project: Project, environment: str) -> dict[str, str]:
    """Path → blob of the tenants' files of one environment."""
    prefix = f"projects/{environment}/"
    return {path: blob for path, blob in project.tree().items() if path.startswith(prefix)}
