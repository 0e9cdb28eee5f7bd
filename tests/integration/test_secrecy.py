# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets are seen nowhere: not in what runs say, not in what they leave, not in the arguments of their processes.

One cluster is reached in-process, the other over the module, as behind a bastion. First HTTPS with tokens, then SSH.
"""

from __future__ import annotations

import contextlib
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.conftest import Grounds
from tests.integration.project import CLUSTERS, PRODUCTION, STAGING, Outcome, forms, new_key
from tests.integration.teams import Teams

LOUD = ("-vvvvv", "--diff")
BASTION = {"ansible_connection": "bastion", "ansible_python_interpreter": sys.executable, "ansible_pipelining": True}


class Watch:
    """The arguments of all processes of this machine, for as long as it is entered."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        # A process is read for its first second, in which it may turn into another program.
        first: dict[str, float] = {}
        while not self._over.wait(0.005):
            now = time.monotonic()
            names = (path.name for path in Path("/proc").iterdir())
            first = {name: first.get(name, now) for name in names if name.isdigit()}
            for pid in (pid for pid, since in first.items() if now - since < 1):
                with contextlib.suppress(OSError):
                    self.seen.add(Path("/proc", pid, "cmdline").read_bytes())


class Setting:
    """A project in which every secret is known."""

    def __init__(self, grounds: Grounds) -> None:
        self.grounds, self.lab = grounds, grounds.lab
        self.project = grounds.clean()
        self.needles: set[str] = set()
        user = self.lab.forge.facts["user"]
        self.tokens = {
            name: self.lab.forge.create_token(user, scopes)
            for name, scopes in (("forge", ["all"]), ("push", ["write:repository"]), ("pull", ["read:repository"]))
        }
        nonce = secrets.token_hex(8)
        self.plain = f"c@nary/{nonce} +ö&=%\nsecond line {nonce}\n"
        config = self.lab.kubeconfig.read_text()
        for entry in yaml.safe_load(config)["users"]:
            self.learn(entry["user"]["client-key-data"])
        self.learn((self.lab.settings.certificates / "admin.key").read_text(), self.plain, *self.tokens.values())
        self.project.hosts = {
            STAGING: {"fleet_cluster_auth": {"kubeconfig": yaml.safe_load(config), "context": STAGING}},
            PRODUCTION: {"fleet_cluster_auth": {"kubeconfig": config, "context": PRODUCTION}, **BASTION},
        }
        self.project.variables |= {
            "fleet_repository_url": self.lab.forge.urls(self.project.repository)["https_url"],
            "fleet_repository_private_key": "",
            "fleet_repository_token": self.tokens["push"],
            "fleet_repository_ca_cert": Path(self.lab.forge.facts["ca_cert"]).read_text(),
            "fleet_forge_token": self.tokens["forge"],
            "fleet_cluster_credential": {"kind": "token", "username": user, "token": self.tokens["pull"]},
            "fleet_secrets": [{"name": "canary", "namespace": "vault", "data": {"plain": self.plain}}],
        }
        self.project.environment = {"ANSIBLE_LOG_PATH": str(self.project.folder / "work" / "ansible.log")}

    def learn(self, *values: str) -> None:
        """More that must not be seen."""
        self.needles |= set().union(*map(forms, values))

    def run(self, *arguments: str, **given: Any) -> Outcome:
        """A run as loud as can be, after which nothing was seen anywhere."""
        started = time.time()
        with Watch() as watch:
            outcome = self.project.run(*LOUD, *arguments, **given)
        assert any(b"ansible-playbook" in line for line in watch.seen)
        self.assert_unseen("output", [outcome.output])
        self.assert_unseen("arguments", (line.decode("utf-8", "replace") for line in watch.seen))
        assert self.project.traces(self.needles) == []
        for path in fresh_files(started):
            with contextlib.suppress(OSError):
                self.assert_unseen(str(path), [path.read_text(errors="replace")])
        return outcome

    def assert_unseen(self, where: str, texts: Iterable[str]) -> None:
        for text in texts:
            for needle in self.needles:
                at = text.find(needle)
                assert at < 0, f"{where} shows {needle}: …{text[max(0, at - 300) : at + 60]}"


def fresh_files(since: float) -> Iterator[Path]:
    """Files in the folders for temporary files that were written lately."""
    for folder in {tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm"}:
        for pattern in ("*", "*/*"):
            for path in Path(folder).glob(pattern):
                with contextlib.suppress(OSError):
                    status = path.lstat()
                    if path.is_file() and status.st_mtime >= since and status.st_size < 2**22:
                        yield path


@pytest.fixture(scope="module")
def setting(grounds: Grounds) -> Iterator[Setting]:
    made = Setting(grounds)
    yield made
    grounds.forget()


@pytest.fixture
def own_key(setting: Setting) -> Iterator[str]:
    """A private key that may push, and only for as long as the test takes."""
    public, private = new_key(setting.project.folder / "given" / "push")
    setting.learn(private)
    forge = setting.lab.forge
    made = forge.call("POST", "/user/keys", json={"title": secrets.token_hex(6), "key": public})
    yield private
    forge.call("DELETE", f"/user/keys/{made['id']}")


def over_the_module(outcome: Outcome) -> bool:
    """Whether the noun ran as a module on production-1, and on staging-1 did not."""
    return f"<{PRODUCTION}> EXEC" in outcome.output and f"<{STAGING}> EXEC" not in outcome.output


def test_plan_shows_no_secret(setting: Setting) -> None:
    run = setting.run("--check")
    assert run.code == 0, run.output
    assert over_the_module(run)
    assert setting.project.commits() == []


def test_bootstrap_over_https_shows_no_secret(setting: Setting) -> None:
    run = setting.run()
    assert run.code == 0, run.output
    assert over_the_module(run)
    assert len(setting.project.commits()) == 1
    assert {name: row["ready"] for name, row in run.rows.items()} == dict.fromkeys(CLUSTERS, True)
    assert "Secret vault/canary (new)" in run.headers
    for cluster in setting.grounds.clusters.values():
        assert cluster.secret("canary", "vault") == {"plain": setting.plain}
        assert cluster.secret("flux-system")["password"] == setting.tokens["pull"]
    assert setting.project.key_titles() == []


def test_second_run_over_the_module_does_nothing(setting: Setting) -> None:
    commits = setting.project.commits()
    for arguments in ((), ("--check",)):
        run = setting.project.run(*arguments)
        assert run.code == 0, run.output
        assert run.changed == dict.fromkeys(CLUSTERS, 0)
    assert setting.project.commits() == commits


def test_status_over_the_module_shows_no_secret(setting: Setting) -> None:
    run = setting.run(playbook="status")
    assert run.code == 0, run.output
    assert over_the_module(run)


def test_bastion_without_pipelining_is_refused(setting: Setting) -> None:
    before = setting.grounds.clusters[PRODUCTION].writes()
    hosts = {PRODUCTION: {"ansible_pipelining": False}}
    run = setting.run("--limit", PRODUCTION, hosts=hosts)
    assert run.code != 0
    assert "needs pipelining: set ansible_pipelining: true" in run.words
    assert f"<{PRODUCTION}> EXEC" not in run.output
    assert setting.grounds.clusters[PRODUCTION].writes() == before


def test_wrong_push_token_is_not_shown(setting: Setting) -> None:
    wrong = f"canary-wrong-{secrets.token_hex(8)}"
    setting.learn(wrong)
    run = setting.run(fleet_repository_token=wrong, fleet_substitutions={"purpose": "never written"})
    assert run.code != 0
    assert "the server refuses the token or the user name" in run.words


def test_wrong_cluster_credentials_are_not_shown(setting: Setting) -> None:
    wrong = f"canary-wrong-{secrets.token_hex(8)}"
    setting.learn(wrong)
    config = yaml.safe_load(setting.lab.kubeconfig.read_text())
    servers = {one["name"]: one["cluster"]["server"] for one in config["clusters"]}
    authority = str(setting.lab.settings.certificates / "ca.crt")
    hosts = {
        name: {"fleet_cluster_auth": {"host": servers[name], "ca_cert": authority, "api_key": wrong}}
        for name in CLUSTERS
    }
    run = setting.run(hosts=hosts)
    assert run.code != 0
    for name in CLUSTERS:
        assert "401" in run.failure(name)


def test_broken_input_is_not_shown(setting: Setting) -> None:
    broken = f"canary-broken-{secrets.token_hex(8)}"
    setting.learn(broken)
    given = [{"name": "canary", "data": [broken]}, {"name": "other", "value": broken}]
    config = f"apiVersion: v1\nusers: [{{name: x, user: {{token: {broken}}}\nclusters: {{"
    hosts = {name: {"fleet_cluster_auth": {"kubeconfig": config}} for name in CLUSTERS}
    assert setting.run(hosts=hosts).code != 0
    assert setting.run(fleet_secrets=given).code != 0
    assert setting.run(fleet_cluster_credential={"kind": "tokens", "token": broken}).code != 0
    assert setting.run(fleet_forge={"kind": "none", "url": "https://127.0.0.1"}, fleet_forge_token=broken).code != 0


def test_move_to_ssh_shows_no_secret(setting: Setting, own_key: str) -> None:
    public, private = new_key(setting.project.folder / "given" / "pull")
    setting.learn(private)
    forge = setting.lab.forge
    path = f"/repos/{forge.facts['user']}/{setting.project.repository}/keys"
    forge.call("POST", path, json={"title": "given by hand", "key": public, "read_only": True})
    setting.project.variables |= {
        "fleet_repository_url": forge.urls(setting.project.repository)["ssh_url"],
        "fleet_repository_token": "",
        "fleet_repository_private_key": own_key,
        "fleet_cluster_credential": {"kind": "private_key", "private_key": private},
    }
    run = setting.run(fleet_allow=["move_sync"])
    assert run.code == 0, run.output
    assert over_the_module(run)
    for cluster in setting.grounds.clusters.values():
        assert cluster.secret("flux-system")["identity"].strip() == private.strip()
        assert cluster.flux("gitrepository")["spec"]["url"].startswith("ssh://")


def test_wrong_forge_token_and_key_are_not_shown(setting: Setting, own_key: str) -> None:
    token = f"canary-wrong-{secrets.token_hex(8)}"
    _public, stranger = new_key(setting.project.folder / "given" / "stranger")
    setting.learn(token, stranger)
    given = {"fleet_repository_private_key": own_key, "fleet_substitutions": {"purpose": "never written"}}
    run = setting.run(**{**given, "fleet_forge_token": token})
    assert run.code != 0
    assert "renew it" in run.words
    run = setting.run(**{**given, "fleet_repository_private_key": stranger})
    assert run.code != 0
    assert "the server refuses the SSH key" in run.words
    assert setting.run(**{**given, "fleet_repository_private_key": stranger[:120]}).code != 0


def test_generated_key_is_not_shown(setting: Setting, own_key: str) -> None:
    setting.project.variables |= {"fleet_repository_private_key": own_key, "fleet_cluster_credential": {}}
    for cluster in setting.grounds.clusters.values():
        cluster.kubectl("delete", "secret", "-n", "flux-system", "flux-system")
    run = setting.run()
    assert run.code == 0, run.output
    for cluster in setting.grounds.clusters.values():
        setting.learn(cluster.secret("flux-system")["identity"])
    setting.assert_unseen("output", [run.output])
    assert setting.project.traces(setting.needles) == []
    assert setting.run("--check").changed == dict.fromkeys(CLUSTERS, 0)
    key = Path(setting.lab.facts["forge"]["private_key"]).read_text()
    setting.project.variables["fleet_repository_private_key"] = key


def test_a_tenant_comes_and_leaves_unseen(setting: Setting, teams: Teams) -> None:
    """Over the module as well: its keys are made behind the bastion."""
    facts = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "facts", "namespace": "default"}}
    component = {"facts": {"layer": "configs", "manifests": [facts]}}
    infrastructure = setting.run(playbook="infrastructure", fleet_components=component)
    assert infrastructure.code == 0, infrastructure.output
    assert over_the_module(infrastructure)
    request = teams.request("discreet", teams.deployment("web"))
    onboarded = setting.run(playbook="onboard", fleet_requests=teams.write(request))
    assert onboarded.code == 0, onboarded.output
    assert over_the_module(onboarded)
    for cluster in setting.grounds.clusters.values():
        setting.learn(cluster.secret("source-deploy", "discreet")["identity"])
    setting.assert_unseen("output", [onboarded.output])
    assert setting.project.traces(setting.needles) == []
    words = {"fleet_tenant": "discreet", "fleet_allow": ["remove_tenant"]}
    for playbook, given in (("status", {}), ("reconcile", {}), ("offboard", words)):
        run = setting.run(playbook=playbook, **given)
        assert run.code == 0, run.output
        assert over_the_module(run)
    for cluster in setting.grounds.clusters.values():
        assert cluster.get("namespace", "discreet") is None


def test_search_finds_what_is_there(setting: Setting) -> None:
    word = next(iter(setting.needles))
    left = setting.project.folder / "home" / "left-behind"
    left.write_text(f"before {word} after")
    try:
        assert setting.project.traces(setting.needles) == [str(left)]
    finally:
        left.unlink()
    with pytest.raises(AssertionError, match="output shows"):
        setting.assert_unseen("output", [f"before {word} after"])
    word = secrets.token_hex(8)
    with Watch() as watch:
        threading.Event().wait(0.1)
        subprocess.run(["sh", "-c", "sleep 0.5", word], check=True)
    assert any(word.encode() in line for line in watch.seen)
