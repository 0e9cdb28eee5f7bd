# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab itself, in a folder of its own with the programs that the checkout's lab has built.

The tests of this file are one story: each goes on where the one before it ended."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.lab import Lab
from tests.lab.processes import marked
from tests.lab.settings import Settings

CLUSTER = "alpha"
FLUX = ("source-controller", "kustomize-controller", "helm-controller", "notification-controller")
# What a person would call "it hangs"; the machine is noisy.
PATIENCE = 120.0


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab with one cluster, gone afterwards whatever happens."""
    programs = os.environ.get("LAB_PROGRAMS") or str(Settings().directory)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_PROGRAMS", programs)
        made = Lab(tmp_path_factory.mktemp("lab"))
        try:
            made.up([CLUSTER])
            yield made
        finally:
            made.down(purge=True)


class Kubectl:
    """kubectl as a user of this lab's kubeconfig calls it."""

    def __init__(self, lab: Lab) -> None:
        self.command = [str(lab.settings.bin / "kubectl"), f"--kubeconfig={lab.kubeconfig}", f"--context={CLUSTER}"]

    def __call__(self, *arguments: str, text: str | None = None) -> str:
        return subprocess.run(
            [*self.command, *arguments], input=text, capture_output=True, text=True, check=True
        ).stdout

    def get(self, *arguments: str) -> Any:
        """An object or a list."""
        return json.loads(self("get", *arguments, "-o", "json"))

    def identity(self) -> str:
        """The cluster's identity."""
        return str(self.get("namespace", "kube-system")["metadata"]["uid"])


@pytest.fixture(scope="module")
def kubectl(lab: Lab) -> Kubectl:
    """kubectl on the lab's cluster."""
    return Kubectl(lab)


def eventually(check: Callable[[], Any]) -> Any:
    """The first true answer of a check; a failed command is an answer that is not true."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            if answer := check():
                return answer
        except (subprocess.CalledProcessError, IndexError):
            pass
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.3)


def processes(lab: Lab, program: str) -> dict[int, list[str]]:
    """The processes of a Flux controller: their arguments by process id."""
    found = {}
    for pid in marked(lab.settings.directory, CLUSTER):
        arguments = Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
        if arguments and Path(arguments[0]).name == program:
            found[pid] = arguments
    return found


def pod_of(kubectl: Kubectl, app: str) -> Any:
    """The one pod of a Flux Deployment."""
    pods = kubectl.get("pods", "-n", "flux-system", "-l", f"app={app}")["items"]
    return pods[0] if len(pods) == 1 else None


def is_ready(pod: Any) -> bool:
    """Whether a pod's Ready condition is true."""
    return any(
        c["type"] == "Ready" and c["status"] == "True" for c in (pod or {}).get("status", {}).get("conditions", [])
    )


def test_facts_are_private_and_whole(lab: Lab) -> None:
    facts = lab.facts
    assert facts["clusters"] == [CLUSTER]
    for name in ("lab.json", "kubeconfig", "state.json"):
        assert (lab.settings.directory / name).stat().st_mode & 0o777 == 0o600
    kinds = {line.split()[1] for line in facts["forge"]["known_hosts"].splitlines()}
    assert kinds == {"ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"}
    served = requests.get(facts["flux"]["url"], timeout=10).content
    assert hashlib.sha256(served).hexdigest() == facts["flux"]["sha256"]
    lines, good = lab.status()
    assert good, lines


def started(pid: int) -> float:
    """When a process began, in seconds since this machine did; -1 where it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return -1
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")


def test_pods_become_ready(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "plain", "--image=registry.invalid/none:1", "--replicas=2")
    kubectl("wait", "--for=condition=Available", "--timeout=60s", "deployment/plain")


def test_forge_keeps_users_apart(lab: Lab) -> None:
    forge = lab.forge
    urls = forge.create_repository("private")
    token = forge.create_user("stranger")
    url = f"{forge.facts['url']}/api/v1/repos/{forge.facts['user']}/private"
    headers = {"Authorization": f"token {token}"}
    assert requests.get(url, headers=headers, verify=forge.facts["ca_cert"], timeout=10).status_code == 404
    assert requests.get(urls["https_url"], verify=forge.facts["ca_cert"], timeout=10).status_code == 404
    assert forge.commits("private") == []
    assert forge.file("private", "README.md") is None
    forge.delete_repository("private")


def test_flux_controllers_are_real_processes(lab: Lab, kubectl: Kubectl) -> None:
    manifest = requests.get(lab.facts["flux"]["url"], timeout=10).text
    kubectl("apply", "--server-side", "-f", "-", text=manifest)
    kubectl("wait", "-n", "flux-system", "--for=condition=Available", "--timeout=120s", "deployment", "--all")
    for program in FLUX:
        assert len(processes(lab, program)) == 1, program


def test_killed_controller_is_not_ready_and_comes_back(lab: Lab, kubectl: Kubectl) -> None:
    before = pod_of(kubectl, "kustomize-controller")["status"]["containerStatuses"][0]["restartCount"]
    [pid] = processes(lab, "kustomize-controller")
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: not is_ready(pod_of(kubectl, "kustomize-controller")))
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: is_ready(pod_of(kubectl, "kustomize-controller")))
    status = pod_of(kubectl, "kustomize-controller")["status"]["containerStatuses"][0]
    assert status["restartCount"] == before + 1
    assert status["lastState"]["terminated"]["exitCode"] == 137


@pytest.mark.parametrize("program", ["source-controller", "kustomize-controller"])
def test_rolled_deployment_reaches_the_process(lab: Lab, kubectl: Kubectl, program: str) -> None:
    # One of the two is replaced by Recreate, the other by RollingUpdate.
    [old] = processes(lab, program)
    flag = "--concurrent=7"
    patch = [{"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": flag}]
    kubectl("patch", "deployment", "-n", "flux-system", program, "--type=json", "-p", json.dumps(patch))
    alive = 0.0
    while old in processes(lab, program):
        alive = float(Path("/proc/uptime").read_text().split()[0])
    kubectl("rollout", "status", "-n", "flux-system", f"deployment/{program}", "--timeout=120s")
    # As with leader election, nothing that the old one leaves undone is older than the new one's work.
    eventually(lambda: [pid for pid in processes(lab, program) if started(pid) >= alive])
    [(pid, arguments)] = processes(lab, program).items()
    assert pid != old
    assert flag in arguments
    eventually(lambda: is_ready(pod_of(kubectl, program)))
    assert pod_of(kubectl, program)["status"]["containerStatuses"][0]["restartCount"] == 0


def test_unknown_image_is_not_pulled(kubectl: Kubectl) -> None:
    image = "ghcr.io/fluxcd/helm-controller:v0.0.1"
    kubectl("set", "image", "-n", "flux-system", "deployment/helm-controller", f"manager={image}")

    def reasons() -> list[str]:
        pods = kubectl.get("pods", "-n", "flux-system", "-l", "app=helm-controller")["items"]
        states = [pod["status"].get("containerStatuses", [{}])[0].get("state", {}) for pod in pods]
        return [state["waiting"]["reason"] for state in states if "waiting" in state]

    eventually(lambda: "ImagePullBackOff" in reasons())
    kubectl("rollout", "undo", "-n", "flux-system", "deployment/helm-controller")
    kubectl("rollout", "status", "-n", "flux-system", "deployment/helm-controller", "--timeout=120s")


def test_stopped_cluster_refuses_and_comes_back(lab: Lab, kubectl: Kubectl) -> None:
    identity = kubectl.identity()
    lab.stop_cluster(CLUSTER)
    with pytest.raises(subprocess.CalledProcessError):
        kubectl("get", "namespaces", "--request-timeout=5s")
    assert not lab.status()[1]
    lab.start_cluster(CLUSTER)
    assert kubectl.identity() == identity
    eventually(lambda: all(len(processes(lab, program)) == 1 for program in FLUX))


def test_killed_supervisor_is_survived(lab: Lab, kubectl: Kubectl) -> None:
    identity = kubectl.identity()
    pid = int((lab.settings.run / "supervisord.pid").read_text())
    orphans = set(marked(lab.settings.directory)) - {pid}
    os.kill(pid, signal.SIGKILL)
    lab.up()
    assert kubectl.identity() == identity
    assert not orphans & set(marked(lab.settings.directory))
    eventually(lambda: is_ready(pod_of(kubectl, "source-controller")))


def test_reset_makes_a_new_cluster(lab: Lab, kubectl: Kubectl) -> None:
    identity = kubectl.identity()
    config = lab.kubeconfig.read_text()
    lab.reset(CLUSTER)
    assert kubectl.identity() != identity
    assert lab.kubeconfig.read_text() == config
    names = {item["metadata"]["name"] for item in kubectl.get("namespaces")["items"]}
    assert names == {"default", "kube-node-lease", "kube-public", "kube-system"}
    eventually(lambda: not any(processes(lab, program) for program in FLUX))


def test_down_leaves_no_process_and_keeps_the_data(lab: Lab, kubectl: Kubectl) -> None:
    identity = kubectl.identity()
    lab.down()
    assert list(marked(lab.settings.directory)) == []
    lab.down()
    lab.up()
    assert kubectl.identity() == identity
    lab.down()
    assert list(marked(lab.settings.directory)) == []
