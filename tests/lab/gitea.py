# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's Git forge: how Gitea is set up and run."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import subprocess
from typing import Any

from . import certificates
from .forge import Forge
from .processes import MARKER, PART_MARKER, kill_marked
from .settings import SOURCES, LabError, Settings, write
from .supervision import Program

ADMINISTRATOR = "fleet-admin"
SSH_USER = "git"
# Commands of the set-up, which a killed `up` may leave running.
_PART = "_setup"
REPOSITORY = "fleet"
_KEY = "ed25519"
_INI = SOURCES / "gitea.ini"
# Gitea's own styles are built with node, from sources; without them its pages need a little to be readable.
_STYLE = """\
<style>
body { font-family: sans-serif; line-height: 1.5; margin: 1rem auto; max-width: 64rem; padding: 0 1rem }
svg, img { height: 1rem; width: auto } table { border-collapse: collapse } td, th { padding: 0.2rem 0.6rem }
.tippy-target, .modal, .tw-hidden { display: none }
</style>
"""


class Gitea:
    """Sets the forge up and says how to run it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.forge
        self.ini = settings.forge / "app.ini"
        ports = settings.state["ports"]
        self.port, self.ssh_port = ports["forge"], ports["forge-ssh"]
        self.url = f"https://127.0.0.1:{self.port}"

    def program(self) -> Program:
        """The server's process."""
        command = [str(self.settings.bin / "gitea"), "web", "--config", str(self.ini)]
        # A changed configuration is a changed program, which the supervisor then restarts.
        digest = hashlib.sha256(self.ini.read_bytes()).hexdigest()
        return Program("gitea", command, {"CONFIGURATION": digest}, directory=self.folder, priority=200)

    def is_prepared(self) -> bool:
        """Whether there is a database with an administrator."""
        return (self.folder / "administrator.json").exists()

    def prepare(self) -> None:
        """Make the database and the administrator."""
        self.configure()
        self._make_administrator()

    def configure(self) -> None:
        """Write the configuration, and the keys where they are missing."""
        host_keys = certificates.make_ssh_keys(self.folder / "host-keys")
        certificates.make_ssh_keys(self.folder / "administrator-keys", [_KEY])
        lines = [f"[127.0.0.1]:{self.ssh_port} {line}\n" for line in host_keys.values()]
        write(self.folder / "known_hosts", "".join(lines))
        paths = ",".join(str(self.folder / "host-keys" / kind) for kind in host_keys)
        static = self.settings.share / "gitea"
        ours = (static / "templates").is_dir()
        if ours:
            write(self.folder / "custom" / "templates" / "custom" / "header.tmpl", _STYLE)
        write(
            self.ini,
            _INI.read_text().format(
                root=str(os.geteuid() == 0).lower(),
                folder=self.folder,
                port=self.port,
                url=self.url,
                certificates=self.settings.certificates,
                ssh_user=SSH_USER,
                ssh_port=self.ssh_port,
                # Our own build has no files inside; one that a distribution ships has.
                static=f"STATIC_ROOT_PATH = {static}\n" if ours else "",
                host_keys=paths,
                **self._secrets(),
            ),
            0o600,
        )

    def is_ready(self) -> bool:
        """Whether the forge answers and knows the administrator."""
        try:
            return bool(self.client().call("GET", "/user")["is_admin"])
        except (OSError, LabError):
            return False

    def client(self) -> Forge:
        """The forge's API as its administrator."""
        return Forge(self.describe())

    def describe(self) -> dict[str, Any]:
        """What lab.json says of the forge."""
        access = json.loads((self.folder / "administrator.json").read_text())
        return {
            "kind": "gitea",
            "url": self.url,
            "web": f"{self.url}/",
            "user": ADMINISTRATOR,
            "password": access["password"],
            "token": access["token"],
            "ssh_host": "127.0.0.1",
            "ssh_port": self.ssh_port,
            "ssh_user": SSH_USER,
            "private_key": str(self.folder / "administrator-keys" / _KEY),
            "known_hosts": (self.folder / "known_hosts").read_text(),
            "ca_cert": str(self.settings.certificates / "ca.crt"),
        }

    def _secrets(self) -> dict[str, str]:
        path = self.folder / "secrets.json"
        if not path.exists():
            names = ("secret_key", "internal_token", "jwt_secret")
            write(path, json.dumps({name: secrets.token_urlsafe(32) for name in names}), 0o600)
        return dict(json.loads(path.read_text()))

    def _make_administrator(self) -> None:
        kill_marked(self.settings.directory, _PART)
        self._run("migrate")
        if ADMINISTRATOR not in self._run("admin", "user", "list"):
            self._run(
                "admin",
                "user",
                "create",
                "--admin",
                "--username",
                ADMINISTRATOR,
                "--random-password",
                "--must-change-password=false",
                "--email",
                f"{ADMINISTRATOR}@lab.invalid",
            )
        # A name of its own each time: one that a killed run has made is of no use, since only its hash is kept.
        said = self._run(
            "admin",
            "user",
            "generate-access-token",
            "--username",
            ADMINISTRATOR,
            "--raw",
            "--token-name",
            f"lab-{secrets.token_hex(4)}",
            "--scopes",
            "all",
        )
        # Gitea logs to the same output, at times after the token.
        token = re.findall(r"(?m)^[0-9a-f]{40}$", said)[-1]
        # The password is set over the API once the server runs (a command would show it in its arguments).
        write(
            self.folder / "administrator.json",
            json.dumps({"token": token, "password": secrets.token_urlsafe(18), "pending": True}),
            0o600,
        )

    def finish(self) -> None:
        """Give the administrator the password and key that lab.json names, and an empty repository to start with."""
        path = self.folder / "administrator.json"
        access = json.loads(path.read_text())
        if access.pop("pending", False):
            client = self.client()
            client.set_password(ADMINISTRATOR, access["password"])
            public = (self.folder / "administrator-keys" / f"{_KEY}.pub").read_text()
            known = {key["title"] for key in client.call("GET", "/user/keys")}
            if "lab" not in known:
                client.call("POST", "/user/keys", json={"title": "lab", "key": public})
            if client.call("GET", f"/repos/{ADMINISTRATOR}/{REPOSITORY}", missing=None) is None:
                client.create_repository(REPOSITORY)
            write(path, json.dumps(access), 0o600)

    def _run(self, *arguments: str) -> str:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.settings.directory / "home"),
            MARKER: str(self.settings.directory),
            PART_MARKER: _PART,
        }
        command = [str(self.settings.bin / "gitea"), "--config", str(self.ini), *arguments]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, check=False, text=True)
        if done.returncode:
            said = (done.stderr or done.stdout).strip()[-800:]
            raise LabError(f"gitea {' '.join(arguments[:3])} failed with {done.returncode}: {said}")
        return done.stdout
