# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""How Flux's controllers are set: what ``flux install`` has options for, and more, as patches of its manifest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import artifacts, patching
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.manifest import COMPONENT_LABEL, Manifest
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.patching import Patch

# What `flux bootstrap` installs when it is told nothing, without which two nothing is fetched and nothing applied, and
# what it has besides: https://fluxcd.io/flux/installation/configuration/optional-components/
REQUIRED = ("source-controller", "kustomize-controller")
COMPONENTS = (*REQUIRED, "helm-controller", "notification-controller")
EXTRA = ("image-reflector-controller", "image-automation-controller", "source-watcher")
LOG_LEVELS = ("debug", "info", "error")
# Options of one controller, or under `all` of every one.
OPTIONS = ("args", "env", "resources", "node_selector", "affinity")
ALL = "all"

_POD = "/spec/template/spec"
_ARGUMENTS = f"{_POD}/containers/0/args/-"
_CA_FOLDER = "/etc/fleet-ca"
_SECRET = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_REGISTRY = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")
_DOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")


@dataclass(frozen=True)
class Settings:
    """What the operator sets on the controllers; the defaults are Flux's own."""

    components: Sequence[str] = COMPONENTS
    registry: str = ""
    pull_secret: str = ""
    log_level: str = "info"
    cluster_domain: str = "cluster.local"
    tolerations: Sequence[Mapping[str, Any]] = ()
    network_policy: bool = True
    watch_all_namespaces: bool = True
    ca_secret: str = ""
    controllers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    patches: Sequence[Any] = ()
    tenant_artifacts: bool = False

    @classmethod
    def from_params(cls, flux: Mapping[str, Any]) -> Settings:
        """The settings among a noun's parameter ``flux``; what is not given is left at its default."""
        given = {one.name: flux[one.name] for one in fields(cls) if flux.get(one.name) not in (None, "", [])}
        return cls(**given)

    def problems(self, host: str) -> list[Problem]:
        """Everything that is wrong with them, whatever the manifest."""
        return [*self._wrong_components(host), *self._wrong_texts(host), *self._wrong_controllers(host)]

    def _wrong_components(self, host: str) -> Iterable[Problem]:
        known = (*COMPONENTS, *EXTRA)
        for name in self.components:
            if name not in known:
                yield Problem(host, "fleet_flux_components", str(name), f"Flux has {', '.join(known)}")
        if missing := [name for name in REQUIRED if name not in self.components]:
            hint = f"add {' and '.join(missing)}: without it nothing is applied"
            yield Problem(host, "fleet_flux_components", ", ".join(map(str, self.components)), hint)
        if self.tenant_artifacts and "source-watcher" not in self.components:
            hint = "source-watcher makes these artifacts: add it to fleet_flux_components"
            yield Problem(host, "fleet_flux_tenant_artifacts", "true", hint)

    def _wrong_texts(self, host: str) -> Iterable[Problem]:
        checks = (
            ("registry", _REGISTRY, "a registry and a path in it, such as registry.example/fluxcd: no scheme, no tag"),
            ("pull_secret", _SECRET, f"the name of a Secret in {FLUX_NAMESPACE}, see fleet_secrets"),
            ("ca_secret", _SECRET, f"the name of a Secret in {FLUX_NAMESPACE} that holds ca.crt, see fleet_secrets"),
            ("cluster_domain", _DOMAIN, "a domain, such as cluster.local"),
        )
        for name, pattern, hint in checks:
            value = str(getattr(self, name))
            if value and not pattern.fullmatch(value):
                yield Problem(host, f"fleet_flux_{name}", value, hint)
        if any(not isinstance(one, Mapping) for one in self.tolerations):
            hint = "a list of tolerations as pods have them, such as {key: dedicated, operator: Exists}"
            yield Problem(host, "fleet_flux_tolerations", "", hint)
        yield from patching.problems(self.patches, host, "fleet_flux_patches")

    def _wrong_controllers(self, host: str) -> Iterable[Problem]:
        shapes: dict[str, type] = {**dict.fromkeys(OPTIONS, Mapping), "args": list}
        for name, options in self.controllers.items():
            where = f"fleet_flux_controllers.{name}"
            if name != ALL and name not in self.components:
                yield Problem(host, where, "", f"is installed by none: {ALL}, or one of {', '.join(self.components)}")
            if not isinstance(options, Mapping):
                yield Problem(host, where, "", f"has the fields {', '.join(OPTIONS)}")
                continue
            for option, value in options.items():
                if option not in shapes:
                    yield Problem(host, f"{where}.{option}", "", f"there are {', '.join(OPTIONS)}")
                elif not isinstance(value, shapes[option]):
                    hint = "a list of arguments" if option == "args" else "a mapping"
                    yield Problem(host, f"{where}.{option}", "", hint)
            yield from _wrong_values(options, host, where)

    def missing(self, manifest: Manifest, host: str) -> list[Problem]:
        """Components that are wanted and that this manifest does not have."""
        hint = f"{manifest.where} has {', '.join(manifest.components)}: take another manifest, or leave this one out"
        wanted = [name for name in self.components if name not in manifest.components]
        found = [Problem(host, "fleet_flux_components", name, hint) for name in wanted]
        if self.tenant_artifacts and not (wanted or artifacts.known(manifest.documents)):
            hint = f"ArtifactGenerator has no field pathPattern in {manifest.where}: take Flux 2.9 or later"
            found.append(Problem(host, "fleet_flux_tenant_artifacts", "true", hint))
        return found


def _wrong_values(options: Mapping[str, Any], host: str, where: str) -> Iterable[Problem]:
    arguments, variables = options.get("args"), options.get("env")
    for argument in arguments if isinstance(arguments, list) else []:
        if not str(argument).startswith("--"):
            yield Problem(host, f"{where}.args", str(argument), "write it as --name=value")
    for name, value in (variables if isinstance(variables, Mapping) else {}).items():
        if not _VARIABLE.fullmatch(str(name)) or isinstance(value, (dict, list)):
            yield Problem(host, f"{where}.env", str(name), "a variable's name, and its value as text")


def patches(settings: Settings, manifest: Manifest) -> list[Patch]:
    """What these settings change of the manifest: nothing where all of them are Flux's own defaults."""
    names = [name for name in manifest.components if name in settings.components]
    found = [
        patching.delete(labelSelector=f"{COMPONENT_LABEL}={name}") for name in manifest.components if name not in names
    ]
    if not settings.network_policy:
        found.append(patching.delete(kind="NetworkPolicy"))
    found += [_argument(flag, which) for flag, which in _flags(settings, names) if which]
    for name in names:
        found += _of_controller(settings, name, manifest)
    return [*found, *(patching.given(one) for one in settings.patches)]


def _argument(flag: str, names: Sequence[str]) -> Patch:
    return patching.add("Deployment", f"({'|'.join(names)})" if len(names) > 1 else names[0], _ARGUMENTS, flag)


def _flags(settings: Settings, names: list[str]) -> Iterable[tuple[str, list[str]]]:
    """What is appended to arguments, and to whose. Of a flag that stands twice the controllers take the last."""
    notified = [name for name in names if name != "notification-controller"]
    if settings.log_level != "info":
        yield f"--log-level={settings.log_level}", names
    if not settings.watch_all_namespaces:
        yield "--watch-all-namespaces=false", names
    if "notification-controller" not in names:
        yield "--events-addr=", notified
    elif settings.cluster_domain != "cluster.local":
        host = f"notification-controller.{FLUX_NAMESPACE}.svc.{settings.cluster_domain}."
        yield f"--events-addr=http://{host}/", notified
    for name in ("source-controller", "source-watcher"):
        if settings.cluster_domain != "cluster.local" and name in names:
            yield f"--storage-adv-addr={name}.$(RUNTIME_NAMESPACE).svc.{settings.cluster_domain}.", [name]
    if "source-watcher" in names:
        readers = [name for name in names if name in ("kustomize-controller", "helm-controller")]
        yield "--feature-gates=ExternalArtifact=true", readers
    if settings.tenant_artifacts and "source-watcher" in names:
        # It removes what it made more than this ago, the newest too: by default those that it made first, where making
        # all of them takes it more than a minute. Older ones of the same name go by their number anyway.
        yield "--artifact-retention-ttl=24h", ["source-watcher"]


def _of_controller(settings: Settings, name: str, manifest: Manifest) -> Iterable[Patch]:
    every, own = (settings.controllers.get(key) or {} for key in (ALL, name))
    container = f"{_POD}/containers/0"
    if settings.registry:
        image = manifest.deployment(name)["containers"][0]["image"].rpartition("/")[2]
        yield patching.add("Deployment", name, f"{container}/image", f"{settings.registry}/{image}")
    if settings.pull_secret:
        yield patching.add("Deployment", name, f"{_POD}/imagePullSecrets", [{"name": settings.pull_secret}])
    if settings.tolerations:
        yield patching.add("Deployment", name, f"{_POD}/tolerations", [dict(one) for one in settings.tolerations])
    for flag in [*(every.get("args") or []), *(own.get("args") or [])]:
        yield patching.add("Deployment", name, _ARGUMENTS, str(flag))
    variables = {**(every.get("env") or {}), **(own.get("env") or {})}
    if settings.ca_secret:
        # Go reads every folder of this list: https://pkg.go.dev/crypto/x509#SystemCertPool
        variables["SSL_CERT_DIR"] = f"/etc/ssl/certs:{_CA_FOLDER}"
        volume = {"name": "fleet-ca", "secret": {"secretName": settings.ca_secret}}
        mount = {"name": "fleet-ca", "mountPath": _CA_FOLDER, "readOnly": True}
        yield patching.add("Deployment", name, f"{_POD}/volumes/-", volume)
        yield patching.add("Deployment", name, f"{container}/volumeMounts/-", mount)
    yield from _variables(name, manifest, variables)
    for option, place in (
        ("resources", f"{container}/resources"),
        ("node_selector", f"{_POD}/nodeSelector"),
        ("affinity", f"{_POD}/affinity"),
    ):
        if wanted := _merged(every.get(option) or {}, own.get(option) or {}):
            yield patching.add("Deployment", name, place, _merged(_before(manifest, name, option), wanted))


def _variables(name: str, manifest: Manifest, variables: Mapping[str, Any]) -> Iterable[Patch]:
    """The variables appended; one that the release sets itself in its place, since a name may stand only once."""
    if not variables:
        return
    there = [one["name"] for one in manifest.deployment(name)["containers"][0].get("env") or []]
    for variable, value in variables.items():
        wanted, place = {"name": variable, "value": str(value)}, f"{_POD}/containers/0/env"
        if variable in there:
            yield patching.replace("Deployment", name, f"{place}/{there.index(variable)}", wanted)
        else:
            yield patching.add("Deployment", name, f"{place}/-", wanted)


def _before(manifest: Manifest, name: str, option: str) -> Mapping[str, Any]:
    pod = manifest.deployment(name)
    holder = pod["containers"][0] if option == "resources" else pod
    found: Mapping[str, Any] = holder.get("nodeSelector" if option == "node_selector" else option) or {}
    return found


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``over`` laid over ``base``, key by key; a null takes a key away."""
    result = dict(base)
    for key, value in over.items():
        before = result.get(key)
        nested = isinstance(value, Mapping) and isinstance(before, Mapping)
        result[key] = _merged(before, value) if nested else value  # type: ignore[arg-type]
    return {key: value for key, value in result.items() if value is not None}
