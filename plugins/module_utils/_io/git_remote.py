# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""How a run reaches one branch of one repository, and the configuration of git and ssh that follows from it.

Secrets reach git and ssh as memory files: they are never on a disk, in argv, in a URL, or in an environment.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import known_hosts, secret
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_faults import scrub
from ansible_collections.fluxops.fleet.plugins.module_utils._io.memory import answering, memory_text

BRANCH_HINT = "give a branch's plain name, for example main"
_SCP_LIKE = re.compile(r"(?:[\w.+~-]+@)?(?!-)(?:[\w.-]+|\[[0-9A-Fa-f:.]+\]):(?!//|:)\S+")
_KEPT_VARIABLES = ("GIT_SSL_CAINFO", "GIT_SSL_CAPATH")  # corporate trust, unless a CA is given
_FOREIGN_VARIABLES = ("SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "XDG_CONFIG_HOME")


@dataclass(frozen=True)
class Remote:
    """How a run reaches one branch of one repository. Texts, not file names.

    ``url`` is ssh://, https:// or git@host:path; ``known_hosts`` are pinned host keys, and
    beside those that a big forge publishes of itself the only ones trusted.
    """

    url: str
    branch: str
    private_key: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)
    known_hosts: str | None = field(default=None, repr=False)
    username: str | None = None
    token: str | None = field(default=None, repr=False)
    bearer_token: str | None = field(default=None, repr=False)
    ca_cert: str | None = field(default=None, repr=False)
    protocols: tuple[str, ...] = ("ssh", "https")

    @classmethod
    def from_params(cls, repository: Mapping[str, Any]) -> Remote:
        """The remote of a noun's parameter ``repository``, which holds more than how it is reached."""
        return cls(**{one.name: repository[one.name] for one in fields(cls) if one.name in repository})

    @property
    def name(self) -> str:
        """The URL as people may see it."""
        return scrub(self.url, self.secrets)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be seen nowhere."""
        given = [one for one in (self.token, self.bearer_token, self.passphrase) if one]
        return tuple(form for one in given for form in (one, quote(one, safe="")))

    @property
    def _lines(self) -> dict[str, str | None]:
        """What must stand on one line."""
        return {
            "username": self.username,
            "token": self.token,
            "bearer_token": self.bearer_token,
            "passphrase": self.passphrase,
        }

    def check(self) -> None:
        """Raises InvalidInput with every problem of this remote."""
        found = [("url", self.name, hint) for hint in _url_problems(self)]
        if self.branch.startswith(("-", "refs/")) or self.branch in {"", "HEAD"}:
            found.append(("branch", self.branch, BRANCH_HINT))
        found += [
            (key, "", "must not contain line breaks")
            for key, value in self._lines.items()
            if value and re.search(r"[\r\n\0]", value)
        ]
        if self.private_key and secret.is_encrypted(self.private_key) and not self.passphrase:
            found.append(("private_key", "", "is encrypted: give its passphrase too, or a key without"))
        if found:
            raise InvalidInput(problems=[Problem("repository", key, value, hint) for key, value, hint in found])


def _url_problems(remote: Remote) -> Iterator[str]:
    allowed = ", ".join(f"{name}://" for name in remote.protocols)
    if re.search(r'[\s\x00-\x1f\x7f"\\]', remote.url):
        yield "must not contain blanks, control characters, quotes or backslashes"
    elif "://" not in remote.url:
        if not ("ssh" in remote.protocols and _SCP_LIKE.fullmatch(remote.url)):
            yield f"give {allowed}, or git@host:path"
    else:
        parts = urlsplit(remote.url)
        if parts.scheme not in remote.protocols:
            yield f"give {allowed}, or git@host:path"
        elif ":" in parts.netloc.rpartition("@")[0] or ("@" in parts.netloc and parts.scheme != "ssh"):
            yield "must not hold credentials: give username and token beside it"


@contextlib.contextmanager
def git_environment(
    remote: Remote, author: Mapping[str, Mapping[str, str]], base: Mapping[str, str], home: Path
) -> Iterator[dict[str, str]]:
    """The environment that makes git reach this remote and nothing else, in the author's name (configuration of git).

    From ``base`` git's own variables are left out; what networks need (proxies, PATH, the agent) stays.
    """
    with contextlib.ExitStack() as stack:
        certificates = memory_text(stack, remote.ca_cert) if remote.ca_cert else None
        variables = {
            name: value
            for name, value in base.items()
            if name not in _FOREIGN_VARIABLES and (not name.startswith("GIT_") or name in _KEPT_VARIABLES)
        }
        variables |= {
            "GIT_CONFIG_GLOBAL": memory_text(stack, _configuration(stack, remote, author)),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",
            "HOME": str(home),  # libcurl would take credentials from ~/.netrc
            "LC_ALL": "C",
        }
        if remote.private_key and remote.passphrase:
            variables |= {"SSH_ASKPASS": answering(stack, remote.passphrase), "SSH_ASKPASS_REQUIRE": "force"}
        if certificates:
            variables["GIT_SSL_CAINFO"] = certificates  # a variable, since one that is set wins over http.sslCAInfo
        yield variables


def opens(remote: Remote, environment: Mapping[str, str]) -> bool:
    """Whether the passphrase opens the private key, as far as can be told; ``environment``: of ``git_environment``."""
    if not (remote.private_key and remote.passphrase and secret.is_encrypted(remote.private_key)):
        return True
    with contextlib.ExitStack() as stack:
        command = ["ssh-keygen", "-y", "-f", memory_text(stack, remote.private_key)]
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            tried = subprocess.run(  # pylint: disable=ansible-bad-function  # not a module: there is no run_command here
                command,
                check=False,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=dict(environment),
                start_new_session=True,
                timeout=60.0,
            )
            return b"incorrect passphrase" not in tried.stderr
    return True


def _configuration(stack: contextlib.ExitStack, remote: Remote, author: Mapping[str, Mapping[str, str]]) -> str:
    """All of git's configuration for this remote, as text; it is read instead of the user's and the system's."""
    lines = [
        _section("core", hooksPath="/dev/null", askPass="", fsmonitor="false"),
        _section("init", defaultBranch="main"),
        _section("gc", auto="0"),
        _section("maintenance", auto="false"),
        _section("push", recurseSubmodules="no", gpgSign="false"),
        _section("fetch", recurseSubmodules="no"),
        _section("protocol", allow="never", version="2"),
        *(_section(f'protocol "{name}"', allow="always") for name in remote.protocols),
        _section('remote "origin"', url=remote.url),
        _section("http", followRedirects="initial", sslVerify="true", lowSpeedLimit="1", lowSpeedTime="60"),
        _section("core", sshCommand=f"ssh -F {memory_text(stack, _ssh_configuration(stack, remote))}"),
        _section("ssh", variant="ssh"),
        *(_section(name, **values) for name, values in author.items()),
    ]
    parts = urlsplit(remote.url)
    if remote.bearer_token and remote.url.startswith("http"):
        header = f"Authorization: Bearer {remote.bearer_token}"
        lines.append(_section(f'http "{parts.scheme}://{parts.netloc}/"', extraHeader=header))  # for this host alone
    if remote.token and remote.url.startswith("http"):
        login = f"username={remote.username or 'git'}\npassword={remote.token}\n"
        helper = f'!login() {{ test "$1" != get || cat {memory_text(stack, login)}; }}; login'
        lines.append(_section(f'credential "{parts.scheme}://{parts.netloc}"', helper=helper))  # for this host alone
    return "".join(lines)


def _section(section: str, /, **values: str) -> str:
    escaped = {key: value.replace("\\", "\\\\").replace('"', '\\"') for key, value in values.items()}
    return f"[{section}]\n" + "".join(f'\t{key} = "{value}"\n' for key, value in escaped.items())


def _ssh_configuration(stack: contextlib.ExitStack, remote: Remote) -> str:
    """ssh_config(5) that is read instead of the user's and the system's. With a key given no other one is tried."""
    pinned = known_hosts.trusted(remote.known_hosts, remote.url)
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": memory_text(stack, pinned) if pinned else "/dev/null",
        "GlobalKnownHostsFile": "/dev/null",
        "UpdateHostKeys": "no",
        "VerifyHostKeyDNS": "no",
        "ConnectTimeout": "20",
        "ServerAliveInterval": "15",
        "ServerAliveCountMax": "4",
        "ClearAllForwardings": "yes",
        "LogLevel": "ERROR",
    }
    if remote.private_key:
        options |= {
            "IdentityFile": memory_text(stack, remote.private_key),
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "PreferredAuthentications": "publickey",
        }
    if remote.private_key and remote.passphrase:  # asked for once, of our own program; host keys are never asked about
        options |= {"BatchMode": "no", "NumberOfPasswordPrompts": "1"}
    return "".join(f"{name} {value}\n" for name, value in options.items())
