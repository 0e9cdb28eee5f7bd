# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Whether tenants are locked in, and what would stop to work if they were."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import (
    FLUX_NAMESPACE,
    FLUX_SYNC,
    TENANT_SERVICE_ACCOUNT,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import without_credentials
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name

Finding = dict[str, str]
"""``object`` (or file), ``field``, and ``why`` that would no longer work."""

# Which controller takes which flag: https://fluxcd.io/flux/installation/configuration/multitenancy/
FLAGS: tuple[tuple[str, str], ...] = (
    ("(kustomize|helm|notification|image-reflector|image-automation)-controller", "--no-cross-namespace-refs=true"),
    ("kustomize-controller", "--no-remote-bases=true"),
    ("(kustomize|helm)-controller", f"--default-service-account={TENANT_SERVICE_ACCOUNT}"),
)
# What besides the kinds that are read anyway may refer to another namespace.
MORE_KINDS = (
    ("notification.toolkit.fluxcd.io/v1beta3", "Alert"),
    ("notification.toolkit.fluxcd.io/v1", "Receiver"),
    ("image.toolkit.fluxcd.io/v1", "ImagePolicy"),
    ("image.toolkit.fluxcd.io/v1", "ImageUpdateAutomation"),
)
# Each kind's references, of which --no-cross-namespace-refs refuses those that leave the object's namespace.
REFERENCES = {
    "Kustomization": ("sourceRef",),
    "HelmRelease": ("chart.spec.sourceRef", "chartRef"),
    "Alert": ("eventSources",),
    "Receiver": ("resources",),
    "ImagePolicy": ("imageRepositoryRef",),
    "ImageUpdateAutomation": ("sourceRef",),
}
ACTING = ("Kustomization", "HelmRelease")
# The forms of a remote target: https://github.com/kubernetes-sigs/kustomize/blob/master/examples/remoteBuild.md
_REMOTE = re.compile(r"[a-z+]+://|[\w.+-]+@[\w.-]+:|git::|(www\.)?(github|gitlab|bitbucket)\.(com|org)[/:]|.*\?ref=")


def facts(found: Mapping[str, Sequence[Document]], tenants: Iterable[str]) -> dict[str, Any]:
    """Whether one cluster is locked down, which flags are missing, and what all of them would break, as plain data.

    ``found``: kind → all objects of Flux. ``tenants``: namespaces in which the default service account has its rights.
    """
    absent = missing(found.get("Deployment", ()))
    return {"enforced": not absent, "missing": absent, "would_break": findings(found, tenants)}


def missing(deployments: Iterable[Document]) -> list[str]:
    """The flags that running controllers lack, each as ``controller: --flag``."""
    lacking = []
    for one in deployments:
        controller = one["metadata"]["name"]
        containers = one["spec"]["template"]["spec"].get("containers") or []
        given = _effective(argument for container in containers for argument in container.get("args") or [])
        wanted = (flag for pattern, flag in FLAGS if re.fullmatch(pattern, controller))
        lacking += [f"{controller}: {flag}" for flag in wanted if not given.items() >= _effective([flag]).items()]
    return sorted(lacking)


def _effective(arguments: Iterable[str]) -> dict[str, str]:
    """Flag → value, as Go's pflag reads them: of one that stands twice the last counts, without a value it is true."""
    found: dict[str, str] = {}
    flag = ""
    for argument in arguments:
        if argument.startswith("-"):
            flag, equals, value = argument.partition("=")
            found[flag] = value if equals else "true"
        elif flag:
            found[flag] = argument
    return {name: "true" if value.lower() in ("1", "t", "true") else value for name, value in found.items()}


def unlocked(clusters: Iterable[Mapping[str, Any]]) -> list[str]:
    """Where tenants are not locked in, whatever Git says, a line a cluster. ``clusters``: what preflight found."""
    found = ((one["name"], (one.get("lockdown") or {}).get("missing")) for one in clusters if one["reachable"])
    return [f"{name} runs without {', '.join(flags)}" for name, flags in found if flags]


def findings(found: Mapping[str, Sequence[Document]], tenants: Iterable[str]) -> list[Finding]:
    """What would no longer reconcile. The root sync is left out: bootstrap gives it its service account."""
    known = set(tenants)
    return [
        finding
        for kind in REFERENCES
        for one in found.get(kind, ())
        if (kind, one["metadata"]["namespace"], one["metadata"]["name"]) != ("Kustomization", FLUX_NAMESPACE, FLUX_SYNC)
        for finding in [*_nameless(one, known), *_crossing(one)]
    ]


def _nameless(one: Document, tenants: set[str]) -> Iterator[Finding]:
    if one["kind"] in ACTING and not one["spec"].get("serviceAccountName"):
        space = one["metadata"]["namespace"]
        if space not in tenants:
            why = f"names none: would act as {TENANT_SERVICE_ACCOUNT}, which has no rights in {space}"
            yield {"object": name(one), "field": "spec.serviceAccountName", "why": why}


def _crossing(one: Document) -> Iterator[Finding]:
    for field, target in crossing(one):
        yield {"object": name(one), "field": field, "why": f"refers to another namespace's {target}"}


def crossing(one: Document) -> Iterator[tuple[str, str]]:
    """Field and target (``kind namespace/name``) of each reference that leaves the namespace of an object of Flux.

    People may have given the object any shape.
    """
    own = one["metadata"].get("namespace")
    for field in REFERENCES.get(one["kind"], ()):
        node: Any = one.get("spec")
        for step in field.split("."):
            node = node.get(step) if isinstance(node, Mapping) else None
        for reference in node if isinstance(node, list) else [node]:
            found = reference if isinstance(reference, Mapping) else {}
            space = found.get("namespace") or own
            if space != own:
                yield f"spec.{field}", f"{found.get('kind', 'object')} {space}/{found.get('name', '')}"


def remote_bases(files: Mapping[str, str]) -> list[Finding]:
    """Remote bases among the texts of ``kustomization.yaml`` files (path → text)."""
    return [
        {"object": path, "field": field, "why": f"takes in {without_credentials(entry)} from elsewhere"}
        for path, text in sorted(files.items())
        for field, entry in remote_entries(path, text)
    ]


def remote_entries(path: str, text: str) -> list[tuple[str, str]]:
    """Field and entry of each remote base in a ``kustomization.yaml``; of what is no YAML Flux itself says so."""
    try:
        parsed = (documents.read(text, path) or [{}])[0]
    except InvalidInput:
        return []
    found = []
    for field in ("resources", "bases", "components"):
        given = parsed.get(field)
        entries = [str(entry) for entry in given] if isinstance(given, list) else []
        found += [(field, entry) for entry in entries if "\n" not in entry and is_remote(entry)]
    return found


def is_remote(entry: str) -> bool:
    """Whether kustomize would fetch this from elsewhere."""
    return bool(_REMOTE.match(entry))


def said(broken: Sequence[Finding], shown: int = 10) -> str:
    """Findings in words: the first of them, and how many more."""
    words = [f"{one['object']}: {one['field']}: {one['why']}" for one in broken]
    more = [f"and {len(words) - shown} more (flux_info has all)"] if len(words) > shown else []
    return "; ".join([*words[:shown], *more])
