# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Where a component comes from: chart repository, registry, or another Git repository; fields, rules, Flux's object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import source_checks
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_sources import REF, VERIFY, oci_fault, url_fault
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_values import LINE, SUBDOMAIN, directory_fault
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Path
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Fault, Shape, Text
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.source import is_oci, verification

Fields = Mapping[str, Any]
"""What the inventory says under ``helm`` or ``kustomize``."""

# Those that may be of elsewhere than the fleet repository.
KINDS = ("helm", "kustomize")
# https://helm.sh/docs/topics/registries/#helm-chart-manifest
_CHART_LAYER = {"mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "operation": "copy"}
# Of each of these a component has one: what a later variable says takes the place of what stands here.
_INSTEAD_OF: Mapping[str, Any] = {
    "helm": {
        "install": {"strategy": ("strategy",)},
        "upgrade": {"strategy": ("strategy",)},
        "version": ("digest",),
        "digest": ("version",),
        "repository": ("git", "ref", "path"),
        "git": ("repository", "chart", "version", "digest"),
        "ref": ("ref",),
        "verify": ("verify",),
    },
    "kustomize": {"git": ("oci", "digest"), "oci": ("git", "ref"), "ref": ("ref",), "verify": ("verify",)},
}


def secret(description: str) -> Text:
    """A field that names a Secret of the fleet's."""
    return Text(description, SUBDOMAIN, "the name of a Secret in flux-system, which fleet_secrets puts there")


def _git_fault(value: str) -> tuple[str, str] | None:
    hint = "ssh://git@host/path.git or https://host/path.git, without credentials"
    return (value, hint) if is_oci(value) else url_fault(value)


# The same for charts and for directories.
FIELDS: Mapping[str, Shape] = {
    "git": Text("A Git repository.", r"(ssh|https)://[!-~]+", "ssh://git@host/path.git", 2048, _git_fault),
    "ref": REF,
    "digest": Text("What is pinned of a registry.", r"sha256:[0-9a-f]{64}", "sha256: and 64 hex digits", 71),
    "path": Text("A directory.", LINE, "a directory within the repository", 512, directory_fault),
    "secret": secret("What it takes to read it."),
    "ca_secret": secret("The registry's certificate authority, as ca.crt."),
    "verify": VERIFY,
}
OCI = Text("A registry's artifact.", r"oci://[!-~]+", "oci://registry.example/path", 2048, oci_fault)


@dataclass(frozen=True)
class Origin:
    """Flux's object that fetches a component; ``options`` are fields of its spec by their own names."""

    kind: str
    url: str
    options: Mapping[str, Any] = field(default_factory=dict)


def replaced(before: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """A component's fields without what the fields of a later variable stand in place of."""
    kept: dict[str, Any] = _without(before, later, _INSTEAD_OF)
    old, new = kept.get("kustomize"), later.get("kustomize")
    if (
        isinstance(old, Mapping)
        and isinstance(new, Mapping)
        and is_foreign(new)
        and not is_foreign(before["kustomize"])
    ):
        # The path was one of the fleet repository.
        kept["kustomize"] = {key: value for key, value in old.items() if key != "path"}
    return kept


def _without(before: Any, later: Any, instead: Mapping[str, Any]) -> Any:
    """``instead``: field → the fields that it stands in place of, or the same for the fields below it."""
    if not isinstance(before, Mapping) or not isinstance(later, Mapping):
        return before
    gone = {name for key in later for name in instead.get(key, ())}
    deeper = {key: rule for key, rule in instead.items() if isinstance(rule, Mapping)}
    return {
        key: _without(value, later.get(key), deeper[key]) if key in deeper else value
        for key, value in before.items()
        if key in deeper or key not in gone
    }


def lacking(kind: str, own: Fields) -> dict[str, str]:
    """The fields that are needed and that are not there, with what is said of them."""
    said = {
        "ref": "is missing: what is followed of the Git repository, such as {tag: v1.2.0}",
        "path": "is missing: the directory",
        "repository": "is missing: where the chart is; or git, a Git repository that holds it",
        "version": "is missing: a version or a range; or digest, where the chart is in a registry",
        "digest": "is missing: the artifact is pinned by it",
    }
    needed: list[str] = []
    if kind == "helm":
        needed = ["ref", "path"] if "git" in own else ["repository", *([] if "digest" in own else ["version"])]
    elif kind == "kustomize":
        needed = ["ref"] if "git" in own else ["digest"] if "oci" in own else ["path"]
    return {key: said[key] for key in needed if key not in own}


def origin(kind: str, own: Fields) -> Origin | None:
    """What fetches a component of these fields; None where it is of the fleet repository itself."""
    if kind not in KINDS:
        return None
    reference = {"secretRef": {"name": own["secret"]}} if "secret" in own else {}
    authority = {"certSecretRef": {"name": own["ca_secret"]}} if "ca_secret" in own else {}
    url = address(kind, own)
    verify = {"verify": verification(own["verify"], url)} if "verify" in own else {}
    if "git" in own:
        return Origin("GitRepository", url, {"ref": dict(own["ref"]), **reference, **verify})
    if "digest" in own:
        layer = {"layerSelector": _CHART_LAYER} if kind == "helm" else {}
        return Origin(
            "OCIRepository", url, {"ref": {"digest": own["digest"]}, **layer, **reference, **authority, **verify}
        )
    if kind != "helm":
        return None
    return Origin("HelmRepository", url, {**({"type": "oci"} if is_oci(url) else {}), **reference, **authority})


def address(kind: str, own: Fields) -> str:
    """The URL of what fetches a component: of a pinned chart the chart's, empty for a directory of the fleet's."""
    if kind == "helm" and "digest" in own:
        return f"{own['repository'].rstrip('/')}/{own['chart']}"
    return _base(own)


def _base(own: Fields) -> str:
    return str(own.get("git") or own.get("repository") or own.get("oci") or "")


def faults(kind: str, own: Fields, path: Path) -> Iterator[Fault]:
    """What does not go together of fields that are right by themselves, and of which none is lacking."""
    url = _base(own)
    yield from _of_others(kind, own, path)
    if "digest" in own and url and not is_oci(url):
        yield (
            (*path, "digest"),
            own["digest"],
            "is for oci:// alone: a Git repository has ref.commit, a chart a version",
        )
    if "ca_secret" in own and ("git" in own or not url):
        hint = "is for a chart repository or a registry: of Git the Secret itself holds ca.crt"
        yield (*path, "ca_secret"), own["ca_secret"], hint
    if url.startswith("ssh://") and "secret" not in own:
        yield (*path, "secret"), "", "is missing: Flux reads ssh:// by a key (identity, known_hosts in the Secret)"
    if "verify" in own:
        yield from _verify_faults(own, path, url)
    if "git" in own:
        named = {"name": own["git"], "url": url, **({"verify": own["verify"]} if "verify" in own else {})}
        yield from source_checks.ref_faults({"ref": own["ref"]}, path, named)


def _of_others(kind: str, own: Fields, path: Path) -> Iterator[Fault]:
    """Fields of another kind of origin."""
    foreign: list[str]
    if "git" in own:
        foreign, said = ["repository", "chart", "version", "digest", "oci"], "a Git repository"
    elif kind == "helm":
        foreign, said = ["ref", "path"], "a chart repository"
    else:
        foreign, said = (
            (["ref"], "a registry") if "oci" in own else (["ref", "digest", "secret"], "the fleet repository")
        )
    for name in foreign:
        if name in own:
            yield (*path, name), "", f"does not go with {said}: take it out"
    if "version" in own and "digest" in own:
        yield (*path, "digest"), own["digest"], "is given beside version: keep one of them"


def _verify_faults(own: Fields, path: Path, url: str) -> Iterator[Fault]:
    where = (*path, "verify")
    if not url.startswith(("oci://", "ssh://")) and "git" not in own:
        yield where, "", "is for Git and oci:// alone: take it out"
        return
    yield from source_checks.verify_faults({"url": url, "verify": own["verify"]}, where)
    if "version" in own and "matchOIDCIdentity" in own["verify"]:
        hint = "of a chart that is no digest Flux verifies by key alone: give secret, or a digest in place of version"
        yield (*where, "matchOIDCIdentity"), "", hint


def is_foreign(own: Fields) -> bool:
    """Whether a directory is of another repository than the fleet's."""
    return "git" in own or "oci" in own
