# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The skeleton of a tenant's deployment repository: given once, part by part, and the team's own from then on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import age, documents, messages
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import TENANT_SERVICE_ACCOUNT
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import check_label
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import Change, Plan
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer

RECORD = ".fleet.yaml"
_RECORD_COMMENT = """\
# The parts of the skeleton that fluxops.fleet has dealt with: none of them is ever written again, whatever you change
# or remove. Take a line out to be given that part anew, where nothing of it is there.
"""
# Who can read what the team encrypts: a part where the fleet has keys for it, which it may have later.
SOPS = ".sops.yaml"
# It stands in the paths of templates for the name of each environment.
_ENVIRONMENT = "environment"
# A part is given whole, or not at all where anything of it is there. The first that a path fits is its part.
_PARTS = (
    SOPS,
    "README.md",
    "flux/environment",
    "helm/values-environment.yaml",
    "helm",
    "kustomize/base",
    "kustomize/overlays/environment",
)
# Files that are no YAML before somebody else has filled them in.
_PLAIN = ("README.md", "helm/templates/")
# https://kubectl.docs.kubernetes.io/references/kustomize/glossary/#kustomization
_KUSTOMIZATION_FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
# https://pkg.go.dev/github.com/distribution/reference#pkg-overview, with a tag and without a digest.
_IMAGE = re.compile(
    r"(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*"
    r":[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
)
_LARGEST_PORT = 65535


@dataclass(frozen=True)
class Application:
    """What a deployment repository is for. ``source`` is the GitRepository by which Flux reads it.

    ``recipients``: the public keys of age whose private halves lie in the tenant's namespace.
    """

    name: str
    namespace: str
    source: str
    image: str
    port: int
    environments: tuple[str, ...]
    recipients: tuple[str, ...] = ()

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Application:
        """An application from the noun's parameters; ``problems`` says what is wrong with it."""
        return cls(
            name=params["name"],
            namespace=params["namespace"] or params["name"],
            source=params["source"],
            image=params["image"],
            port=params["port"],
            environments=tuple(sorted(set(params["environments"]))),
            recipients=tuple(dict.fromkeys(params["recipients"])),
        )

    def problems(self) -> list[Problem]:
        """Everything about this application that can be known to be wrong without asking anybody."""
        where = f"{self.name or 'empty'}-deploy"
        found = [
            *check_label(where, "name", self.name),
            *check_label(where, "namespace", self.namespace),
            *check_label(where, "source", self.source),
            *(problem for one in self.environments for problem in check_label(where, "environments", one)),
        ]
        if self.name[:1].isdigit():
            hint = "a letter first: a Service can have no other name"
            found.append(Problem(where, "name", self.name, hint))
        if not self.environments:
            found.append(Problem(where, "environments", "empty", "name those that the application is to run in"))
        if not _IMAGE.fullmatch(self.image):
            hint = "an image and its tag, such as registry.example/payments:1.4.2"
            found.append(Problem(where, "image", self.image or "empty", hint))
        if not 0 < self.port <= _LARGEST_PORT:
            found.append(Problem(where, "port", str(self.port), f"a number from 1 to {_LARGEST_PORT}"))
        faults = [age.recipient_fault(one) for one in self.recipients]
        found += [Problem(where, f"recipients[{number}]", "", fault) for number, fault in enumerate(faults) if fault]
        return found

    def variables(self) -> dict[str, Any]:
        """What the templates may use; those of one environment have its name besides, as ``environment``."""
        image, _colon, tag = self.image.rpartition(":")
        own = {"name": self.name, "namespace": self.namespace, "source": self.source, "port": self.port}
        return {
            "application": own,
            "image": {"name": image, "tag": tag},
            "environments": list(self.environments),
            "recipients": list(self.recipients),
            "service_account": TENANT_SERVICE_ACCOUNT,
        }


@dataclass(frozen=True)
class SkeletonPlan:
    """What the commit adds, its message, and the parts that were left out: part → why."""

    plan: Plan = field(default_factory=Plan)
    message: str = ""
    left: Mapping[str, str] = field(default_factory=dict)


def plan_skeleton(application: Application, templates: Mapping[str, str], snapshot: Snapshot) -> SkeletonPlan:
    """What is to be added to the repository for this application; raises InvalidInput where that would not build.

    ``templates``: path in the repository, ``.j2`` after it → text. Nothing that is there is ever changed but our own
    record of the parts that were dealt with, and no part of which the record knows is given again.
    """
    record, there = snapshot.read([RECORD]).get(RECORD), set(snapshot.paths(""))
    known = _recorded(record) if record is not None else set()
    parts = {part: files for part, files in _rendered(application, templates).items() if part not in known}
    left = {part: "something is there already" for part in parts if _holds(there, part)}
    if not _holds(there, "helm/Chart.yaml") and ("helm" in known or "helm" in left):
        left |= {part: "there is no helm/Chart.yaml" for part in parts if part.startswith("helm/")}
    new = {path: text for part, files in parts.items() if part not in left for path, text in files.items()}
    raise_if(_unbuildable(application, parts.keys() - left.keys(), there | new.keys()))
    if not parts:
        return SkeletonPlan()
    text = _RECORD_COMMENT + documents.write([{"parts": sorted(known | parts.keys())}])
    changes = [*(Change(path, None, new[path]) for path in sorted(new)), Change(RECORD, record, text)]
    paths = [*new, RECORD]
    message = messages.compose(f"add the skeleton for {application.name}", paths, {"Fleet-Tenant": [application.name]})
    return SkeletonPlan(Plan(tuple(changes)), message, left)


def _recorded(text: str) -> set[str]:
    (record, *_more) = documents.read(text, RECORD) or [{}]
    parts = record.get("parts")
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        hint = "a list of parts of the skeleton, such as flux/staging; without this file they are looked for anew"
        raise_if([Problem(RECORD, "parts", repr(parts), hint)])
    return set(parts or [])


def _rendered(application: Application, templates: Mapping[str, str]) -> dict[str, dict[str, str]]:
    renderer, variables = Renderer(templates), application.variables()
    parts: dict[str, dict[str, str]] = {}
    for template in sorted(templates):
        path = template.removesuffix(".j2")
        part = next(one for one in _PARTS if _holds([path], one))
        if part == SOPS and not application.recipients:
            continue
        for environment in application.environments if _ENVIRONMENT in part else [""]:
            values = {**variables, "environment": environment}
            plain = path.startswith(_PLAIN)
            text = renderer.text(template, values) if plain else documents.write(renderer.render(template, values))
            files = parts.setdefault(part.replace(_ENVIRONMENT, environment), {})
            files[path.replace(_ENVIRONMENT, environment)] = text
    return parts


def _holds(paths: Iterable[str], part: str) -> bool:
    return any(path == part or path.startswith(f"{part}/") for path in paths)


def _unbuildable(application: Application, given: Iterable[str], paths: Iterable[str]) -> list[Problem]:
    """The parts to be given that kustomize could not build, since what they build on is no kustomization."""
    overlays = {f"kustomize/overlays/{one}": "kustomize/base" for one in application.environments}
    overlays |= {f"flux/{one}": f"kustomize/overlays/{one}" for one in application.environments}
    found = set(paths)
    return [
        Problem(f"{application.name}-deploy", part, "", f"it would build on {base}, which has no kustomization.yaml")
        for part, base in overlays.items()
        if part in given and not found & {f"{base}/{file}" for file in _KUSTOMIZATION_FILES}
    ]
