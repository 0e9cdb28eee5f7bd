# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of the lab as its administrator sees it: objects, writes, identity, running controllers."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.lab import Lab
from tests.lab.processes import marked

Object = dict[str, Any]
Key = tuple[str, str, str]
"""Kind, namespace, name."""

KUSTOMIZATIONS = "kustomizations.kustomize.toolkit.fluxcd.io"
_PROGRESSING, _LOOK_SECONDS = {"Progressing"}, 60
# What a cluster writes for itself, whoever uses it.
_OWN_KINDS = {
    "ComponentStatus", "ControllerRevision", "EndpointSlice", "Endpoints", "Event", "IPAddress", "Lease", "Node",
    "Pod", "ReplicaSet", "APIService",
}  # fmt: skip
_OWN_RESOURCES = {
    "apiservices", "componentstatuses", "endpoints", "endpointslices", "events", "flowschemas", "ipaddresses", "leases",
    "nodes", "pods", "prioritylevelconfigurations", "replicasets", "selfsubjectaccessreviews", "servicecidrs",
    "subjectaccessreviews", "tokenreviews",
}  # fmt: skip
_COUNTER = re.compile(r"^apiserver_request_total\{(?P<labels>[^}]*)\} (?P<count>\S+)$", re.MULTILINE)
_WRITES = {"APPLY", "DELETE", "DELETECOLLECTION", "PATCH", "POST", "PUT"}


class Cluster:
    """One cluster of the lab, by kubectl."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name = lab, name
        self._command = [str(lab.settings.bin / "kubectl"), f"--kubeconfig={lab.kubeconfig}", f"--context={name}"]

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        """What kubectl printed."""
        done = subprocess.run([*self._command, *arguments], input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{self.name}: kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def get(self, *arguments: str) -> Any:
        """An object, a list of objects, or None."""
        text = self.kubectl("get", *arguments, "--ignore-not-found", "--show-managed-fields", "-o", "json")
        found = json.loads(text) if text else None
        return found["items"] if found and found["kind"] == "List" else found

    def syncs(self, *where: str) -> Any:
        """Flux's Kustomizations, as ``get`` has them: each as it is when Flux does not look at it.

        It does at every interval, and takes back for that long what it said of it.
        """
        found = self.get(KUSTOMIZATIONS, *where)
        return [self._at_rest(one) for one in found] if isinstance(found, list) else self._at_rest(found)

    def _at_rest(self, sync: Object) -> Object:
        end = time.monotonic() + _LOOK_SECONDS
        while time.monotonic() < end and (_PROGRESSING & {one["reason"] for one in _ready(sync)}):
            time.sleep(0.5)
            sync = self.get(KUSTOMIZATIONS, "-n", sync["metadata"]["namespace"], sync["metadata"]["name"])
        return sync

    def flux(self, kind: str, name: str = "flux-system") -> Object:
        """An object of namespace flux-system."""
        found = self.get(kind, "-n", "flux-system", name)
        assert found is not None, f"{self.name} has no {kind} {name}"
        return dict(found)

    def secret(self, name: str, namespace: str = "flux-system") -> dict[str, str]:
        """A Secret's data, decoded."""
        found = self.get("secret", "-n", namespace, name)
        assert found is not None, f"{self.name} has no Secret {name}"
        return {field: base64.b64decode(value).decode() for field, value in found["data"].items()}

    def identity(self) -> str:
        """The cluster's identity."""
        return str(self.get("namespace", "kube-system")["metadata"]["uid"])

    def has_flux(self) -> bool:
        """Whether anything of a bootstrap is there."""
        return self.get("namespace", "flux-system") is not None

    def objects(self) -> dict[Key, Object]:
        """Everything in the cluster but what it writes for itself."""
        names = self.kubectl("api-resources", "--verbs=list", "-o", "name").split()
        wanted = ",".join(
            name for name in names if name.partition(".")[0] not in _OWN_RESOURCES | {"componentstatuses"}
        )
        found = self.get(wanted, "-A")
        return {_key(one): one for one in found if one["kind"] not in _OWN_KINDS}

    def versions(self) -> dict[Key, str]:
        """The resourceVersions of everything in the cluster but what it writes for itself."""
        return {key: one["metadata"]["resourceVersion"] for key, one in self.objects().items()}

    def writes(self) -> Counter[str]:
        """How often the API server was asked to write what, dry runs, reviews and its own housekeeping left out."""
        found: Counter[str] = Counter()
        for match in _COUNTER.finditer(self.kubectl("get", "--raw", "/metrics")):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', match["labels"]))
            # Flux and Kubernetes write status and tokens all the time; nobody else does.
            own = labels["subresource"] or labels["dry_run"] or labels["resource"] in _OWN_RESOURCES
            if labels["verb"] in _WRITES and not own:
                found[f"{labels['verb']} {labels['resource']}"] += int(float(match["count"]))
        return found

    def may(self, user: str, verb: str, *what: str, group: str = "") -> bool:
        """Whether somebody may do this, by the API server's own review."""
        groups = [f"--as-group={one}" for one in (group,) if one]
        command = [*self._command, "auth", "can-i", verb, *what, f"--as={user}", *groups]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stdout.strip() in ("yes", "no"), done.stderr
        return done.stdout.strip() == "yes"

    def settled(self, commit: str) -> bool:
        """Whether Flux has nothing left to do: every Kustomization of the fleet has applied this commit.

        Until Flux looks anew after a push it is done with the commit before, so what its source holds does not tell.
        """
        revision = self.flux("gitrepository")["status"].get("artifact", {}).get("revision", "")
        if not revision.endswith(commit):
            return False
        kustomizations = self.get(KUSTOMIZATIONS, "-n", "flux-system")
        foreign = [one for one in kustomizations if one["spec"]["sourceRef"]["name"] != "flux-system"]
        return all(
            is_ready(one) and (one in foreign or one["status"].get("lastAppliedRevision") == revision)
            for one in kustomizations
        ) and bool(kustomizations)

    def arguments(self, program: str) -> list[str]:
        """The arguments of the running processes of a Flux controller: of one, or while it is replaced of two."""
        found = [Path(f"/proc/{pid}/cmdline") for pid in marked(self.lab.settings.directory, self.name)]
        running = [path.read_text().split("\0") for path in found if path.exists()]
        return [argument for own in running if Path(own[0]).name == program for argument in own]


def _ready(found: Object) -> list[Object]:
    return [one for one in (found.get("status") or {}).get("conditions", []) if one["type"] == "Ready"]


def is_ready(found: Object) -> bool:
    """Whether the Ready condition is true, and about what is there now."""
    current = (found.get("status") or {}).get("observedGeneration") == found["metadata"].get("generation")
    return current and any(one["status"] == "True" for one in _ready(found))


def _key(found: Object) -> Key:
    metadata = found["metadata"]
    return found["kind"], metadata.get("namespace", ""), metadata["name"]
