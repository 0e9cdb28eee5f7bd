# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How clusters pull: each kind of credential, from one to the next; and those that can't work, before any write."""

from __future__ import annotations

import base64
import http.server
import json
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.integration.clusters import Cluster
from tests.integration.conftest import Grounds
from tests.integration.project import STAGING, Outcome, Project, eventually, new_key
from tests.lab import Lab

PASSPHRASE = "canary pass phrase"


class Story:
    """One cluster, whose pull credential changes from test to test."""

    def __init__(self, grounds: Grounds) -> None:
        self.project: Project = grounds.fleet()
        self.cluster: Cluster = grounds.clusters[STAGING]
        self.lab = grounds.lab

    def run(self, *arguments: str, **variables: Any) -> Outcome:
        """A run for this one cluster."""
        return self.project.run("--limit", STAGING, *arguments, **variables)

    def credential(self, *arguments: str, **credential: str) -> Outcome:
        """A run with this pull credential, which stays."""
        self.project.variables["fleet_cluster_credential"] = credential
        return self.run(*arguments)

    def refused(self, *says: str, **variables: Any) -> None:
        """A run that must write nothing, and say this."""
        commits, writes = self.project.commits(), self.cluster.writes()
        # Without something to write, nothing would be missed.
        run = self.run("--diff", **{"fleet_substitutions": {"purpose": "never written"}, **variables})
        assert run.code != 0
        for words in says:
            assert words in run.words, run.output
        assert "canary" not in run.output
        assert self.project.commits() == commits
        assert self.cluster.writes() == writes

    def pulls(self) -> None:
        """Flux fetches what only the credential of now can have fetched."""
        self.project.edit("infrastructure/base/note", str(self.project.commits()))
        asked = {"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": self.project.commits()[0]}}}
        place = ["-n", "flux-system", "--field-manager=flux", "flux-system", "--type=merge", "-p", json.dumps(asked)]
        self.cluster.kubectl("patch", "gitrepository", *place)
        head = self.project.commits()[0]
        eventually(lambda: self._revision().endswith(head), f"{STAGING} has fetched {head}")

    def _revision(self) -> str:
        return str(self.cluster.flux("gitrepository")["status"]["artifact"]["revision"])


@pytest.fixture(scope="module")
def story(grounds: Grounds) -> Iterator[Story]:
    yield Story(grounds)
    grounds.forget()


def encrypted_key(path: Path) -> tuple[str, str]:
    """A key that wants a passphrase: its public line, its private text."""
    path.parent.mkdir(exist_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", PASSPHRASE, "-f", str(path)], check=True)
    return path.with_suffix(".pub").read_text(), path.read_text()


def register(story: Story, public: str, *, read_only: bool) -> None:
    """Let a key in, as a person does it."""
    full = story.lab.forge._full(story.project.repository)
    body = {"title": f"by hand {public[-12:].strip()}", "key": public, "read_only": read_only}
    story.lab.forge.call("POST", f"/repos/{full}/keys", json=body)


def test_flux_of_another_installer_is_refused(story: Story) -> None:
    label = ["label", "-n", "flux-system", "deployment/source-controller", "--field-manager=helm"]
    story.cluster.kubectl(*label, "app.kubernetes.io/managed-by=Helm")
    try:
        story.refused(f"{STAGING}: the manager of Flux is 'Helm'", "have it let go of Flux first")
    finally:
        story.cluster.kubectl(*label, "app.kubernetes.io/managed-by-")
        # The label is gone, its manager's entry with it.
    assert not story.cluster.flux("deployment", "source-controller")["metadata"]["labels"].get(
        "app.kubernetes.io/managed-by"
    )


def test_missing_rights_are_said(story: Story) -> None:
    auth = {"kubeconfig": str(story.lab.kubeconfig), "context": STAGING, "impersonate_user": "somebody"}
    story.refused("these credentials can't administer the cluster", fleet_cluster_auth=auth)


def test_key_that_may_not_pull_is_refused(story: Story) -> None:
    _public, private = new_key(story.project.folder / "given" / "unknown")
    credential = {"kind": "private_key", "private_key": private}
    story.refused(
        f"{STAGING}: fleet_cluster_credential is 'private_key': clusters could not pull by this credential",
        "Permission denied",
        fleet_cluster_credential=credential,
    )


def test_encrypted_key_without_its_passphrase_is_refused(story: Story) -> None:
    _public, private = encrypted_key(story.project.folder / "given" / "lonely")
    story.refused(
        "fleet_cluster_credential.private_key: the key is encrypted",
        fleet_cluster_credential={"kind": "private_key", "private_key": private},
    )
    story.refused("private_key: is encrypted: give its passphrase too", fleet_repository_private_key=private)


def test_given_key_with_passphrase_pulls_and_another_one_pushes(story: Story) -> None:
    public, private = encrypted_key(story.project.folder / "given" / "pull")
    register(story, public, read_only=True)
    writing, pushes = encrypted_key(story.project.folder / "given" / "push")
    register(story, writing, read_only=False)
    story.project.variables |= {
        "fleet_repository_private_key": pushes,
        "fleet_repository_passphrase": PASSPHRASE,
        "fleet_substitutions": {"pushed": "by an encrypted key"},
    }
    credential = {"kind": "private_key", "private_key": private, "passphrase": PASSPHRASE}
    commits = story.project.commits()
    run = story.credential("--diff", **credential)
    assert run.code == 0, run.output
    assert PASSPHRASE not in run.output
    assert len(story.project.commits()) == len(commits) + 1
    data = story.cluster.secret("flux-system")
    assert sorted(data) == ["identity", "known_hosts", "password"]
    story.pulls()
    assert story.run().changed == {STAGING: 0}


def test_token_that_may_not_pull_is_refused(story: Story) -> None:
    story.refused(
        f"{STAGING}: fleet_cluster_credential is 'token': clusters could not pull by this credential",
        fleet_repository_url=story.lab.forge.urls(story.project.repository)["https_url"],
        fleet_repository_ca_cert="{{ lab_forge_ca }}",
        fleet_repository_token=story.lab.forge.facts["token"],
        fleet_repository_username=story.lab.forge.facts["user"],
        fleet_cluster_credential={"kind": "token", "token": "canary-token"},
        fleet_allow=["move_sync"],
    )


def test_switch_to_a_token_leaves_nothing_of_the_key(story: Story) -> None:
    facts = story.lab.forge.facts
    story.project.variables |= {
        "fleet_repository_url": story.lab.forge.urls(story.project.repository)["https_url"],
        "fleet_repository_ca_cert": "{{ lab_forge_ca }}",
        "fleet_repository_token": facts["token"],
        "fleet_repository_username": facts["user"],
        "fleet_allow": ["move_sync"],
    }
    token = story.lab.forge.create_token(facts["user"], ["read:repository"])
    run = story.credential(kind="token", username=facts["user"], token=token)
    assert run.code == 0, run.output
    assert sorted(story.cluster.secret("flux-system")) == ["ca.crt", "password", "username"]
    assert token not in run.output
    story.pulls()


def test_bearer_token_is_put_in_place_and_renewed(story: Story) -> None:
    for _time in range(2):
        token = story.lab.forge.create_token(story.lab.forge.facts["user"], ["read:repository"])
        run = story.credential(kind="bearer_token", token=token)
        assert run.code == 0, run.output
        data = story.cluster.secret("flux-system")
        assert sorted(data) == ["bearerToken", "ca.crt"]
        assert data["bearerToken"] == token
        story.pulls()
    assert story.run().changed == {STAGING: 0}


class GitHubApp:
    """An app's API as GitHub has it, of a single question: an installation's token, which here is one of the lab's
    forge. Only who signs by the app's key, with its number and a time of now, gets it."""

    def __init__(self, lab: Lab, token: str) -> None:
        self.key, self.asked = rsa.generate_private_key(65537, 2048), list[str]()
        known = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                signed = self.headers["Authorization"].removeprefix("Bearer ")
                known.asked.append(self.path)
                self.send_response(201 if known.is_ours(signed) else 401)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps({"token": token, "expires_at": "2099-01-01T00:00:00Z"}).encode())

            def log_message(self, *_unused: Any) -> None:
                """Says nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*(lab.settings.certificates / name for name in ("server.crt", "server.key")))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def pem(self) -> str:
        """The app's key as GitHub hands it out."""
        form = serialization.PrivateFormat.TraditionalOpenSSL
        return self.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()

    def is_ours(self, signed: str) -> bool:
        """Whether a JSON Web Token (RFC 7519, RS256) says app 7, is in time, and is signed by the app's key."""
        text, _dot, signature = signed.rpartition(".")
        told = json.loads(_base64url(text.split(".")[1]))
        self.key.public_key().verify(_base64url(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return bool(told["iss"] == "7" and told["iat"] <= time.time() < told["exp"])

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


def _base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_github_app_pulls_by_tokens_of_its_installation(story: Story) -> None:
    token = story.lab.forge.create_token(story.lab.forge.facts["user"], ["read:repository"])
    app = GitHubApp(story.lab, token)
    try:
        key = {"kind": "github_app", "app_id": "7", "private_key": app.pem(), "base_url": app.url}
        run = story.credential("--diff", **key, installation_id="11")
        assert run.code == 0, run.output
        assert "PRIVATE KEY" not in run.output
        fields = ["ca.crt", "githubAppBaseURL", "githubAppID", "githubAppInstallationID", "githubAppPrivateKey"]
        assert sorted(story.cluster.secret("flux-system")) == fields
        assert story.cluster.flux("gitrepository")["spec"]["provider"] == "github"
        story.pulls()
        assert app.asked
        assert {path.removeprefix("/api/v3") for path in app.asked} == {"/app/installations/11/access_tokens"}
        assert story.run().changed == {STAGING: 0}
    finally:
        app.close()
